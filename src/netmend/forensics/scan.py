"""One file to what it says, fast.

Python cannot look at each line at 50 MB/s, so it does not. A block's fingerprints are made in one pass in C, counted
in C, and only the first and last line of each *distinct* fingerprint are looked at: a block of 6,000 lines has some
hundred. Lines that may be an event of a signature (their fingerprint says so) are looked at one by one, exactly.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import PurePath
from typing import Literal

from netmend.forensics import framing, reading, services
from netmend.forensics.clocks import LineClock, inferred_zone, last_boot_stamp
from netmend.forensics.entries import LONGEST_SAMPLE, Entry, Watch
from netmend.forensics.formats import Parser
from netmend.forensics.gathered import FileFacts, Gathered, Tally
from netmend.forensics.line import exception
from netmend.forensics.patterns import ANSI, REPEATED
from netmend.forensics.signatures import Library
from netmend.forensics.templates import VARYING, template

ENTRIES = 30_000
"""Fingerprints remembered per file; more than this are flushed and learned again."""

ACTORS = 200
"""Sources kept apart within one file: a program may name itself anew in each line."""

HEADLESS = 300
"""Lines of a traceback that are gone through, from the file's beginning or up to the traceback's head."""

NEVER = float("-inf")
RING_BUFFER = re.compile(rb"(?:<\d+>)?\[ *\d{1,9}\.\d{6}\]")
_BRACKETED = re.compile(rb" (?:DEBUG|INFO|WARNING|ERROR) [\w.\-]+ \[")
_DISTINGUISHING = re.compile(rb"""Errno \d+|\(\d{1,3}, '|agent(?:": ?"|=['"]?)[\w.-]*""")
"""Parts that fingerprints lose and that still matter: error numbers, and names of agents, which may be `a` or `b`."""

_ROTATED = re.compile(r"(?:[.-]\d{8}(?:-\d+)?|\.\d+|\.gz|\.bz2|\.xz|\.zst)+$")
_NETNS_PREFIX = re.compile(rb"^(?:qdhcp|qrouter|ovnmeta|snat|fip)-")


class FileScan:
    """Reads one file into `gathered`."""

    def __init__(self, path: str, library: Library, gathered: Gathered, clock: LineClock, origin: str = "") -> None:
        self.path = path
        self.library = library
        self.gathered = gathered
        self.clock = clock
        self.origin = origin
        self.label = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        """The path as it can be printed: a file's name may be any bytes."""
        self.facts = FileFacts(self.label)
        self.parser = Parser(clock)
        self.service = ""
        self.fallback = clock.modified
        """The stamp of the last stamped line; before the first one, the file's last change."""
        self.stamped = False
        self.begun = False
        self.entries: dict[bytes, Entry] = {}
        self.recent: dict[str, float] = {}
        self.actors: set[str] = set()
        name = PurePath(self.label).name
        self.stem = _ROTATED.sub("", name) or name

    def run(self, advance: Callable[[int], None] = lambda read: None) -> None:
        """Read it all. `advance` is called with the number of bytes each time some were read from the file.

        Raises:
            reading.UnreadableLog: it cannot be opened, read or unpacked, or holds no lines.
        """
        notes = self.facts.notes
        pieces = framing.decoded(reading.raw_blocks(self.path, notes, advance))
        head = next(pieces, b"")
        if what := reading.not_lines(head):
            raise reading.UnreadableLog(f"{self.label}: {what.format(path=PurePath(self.label).name)}")
        if what := reading.no_log(head, self.stem):
            notes.append(f"{self.label}: {what}; left out")
            self.gathered.files.append(self.facts)
            return
        self._sniff(head)
        for block in framing.blocks(head, self._sized(chain([head], pieces)), notes, self.path):
            self._block(block)
        self._flush()
        if not self.stamped and self.facts.lines:
            self.facts.notes.append(
                f"{self.label}: no line says when it was written; all are placed at its last change"
            )
        self.facts.assumed = sorted(self.clock.assumed)
        self.gathered.files.append(self.facts)

    def give_up(self, why: str) -> None:
        """Keep what was read, and note why there is no more."""
        self._flush()
        self.facts.notes.append(why)
        self.facts.unread = not self.facts.lines
        self.gathered.files.append(self.facts)

    def _sized(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.facts.size += len(piece)
            yield piece

    def _sniff(self, head: bytes) -> None:
        self.parser.bracketed = _BRACKETED.search(head) is not None
        self.service = services.of_file(self.path, head)
        if not self.clock.given and (zone := inferred_zone(head)) is not None:
            self.clock.zone, self.clock.given = zone, True
            self.clock.assumed.add(
                f"stamps without a zone are {zone.tzname(None)}, as other stamps on their lines show"
            )
        if RING_BUFFER.match(head):
            self._find_boot(head)

    def _find_boot(self, head: bytes) -> None:
        """Where on the time line a ring buffer's `[0.000000]` lies."""
        if abs(self.clock.offset) > 1e8:
            self.clock.boot_time = self.clock.offset
            return
        tail = head
        for piece in reading.raw_blocks(self.path, []) if reading.is_regular(self.path) else ():
            tail = tail[-4096:] + piece
        last = last_boot_stamp(tail)
        if last is not None and self.clock.modified is not None:
            self.clock.boot_time = self.clock.modified - last + self.clock.offset
            self.clock.assumed.add(
                "stamps count from boot; the last line is taken to be of the file's last change "
                "(--offset FILE=BOOT_TIME says better)"
            )

    def _entry(self, fingerprint: bytes, line: bytes, split: bool) -> Entry:
        parsed = self.parser.parse(line.rstrip(b"\r"))
        service = parsed.service or self.service
        # A library's logger (privsep, messaging) names no service, and the whole file knows better than one logger.
        if self.service and service != self.service and parsed.format == "oslo.log":
            service = self.service
        actor = service or self.stem
        if actor not in self.actors:
            actor = actor if len(self.actors) < ACTORS else self.stem
            self.actors.add(actor)
        actor += self.origin
        found = tuple(
            Watch(event, texts)
            for event, texts in self.library.candidates(fingerprint).values()
            if (not event.services or service in event.services)
            and service not in event.not_services
            and (not event.levels or parsed.level in event.levels)
        )
        return Entry(parsed, actor, found, split, b": message repeated " in line)

    def _block(self, data: bytes) -> None:
        if b"\x1b[" in data:
            data = ANSI.sub(b"", data)
        lines = data.split(b"\n")
        prints = data.translate(None, VARYING).split(b"\n")
        if not lines[-1]:
            lines.pop()
            prints.pop()
        size = len(lines)
        self.facts.lines += size
        counts = Counter(prints)
        last = dict(zip(prints, range(size), strict=True))
        first = dict(zip(reversed(prints), range(size - 1, -1, -1), strict=True))
        if len(self.entries) > ENTRIES:
            self._flush()
        entries = self.entries
        hot: dict[bytes, Entry] = {}
        fresh = []
        for fingerprint, count in counts.items():
            entry = entries.get(fingerprint)
            if entry is None:
                line = lines[first[fingerprint]]
                entry = entries[fingerprint] = self._entry(fingerprint, line, _DISTINGUISHING.search(line) is not None)
            if not entry.split:
                entry.count += count
            if entry.events or entry.special:
                hot[fingerprint] = entry
            elif entry.listed:
                fresh.append((entry, first[fingerprint], last[fingerprint]))
        if not self.stamped:
            self._first_stamp(lines, prints)
        if not self.begun:
            self._begin(lines, prints)
        for entry, one, other in fresh:
            entry.span(self._when(entry, lines, prints, one))
            if other != one:
                entry.span(self._when(entry, lines, prints, other))
        if hot:
            get = hot.get
            for i, fingerprint in enumerate(prints):
                entry = get(fingerprint)
                if entry is None:
                    continue
                line = lines[i]
                clock = entry.clock
                when = clock(line) if clock is not None else None
                if when is None:
                    when = self._when(entry, lines, prints, i)
                    if when is None:
                        continue
                if entry.special:
                    if entry.repeated:
                        if times := REPEATED.search(line):
                            entry.extra += int(times["times"]) - 1
                        entry.span(when)
                    elif not entry.split:
                        if self._has_head(entry, prints, i):
                            entry.summed += 1
                            continue
                        entry.span(when)
                    else:
                        entry = self._split(fingerprint, line, when)
                else:
                    if when < entry.first:  # noqa: PLR1730 - a call of min() costs more
                        entry.first = when
                    if when > entry.last:  # noqa: PLR1730
                        entry.last = when
                for watch in entry.events:
                    if watch.failure and abs(when - self.recent.get(watch.name, NEVER)) < entry.apart:
                        continue
                    for text in watch.texts:
                        if text in line:
                            match = watch.confirms(line)
                            if match:
                                self._occurred(watch, entry, line, when, match)
                            break
        for i in range(size - 1, max(-1, size - 500), -1):
            clock = entries[prints[i]].clock
            if clock is not None and (when := clock(lines[i])) is not None:
                self.fallback = when
                break

    def _first_stamp(self, lines: list[bytes], prints: list[bytes]) -> None:
        for i, fingerprint in enumerate(prints):
            clock = self.entries[fingerprint].clock
            if clock is not None and (when := clock(lines[i])) is not None:
                self.fallback = when
                self.stamped = True
                return

    def _begin(self, lines: list[bytes], prints: list[bytes]) -> None:
        """Keep the error of a traceback within which the file begins: the record above it is not here."""
        self.begun = True
        said, at, actor = "", 0, ""
        for i, fingerprint in enumerate(prints[:HEADLESS]):
            entry = self.entries[fingerprint]
            if not entry.line.continuation or entry.line.unknown:
                break
            text = exception(self.parser.parse(lines[i].rstrip(b"\r")).text)
            if text and not entry.listed:
                said, at, actor = text, i, entry.actor
        if said and (when := self._when(self.entries[prints[at]], lines, prints, at)) is not None:
            tally = Tally(1, when, when, said[:LONGEST_SAMPLE], self.label)
            self.gathered.repeated("ERROR", actor, template(said), tally)

    def _has_head(self, entry: Entry, prints: list[bytes], i: int) -> bool:
        """Whether the record above an exception's line has the exception in its own text."""
        for j in range(i - 1, max(-1, i - HEADLESS), -1):
            above = self.entries.get(prints[j])
            if above is None or not above.line.continuation:
                return (
                    above is not None and above.line.level in ("ERROR", "CRITICAL") and entry.template in above.template
                )
        return False

    def _when(self, entry: Entry, lines: list[bytes], prints: list[bytes], i: int) -> float | None:
        """The time of line `i`: its own stamp, else that of the nearest stamped line above it."""
        if entry.clock is not None and (when := entry.clock(lines[i])) is not None:
            return when
        for j in range(i - 1, max(-1, i - 200), -1):
            above = self.entries.get(prints[j])
            if above is not None and above.clock is not None and (when := above.clock(lines[j])) is not None:
                return when
        return self.fallback

    def _split(self, fingerprint: bytes, line: bytes, when: float) -> Entry:
        """The entry for lines with the same distinguishing parts; this line is counted in it."""
        key = fingerprint + b"\n" + b"\n".join(_DISTINGUISHING.findall(line))
        one = self.entries.get(key)
        if one is None:
            one = self.entries[key] = self._entry(fingerprint, line, False)
            one.events = tuple(watch for watch in one.events if watch.may_be_in(line, _DISTINGUISHING))
        one.count += 1
        one.span(when)
        return one

    def _occurred(
        self, watch: Watch, entry: Entry, line: bytes, when: float, match: re.Match[bytes] | Literal[True]
    ) -> None:
        name, actor = watch.name, entry.actor
        if watch.failure:
            self.recent[name] = when
            entry.failed = True
        occurrences = self.gathered.occurrences
        tally = occurrences.buckets.get((name, actor, int(when // occurrences.width)))
        if tally is not None and (tally.first < when or (tally.first == when and tally.file == self.label)):
            tally.count += 1
            if when > tally.last:  # noqa: PLR1730
                tally.last = when
        else:
            parsed = self.parser.parse(line.rstrip(b"\r"))
            sample = parsed.message or parsed.text or line.decode("utf-8", "replace").strip()
            occurrences.add(name, actor, when, sample[:LONGEST_SAMPLE], self.label)
        if match is True:
            return
        if watch.device:
            network = match["network"] if watch.about else None
            self.gathered.device(
                match["device"].decode("utf-8", "replace"),
                when,
                watch.created,
                network.decode("utf-8", "replace") if network else "",
            )
        elif watch.about:
            about = next((text for group in watch.about if (text := match[group])), None)
            if about:
                subject = _NETNS_PREFIX.sub(b"", about).decode("utf-8", "replace")
                self.gathered.key(subject, name, actor, when, self.label)
                if watch.port:
                    self._port_asked(subject, actor, when)
        if watch.number and (number := match["number"]) is not None:
            numbers = self.gathered.numbers
            if float(number) > numbers.get(name, 0.0):
                numbers[name] = float(number)

    def _port_asked(self, network: str, actor: str, when: float) -> None:
        ports = self.gathered.ports
        if ports.wants(network):
            held = ports.kept.get(network)
            if held is None:
                held = {}
                ports.put(network, held)
            held.setdefault(actor, Tally()).add(1, when, when, "", "")

    def _flush(self) -> None:
        facts = self.facts
        for entry in self.entries.values():
            line = entry.line
            if not entry.count:
                continue
            if line.format:
                facts.formats[line.format] = facts.formats.get(line.format, 0) + entry.count
            elif line.unknown:
                facts.unknown += entry.count
            if line.clock is not None or (self.stamped and not line.unknown):
                facts.dated += entry.count
            if entry.first <= entry.last:
                facts.first = min(facts.first, entry.first)
                facts.last = max(facts.last, entry.last)
            count = entry.count - entry.summed + entry.extra
            if entry.listed and count and entry.first <= entry.last:
                tally = Tally(count, entry.first, entry.last, entry.sample, self.label)
                level = line.level or ("ERROR" if line.continuation or entry.failed else "")
                self.gathered.repeated(level, entry.actor, entry.template, tally)
        self.entries = {}
