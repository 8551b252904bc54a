"""When a line was written, as seconds since the epoch (UTC), whatever its format, zone and clock error.

A stamp that carries its zone is believed. One that does not is read in the file's zone: the one given for it, the one
that two stamps of one line betray (a syslog prefix in local time before `time="...Z"`), or UTC; `LineClock.assumed`
says which.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from fnmatch import fnmatch
from pathlib import PurePath
from typing import TypeVar
from zoneinfo import ZoneInfo

ISO = re.compile(
    rb"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d):(\d\d)(?:[.,](\d{1,9}))?( ?(?:Z|UTC\b|[+-]\d\d:?\d\d(?!\d)))?",
)
ISO_ZONED = re.compile(
    rb"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d):(\d\d)(?:[.,](\d{1,9}))?( ?(?:Z|UTC\b|[+-]\d\d:?\d\d(?!\d)))",
)
SYSLOG = re.compile(rb"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([ \d]\d) (\d\d:\d\d):(\d\d)(?:\.(\d{1,9}))?")
CTIME = re.compile(rb"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([ \d]\d) (\d\d:\d\d):(\d\d) (\d{4})")
BOOT = re.compile(rb"\[ *(\d{1,12})\.(\d{1,9})\]")
_DOCKER_TIME = re.compile(rb'"time" ?: ?"')
_JSON_TIME = re.compile(rb'"(?:@?timestamp|time|ts|asctime)" ?: ?(?=")')
_JOURNAL_TIME = re.compile(rb'"__REALTIME_TIMESTAMP" ?: ?"(\d{10,17})"')
_EPOCH = re.compile(rb'"(?:created|time|ts|timestamp)" ?: ?(\d{9,11}(?:\.\d{1,9})?)')
_MONTH = {name: i + 1 for i, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())}
_ZONE = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d\d)?")

CACHE = 4096
"""Minutes remembered per file; logs are nearly in order, so few are in use at a time."""


class BadRule(ValueError):
    """A `--tz` or `--offset` argument cannot be understood; the message is a sentence."""


def parse_zone(text: str) -> tzinfo:
    """A zone by IANA name (`Europe/Berlin`), offset (`+02:00`) or `UTC`.

    Raises:
        BadRule: there is no such zone.
    """
    if text.upper() in ("UTC", "Z", "GMT"):
        return UTC
    if match := _ZONE.fullmatch(text):
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        if minutes < 24 * 60:
            return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, KeyError) as error:
        raise BadRule(f"{text!r} is no time zone: give a name like Europe/Berlin, or an offset like +02:00") from error


def split_rule(option: str, rule: str) -> tuple[str, str]:
    """`GLOB=VALUE` as a pair.

    Raises:
        BadRule: there is no `=`, or one side is empty.
    """
    glob, equals, value = rule.rpartition("=")
    if not (equals and glob and value):
        raise BadRule(f"{option} {rule!r}: expected FILE_GLOB=VALUE, for instance '{option} *dhcp*={_EXAMPLE[option]}'")
    return glob, value


_EXAMPLE = {"--tz": "Europe/Berlin", "--offset": "-3.5"}


V = TypeVar("V")


def rule_for(path: str, rules: list[tuple[str, V]]) -> V | None:
    """The value of the last rule whose glob matches the path, or its last component."""
    found = None
    for glob, value in rules:
        if fnmatch(path, glob) or fnmatch(PurePath(path).name, glob):
            found = value
    return found


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

    def iso(self, line: bytes) -> float | None:
        """The first ISO 8601 stamp, with `T` or a space, `.` or `,` before the fraction, with a zone or without."""
        return self._iso(ISO.search(line))

    def iso_utc(self, line: bytes) -> float | None:
        """As `iso`, faster, for lines that begin with `YYYY-MM-DDTHH:MM:SS.mmm` and Z; to the millisecond."""
        return self._quick(line, self._utc)

    def iso_local(self, line: bytes) -> float | None:
        """As `iso_utc`, for such lines without a zone."""
        return self._quick(line, self._here)

    def best_iso(self, stamp: re.Match[bytes]) -> Callable[[bytes], float | None]:
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

    def docker(self, line: bytes) -> float | None:
        """The `time` of a Docker json-file line: its last member, so that a `time` within the text is not taken."""
        at = line.rfind(b'"time":"')
        if at < 0:
            match = _DOCKER_TIME.search(line)
            if match is None:
                return None
            at = match.start()
        return self._iso(ISO.search(line, at))

    def json_stamp(self, line: bytes) -> float | None:
        """The ISO 8601 stamp of a JSON line's member for it, so that one within the text is not taken."""
        match = _JSON_TIME.search(line)
        return self._iso(ISO.search(line, match.end())) if match else None

    def journal_json(self, line: bytes) -> float | None:
        """The `__REALTIME_TIMESTAMP` (microseconds) of a journal entry in JSON."""
        match = _JOURNAL_TIME.search(line)
        return int(match[1]) / 1e6 + self.offset if match else None

    def microseconds(self, line: bytes) -> float | None:
        """A line made by `journal_export`: `@MICROSECONDS ...`."""
        digits = line[1:18].split(b" ", 1)[0]
        return int(digits) / 1e6 + self.offset if digits.isdigit() else None

    def epoch(self, line: bytes) -> float | None:
        """A JSON member that holds seconds since the epoch as a number, or a line that begins with them."""
        match = _EPOCH.search(line) or re.match(rb"(\d{9,11}\.\d{1,9}) ", line)
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
        key = month + day + minute
        base = self._minutes.get(key, 0.5)
        if base == 0.5:
            base = self._remember(key, self._without_year(_MONTH[month], day, minute))
        if base is not None and match.start() == 0:
            if len(self._syslog) >= CACHE:
                self._syslog.clear()
            self._syslog[line[:13]] = base
        return None if base is None else base + int(second) + _fraction(fraction)

    def ctime(self, line: bytes) -> float | None:
        """`dmesg -T`: `[Mon Nov 23 16:40:01 2026]`, local time."""
        match = CTIME.search(line)
        if match is None:
            return None
        month, day, minute, second, year = match.groups()
        key = year + month + day + minute
        base = self._minutes.get(key, 0.5)
        if base == 0.5:
            self._assume_zone()
            base = self._remember(key, self._local(int(year), _MONTH[month], day, minute))
        return None if base is None else base + int(second)

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

    def _remember(self, key: bytes, base: float | None) -> float | None:
        if len(self._minutes) >= CACHE:
            self._minutes.clear()
        base = None if base is None else base + self.offset
        self._minutes[key] = base
        return base

    def _minute(self, day: bytes, minute: bytes, zone: bytes | None) -> float | None:
        if zone is None:
            self._assume_zone()
            return self._local(int(day[:4]), int(day[5:7]), day[8:], minute)
        zone = zone.strip()
        shift = 0
        if zone[:1] in b"+-":
            shift = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
            shift = -shift if zone[:1] == b"-" else shift
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


def _naive(year: int, month: int, day: bytes, minute: bytes) -> datetime | None:
    try:
        return datetime(year, month, int(day), int(minute[:2]), int(minute[3:]))
    except ValueError:
        return None


def _fraction(digits: bytes | None) -> float:
    return int(digits) / 10 ** len(digits) if digits else 0.0


def betrayed_zone(head: bytes) -> tzinfo | None:
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
