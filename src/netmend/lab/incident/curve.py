"""Device counts over time as a picture: shapes with roles, which `svg` paints.

Coordinates are in pixels of a picture of WIDTH x HEIGHT, y downwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from netmend.ground.printable_html import escape

WIDTH, HEIGHT = 960, 470
STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --soft: #656d76; --grid: #e4e7eb;
  --old: #c2410c; --new: #1d5fd1; --card: #f6f8fa; }
@media (prefers-color-scheme: dark) { :root { --paper: #0f1419; --ink: #e6e9ed; --soft: #9aa4af; --grid: #262d36;
  --old: #ff8a5c; --new: #6ea8ff; --card: #171d24; } }
"""
"""Colours that follow the reader's dark or light."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 788, 86, 410
Role = Literal["old", "new", "ink", "soft", "grid"]
Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A polyline; `dashed` for what is not measured."""

    points: tuple[Point, ...]
    role: Role
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """Text with its baseline at (x, y)."""

    x: float
    y: float
    text: str
    role: Role
    size: int = 13
    anchor: Anchor = "start"
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    role: Role
    radius: float = 4.0


Shape = Line | Words | Dot


@dataclass(frozen=True, slots=True)
class Series:
    """Steps: from each time (seconds) on, so many."""

    name: str
    role: Role
    steps: Sequence[tuple[float, int]]

    @property
    def most(self) -> int:
        return max((count for _, count in self.steps), default=0)


@dataclass(frozen=True, slots=True)
class Curve:
    """What is drawn. `wanted`: devices that intent asks for; `marks`: times with what happened then."""

    title: str
    subtitle: str
    series: tuple[Series, ...]
    wanted: int
    marks: tuple[tuple[float, str], ...]
    end: float


def draw(curve: Curve) -> tuple[Shape, ...]:
    """The picture, from back to front."""
    top = _nice_top(max([curve.wanted, *(series.most for series in curve.series)]))
    plot = _Plot(max(curve.end, 1e-3), top)
    return (
        Words(_LEFT, 34, curve.title, "ink", 19, bold=True),
        Words(_LEFT, 58, curve.subtitle, "soft", 13),
        *_axes(plot),
        *_marks(curve, plot),
        *_lines(curve, plot),
        *_labels(curve, plot),
    )


@dataclass(frozen=True, slots=True)
class _Plot:
    seconds: float
    top: int

    def at(self, seconds: float, count: float) -> Point:
        x = _LEFT + (_RIGHT - _LEFT) * min(max(seconds / self.seconds, 0.0), 1.0)
        return x, _BOTTOM - (_BOTTOM - _TOP) * count / self.top


def _step(span: float, about: int) -> float:
    """A round step that divides `span` into about so many."""
    power = 1.0
    while power * 10 <= span / about:
        power *= 10
    while power > span / about:
        power /= 10
    return next((power * factor for factor in (1, 2, 5) if power * factor * about >= span), power * 10)


def _nice_top(most: int) -> int:
    step = max(1, round(_step(max(most, 4), 4)))
    return step * (most // step + 1)


def _axes(plot: _Plot) -> list[Shape]:
    shapes: list[Shape] = []
    step = max(1, round(_step(plot.top, 4)))
    for count in range(0, plot.top + 1, step):
        y = plot.at(0, count)[1]
        shapes.append(Line(((_LEFT, y), (_RIGHT, y)), "grid" if count else "soft"))
        shapes.append(Words(_LEFT - 10, y + 4, f"{count:,}", "soft", 12, "end"))
    seconds = _step(plot.seconds, 6)
    for number in range(int(plot.seconds / seconds + 1e-9) + 1):
        x = plot.at(number * seconds, 0)[0]
        shapes.append(Line(((x, _BOTTOM), (x, _BOTTOM + 5)), "soft"))
        shapes.append(Words(x, _BOTTOM + 21, f"{number * seconds:g} s", "soft", 12, "middle"))
    return shapes


def _marks(curve: Curve, plot: _Plot) -> list[Shape]:
    shapes: list[Shape] = []
    for at, text in curve.marks:
        x = plot.at(at, 0)[0]
        shapes.append(Line(((x, _TOP), (x, _BOTTOM)), "soft", dashed=True))
        shapes.append(Words(x + 6, _TOP + 10, text, "soft", 12))
    return shapes


def _lines(curve: Curve, plot: _Plot) -> list[Shape]:
    wanted = tuple(plot.at(at, curve.wanted) for at in (0, plot.seconds))
    shapes: list[Shape] = [Line(wanted, "soft", dashed=True)]
    for series in curve.series:
        points: list[Point] = []
        height = 0
        for at, count in series.steps:
            points += [plot.at(at, height), plot.at(at, count)]
            height = count
        points.append(plot.at(plot.seconds, height))
        shapes.append(Line(tuple(points), series.role, 2.5))
        shapes.append(Dot(*points[-1], series.role))
    return shapes


def _labels(curve: Curve, plot: _Plot) -> list[Shape]:
    """Each line is named at its end; names that would lie on each other are moved apart, the upper one up."""
    shapes: list[Shape] = []
    ends = [(plot.at(0, series.steps[-1][1] if series.steps else 0)[1], series) for series in curve.series]
    below = float("inf")
    for y, series in sorted(ends, key=lambda end: -end[0]):
        place = min(y + 1, below - 44)
        below = place
        count = series.steps[-1][1] if series.steps else 0
        shapes.append(Words(_RIGHT + 12, place, series.name, series.role, 14, bold=True))
        shapes.append(Words(_RIGHT + 12, place + 17, f"{count:,} devices", "ink", 13))
    low = plot.at(0, curve.wanted)[1]
    shapes.append(Words(_RIGHT - 8, low - 7, f"intent asks for {curve.wanted}", "soft", 12, "end"))
    return shapes


def svg(curve: Curve) -> str:
    """The `<svg>` element; colours are the custom properties of STYLE."""
    shapes = "\n".join(_shape(shape) for shape in draw(curve))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(curve.title)}" '
        f'font-family="system-ui, sans-serif">\n{shapes}\n</svg>'
    )


def _shape(shape: Shape) -> str:
    if isinstance(shape, Line):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in shape.points)
        dashes = ' stroke-dasharray="4 4"' if shape.dashed else ""
        return (
            f'<polyline points="{points}" fill="none" stroke="var(--{shape.role})" stroke-width="{shape.width}" '
            f'stroke-linejoin="round"{dashes}/>'
        )
    if isinstance(shape, Dot):
        return f'<circle cx="{shape.x:.1f}" cy="{shape.y:.1f}" r="{shape.radius}" fill="var(--{shape.role})"/>'
    weight = ' font-weight="600"' if shape.bold else ""
    return (
        f'<text x="{shape.x:.1f}" y="{shape.y:.1f}" font-size="{shape.size}" text-anchor="{shape.anchor}" '
        f'fill="var(--{shape.role})"{weight}>{escape(shape.text)}</text>'
    )
