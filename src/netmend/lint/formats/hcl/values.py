"""What operators and functions of HCL make of values; every one is total, and raises Unknown where it has no answer."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from netmend.ground.document import Mark, Sequence

_LONGEST: Final = 10_000  # items or characters of a value: a file cannot make more of itself than a file may be


class Unknown(Exception):
    """An expression that the file alone does not answer."""


def bounded(value: Any) -> Any:
    if isinstance(value, (str, list)) and len(value) > _LONGEST:
        raise Unknown
    return value


def truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise Unknown


def numbers(*values: Any) -> tuple[Any, ...]:
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in values):
        raise Unknown
    return values


def text_of(value: Any) -> str:
    """A value within a template."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise Unknown


def listed(values: Iterator[tuple[Any, Mark]], mark: Mark) -> Sequence:
    found = Sequence(mark)
    for value, at in values:
        found.append(value)
        found.mark_of.append(at)
        if len(found) > _LONGEST:
            raise Unknown
    return found


def _items(value: Any) -> Iterator[tuple[Any, Mark]]:
    if not isinstance(value, Sequence):
        raise Unknown
    yield from zip(value, value.mark_of, strict=True)


def _concat(*lists: Any) -> Sequence:
    return listed((pair for one in lists for pair in _items(one)), Mark(1, 1))


def _flatten(value: Any) -> Sequence:
    def inner(one: Any, mark: Mark) -> Iterator[tuple[Any, Mark]]:
        if isinstance(one, Sequence):
            for item, at in _items(one):
                yield from inner(item, at)
        else:
            yield one, mark

    return listed(inner(value, Mark(1, 1)), Mark(1, 1))


def _format(template: Any, *values: Any) -> str:
    pieces = re.split(r"%[sdv]", text_of(template))
    if len(pieces) != len(values) + 1 or any("%" in piece for piece in pieces):
        raise Unknown
    return "".join(piece + value for piece, value in zip(pieces, [*map(text_of, values), ""], strict=True))


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "compact": lambda value: listed((pair for pair in _items(value) if pair[0] not in ("", None)), Mark(1, 1)),
    "concat": _concat,
    "flatten": _flatten,
    "format": _format,
    "join": lambda between, value: text_of(between).join(text_of(item) for item, _ in _items(value)),
    "lower": lambda value: text_of(value).lower(),
    "tolist": lambda value: listed(_items(value), Mark(1, 1)),
    "toset": lambda value: listed(_items(value), Mark(1, 1)),
    "tostring": text_of,
    "trimspace": lambda value: text_of(value).strip(),
    "upper": lambda value: text_of(value).upper(),
}


BINARY: Final[tuple[dict[str, Callable[[Any, Any], Any]], ...]] = (  # from the loosest on
    {"||": lambda one, other: truth(one) or truth(other)},
    {"&&": lambda one, other: truth(one) and truth(other)},
    {"==": operator.eq, "!=": operator.ne},
    {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge},
    {
        "+": lambda one, other: operator.add(*numbers(one, other)),
        "-": lambda one, other: operator.sub(*numbers(one, other)),
    },
    {"*": lambda one, other: operator.mul(*numbers(one, other))},
)
