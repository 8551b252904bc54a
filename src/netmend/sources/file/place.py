"""How a place in a document is named to a person: `networks[blue].ports[web].mac`."""

from typing import Any

from netmend.sources.problem import Place

_LENGTH_MAX = 80  # characters shown of a key or name


def field_path(root: Any, place: Place) -> str:
    """The path to `place`. An item of a list goes by its name, a subnet without one by its CIDR, others by index."""
    path = ""
    node = root
    for step in place:
        if isinstance(step, int):
            item = _item(node, step)
            path += f"[{_label(item) or step}]"
            node = item
        else:
            key = step[:_LENGTH_MAX] if step.isprintable() else ascii(step[:_LENGTH_MAX])
            path += f".{key}" if path else key
            node = node.get(step) if isinstance(node, dict) else None
    return path


def _item(node: Any, index: int) -> Any:
    return node[index] if isinstance(node, list) and index < len(node) else None


def _label(item: Any) -> str | None:
    if not isinstance(item, dict):
        return None
    label = item.get("name", item.get("cidr"))
    return label if isinstance(label, str) and label.isprintable() and len(label) <= _LENGTH_MAX else None
