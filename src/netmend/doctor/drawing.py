"""The drawing: mount namespaces around one namespace directory, and which way mounts travel between them. Pure.

A box holds those who send to and receive from each other. The host, or whoever stands for it, is on the left; on the
right are who only receives, and who is cut off. An arrow is the way a mount takes; a broken one is red.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from netmend.doctor.blame import Standing, bind_of, line, option, reference_of, stand
from netmend.doctor.observation import Directory
from netmend.doctor.places import HostView, Place, alike
from netmend.doctor.sentences import count
from netmend.ground.printable_html import escape

_CHARACTER: Final = 7.3
"""Width of one at 12 px in a monospaced font, in px."""
_CHIP_HEIGHT: Final = 26
_GAP: Final = 8
_PAD: Final = 14
_HEAD: Final = 46
_LEFT: Final = 330
_RIGHT: Final = 400
_BETWEEN: Final = 150
_LONGEST: Final = 40


@dataclass(slots=True)
class Box:
    """Mount namespaces that stand alike, and how they are connected with the reference's box."""

    title: str
    detail: str
    places: list[Place] = field(default_factory=list)
    incoming: bool = False  # mounts of the reference arrive here
    outgoing: bool = False
    standing: Standing = Standing.REFERENCE

    @property
    def broken(self) -> bool:
        return not (self.incoming or self.outgoing or self.standing is Standing.REFERENCE)


def boxes(view: HostView, directory: Directory) -> list[Box]:
    """The reference's box first, then who is connected, then who is cut off; the largest first."""
    places = view.main_places(directory)
    reference = reference_of(view, places)
    found: dict[tuple[object, ...], Box] = {}
    for same in alike(places):
        one = stand(view, same[0], reference)
        if reference in same:
            one = stand(view, reference, reference)
        key, box = _box(one.standing, same[0], reference)
        found.setdefault(key, box).places += same
    ordered = list(found.values())
    ordered.sort(key=lambda box: (box.standing is not Standing.REFERENCE, box.broken, -len(box.places)))
    for box in ordered:
        box.places.sort(key=lambda place: (place is not reference, place.namespace.container is None, place.label))
    return ordered


def _box(standing: Standing, place: Place, reference: Place) -> tuple[tuple[object, ...], Box]:
    mount = place.mount
    match standing:
        case Standing.REFERENCE | Standing.PEER:
            group = f"peer group {reference.mount.shared}" if reference.mount.shared else "private mount"
            box = Box(group, "what one mounts, all have", standing=Standing.REFERENCE)
            return (Standing.REFERENCE,), box
        case Standing.RECEIVER:
            detail = f"master:{mount.master}" + (", each a group of its own below" if mount.shared else "")
            return (standing, mount.master), Box("only receive", detail, incoming=True, standing=standing)
        case Standing.SENDER:
            return (standing, mount.shared), Box(
                "only send", f"shared:{mount.shared}", outgoing=True, standing=standing
            )
        case Standing.PRIVATE | Standing.REFERENCE_PRIVATE:
            return (standing,), Box("private, each alone", "no mount arrives or leaves", standing=standing)
        case _ if mount.shared is not None:
            return (standing, mount.shared), Box(f"peer group {mount.shared}", standing.value, standing=standing)
        case _:
            return (standing,), Box("cut off", standing.value, standing=standing)


def draw(view: HostView, directory: Directory, culprits: Collection[str], broken: dict[str, int]) -> str:
    """One SVG. `broken`: label → number of names that are plain files there."""
    found = _merge_lonely(boxes(view, directory))
    left, right = found[0], found[1:]
    left_rows, left_width = _rows(left.places, _LEFT, broken)
    placed = []
    y = 0.0
    for box in right:
        rows, width = _rows(box.places, _RIGHT, broken)
        height = _height(rows)
        placed.append((box, rows, width, y, height))
        y += height + 22
    right_height = max(0.0, y - 22)
    left_height = _height(left_rows)
    height = max(left_height, right_height) + 4
    left_y = max(2.0, (height - left_height) / 2) if right and left_height < right_height else 2.0
    x = left_width + _BETWEEN
    width = x + max((w for _, _, w, _, _ in placed), default=-_BETWEEN + 4) + 4
    parts = [
        f'<svg role="img" viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:{width:.0f}px" '
        f'aria-label="who receives mounts from whom around {escape(view.title(directory))}">',
        _draw_box(left, left_rows, (2, left_y, left_width, left_height), culprits, broken),
    ]
    for box, rows, box_width, box_y, box_height in placed:
        end = box_y + 2 + box_height / 2
        start = min(max(end, left_y + 20), left_y + left_height - 20)
        parts.append(_draw_link(box, (left_width + 4, start), (x - 2, end)))
        parts.append(_draw_box(box, rows, (x, box_y + 2, box_width, box_height), culprits, broken))
    return "".join([*parts, "</svg>"])


def _merge_lonely(found: list[Box]) -> list[Box]:
    """Groups of one that are cut off in the same way become one box: sixty of them are still a picture."""
    lonely: dict[Standing, list[Box]] = {}
    for box in found:
        if box.broken and len(box.places) == 1:
            lonely.setdefault(box.standing, []).append(box)
    merged: list[Box] = []
    for box in found:
        same = lonely.get(box.standing, [])
        if len(same) < 3 or box not in same:
            merged.append(box)
        elif box is same[0]:
            places = sorted((place for one in same for place in one.places), key=lambda place: place.label)
            merged.append(Box("each in a group of its own", box.detail, places, standing=box.standing))
    return merged


def _rows(
    places: Sequence[Place], least: float, broken: dict[str, int]
) -> tuple[list[list[tuple[Place, float]]], float]:
    """Chips in rows; a box of many is wider."""
    room = least + min(260.0, 6.0 * max(0, len(places) - 8)) - 2 * _PAD
    rows: list[list[tuple[Place, float]]] = [[]]
    used = 0.0
    for place in places:
        width = min(room, 24 + _CHARACTER * len(_shown(place) + "".join(_counts(place, broken))))
        if rows[-1] and used + width > room:
            rows.append([])
            used = 0.0
        rows[-1].append((place, width))
        used += width + _GAP
    return rows, room + 2 * _PAD


def _height(rows: Sequence[object]) -> float:
    return _HEAD + len(rows) * (_CHIP_HEIGHT + _GAP) + _PAD - _GAP


def _shown(place: Place) -> str:
    return place.label if len(place.label) <= _LONGEST else place.label[: _LONGEST - 1] + "…"


def _counts(place: Place, broken: dict[str, int]) -> tuple[str, str]:
    """Usable names, and plain files."""
    plain = broken.get(place.label, 0)
    return f" {len(place.usable)}", f"/{plain}" if plain else ""


def _draw_box(
    box: Box,
    rows: Sequence[Sequence[tuple[Place, float]]],
    at: tuple[float, float, float, float],
    culprits: Collection[str],
    broken: dict[str, int],
) -> str:
    x, y, width, height = at
    kind = "cut" if box.broken else "main" if box.standing is Standing.REFERENCE else "ok"
    parts = [
        f'<g class="box {kind}"><rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="10"/>',
        f'<text class="title" x="{x + _PAD:.1f}" y="{y + 20:.1f}">{escape(box.title)}'
        f'<tspan class="count" dx="8">{count(len(box.places), "mount namespace")}</tspan></text>',
        f'<text class="detail" x="{x + _PAD:.1f}" y="{y + 36:.1f}">{escape(box.detail)}</text>',
    ]
    chip_y = y + _HEAD
    for row in rows:
        chip_x = x + _PAD
        for place, chip_width in row:
            parts.append(_draw_chip(place, (chip_x, chip_y, chip_width), culprits, broken))
            chip_x += chip_width + _GAP
        chip_y += _CHIP_HEIGHT + _GAP
    return "".join([*parts, "</g>"])


def _draw_chip(place: Place, at: tuple[float, float, float], culprits: Collection[str], broken: dict[str, int]) -> str:
    x, y, width = at
    plain = broken.get(place.label, 0)
    kind = "wrong" if place.label in culprits else "hurt" if plain else ""
    if place.label == "host":
        kind += " host"
    bind = bind_of(place)
    told = [
        line(place),
        *([f"-v {option(bind)}"] if bind else []),
        f"{count(len(place.usable), 'usable name')}" + (f", {count(plain, 'plain file')}" if plain else ""),
    ]
    usable, lacking = _counts(place, broken)
    number = f'<tspan class="number">{usable}</tspan><tspan class="plain">{lacking}</tspan>'
    return (
        f'<g class="chip {kind.strip()}"><title>{escape(chr(10).join(told))}</title>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_CHIP_HEIGHT}" rx="6"/>'
        f'<text x="{x + 9:.1f}" y="{y + 17:.1f}">{escape(_shown(place))}{number}</text></g>'
    )


def _draw_link(box: Box, start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = start, end
    middle = (x1 + x2) / 2
    path = f"M{x1:.1f},{y1:.1f} C{middle:.1f},{y1:.1f} {middle:.1f},{y2:.1f} {x2:.1f},{y2:.1f}"
    label_y = (y1 + y2) / 2
    if box.broken:
        return (
            f'<g class="link cut"><path d="{path}"/><circle cx="{middle:.1f}" cy="{label_y:.1f}" r="10"/>'
            f'<path class="cross" d="M{middle - 4:.1f},{label_y - 4:.1f} l8,8 m0,-8 l-8,8"/></g>'
        )
    heads = ""
    if box.incoming:
        heads += f'<path class="head" d="M{x2:.1f},{y2:.1f} l-9,-5 v10 z"/>'
    if box.outgoing:
        heads += f'<path class="head" d="M{x1:.1f},{y1:.1f} l9,-5 v10 z"/>'
    word = "mounts arrive" if box.incoming else "mounts leave"
    return (
        f'<g class="link ok"><path d="{path}"/>{heads}'
        f'<text x="{middle:.1f}" y="{label_y - 8:.1f}" text-anchor="middle">{word}</text></g>'
    )
