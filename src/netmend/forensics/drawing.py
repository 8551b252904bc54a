"""The time line drawn: one lane for each event of each source, and under them the devices that remain, as SVG."""

from __future__ import annotations

import math

from netmend.forensics.report import Happening, Report, iso
from netmend.ground.printable_html import escape

WIDTH, LEFT, RIGHT = 1100, 250, 20
LANE, CURVE = 24, 130
LANES = 18
DAY = 86400
_STEPS = (1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 43200, 86400, 172800, 604800, 2592000, 7776000, 31536000)


class _Axis:
    """Time to x."""

    def __init__(self, first: float, last: float) -> None:
        self.first = first
        self.span = max(last - first, 1.0)

    def x(self, time: float) -> float:
        return LEFT + (time - self.first) / self.span * (WIDTH - LEFT - RIGHT)

    def ticks(self) -> list[float]:
        step = next((s for s in _STEPS if self.span / s <= 10), self.span / 10)
        start = math.ceil(self.first / step) * step
        return [start + i * step for i in range(12) if start + i * step <= self.first + self.span]


def draw(report: Report) -> str:
    """An SVG figure with its legend; empty when there is nothing to draw."""
    lanes = _lanes(report.events)
    curve = report.leak.curve
    times = [t for runs in lanes.values() for h in runs for t in (h.first, h.last)] + [t for t, _ in curve]
    times = [t for t in times if math.isfinite(t) and iso(t)]
    if not times:
        return ""
    axis = _Axis(min(times), max(times))
    body = len(lanes) * LANE
    height = body + (CURVE + 30 if curve else 0) + 34
    parts = [_grid(axis, height)]
    for i, ((event, actor), runs) in enumerate(lanes.items()):
        parts.append(_lane(axis, i * LANE + 4, f"{event.rpartition('/')[2]} · {actor}", runs))
    if curve:
        parts.append(_curve(axis, curve, body + 22))
    if report.first_failure and report.first_failure.first >= axis.first:
        x = axis.x(report.first_failure.first)
        parts.append(
            f"<line class=first x1={x:.1f} x2={x:.1f} y1=0 y2={height - 24}><title>first failure</title></line>"
        )
    kinds = ("failure", "start", "create", "recovery", "note")
    named = ("failures", "starts and stops", "devices and ports made, deleted", "recovery", "other")
    legend = "".join(f"<span class={k}><i></i>{n}</span>" for k, n in zip(kinds, named, strict=True))
    return (
        f"<h2>The time line, drawn</h2><div class='card wide'><svg viewBox='0 0 {WIDTH} {height}' role=img "
        f"aria-label='time line'>{''.join(parts)}</svg><div class=legend>{legend}</div></div>"
    )


def _lanes(events: tuple[Happening, ...]) -> dict[tuple[str, str], list[Happening]]:
    """The LANES most telling (event, source) pairs, in order of their first time."""
    found: dict[tuple[str, str], list[Happening]] = {}
    for event in events:
        found.setdefault((event.event, event.actor), []).append(event)
    rank = {"failure": 0, "start": 1, "stop": 1, "recovery": 1}
    best = sorted(found, key=lambda k: (rank.get(found[k][0].kind, 2), -sum(h.count for h in found[k]), k))[:LANES]
    return {k: found[k] for k in sorted(best, key=lambda k: (found[k][0].first, k))}


def _grid(axis: _Axis, height: int) -> str:
    parts = []
    day = ""
    ticks = axis.ticks()
    stamps = [iso(tick) or "" for tick in (axis.first, *ticks, axis.first + axis.span)]
    years = len({stamp[:4] for stamp in stamps if stamp}) > 1
    for tick, text in zip(ticks, stamps[1:-1], strict=True):
        label = text[11:16] if axis.span > 60 else text[11:19]
        if text[:10] != day:
            day = text[:10]
            date = day if years else day[5:]
            label = date if len(ticks) > 1 and ticks[1] - ticks[0] >= DAY else f"{date} {label}"
        x = axis.x(tick)
        parts.append(f"<line class=grid x1={x:.1f} x2={x:.1f} y1=0 y2={height - 24} />")
        parts.append(f"<text x={x:.1f} y={height - 7} text-anchor=middle>{label}</text>")
    return "".join(parts)


def _lane(axis: _Axis, y: int, label: str, runs: list[Happening]) -> str:
    shown = label if len(label) <= 36 else label[:35] + "…"
    parts = [f"<text class=lane x=0 y={y + 13}>{escape(shown)}</text>"]
    for run in runs:
        if not iso(run.first):
            continue
        x = axis.x(run.first)
        width = max(axis.x(run.last) - x, 4)
        tip = (
            f"{run.event} · {run.actor}\n{run.count:,} times\n{iso(run.first)} to {iso(run.last)}\n{run.message[:200]}"
        )
        parts.append(
            f"<rect class={run.kind} x={x:.1f} y={y} width={width:.1f} height={LANE - 8} rx=3>"
            f"<title>{escape(tip)}</title></rect>"
        )
    return "".join(parts)


def _curve(axis: _Axis, curve: tuple[tuple[float, int], ...], top: int) -> str:
    most = max((n for _, n in curve), default=0) or 1
    bottom = top + CURVE

    def y(count: int) -> float:
        return bottom - count / most * CURVE

    points = " ".join(f"{axis.x(t):.1f},{y(n):.1f}" for t, n in curve)
    end = axis.x(curve[-1][0])
    return (
        f"<text class=lane x=0 y={top + 14}>devices that remain</text>"
        f"<text x={LEFT - 8} y={top + 10} text-anchor=end>{most:,}</text>"
        f"<text x={LEFT - 8} y={bottom} text-anchor=end>0</text>"
        f"<line class=grid x1={LEFT} x2={WIDTH - RIGHT} y1={bottom} y2={bottom} />"
        f"<polygon class=area points='{axis.x(curve[0][0]):.1f},{bottom} {points} {end:.1f},{bottom}' />"
        f"<polyline class=curve points='{points}' />"
    )
