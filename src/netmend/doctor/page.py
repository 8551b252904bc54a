"""One self-contained page: the drawings, and the findings beside them. Nothing is loaded from anywhere."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.resources import files

from netmend.doctor.drawing import draw
from netmend.doctor.observation import Directory, Observation
from netmend.doctor.places import HostView, alike
from netmend.doctor.report import grouped, headlines, sufferers, summary
from netmend.doctor.sentences import count, moment, several
from netmend.ground.finding import Finding
from netmend.ground.printable_html import escape

_MOST_ROWS = 40


def page(observation: Observation, findings: Sequence[Finding]) -> str:
    """HTML, with style and drawings inline; dark where the reader's system is."""
    view = HostView(observation)
    culprits = {culprit for finding in findings for culprit in finding.culprits}
    drawings = "".join(_directory(view, directory, findings, culprits) for directory, _ in view.shared)
    when = moment(observation.taken_at) if observation.taken_at else "when the copies were taken"
    node = f" on {escape(platform.node())}" if observation.source == "live" else f", from a {observation.source}"
    state = "bad" if any(finding.severity.word == "error" for finding in findings) else "warn" if findings else "good"
    style = files("netmend.doctor").joinpath("page.css").read_text()
    unread = "".join(f"<li>{escape(item.what)}: {escape(item.why)}</li>" for item in observation.unread)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        'content="light dark">'
        f"<title>netmend doctor: {escape(summary(observation, findings))}</title><style>{style}</style></head><body>"
        f'<header class="{state}"><h1>netmend doctor</h1><p '
        f'class="verdict">{escape(summary(observation, findings))}</p>'
        f'<p class="when">{escape(when)}{node}</p></header><main><section class="drawings">'
        + (drawings or "<p>No directory of network namespaces was seen.</p>")
        + _LEGEND
        + '</section><section class="findings">'
        + ("".join(_group(group) for group in grouped(findings)) or '<p class="fine">Nothing is wrong.</p>')
        + (f'<div class="unread"><h2>Not looked at</h2><ul>{unread}</ul></div>' if unread else "")
        + "</section></main></body></html>\n"
    )


_LEGEND = (
    '<ul class="legend"><li><i class="key main"></i>peers: what one mounts, all have</li>'
    '<li><i class="key ok"></i>arrow: the way a mount takes</li>'
    '<li><i class="key cut"></i>cut off: names there are plain files</li>'
    '<li><i class="key wrong"></i>set up wrongly</li>'
    '<li><i class="key hurt"></i>suffers: <b>usable</b>/<b class="bad">plain</b> names</li></ul>'
)


def _directory(view: HostView, directory: Directory, findings: Sequence[Finding], culprits: set[str]) -> str:
    title = view.title(directory)
    concerned = [finding for finding in findings if finding.directory == title]
    broken: dict[str, int] = {}
    for finding in concerned:
        for label in finding.broken_in:
            broken[label] = broken.get(label, 0) + 1
    places = view.main_places(directory)
    names = {name for same in alike(places) for name in same[0].usable}
    return (
        f"<article><h2><code>{escape(title)}</code></h2><p>{count(len(names), 'namespace')}, seen by "
        f"{count(len(places), 'mount namespace')}</p>"
        f'<div class="drawing">{draw(view, directory, culprits, broken)}</div>{_names(concerned)}</article>'
    )


def _names(findings: Sequence[Finding]) -> str:
    """The names that not everybody can use."""
    fates: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for finding in findings:
        if finding.netns is not None and finding.broken_in:
            fates.setdefault((finding.usable_in, finding.broken_in), []).append(finding.netns)
    if not fates:
        return ""
    body = "".join(
        f'<tr><th>{_code(names)}</th><td class="good">{escape(several(usable, 4)) or "nobody"}</td>'
        f'<td class="bad">{escape(several(broken, 4))}</td></tr>'
        for (usable, broken), names in list(fates.items())[:_MOST_ROWS]
    )
    left = sum(len(names) for names in list(fates.values())[_MOST_ROWS:])
    more = f"<caption>and {count(left, 'more name')}</caption>" if left else ""
    return (
        f"<table>{more}<thead><tr><th>name</th><th>a namespace in</th><th>a plain file in</th></tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def _code(names: Sequence[str]) -> str:
    shown = " ".join(f"<code>{escape(name)}</code>" for name in names[:6])
    return shown + (f" and {len(names) - 6:,} more" if len(names) > 6 else "")


def _group(group: Sequence[Finding]) -> str:
    first = group[0]
    told = "".join(f"<li>{escape(text)}</li>" for text in headlines(group))
    suffering = several(sufferers(group), 12)
    suffers = f"<p><b>Who suffers:</b> {escape(suffering)}</p>" if suffering else ""
    evidence = escape("\n".join(first.evidence))
    return (
        f'<article class="finding {first.severity.word}"><h2><span class="severity">{first.severity.word}</span> '
        f"<code>{escape(first.check)}</code></h2><ul>{told}</ul><p><b>Cause:</b> {escape(first.cause)}</p>{suffers}"
        f'<h3>Mend, typed on the host as root</h3><pre class="mend">{_commands(first.mend)}</pre>'
        f"<details><summary>Evidence</summary><pre>{evidence}</pre></details></article>"
    )


def _commands(mend: str) -> str:
    """Commands, with their remarks set apart."""
    lines = []
    for text in mend.split("\n"):
        command, mark, remark = text.partition("  # ")
        if text.startswith("#"):
            lines.append(f"<i>{escape(text)}</i>")
        else:
            lines.append(escape(command) + (f"<i>{escape(mark + remark)}</i>" if mark else ""))
    return "\n".join(lines)
