"""Attributes and blocks of HCL, and the mappings that they come to in a scope."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from netmend.ground.document import Mapping, Mark, Sequence
from netmend.lint.formats.hcl.values import Unknown

Scope = dict[str, Any]
Node = Callable[[Scope], Any]


@dataclass(frozen=True, slots=True)
class Attribute:
    key: str
    line: int
    node: Node


@dataclass(frozen=True, slots=True)
class Block:
    labels: tuple[str, ...]
    line: int
    body: list[Attribute | Block] = field(default_factory=list)


def value_of(node: Node, scope: Scope) -> Any:
    try:
        return node(scope)
    except Unknown as unknown:
        return unknown


def evaluate(body: list[Attribute | Block], scope: Scope, mark: Mark) -> Mapping:
    found = Mapping(mark)
    for one in body:
        if isinstance(one, Attribute):
            found[one.key] = one.node(scope)
            found.mark_of[one.key] = Mark(one.line, 1)
        elif len(one.labels) == 2 and one.labels[0] == "dynamic":
            for labels, line, inner, within in _expanded(one, scope):
                _put(found, labels, evaluate(inner, within, Mark(line, 1)), line)
        else:
            _put(found, " ".join(one.labels), evaluate(one.body, scope, Mark(one.line, 1)), one.line)
    return found


def _expanded(block: Block, scope: Scope) -> Iterator[tuple[str, int, list[Attribute | Block], Scope]]:
    """The blocks that a `dynamic` block stands for; one, with an unknown iterator, where `for_each` is unknown."""
    label = block.labels[1]
    attributes = {one.key: one for one in block.body if isinstance(one, Attribute)}
    content = next((one for one in block.body if isinstance(one, Block) and one.labels == ("content",)), None)
    if content is None or "for_each" not in attributes:
        return
    try:
        items = attributes["for_each"].node(scope)
    except Unknown:
        items = None
    pairs: list[tuple[Any, Any]]
    if isinstance(items, dict):
        pairs = list(items.items())
    elif isinstance(items, list):
        pairs = list(enumerate(items))
    else:
        pairs = [(Unknown(), Unknown())]
    for key, value in pairs:
        yield label, content.line, content.body, {**scope, label: {"key": key, "value": value}}


def _put(found: Mapping, key: str, value: Any, line: int) -> None:
    """A block that stands there several times is a list of them."""
    if key not in found:
        found[key] = value
        found.mark_of[key] = Mark(line, 1)
        return
    before = found[key]
    if not isinstance(before, Sequence):
        listed = Sequence(Mark(line, 1))
        listed.append(before)
        listed.mark_of.append(found.mark_of[key])
        found[key] = before = listed
    before.append(value)
    before.mark_of.append(Mark(line, 1))
