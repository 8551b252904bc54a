"""The report for a terminal: verdict, first failure, leak, time line, repeats. Fits 80 columns; plain when piped."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from netmend.forensics.gathered import FileFacts
from netmend.forensics.matching import Evidence, Verdict
from netmend.forensics.report import Happening, Repeat, Report, iso

SHOWN = 25
FILES = 40
_STYLE = {"failure": "red", "start": "cyan", "stop": "cyan", "recovery": "green", "create": "yellow", "delete": "dim"}
_LEVEL_STYLE = {"CRITICAL": "bold red", "ERROR": "red", "WARNING": "yellow", "DEBUG": "dim"}


def clock(when: float, day: str = "") -> str:
    """`MM-DD HH:MM:SS` in UTC, without the day when it is `day` (YYYY-MM-DD)."""
    text = iso(when) or "?"
    return text[11:19] if day and text[:10] == day else f"{text[5:10]} {text[11:19]}"


def render(report: Report, shown: int = SHOWN, *, wide: bool = False) -> RenderableType:
    """All parts, each under a heading; `wide` is for output that no terminal limits."""
    parts: list[RenderableType] = []
    parts += _verdicts(report)
    if report.first_failure:
        first = report.first_failure
        parts += [
            _heading("First failure"),
            Text(f"{clock(first.first)} {_short(first.actor, 60)}: {_short(first.message, 400)}", "red"),
            Text(f"in {_short(first.file, 500)}", "dim"),
        ]
    parts += _leak(report)
    parts += _timeline(report, shown, wide=wide)
    parts += _repeats(report.repeats, shown)
    parts += _files(report.files)
    return Group(*parts)


def _heading(text: str) -> Text:
    return Text(f"\n{text}", "bold")


def _short(text: str, length: int) -> str:
    # What guests and programs put into logs must not steer the terminal.
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))
    return line if len(line) <= length else line[: length - 1] + "…"


def _verdicts(report: Report) -> list[RenderableType]:
    if not report.verdicts:
        return [Text("Verdict: none of the known failures is seen in these logs.", "bold green")]
    parts: list[RenderableType] = []
    for verdict in report.verdicts:
        parts += [*_verdict(verdict), Text("")]
    return parts[:-1]


def _verdict(verdict: Verdict) -> Iterable[RenderableType]:
    head = Text.assemble(
        ("Verdict: ", "bold"), (verdict.signature, "bold red"), f"  ({round(verdict.confidence * 100)} % sure)"
    )
    yield head
    yield Text(verdict.title + (f": {verdict.variant_title}" if verdict.variant_title else ""))
    if verdict.caused_by:
        yield Text(f"follows from {verdict.caused_by}", "yellow")
    yield Text(f"seen {clock(verdict.first)} to {clock(verdict.last)} UTC", "dim")
    yield Text("because", "bold")
    for evidence in verdict.because:
        yield Padding(Text("- " + _evidence(evidence)), (0, 0, 0, 2), expand=False)
        if evidence.sample:
            yield Padding(Text(_short(evidence.sample, 150), "dim"), (0, 0, 0, 4), expand=False)
    for text in verdict.contradicted:
        yield Padding(Text("- against it: " + text, "yellow"), (0, 0, 0, 2), expand=False)
    yield Padding(Text(verdict.explains), (1, 0, 1, 0), expand=False)
    yield Text("do", "bold")
    for text in verdict.do:
        yield Padding(Text("- " + text, "green"), (0, 0, 0, 2), expand=False)


def _evidence(evidence: Evidence) -> str:
    times = "once" if evidence.count == 1 else f"{evidence.count:,} times"
    return f"{evidence.because} ({_short(', '.join(evidence.actors), 200)}, {times}, first {clock(evidence.first)})"


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
        when = clock(event.first, day)
        day = (iso(event.first) or "")[:10]
        what = Text(event.event.rpartition("/")[2], _STYLE.get(event.kind, ""))
        if event.last - event.first >= 1:
            what.append(f" until {clock(event.last, day)}", "dim")
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


def _repeats(repeats: tuple[Repeat, ...], shown: int) -> list[RenderableType]:
    told = [r for r in repeats if r.level in ("CRITICAL", "ERROR", "WARNING")][:shown]
    if not told:
        return []
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("times", justify="right", no_wrap=True)
    table.add_column("a minute", justify="right", no_wrap=True)
    table.add_column("first", no_wrap=True)
    table.add_column("message", overflow="fold", ratio=1)
    for repeat in told:
        text = Text.assemble(
            (f"{_short(repeat.actor, 60)} ", "dim"), (_short(repeat.message, 200), _LEVEL_STYLE.get(repeat.level, ""))
        )
        table.add_row(f"{repeat.count:,}", f"{repeat.per_minute:g}", clock(repeat.first), text)
    return [_heading("Errors and warnings, by message"), table]


def _files(files: tuple[FileFacts, ...]) -> list[RenderableType]:
    parts: list[RenderableType] = [_heading("Read")]
    said: dict[str, list[str]] = {}
    for file in files[:FILES]:
        known = ", ".join(
            f"{name} {count:,}" for name, count in sorted(file.formats.items(), key=lambda f: (-f[1], f[0]))
        )
        unknown = f"; {file.unknown:,} in no known format" if file.unknown else ""
        parts.append(
            Text(f"{_short(file.path, 500)}: {file.lines:,} lines ({known or 'no format recognised'}{unknown})")
        )
    if len(files) > FILES:
        parts.append(Text(f"and {len(files) - FILES:,} more files: --json", "dim"))
    for file in files:
        for text in file.assumed:
            said.setdefault(text, []).append(_short(PurePath(file.path).name, 80))
        parts += [Text(_short(text, 700), "yellow") for text in file.notes]
    for text, names in said.items():
        whose = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        parts.append(Text(f"assumed: {text}; for {whose}", "yellow"))
    return parts
