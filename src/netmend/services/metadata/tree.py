"""EC2's tree of values, with listings as its service gives them."""

from collections.abc import Mapping
from typing import TypeAlias

Node: TypeAlias = Mapping[str, "Node"] | str | bytes
Tree: TypeAlias = Mapping[str, Node]
LABEL = ""  # a directory's key for how its parent lists it, where that is not `name/`


def walk(tree: Tree, steps: list[str]) -> bytes | None:
    """The value at the end of `steps`, or the listing of the directory there; None when there is no such thing."""
    node: Node = tree
    for step in steps:
        if not isinstance(node, Mapping) or step == LABEL or step not in node:
            return None
        node = node[step]
    if isinstance(node, Mapping):
        return "\n".join(_entry(name, value) for name, value in sorted(node.items()) if name != LABEL).encode()
    return node.encode() if isinstance(node, str) else node


def _entry(name: str, value: Node) -> str:
    if not isinstance(value, Mapping):
        return name
    label = value.get(LABEL)
    return label if isinstance(label, str) else f"{name}/"
