"""The incident as one self-contained page: the verdict and the curve. No script, nothing fetched, dark or light."""

from __future__ import annotations

from pathlib import Path

from netmend.ground.printable_html import escape
from netmend.lab.incident.curve import STYLE, svg
from netmend.lab.incident.replay import Outcome
from netmend.lab.incident.sentences import OLD_AGENT, command_of, curve_of, verdict

_STYLE = (
    STYLE
    + """
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 28px 24px 48px; }
h1 { font-size: 24px; margin: 0 0 14px; }
.verdict { background: var(--card); border-left: 4px solid var(--new); padding: 12px 18px; border-radius: 4px; }
.verdict.bad { border-color: var(--old); }
.verdict p { margin: 3px 0; white-space: pre-line; overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: auto; margin: 22px 0 8px; }
.soft { color: var(--soft); }
code { background: var(--card); padding: 2px 6px; border-radius: 4px; overflow-wrap: anywhere; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 4px 22px 4px 0; border-bottom: 1px solid var(--grid); }
th { color: var(--soft); font-weight: 500; } .n { text-align: right; }
summary { cursor: pointer; margin: 18px 0 8px; }
.old { color: var(--old); } .new { color: var(--new); }
"""
)


def write(outcome: Outcome, path: Path) -> None:
    """Write the page; raises OSError."""
    path.write_text(render(outcome), encoding="utf-8")


def render(outcome: Outcome) -> str:
    """The page's HTML."""
    said = "".join(f"<p>{escape(line)}</p>" for line in verdict(outcome))
    rows = "".join(
        f"<tr><td class=n>{played.number}</td><td class=n>{played.at:.2f} s</td><td class=n>{played.old_agent:,}</td>"
        f"<td class=n>{played.netmend:,}</td><td>{escape(', '.join(played.restarted))}</td>"
        f"<td>{escape(played.failed or '')}</td></tr>"
        for played in outcome.rounds
    )
    head = (
        f"<tr><th class=n>round</th><th class=n>after</th><th class='n old'>{OLD_AGENT}</th>"
        "<th class='n new'>netmend</th><th>restarted</th><th>the old agent's error</th></tr>"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>netmend lab incident</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>The incident, replayed</h1>\n<div class='verdict{'' if outcome.ok else ' bad'}'>{said}</div>\n"
        f"{svg(curve_of(outcome))}\n"
        "<p class=soft>Counted from the kernel's own messages, so nothing between two rounds is missed. The old agent "
        "is a stand-in that does the steps of its resync on real devices.</p>\n"
        f"<p>Play it again: <code>{escape(command_of(outcome.setup))}</code></p>\n"
        f"<details><summary>{len(outcome.rounds)} rounds</summary><table>{head}{rows}</table></details>\n"
        "</main>\n</body>\n</html>\n"
    )
