"""The whole reading as one value, and as JSON. `docs/timeline.md` documents the shape."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath

from netmend.forensics import leak, reading
from netmend.forensics.clocks import LineClock
from netmend.forensics.gathered import FileFacts, Gathered, Tally
from netmend.forensics.matching import Verdict, verdicts
from netmend.forensics.scan import FileScan
from netmend.forensics.signatures import Library, load
from netmend.forensics.zones import BadRule, parse_zone, rule_for, split_rule

PAUSE = 600.0
"""Seconds without an event after which the next one begins a new entry of the time line."""

LIMIT = 500
"""Entries of the time line, and of the repeats, in the report."""


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


def read(
    paths: Sequence[str],
    zones: Iterable[str] = (),
    offsets: Iterable[str] = (),
    signatures: Iterable[Path] = (),
) -> Report:
    """Read all files (and directories of them) and say what happened.

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
    failed: list[reading.UnreadableLog] = []
    with _no_collection():
        for path in files:
            zone = rule_for(path, zone_rules)
            clock = LineClock(zone, rule_for(path, offset_rules) or 0.0, reading.modified(path))
            scan = FileScan(path, library, gathered, clock, origins[path])
            try:
                scan.run()
            except reading.UnreadableLog as error:
                failed.append(error)
                scan.facts.notes.append(str(error))
                gathered.files.append(scan.facts)
    if failed and len(failed) == len(files):
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
    common = PurePath(*_common([p.parts for p in parents.values()]))
    return {f: f"@{p.relative_to(common)}" if p != common else "" for f, p in parents.items()}


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
        leak=leak.measure(gathered),
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


def _happening(happening: Happening) -> dict[str, object]:
    return {
        "time": iso(happening.first),
        "last": iso(happening.last),
        "event": happening.event,
        "kind": happening.kind,
        "source": happening.actor,
        "count": happening.count,
        "message": happening.message,
        "file": happening.file,
    }


def _verdict(verdict: Verdict) -> dict[str, object]:
    return {
        "signature": verdict.signature,
        "title": verdict.title,
        "confidence": verdict.confidence,
        "first": iso(verdict.first),
        "last": iso(verdict.last),
        "variant": verdict.variant,
        "variant_title": verdict.variant_title or None,
        "because": [
            {
                "what": e.because,
                "event": e.event,
                "sources": list(e.actors),
                "count": e.count,
                "first": iso(e.first),
                "last": iso(e.last),
                "message": e.sample,
                "file": e.file,
            }
            for e in verdict.because
        ],
        "contradicted_by": list(verdict.contradicted),
        "explains": verdict.explains,
        "do": list(verdict.do),
        "caused_by": verdict.caused_by,
    }


def to_json(report: Report) -> dict[str, object]:
    """The report as plain values; times are RFC 3339 texts in UTC."""
    measured = report.leak
    return {
        "first_failure": _happening(report.first_failure) if report.first_failure else None,
        "events": [_happening(h) for h in report.events],
        "events_left_out": report.events_left_out,
        "repeats": [
            {
                "message": r.message,
                "level": r.level,
                "source": r.actor,
                "count": r.count,
                "first": iso(r.first),
                "last": iso(r.last),
                "per_minute": r.per_minute,
                "example": r.example,
                "file": r.file,
            }
            for r in report.repeats
        ],
        "repeats_left_out": report.repeats_left_out,
        "leak": {
            "leaking": measured.leaking,
            "because": measured.because or None,
            "created": measured.created,
            "deleted": measured.deleted,
            "remaining": measured.remaining,
            "ports_asked": measured.ports_asked,
            "first": iso(measured.first),
            "last": iso(measured.last),
            "per_minute": measured.per_minute,
            "peak_per_minute": measured.peak_per_minute,
            "exact": measured.exact,
            "networks": [
                {
                    "network": n.network,
                    "devices": n.devices,
                    "ports_asked": n.ports_asked,
                    "per_minute": n.per_minute,
                    "first": iso(n.first),
                    "last": iso(n.last),
                }
                for n in measured.networks
            ],
        },
        "verdict": [_verdict(v) for v in report.verdicts],
        "files": [
            {
                "file": f.path,
                "bytes": f.size,
                "lines": f.lines,
                "unknown_lines": f.unknown,
                "formats": dict(sorted(f.formats.items())),
                "first": iso(f.first) if f.first <= f.last else None,
                "last": iso(f.last) if f.first <= f.last else None,
                "assumed": f.assumed,
                "notes": f.notes,
            }
            for f in report.files
        ],
        "event_resolution_seconds": report.bucket,
    }
