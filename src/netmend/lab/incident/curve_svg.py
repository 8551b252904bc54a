"""A picture as SVG, in colours that follow the reader's dark or light."""

from __future__ import annotations

from html import escape

from netmend.lab.incident.curve import HEIGHT, WIDTH, Curve, Dot, Line, Shape, draw

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --soft: #656d76; --grid: #e4e7eb;
  --old: #c2410c; --new: #1d5fd1; --card: #f6f8fa; }
@media (prefers-color-scheme: dark) { :root { --paper: #0f1419; --ink: #e6e9ed; --soft: #9aa4af; --grid: #262d36;
  --old: #ff8a5c; --new: #6ea8ff; --card: #171d24; } }
"""


def svg(curve: Curve) -> str:
    """The `<svg>` element; colours are the custom properties of STYLE."""
    shapes = "\n".join(_shape(shape) for shape in draw(curve))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(curve.title, quote=True)}" '
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
