"""When a line was written, as seconds since the epoch (UTC), whatever its format, zone and clock error.

A stamp that carries its zone is believed. A stamp without one is read in the file's zone: the zone given for the file,
or the zone that two stamps of one line betray (a syslog prefix in local time before `time="...Z"`), or UTC.
`LineClock.assumed` says which.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from netmend.forensics.zones import ABBREVIATIONS

Clock = Callable[[bytes], float | None]

_MONTHS = rb"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_ISO = rb"(\d{4}[-/]\d\d[-/]\d\d)[T ](\d\d:\d\d):(\d\d)(?:[.,](\d{1,9}))?"
_SHIFT = rb"( ?(?:Z|UTC\b|[+-]\d\d:?\d\d(?!\d)))"
ISO = re.compile(_ISO + _SHIFT + rb"?")
ISO_ZONED = re.compile(_ISO + _SHIFT)
ISO_ABBREVIATED = re.compile(_ISO + rb" ([A-Z]{1,5}|[+-]\d\d(?:\d\d)?)(?= )")
"""As `journalctl -o short-full` writes it: `2026-11-20 03:00:14 CET`."""
ISO_SHORT_HOUR = re.compile(rb"(\d{4}-\d\d-\d\d)  (\d:\d\d):(\d\d)()()")
"""As MariaDB writes it before ten o'clock: `2026-11-20  3:00:14`."""
SYSLOG = re.compile(_MONTHS + rb" ([ \d]\d) (\d\d:\d\d):(\d\d)(?:\.(\d{1,9}))?")
CTIME = re.compile(_MONTHS + rb" ([ \d]\d) (\d\d:\d\d):(\d\d)(?:\.(\d{1,9}))? (\d{4})")
KLOG = re.compile(rb"[IWEF](\d{4})?(\d\d)(\d\d) (\d\d:\d\d):(\d\d)\.(\d{1,9})")
ERLANG = re.compile(rb"(\d{1,2})-" + _MONTHS + rb"-(\d{4})::(\d\d:\d\d):(\d\d)")
CLF = re.compile(rb"(\d\d)/" + _MONTHS + rb"/(\d{4}):(\d\d:\d\d):(\d\d)(?:\.\d{1,6})?( [+-]\d{4})?")
AGE = re.compile(rb"(?:^|\s)((?:\d{1,6}[dhms]){1,4})(?=\s)")
AGE_PART = re.compile(rb"(\d+)([dhms])")
_AGE_UNIT = {b"d": 86400, b"h": 3600, b"m": 60, b"s": 1}
HUMAN = re.compile(rb"\[" + _MONTHS + rb"([ \d]\d) (\d\d:\d\d)\]")
BOOT = re.compile(rb"\[ *(\d{1,12})\.(\d{1,9})\]")
_DOCKER_TIME = re.compile(rb'"time" ?: ?"')
_LEADING_EPOCH = re.compile(rb"(\d{9,11}\.\d{1,9}) ")
_MEMBER = rb'"\s{0,3}:\s{0,3}"?(?:(\d{4}[-/]\d\d[-/]\d\d[T ])|(\d[.\d]{8,30}(?:[eE]\+?\d{1,2})?))'
_MONTH = {name: i + 1 for i, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())}

CACHE = 4096
"""Minutes remembered per file; logs are nearly in order, so few are in use at a time."""


class LineClock:
    """Reads the stamps of one file. Each method takes a line and gives seconds since the epoch, or None."""

    def __init__(self, zone: tzinfo | None = None, offset: float = 0.0, modified: float | None = None) -> None:
        self.zone: tzinfo = zone or UTC
        self.offset = offset
        self.given = zone is not None
        self.modified = modified
        self.assumed: set[str] = set()
        self.boot_time: float | None = None
        """Seconds since the epoch that `[0.000000]` of a kernel ring buffer stands for."""
        self._minutes: dict[bytes, float | None] = {}
        self._utc: dict[bytes, float] = {}
        self._here: dict[bytes, float] = {}
        self._syslog: dict[bytes, float] = {}
        self._members: dict[str, Clock] = {}

    def iso(self, line: bytes) -> float | None:
        """The first ISO 8601 stamp, with `T` or a space, `.` or `,` before the fraction, with a zone or without."""
        return self._iso(ISO.search(line))

    def iso_utc(self, line: bytes) -> float | None:
        """As `iso`, faster, for lines that begin with `YYYY-MM-DDTHH:MM:SS.mmm` and Z; to the millisecond."""
        return self._quick(line, self._utc)

    def iso_local(self, line: bytes) -> float | None:
        """As `iso_utc`, for such lines without a zone."""
        return self._quick(line, self._here)

    def best_iso(self, stamp: re.Match[bytes]) -> Clock:
        """The fastest method that reads stamps like this one."""
        if (
            stamp.start() == 0
            and len(stamp[4] or b"") >= 3
            and stamp.string[19:20] == b"."
            and stamp[5] in (None, b"Z")
        ):
            return self.iso_utc if stamp[5] else self.iso_local
        return self.iso

    def _quick(self, line: bytes, minutes: dict[bytes, float]) -> float | None:
        base = minutes.get(line[:17])
        seconds = line[17:23]
        if base is not None and seconds[2:3] == b".":
            try:
                return base + float(seconds)
            except ValueError:
                return self.iso(line)
        when = self.iso(line)
        if when is not None and seconds[:2].isdigit() and seconds[2:3] == b"." and seconds[3:].isdigit():
            if len(minutes) >= CACHE:
                minutes.clear()
            # Whole seconds: the difference would carry rounding into each stamp of the minute.
            start = ISO.match(line)
            if start is not None and (base := self._minutes.get(start[1] + start[2] + (start[5] or b""))) is not None:
                minutes[line[:17]] = base
        return when

    def iso_zoned(self, line: bytes) -> float | None:
        """The first ISO 8601 stamp that says its zone."""
        return self._iso(ISO_ZONED.search(line))

    def iso_abbreviated(self, line: bytes) -> float | None:
        """The first stamp like `2026-11-20 03:00:14 CET`."""
        return self._iso(ISO_ABBREVIATED.search(line))

    def iso_short_hour(self, line: bytes) -> float | None:
        """The first stamp like `2026-11-20  3:00:14`; else as `iso`."""
        return self._iso(ISO_SHORT_HOUR.search(line) or ISO.search(line))

    def docker(self, line: bytes) -> float | None:
        """The `time` of a Docker json-file line: its last member, so that a `time` within the text is not taken."""
        at = line.rfind(b'"time":"')
        if at < 0:
            match = _DOCKER_TIME.search(line)
            if match is None:
                return None
            at = match.start()
        return self._iso(ISO.search(line, at))

    def member(self, name: str) -> Clock:
        """Reads the member `name` of a JSON line: an ISO 8601 text, or a number (or digits) since the epoch."""
        found = self._members.get(name)
        if found is None:
            search = re.compile(b'"' + re.escape(name.encode("utf-8", "replace")) + _MEMBER).search

            def read(line: bytes) -> float | None:
                match = search(line)
                if match is None:
                    return None
                if match[1]:
                    return self._iso(ISO.search(line, match.start(1)))
                when = epoch_seconds(match[2])
                return None if when is None else when + self.offset

            found = self._members[name] = read
        return found

    def microseconds(self, line: bytes) -> float | None:
        """A line made by `journal_export`: `@MICROSECONDS ...`."""
        digits = line[1:18].split(b" ", 1)[0]
        return int(digits) / 1e6 + self.offset if digits.isdigit() else None

    def epoch(self, line: bytes) -> float | None:
        """A line that begins with seconds since the epoch and a fraction."""
        match = _LEADING_EPOCH.match(line)
        return float(match[1]) + self.offset if match else None

    def syslog(self, line: bytes) -> float | None:
        """RFC 3164: month, day and time in local time, no year. The year is the latest that is not after the file's
        last change."""
        start = self._syslog.get(line[:13])
        if start is not None and (seconds := line[13:15]).isdigit() and line[15:16] == b" ":
            return start + int(seconds)
        match = SYSLOG.search(line)
        if match is None:
            return None
        month, day, minute, second, fraction = match.groups()
        base = self._yearless(month + day + minute, _MONTH[month], day, minute)
        if base is not None and match.start() == 0:
            if len(self._syslog) >= CACHE:
                self._syslog.clear()
            self._syslog[line[:13]] = base
        return None if base is None else base + int(second) + _fraction(fraction)

    def klog(self, line: bytes) -> float | None:
        """klog and glog: `E1120 03:00:14.186123` in local time, with a year only in newer glog."""
        match = KLOG.search(line)
        if match is None:
            return None
        year, month, day, minute, second, fraction = match.groups()
        if not 1 <= int(month) <= 12:
            return None
        key = b"k" + (year or b"") + month + day + minute
        if year:
            base = self._dated(key, int(year), int(month), day, minute)
        else:
            base = self._yearless(key, int(month), day, minute)
        return None if base is None else base + int(second) + _fraction(fraction)

    def human(self, line: bytes) -> float | None:
        """`dmesg -H`: `[Nov20 03:00]`, to the minute; its lines between such have no stamp of their own."""
        match = HUMAN.match(line)
        if match is None:
            return None
        month, day, minute = match.groups()
        return self._yearless(b"h" + month + day + minute, _MONTH[month], day, minute)

    def ctime(self, line: bytes) -> float | None:
        """`dmesg -T`, keepalived, Apache: `Mon Nov 23 16:40:01 2026`, with a fraction or without, local time."""
        match = CTIME.search(line)
        if match is None:
            return None
        month, day, minute, second, fraction, year = match.groups()
        base = self._dated(year + month + day + minute, int(year), _MONTH[month], day, minute)
        return None if base is None else base + int(second) + _fraction(fraction)

    def erlang(self, line: bytes) -> float | None:
        """RabbitMQ before 3.7: `21-Mar-2021::14:22:38`, local time."""
        match = ERLANG.search(line)
        if match is None:
            return None
        day, month, year, minute, second = match.groups()
        base = self._dated(year + month + day + minute, int(year), _MONTH[month], day, minute)
        return None if base is None else base + int(second)

    def clf(self, line: bytes) -> float | None:
        """The Common Log Format of web servers: `20/Nov/2026:03:00:14 +0000`; HAProxy's lacks the zone."""
        match = CLF.search(line)
        if match is None:
            return None
        day, month, year, minute, second, zone = match.groups()
        date = b"%s-%02d-%s" % (year, _MONTH[month], day)
        key = date + minute + (zone or b"")
        base = self._minutes.get(key, 0.5)
        if base == 0.5:
            base = self._remember(key, self._minute(date, minute, zone))
        return None if base is None else base + int(second)

    def age(self, line: bytes) -> float | None:
        """An age, as `kubectl get events` prints it (`2m37s`): so long before the file's last change."""
        match = AGE.search(line)
        if match is None or self.modified is None:
            return None
        self.assumed.add("ages are counted from the file's last change")
        return self.modified + self.offset - sum(int(n) * _AGE_UNIT[unit] for n, unit in AGE_PART.findall(match[1]))

    def boot(self, line: bytes) -> float | None:
        """`dmesg` without -T: seconds since boot; needs `boot_time`."""
        match = BOOT.search(line)
        if match is None or self.boot_time is None:
            return None
        return self.boot_time + int(match[1]) + _fraction(match[2])

    def _iso(self, match: re.Match[bytes] | None) -> float | None:
        if match is None:
            return None
        day, minute, second, fraction, zone = match.groups()
        key = day + minute + zone if zone else day + minute
        base = self._minutes.get(key, 0.5)
        if base == 0.5:
            base = self._remember(key, self._minute(day, minute, zone))
        return None if base is None else base + int(second) + _fraction(fraction)

    def _dated(self, key: bytes, year: int, month: int, day: bytes, minute: bytes) -> float | None:
        base = self._minutes.get(key, 0.5)
        if base == 0.5:
            self._assume_zone()
            base = self._remember(key, self._local(year, month, day, minute))
        return base

    def _yearless(self, key: bytes, month: int, day: bytes, minute: bytes) -> float | None:
        base = self._minutes.get(key, 0.5)
        if base == 0.5:
            base = self._remember(key, self._without_year(month, day, minute))
        return base

    def _remember(self, key: bytes, base: float | None) -> float | None:
        if len(self._minutes) >= CACHE:
            self._minutes.clear()
        base = None if base is None else base + self.offset
        self._minutes[key] = base
        return base

    def _minute(self, day: bytes, minute: bytes, zone: bytes | None) -> float | None:
        zone = (zone or b"").strip()
        shift = 0
        if zone[:1] in (b"+", b"-"):
            shift = int(zone[1:3]) * 3600 + (int(zone[-2:]) * 60 if len(zone) > 3 else 0)
            shift = -shift if zone[:1] == b"-" else shift
        elif zone in ABBREVIATIONS:
            shift = ABBREVIATIONS[zone] * 60
        else:
            if zone:
                self.assumed.add(f"{zone.decode('ascii', 'replace')}, which names several zones, is the file's own")
            self._assume_zone()
            return self._local(int(day[:4]), int(day[5:7]), day[8:], minute)
        naive = _naive(int(day[:4]), int(day[5:7]), day[8:], minute)
        return None if naive is None else calendar.timegm(naive.timetuple()) - shift

    def _local(self, year: int, month: int, day: bytes, minute: bytes) -> float | None:
        naive = _naive(year, month, day, minute)
        if naive is None:
            return None
        try:
            return naive.replace(tzinfo=self.zone).timestamp()
        except (OverflowError, ValueError):
            return None

    def _without_year(self, month: int, day: bytes, minute: bytes) -> float | None:
        self._assume_zone()
        limit = self.modified if self.modified is not None else datetime.now(UTC).timestamp()
        year = datetime.fromtimestamp(limit, UTC).year
        self.assumed.add(f"stamps without a year are of the year before the file's last change ({year} or {year - 1})")
        for candidate in (year + 1, year, year - 1, year - 2, year - 3, year - 4):
            base = self._local(candidate, month, day, minute)
            if base is not None and base <= limit + 86400:
                return base
        return None

    def _assume_zone(self) -> None:
        if not self.given:
            self.assumed.add("stamps without a zone are UTC (--tz says otherwise)")


def epoch_seconds(number: bytes) -> float | None:
    """Seconds since the epoch for a number of seconds, milli-, micro- or nanoseconds: its size decides."""
    try:
        value = float(number)
    except ValueError:
        return None
    for unit in (1, 1e3, 1e6, 1e9):
        if value / unit < 1e11:
            return value / unit
    return None


def _naive(year: int, month: int, day: bytes, minute: bytes) -> datetime | None:
    hour, _, rest = minute.partition(b":")
    try:
        return datetime(year, month, int(day), int(hour), int(rest))
    except ValueError:
        return None


def _fraction(digits: bytes | None) -> float:
    return int(digits) / 10 ** len(digits) if digits else 0.0


def inferred_zone(head: bytes) -> tzinfo | None:
    """The zone of local stamps in `head`, where lines carry a second stamp that says its own; None when none do.

    The difference, rounded to a quarter of an hour, must be the same on nine of ten such lines.
    """
    shifts: dict[int, int] = {}
    reader = LineClock()
    for line in head.split(b"\n")[:2000]:
        outer = SYSLOG.match(line)
        if outer is None:
            continue
        inner = ISO_ZONED.search(line, outer.end())
        true = reader._iso(inner)
        if true is None or inner is None:
            continue
        local = reader._local(int(inner[1][:4]), _MONTH[outer[1]], outer[2], outer[3])
        if local is None:
            continue
        shift = round((local + int(outer[4]) - true) / 900)
        if abs(shift) <= 14 * 4:
            shifts[shift] = shifts.get(shift, 0) + 1
    if not shifts:
        return None
    best = max(shifts, key=lambda s: (shifts[s], -abs(s), s))
    if shifts[best] * 10 < sum(shifts.values()) * 9:
        return None
    return timezone(timedelta(minutes=15 * best))


def last_boot_stamp(tail: bytes) -> float | None:
    """The last `[seconds]` of a kernel ring buffer in `tail`."""
    stamps = BOOT.findall(tail)
    return int(stamps[-1][0]) + _fraction(stamps[-1][1]) if stamps else None
