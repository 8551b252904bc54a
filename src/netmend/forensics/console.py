"""The report for a terminal: what was read, verdict, first failure, leak, time line, repeats.

It fits 80 columns, and is plain when piped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from netmend.forensics.gathered import FileFacts
from netmend.forensics.matching import Evidence, Verdict
from netmend.forensics.report import Happening, Outcome, Repeat, Report, iso
from netmend.ground.printable import printable_line

SHOWN = 25
FILES = 40
REPEATED = 3
"""Times from which on a message without a level is listed."""

UNLEVELLED = 10
"""Rows of such messages."""

_STYLE = {"failure": "red", "start": "cyan", "stop": "cyan", "recovery": "green", "create": "yellow", "delete": "dim"}
_OUTCOME_STYLE = {Outcome.FAILED: "bold yellow", Outcome.UNCLEAR: "bold yellow", Outcome.CALM: "bold green"}
_LEVEL_STYLE = {"CRITICAL": "bold red", "ERROR": "red", "WARNING": "yellow", "DEBUG": "dim"}


def clock(when: float, years: bool, day: str = "") -> str:
    """`MM-DD HH:MM:SS` in UTC, `years` with the year; without the day when it is `day` (YYYY-MM-DD)."""
    text = iso(when) or "?"
    return text[11:19] if day and text[:10] == day else f"{text[0 if years else 5 : 10]} {text[11:19]}"


def render(report: Report, shown: int = SHOWN, *, wide: bool = False) -> RenderableType:
    """All parts, each under a heading; `wide` is for output that no terminal limits."""
    parts: list[RenderableType] = [Text(share(report), "dim")]
    parts += _verdicts(report)
    if report.first_failure:
        first = report.first_failure
        parts += [
            _heading("First failure"),
            Text(f"{clock(first.first, report.years)} {_short(first.actor, 60)}: {_short(first.message, 400)}", "red"),
            Text(f"in {_short(first.file, 500)}", "dim"),
        ]
    parts += _leak(report)
    parts += _timeline(report, shown, wide=wide)
    parts += _repeats(report, shown)
    parts += _without_level(report, shown)
    parts += _files(report.files)
    return Group(*parts)


def _heading(text: str) -> Text:
    return Text(f"\n{text}", "bold")


def _short(text: str, length: int) -> str:
    # What guests and programs put into logs must not steer the terminal.
    line = printable_line(" ".join(text.split()))
    return line if len(line) <= length else line[: length - 1] + "…"


def share(report: Report) -> str:
    """What was read, and how much of it was understood and dated: every other sentence rests on that."""
    unread = sum(file.unread for file in report.files)
    files = "1 file" if len(report.files) == 1 else f"{len(report.files):,} files"
    lost = f", {unread:,} of which could not be read" if unread else ""
    if not report.lines:
        return f"Read: no line in {files}{lost}."
    understood, dated = (_percent(count, report.lines) for count in (report.understood, report.dated))
    return f"Read: {_lines(report.lines)} in {files}{lost}; {understood} understood, {dated} dated."


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"


def _percent(part: int, whole: int) -> str:
    # 100 % is said of all only.
    return f"{part * 100 // whole} %"


def judgement(report: Report) -> str:
    """What the logs are where no signature holds."""
    if report.outcome is Outcome.FAILED:
        if not report.errors:
            return "none of the known failures is seen, but devices pile up; see below."
        count = "1 error" if report.errors == 1 else f"{report.errors:,} errors"
        return f"none of the known failures is seen, but {count}; see below."
    if report.outcome is Outcome.CALM:
        return "nothing failed in these logs."
    if not report.lines:
        return "none: there is nothing in these logs."
    if report.suspect:
        suspects = _lines(report.suspect)
        return f"none of the known failures is seen, but {suspects} without a level may speak of others; see below."
    return "none: no failure is seen, but too little of these logs could be read, understood or dated to say more."


def _verdicts(report: Report) -> list[RenderableType]:
    if not report.verdicts:
        return [Text(f"Verdict: {judgement(report)}", _OUTCOME_STYLE[report.outcome])]
    parts: list[RenderableType] = []
    for verdict in report.verdicts:
        parts += [*_verdict(verdict, report.years), Text("")]
    return parts[:-1]


def _verdict(verdict: Verdict, years: bool) -> Iterable[RenderableType]:
    head = Text.assemble(
        ("Verdict: ", "bold"), (verdict.signature, "bold red"), f"  ({round(verdict.confidence * 100)} % sure)"
    )
    yield head
    yield Text(verdict.title + (f": {verdict.variant_title}" if verdict.variant_title else ""))
    if verdict.caused_by:
        yield Text(f"follows from {verdict.caused_by}", "yellow")
    yield Text(f"seen {clock(verdict.first, years)} to {clock(verdict.last, years)} UTC", "dim")
    yield Text("because", "bold")
    for evidence in verdict.because:
        yield Padding(Text("- " + _evidence(evidence, years)), (0, 0, 0, 2), expand=False)
        if evidence.sample:
            yield Padding(Text(_short(evidence.sample, 150), "dim"), (0, 0, 0, 4), expand=False)
    for text in verdict.contradicted:
        yield Padding(Text("- against it: " + text, "yellow"), (0, 0, 0, 2), expand=False)
    yield Padding(Text(verdict.explains), (1, 0, 1, 0), expand=False)
    yield Text("do", "bold")
    for text in verdict.do:
        yield Padding(Text("- " + text, "green"), (0, 0, 0, 2), expand=False)


def _evidence(evidence: Evidence, years: bool) -> str:
    times = "once" if evidence.count == 1 else f"{evidence.count:,} times"
    return (
        f"{evidence.because} ({_short(', '.join(evidence.actors), 200)}, {times}, first {clock(evidence.first, years)})"
    )


def _leak(report: Report) -> list[RenderableType]:
    leak = report.leak
    if not leak.created and not leak.ports_asked:
        return []
    style = "red" if leak.leaking else ""
    about = "" if leak.exact else "about "
    parts: list[RenderableType] = [_heading("Devices")]
    if leak.because:
        parts.append(Text(leak.because, style))
    parts.append(
        Text(
            f"{about}{leak.created:,} made, {leak.deleted:,} deleted, {leak.remaining:,} remain; "
            f"{leak.per_minute:,.1f} a minute, at most {leak.peak_per_minute:,} in one",
            style,
        )
    )
    if leak.ports_asked:
        parts.append(Text(f"new DHCP ports asked for: {leak.ports_asked:,}"))
    if leak.leaking and leak.networks:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("network", overflow="fold")
        for name in ("devices", "ports asked", "a minute"):
            table.add_column(name, justify="right")
        for network in leak.networks[:10]:
            table.add_row(
                _short(network.network, 60),
                str(network.devices or "-"),
                str(network.ports_asked or "-"),
                f"{network.per_minute:g}",
            )
        parts.append(table)
        if len(leak.networks) > 10:
            parts.append(Text("further networks: --json", "dim"))
    return parts


def _timeline(report: Report, shown: int, *, wide: bool) -> list[RenderableType]:
    if not report.events:
        return []
    chosen = _telling(report.events, shown)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("UTC", no_wrap=True)
    table.add_column("source", overflow="fold", max_width=None if wide else 18)
    table.add_column("times", justify="right", no_wrap=True)
    table.add_column("what", overflow="fold", ratio=1)
    day = ""
    for event in chosen:
        when = clock(event.first, report.years, day)
        day = (iso(event.first) or "")[:10]
        what = Text(event.event.rpartition("/")[2], _STYLE.get(event.kind, ""))
        if event.last - event.first >= 1:
            what.append(f" until {clock(event.last, report.years, day)}", "dim")
        what.append(f"  {_short(event.message, 110)}", "")
        table.add_row(when, _short(event.actor, 60), f"{event.count:,}", what)
    rest = len(report.events) - len(chosen) + report.events_left_out
    more = [Text(f"and {rest:,} more: --json, --html, or --show", "dim")] if rest else []
    return [_heading("Time line"), table, *more]


def _telling(events: tuple[Happening, ...], shown: int) -> list[Happening]:
    if len(events) <= shown:
        return list(events)
    rank = {"failure": 0, "start": 1, "stop": 1, "recovery": 2}
    best = sorted(events, key=lambda e: (rank.get(e.kind, 3), -e.count, e.first, e.event, e.actor))[:shown]
    return sorted(best, key=lambda e: (e.first, e.last, e.event, e.actor))


def _repeats(report: Report, shown: int) -> list[RenderableType]:
    told = [r for r in report.repeats if r.level in ("CRITICAL", "ERROR", "WARNING")][:shown]
    return [_heading("Errors and warnings, by message"), _messages(told, report.years)] if told else []


def _without_level(report: Report, shown: int) -> list[RenderableType]:
    told = unlevelled(report)
    if not told:
        return []
    rows = told[: min(shown, UNLEVELLED)]
    rest = len(told) - len(rows)
    more = [Text(f"and {rest:,} more: --json", "dim")] if rest else []
    return [_heading("Without a level"), _messages(rows, report.years), *more]


def unlevelled(report: Report) -> list[Repeat]:
    """Messages without a level that may speak of a failure, then those that come again: the kernel's, systemd's."""
    bare = [r for r in report.repeats if not r.level and (r.suspect or r.count >= REPEATED)]
    return sorted(bare, key=lambda r: not r.suspect)


def _messages(repeats: Sequence[Repeat], years: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("times", justify="right", no_wrap=True)
    table.add_column("a minute", justify="right", no_wrap=True)
    table.add_column("first", no_wrap=True)
    table.add_column("message", overflow="fold", ratio=1)
    for repeat in repeats:
        text = Text.assemble(
            (f"{_short(repeat.actor, 60)} ", "dim"), (_short(repeat.message, 200), _LEVEL_STYLE.get(repeat.level, ""))
        )
        table.add_row(f"{repeat.count:,}", f"{repeat.per_minute:g}", clock(repeat.first, years), text)
    return table


def _files(files: tuple[FileFacts, ...]) -> list[RenderableType]:
    parts: list[RenderableType] = [_heading("Read")]
    said: dict[str, list[str]] = {}
    for file in files[:FILES]:
        known = ", ".join(
            f"{name} {count:,}" for name, count in sorted(file.formats.items(), key=lambda f: (-f[1], f[0]))
        )
        unknown = f"; {file.unknown:,} in no known format" if file.unknown else ""
        parts.append(
            Text(f"{_short(file.path, 500)}: {_lines(file.lines)} ({known or 'no format recognised'}{unknown})")
        )
    if len(files) > FILES:
        parts.append(Text(f"and {len(files) - FILES:,} more files: --json", "dim"))
    for file in files:
        for text in file.assumed:
            said.setdefault(text, []).append(_short(PurePath(file.path).name, 80))
        parts += [Text(_short(text, 700), "yellow") for text in file.notes]
    for text, names in said.items():
        listed = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        parts.append(Text(f"assumed: {text}; for {listed}", "yellow"))
    return parts
