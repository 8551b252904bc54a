"""The report as one self-contained page: verdicts, the night drawn on one time axis, the leak's curve, the messages.

No script, nothing fetched; dark and light as the reader's system says.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from netmend.forensics.console import UNLEVELLED, judgement, share, unlevelled
from netmend.forensics.drawing import draw
from netmend.forensics.matching import Verdict
from netmend.forensics.report import Outcome, Repeat, Report, iso
from netmend.ground.printable_html import escape

MESSAGES = 40
EVENTS = 120
_NUMBERS = {"devices", "ports asked", "a minute", "times", "lines", "unknown"}


class CannotWrite(Exception):
    """The page cannot be written; the message is one sentence."""


def write(report: Report, path: Path) -> None:
    """Write the page.

    Raises:
        CannotWrite: the file cannot be written.
    """
    try:
        path.write_text(render(report), "utf-8", "surrogateescape")
    except OSError as error:
        raise CannotWrite(f"{path}: cannot be written: {error.strerror or error}") from error


def render(report: Report) -> str:
    """The page's HTML."""
    style = (resources.files("netmend.forensics") / "page.css").read_text("utf-8")
    parts = [_head(report), *_verdicts(report), _figures(report), draw(report)]
    parts += [_networks(report), _events(report), _messages(report), _files(report)]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>netmend timeline</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(p for p in parts if p)
        + "\n</main>\n</body>\n</html>\n"
    )


def when(time: float) -> str:
    """`YYYY-MM-DD HH:MM:SS`, UTC."""
    return (iso(time) or "?")[:19].replace("T", " ")


def _head(report: Report) -> str:
    return f"<h1>What the logs say</h1>\n<div class=soft>{escape(share(report))} All times are UTC.</div>"


def _verdicts(report: Report) -> Iterable[str]:
    if not report.verdicts:
        kind = "card fine" if report.outcome is Outcome.CALM else "card"
        said = judgement(report)
        return [f"<div class='{kind}'><h3>{escape(said[:1].upper() + said[1:])}</h3></div>"]
    return [_verdict(v) for v in report.verdicts]


def _verdict(verdict: Verdict) -> str:
    title = verdict.title + (f": {verdict.variant_title}" if verdict.variant_title else "")
    because = "".join(
        f"<li>{escape(e.because)} <span class=soft>({escape(', '.join(e.actors))}, {e.count:,} times, "
        f"first {when(e.first)})</span>{_example(e.sample)}</li>"
        for e in verdict.because
    )
    because += "".join(f"<li class=create>against it: {escape(text)}</li>" for text in verdict.contradicted)
    follows = f"<p class=create>follows from <code>{escape(verdict.caused_by)}</code></p>" if verdict.caused_by else ""
    return (
        f"<section class='card verdict{' follows' if verdict.caused_by else ''}'><header><h3>{escape(title)}</h3>"
        f"<code>{escape(verdict.signature)}</code>"
        f"<span class=sure><b>{round(verdict.confidence * 100)} %</b> sure</span>"
        f"</header><div class=soft>seen {when(verdict.first)} to {when(verdict.last)}</div>{follows}"
        f"<p>{escape(verdict.explains)}</p><b>Because</b><ul>{because}</ul>"
        f"<b>Do</b><ul class=do>{''.join(f'<li>{escape(text)}</li>' for text in verdict.do)}</ul></section>"
    )


def _example(text: str) -> str:
    return f"<div class='example mono'>{escape(text[:300])}</div>" if text else ""


def _figures(report: Report) -> str:
    first, leak = report.first_failure, report.leak
    figures = [("first failure", when(first.first) if first else "none")]
    if leak.created:
        about = "" if leak.exact else "about "
        figures += [
            ("devices made", f"{about}{leak.created:,}"),
            ("of them deleted", f"{about}{leak.deleted:,}"),
            ("a minute", f"{leak.per_minute:,.1f}"),
            ("most in one minute", f"{leak.peak_per_minute:,}"),
        ]
    if leak.ports_asked:
        figures.append(("DHCP ports asked for", f"{leak.ports_asked:,}"))
    cells = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for name, value in figures)
    said = ""
    if first:
        said = (
            f"<p><span class=failure>First failure</span>, {escape(first.actor)}: "
            f"<span class=mono>{escape(first.message[:400])}</span> <span class=soft>in {escape(first.file)}</span></p>"
        )
    return f"<div class=facts>{cells}</div>{said}"


def _table(head: str, rows: Iterable[str]) -> str:
    cells = "".join(f"<th{' class=n' if name in _NUMBERS else ''}>{escape(name)}</th>" for name in head.split("|"))
    return f"<div class='card wide'><table><tr>{cells}</tr>{''.join(rows)}</table></div>"


def _networks(report: Report) -> str:
    if not (report.leak.leaking and report.leak.networks):
        return ""
    rows = [
        f"<tr><td class=mono>{escape(n.network)}</td><td class=n>{n.devices or '-'}</td>"
        f"<td class=n>{n.ports_asked or '-'}</td>"
        f"<td class=n>{n.per_minute:g}</td><td class=when>{when(n.first)}</td><td class=when>{when(n.last)}</td></tr>"
        for n in report.leak.networks[:20]
    ]
    return (
        f"<h2>The leak, by network</h2><p>{escape(report.leak.because)}</p>"
        f"{_table('network|devices|ports asked|a minute|first|last', rows)}"
    )


def _events(report: Report) -> str:
    if not report.events:
        return ""
    rows = [
        f"<tr><td class=when>{when(e.first)}</td><td>{escape(e.actor)}</td><td class=n>{e.count:,}</td>"
        f"<td class={e.kind}>{escape(e.event.rpartition('/')[2])}</td>"
        f"<td class=message>{escape(e.message[:240])}</td></tr>"
        for e in report.events[:EVENTS]
    ]
    rest = len(report.events) - EVENTS + report.events_left_out
    more = f"<p class=soft>and {rest:,} more, in the JSON</p>" if rest > 0 else ""
    return f"<h2>Time line</h2>{_table('first|source|times|event|message', rows)}{more}"


def _messages(report: Report) -> str:
    told = [r for r in report.repeats if r.level in ("CRITICAL", "ERROR", "WARNING")][:MESSAGES]
    bare = unlevelled(report)[:UNLEVELLED]
    headings = (("Errors and warnings, by message", told), ("Without a level", bare))
    return "".join(
        f"<h2>{heading}</h2>{_table('times|a minute|first|last|source|message', map(_message, repeats))}"
        for heading, repeats in headings
        if repeats
    )


def _message(repeat: Repeat) -> str:
    return (
        f"<tr><td class=n>{repeat.count:,}</td><td class=n>{repeat.per_minute:g}</td>"
        f"<td class=when>{when(repeat.first)}</td><td class=when>{when(repeat.last)}</td>"
        f"<td>{escape(repeat.actor)}</td><td class=message>{escape(repeat.message)}</td></tr>"
    )


def _files(report: Report) -> str:
    rows = []
    for file in report.files:
        formats = ", ".join(f"{escape(name)} {count:,}" for name, count in sorted(file.formats.items()))
        said = "".join(f"<div class=soft>{escape(text)}</div>" for text in (*file.assumed, *file.notes))
        rows.append(
            f"<tr><td class=message>{escape(file.path)}</td><td class=n>{file.lines:,}</td>"
            f"<td class=n>{file.unknown:,}</td><td>{formats or 'none recognised'}{said}</td></tr>"
        )
    return f"<h2>Read</h2>{_table('file|lines|unknown|formats', rows)}"
