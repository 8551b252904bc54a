"""Problems of a file, with their place: `file:line: field: why`."""

from dataclasses import dataclass
from typing import Any

WHY_MAX = 400  # characters
_LABEL_MAX = 80  # characters shown of a key or name

Place = tuple[str | int, ...]  # the keys and indexes that lead to a field, such as ("networks", 0, "mtu")


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a file."""

    file: str  # the file's name, as the caller gave it
    line: int  # from 1; 0 where there are no lines
    field: str  # a path such as `networks[blue].ports[web].mac`; empty for a problem of the whole document
    why: str  # a sentence; shortened in its middle when it quotes something long

    def __post_init__(self) -> None:
        if len(self.why) > WHY_MAX:
            object.__setattr__(self, "why", f"{self.why[: WHY_MAX // 2]} ... {self.why[-WHY_MAX // 2 :]}")

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: {self.why}" if self.field else f"{place}: {self.why}"


def field_path(root: Any, place: Place) -> str:
    """`place` in words. An item of a list goes by its name, a subnet without one by its CIDR, others by index."""
    path = ""
    node = root
    for step in place:
        if isinstance(step, int):
            node = node[step] if isinstance(node, list) and step < len(node) else None
            path += f"[{_label(node) or step}]"
        else:
            key = step[:_LABEL_MAX] if step.isprintable() else ascii(step[:_LABEL_MAX])
            path += f".{key}" if path else key
            node = node.get(step) if isinstance(node, dict) else None
    return path


def _label(item: Any) -> str | None:
    if not isinstance(item, dict):
        return None
    label = item.get("name", item.get("cidr"))
    return label if isinstance(label, str) and label.isprintable() and len(label) <= _LABEL_MAX else None
