"""A picture as PNG, painted by Pillow (the extra `netmend[png]`), with the font that Pillow brings.

Pillow paints without smoothing, so the picture is painted four times as large as it will be and made smaller.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import hypot
from pathlib import Path
from typing import TYPE_CHECKING

from netmend.lab.incident.curve import HEIGHT, WIDTH, Curve, Dot, Line, Point, Role, Words, draw

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw as Painter

_SCALE = 2  # of the file
_FINE = 4  # of what is painted, before it is made smaller
_PAPER = "#ffffff"
_COLOURS: dict[Role, str] = {
    "old": "#c2410c",
    "new": "#1d5fd1",
    "ink": "#1b1f24",
    "soft": "#656d76",
    "grid": "#e4e7eb",
}
_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


class NoPainter(Exception):
    """Pillow is not installed; the text says how to have it."""


def check() -> None:
    """Raises NoPainter."""
    try:
        import PIL.ImageDraw  # noqa: F401
    except ImportError:
        raise NoPainter("--png needs Pillow, which is not installed: pip install 'netmend[png]'") from None


def write(curve: Curve, path: Path) -> None:
    """Write the picture; raises NoPainter, OSError."""
    check()
    from PIL import Image, ImageDraw

    factor = _SCALE * _FINE
    image = Image.new("RGB", (WIDTH * factor, HEIGHT * factor), _PAPER)
    painter = ImageDraw.Draw(image)
    for shape in draw(curve):
        if isinstance(shape, Line):
            _line(painter, shape, factor)
        elif isinstance(shape, Dot):
            painter.circle((shape.x * factor, shape.y * factor), shape.radius * factor, fill=_COLOURS[shape.role])
        else:
            _words(painter, shape, factor)
    small = image.resize((WIDTH * _SCALE, HEIGHT * _SCALE), Image.Resampling.LANCZOS)
    small.save(path, format="PNG", optimize=True)


def _line(painter: Painter, line: Line, factor: int) -> None:
    pieces = _dashes(line.points) if line.dashed else iter((line.points,))
    for piece in pieces:
        points = [(x * factor, y * factor) for x, y in piece]
        painter.line(points, fill=_COLOURS[line.role], width=round(line.width * factor), joint="curve")


def _dashes(points: tuple[Point, ...], length: float = 4.0) -> Iterator[tuple[Point, ...]]:
    """Every second piece of each segment, as SVG's `stroke-dasharray="4 4"` has them."""
    for (x, y), (to_x, to_y) in pairwise(points):
        whole = hypot(to_x - x, to_y - y)
        for number in range(0, int(whole / length) + 1, 2):
            a, b = number * length / whole, min(1.0, (number + 1) * length / whole)
            yield (x + (to_x - x) * a, y + (to_y - y) * a), (x + (to_x - x) * b, y + (to_y - y) * b)


def _words(painter: Painter, words: Words, factor: int) -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(words.size * factor)
    painter.text(
        (words.x * factor, words.y * factor),
        words.text,
        fill=_COLOURS[words.role],
        font=font,
        anchor=_ANCHORS[words.anchor],
        stroke_width=round(0.25 * factor) if words.bold else 0,
    )
