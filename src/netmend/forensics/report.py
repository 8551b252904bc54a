"""The whole reading as one value: what was read, what happened, and whether anything failed."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path, PurePath
from typing import NamedTuple

from netmend.forensics import leak, reading
from netmend.forensics.clocks import LineClock
from netmend.forensics.gathered import FileFacts, Gathered, Tally
from netmend.forensics.line import speaks_of_failure
from netmend.forensics.matching import Verdict, verdicts
from netmend.forensics.scan import FileScan
from netmend.forensics.signatures import Library, load
from netmend.forensics.zones import BadRule, parse_zone, rule_for, split_rule

PAUSE = 600.0
"""Seconds without an event after which the next one begins a new entry of the time line."""

LIMIT = 500
"""Entries of the time line, and of the repeats, in the report."""


ENOUGH = 0.9
"""The share of lines that must be understood and dated before it can be said that nothing failed."""


class Outcome(StrEnum):
    """What the logs are as a whole."""

    KNOWN = "known"
    """A signature holds."""
    FAILED = "failed"
    """Something failed that no signature knows."""
    UNCLEAR = "unclear"
    """Nothing is seen to have failed, but too little was understood or dated, or lines without a level speak of it."""
    CALM = "calm"
    """Nothing failed."""


@dataclass(frozen=True)
class Happening:
    """A run of one kind of event by one actor."""

    event: str
    kind: str
    actor: str
    first: float
    last: float
    count: int
    message: str
    file: str


@dataclass(frozen=True)
class Repeat:
    """All lines of one template."""

    message: str
    level: str
    actor: str
    count: int
    first: float
    last: float
    per_minute: float
    example: str
    file: str

    @property
    def suspect(self) -> bool:
        """It has no level, and speaks of a failure."""
        return not self.level and speaks_of_failure(self.message)


@dataclass(frozen=True)
class Report:
    """What the logs say. Times are seconds since the epoch, UTC."""

    first_failure: Happening | None
    events: tuple[Happening, ...]
    events_left_out: int
    repeats: tuple[Repeat, ...]
    repeats_left_out: int
    leak: leak.Leak
    verdicts: tuple[Verdict, ...]
    files: tuple[FileFacts, ...]
    bucket: int
    """Seconds to which the times of events are exact (first and last times are always exact)."""

    @property
    def lines(self) -> int:
        return sum(file.lines for file in self.files)

    @property
    def understood(self) -> int:
        """Lines in a known format, and tracebacks' lines."""
        return self.lines - sum(file.unknown for file in self.files)

    @property
    def dated(self) -> int:
        """Lines placed by a stamp of their own or of their record."""
        return sum(file.dated for file in self.files)

    @property
    def years(self) -> bool:
        """Whether stamps without their year would be misread: the logs reach from one year into another."""
        stamps = [iso(when) for file in self.files if file.first <= file.last for when in (file.first, file.last)]
        return len({stamp[:4] for stamp in stamps if stamp}) > 1

    @property
    def errors(self) -> int:
        """Lines that are errors by their level, or failures by a signature's event."""
        failures = max((h.count for h in self.events if h.kind == "failure"), default=0)
        return max(sum(r.count for r in self.repeats if r.level in ("ERROR", "CRITICAL")), failures)

    @property
    def suspect(self) -> int:
        """Lines without a level that speak of a failure."""
        return sum(r.count for r in self.repeats if r.suspect)

    @property
    def outcome(self) -> Outcome:
        """What the logs are as a whole."""
        if self.verdicts:
            return Outcome.KNOWN
        if self.errors or self.leak.leaking:
            return Outcome.FAILED
        little = min(self.understood, self.dated) < self.lines * ENOUGH
        if not self.lines or little or self.suspect or any(f.unread for f in self.files):
            return Outcome.UNCLEAR
        return Outcome.CALM


class Progress(NamedTuple):
    """Where a reading is."""

    file: str
    number: int
    """Of the file, from 1."""
    files: int
    done: int
    """Bytes read, as the files lie there (packed or not)."""
    size: int
    """Bytes of all files; 0 where nobody knows (standard input)."""


class _Position:
    """Counts the bytes that were read of all files, and reports each step."""

    def __init__(self, files: Sequence[str], on_progress: Callable[[Progress], None] | None) -> None:
        self.files = files
        self.on_progress = on_progress
        self.size = sum(map(reading.size, files)) if on_progress else 0
        self.done = 0

    def of(self, path: str) -> Callable[[int], None]:
        """What a scan of `path` calls with each number of bytes that it has read."""
        number = self.files.index(path) + 1

        def advance(read: int) -> None:
            self.done += read
            if self.on_progress is not None:
                self.on_progress(Progress(path, number, len(self.files), self.done, self.size))

        return advance


def read(
    paths: Sequence[str],
    zones: Iterable[str] = (),
    offsets: Iterable[str] = (),
    signatures: Iterable[Path] = (),
    on_progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Read all files (and directories of them) and say what happened. `on_progress` is called as the reading goes on.

    Raises:
        reading.UnreadableLog: a path is missing or cannot be read, or none of the files could be (one among others
            leaves a note).
        zones.BadRule: a rule of `zones` (`GLOB=ZONE`) or `offsets` (`GLOB=SECONDS`, added to each stamp) is wrong.
        signatures.BadSignature: a signature file is wrong.
    """
    zone_rules = [(glob, parse_zone(value)) for glob, value in (split_rule("--tz", r) for r in zones)]
    offset_rules = [(glob, _seconds(value)) for glob, value in (split_rule("--offset", r) for r in offsets)]
    library = load(signatures)
    files = reading.expand(paths)
    for option, globs in (("--tz", [g for g, _ in zone_rules]), ("--offset", [g for g, _ in offset_rules])):
        for glob in globs:
            if not any(rule_for(path, [(glob, True)]) for path in files):
                raise BadRule(f"{option}: no file matches {glob!r}")
    origins = _origins(files)
    gathered = Gathered()
    position = _Position(files, on_progress)
    failed: list[reading.UnreadableLog] = []
    with _no_collection():
        for path in files:
            zone = rule_for(path, zone_rules)
            clock = LineClock(zone, rule_for(path, offset_rules) or 0.0, reading.modified(path))
            scan = FileScan(path, library, gathered, clock, origins[path])
            try:
                scan.run(position.of(path))
            except reading.UnreadableLog as error:
                failed.append(error)
                scan.give_up(str(error))
    if failed and all(file.unread for file in gathered.files):
        raise failed[0]
    return _report(library, gathered)


@contextmanager
def _no_collection() -> Iterator[None]:
    """A reading makes no cycles, but so many values that looking for some costs a tenth of its time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise BadRule(f"--offset: {text!r} is no number of seconds") from error
    if not abs(value) < 1e11:
        raise BadRule(f"--offset: {text!r} is no number of seconds")
    return value


def _origins(files: Sequence[str]) -> dict[str, str]:
    """A mark for each file's actors, `@directory`, where agents' logs come from several directories (nodes)."""
    parents = {f: PurePath(f).parent for f in files}
    if len(set(parents.values())) < 2:
        return dict.fromkeys(files, "")
    common = len(_common([p.parts for p in parents.values()]))  # 0 for absolute beside relative paths
    return {f: f"@{PurePath(*p.parts[common:])}" if len(p.parts) > common else "" for f, p in parents.items()}


def _common(paths: list[tuple[str, ...]]) -> list[str]:
    shared = []
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return shared


def _report(library: Library, gathered: Gathered) -> Report:
    happenings = _happenings(library, gathered)
    repeats = _repeats(gathered)
    shown = _chosen(happenings)
    return Report(
        first_failure=_first_failure(happenings, repeats),
        events=tuple(shown),
        events_left_out=len(happenings) - len(shown),
        repeats=tuple(repeats[:LIMIT]),
        repeats_left_out=max(0, len(repeats) - LIMIT),
        leak=leak.measure(gathered, [e.name for e in library.events.values() if e.kind == "failure"]),
        verdicts=tuple(verdicts(library, gathered)),
        files=tuple(gathered.files),
        bucket=gathered.occurrences.width,
    )


def _happenings(library: Library, gathered: Gathered) -> list[Happening]:
    """Runs of events by (event, actor), in order of time."""
    open_runs: dict[tuple[str, str], Tally] = {}
    done: list[tuple[str, str, Tally]] = []
    kinds = library.kinds()
    for event, actor, tally in gathered.occurrences.of(kinds):
        run = open_runs.get((event, actor))
        if run is None or tally.first - run.last > PAUSE:
            if run is not None:
                done.append((event, actor, run))
            run = open_runs[event, actor] = Tally()
        run.merge(tally)
    done += [(event, actor, run) for (event, actor), run in open_runs.items()]
    made = [Happening(e, kinds[e], a, t.first, t.last, t.count, t.sample, t.file) for e, a, t in done if t.seen]
    return sorted(made, key=lambda h: (h.first, h.last, h.event, h.actor))


def _chosen(happenings: list[Happening]) -> list[Happening]:
    """At most LIMIT of them: failures, starts and stops before the rest, larger runs before smaller."""
    if len(happenings) <= LIMIT:
        return happenings
    weight = {"failure": 0, "start": 0, "stop": 0, "recovery": 0}
    best = sorted(happenings, key=lambda h: (weight.get(h.kind, 1), -h.count, h.first, h.event, h.actor))[:LIMIT]
    return sorted(best, key=lambda h: (h.first, h.last, h.event, h.actor))


_RANK = {"CRITICAL": 0, "ERROR": 0, "WARNING": 1, "": 2, "INFO": 3, "DEBUG": 4}


def _repeats(gathered: Gathered) -> list[Repeat]:
    made = [
        Repeat(text, level, actor, t.count, t.first, t.last, leak.rate(t.count, t.first, t.last), t.sample, t.file)
        for held in (gathered.repeats, gathered.chatter)
        for (level, actor, text), t in held.tallies.items()
    ]
    return sorted(made, key=lambda r: (_RANK.get(r.level, 2), -r.count, r.first, r.actor, r.message))


def _first_failure(happenings: list[Happening], repeats: list[Repeat]) -> Happening | None:
    """The earliest line that is an error by its level, or a failure by a signature."""
    errors = [
        Happening("error", "failure", r.actor, r.first, r.last, r.count, r.example, r.file)
        for r in repeats
        if r.level in ("ERROR", "CRITICAL")
    ]
    failures = [h for h in happenings if h.kind == "failure"]
    # Of several names for one moment, a signature's says more than a shared one, and both more than the level.
    return min(
        failures + errors,
        key=lambda h: (h.first, h.event == "error", "/" not in h.event, h.event, h.actor),
        default=None,
    )


def iso(when: float | None) -> str | None:
    """RFC 3339 in UTC with milliseconds; None where there is no time, or none that a calendar has."""
    if when is None:
        return None
    try:
        return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return None
