"""Shapes: how the documents show the JSON of a verb (blocks `shape`).

| in a shape | stands for |
|---|---|
| `"key"` | a key whose value is text |
| `"key"?` | a key that may be missing |
| `"NAME"?`, in capitals | any key |
| `"key": number`, `true`, `false`, `null`, `"text"`, `1.5`, an object, a list | a key with such a value |
| `A`, `|`, `B` | one of these; of texts alone: one of these texts |
| `[A, ...]` | a list of any length, each of whose items is as one of those shown; `[...]` is a list of texts |
"""

import re
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|\.\.\.|-?\d+(?:\.\d+)?|\w+|[{}\[\]:,?|])')


@dataclass(frozen=True)
class Text:
    """A text; one of `choices` where there are several."""

    choices: frozenset[str]


@dataclass(frozen=True)
class Scalar:
    """A number (`float`), a boolean (`bool`) or null (`type(None)`)."""

    type: type


@dataclass(frozen=True)
class Array:
    """A list; each item is as one of `items`."""

    items: tuple["Shape", ...]


@dataclass(frozen=True)
class Object:
    """An object, by key; `optional` has the keys that may be missing."""

    fields: dict[str, "Shape"]
    optional: frozenset[str]


@dataclass(frozen=True)
class OneOf:
    """Any of several shapes."""

    shapes: tuple["Shape", ...]


Shape = Text | Scalar | Array | Object | OneOf


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens = _TOKEN.findall(text)
        assert "".join(self.tokens) == re.sub(r'\s+(?=(?:[^"]*"[^"]*")*[^"]*$)', "", text), "a shape has no other signs"

    def take(self, *wanted: str) -> bool:
        if self.tokens and self.tokens[0] in wanted:
            self.tokens.pop(0)
            return True
        return False

    def value(self) -> Shape:
        found = [self.one()]
        while self.take("|"):
            found.append(self.one())
        texts = [shape for shape in found if isinstance(shape, Text)]
        if len(texts) > 1:
            found = [shape for shape in found if shape not in texts]
            found.append(Text(frozenset().union(*(shape.choices for shape in texts))))
        return found[0] if len(found) == 1 else OneOf(tuple(found))

    def one(self) -> Shape:
        if self.take("{"):
            return self.object()
        if self.take("["):
            items = []
            while not self.take("]"):
                if not self.take("...", ","):
                    items.append(self.value())
            return Array(tuple(items) or (Text(frozenset()),))
        token = self.tokens.pop(0)
        if token.startswith('"'):
            return Text(frozenset({token[1:-1]}))
        kinds = {"null": type(None), "true": bool, "false": bool}
        assert token in kinds or token == "number" or token[0] in "-0123456789", token
        return Scalar(kinds.get(token, float))

    def object(self) -> Object:
        fields: dict[str, Shape] = {}
        optional = set()
        while not self.take("}"):
            key = self.tokens.pop(0).strip('"')
            if self.take("?"):
                optional.add(key)
            fields[key] = self.value() if self.take(":") else Text(frozenset())
            self.take(",")
        return Object(fields, frozenset(optional))


def read(text: str) -> Shape:
    """Read the text of a block `shape`."""
    reader = _Reader(text)
    shape = reader.value()
    assert not reader.tokens, reader.tokens
    return shape


def differences(shape: Shape, value: Any, at: str = "") -> list[str]:
    """Where the value is not of this shape, in words."""
    match shape:
        case Object() if isinstance(value, dict):
            any_key = next((inner for key, inner in shape.fields.items() if key.isupper()), None)
            if any_key is not None:
                return [text for key, inner in value.items() for text in differences(any_key, inner, f"{at}.{key}")]
            missing = shape.fields.keys() - value.keys() - shape.optional
            found = [f"{at}.{key}: missing" for key in missing]
            found += [f"{at}.{key}: not in the shape" for key in value.keys() - shape.fields.keys()]
            for key in shape.fields.keys() & value.keys():
                found += differences(shape.fields[key], value[key], f"{at}.{key}")
            return found
        case Array() if isinstance(value, list):
            return [
                text
                for number, item in enumerate(value)
                for text in differences(OneOf(shape.items), item, f"{at}[{number}]")
            ]
        case OneOf():
            each = [differences(one, value, at) for one in shape.shapes]
            return min(each, key=len)
        case Text() if isinstance(value, str) and (len(shape.choices) < 2 or value in shape.choices):
            return []
        case Scalar() if isinstance(value, int if shape.type is float else shape.type) or (
            shape.type is float and isinstance(value, float)
        ):
            return [f"{at}: {value!r} for a number"] if shape.type is float and isinstance(value, bool) else []
    return [f"{at}: {value!r} is no {shape}"]


def unseen(shape: Shape, values: list[Any], at: str = "") -> list[str]:
    """The keys of the shape that none of the values has."""
    match shape:
        case Object():
            objects = [value for value in values if isinstance(value, dict)]
            found = []
            for key, inner in shape.fields.items():
                below = [inner for value in objects for name, inner in value.items() if name == key or key.isupper()]
                found += unseen(inner, below, f"{at}.{key}") if below else [f"{at}.{key}"]
            return found
        case Array():
            items = [item for value in values if isinstance(value, list) for item in value]
            return unseen(shape.items[0], items, f"{at}[]") if isinstance(shape.items[0], Object) else []
        case OneOf():
            return [text for one in shape.shapes for text in unseen(one, values, at)]
    return []
