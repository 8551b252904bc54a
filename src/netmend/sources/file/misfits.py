"""What does not fit the shape of an intent file: every field of it, in words.

msgspec, which reads files (`shape`), names the first misfit alone, and so models of pydantic are made of the shapes.
They are only for this: to load pydantic and build the models takes longer than all else of a node's start.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT
from msgspec.structs import fields
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from netmend.ground.located_yaml import resolve
from netmend.ground.problem import Place
from netmend.sources.file.shape import PLUG_FORMS, SECRETS, UPLINK_FORMS, WIRING_FORMS, FileShape, Shape, known_fields

_STRICT = ConfigDict(strict=True, extra="forbid")
_FORMS: dict[str | int, str] = {
    "plug": PLUG_FORMS,
    "wiring": WIRING_FORMS,
    "uplink": UPLINK_FORMS,
}  # a word, or a mapping
_NUMBER_OR_WORD: dict[str | int, str] = {
    "protocol": "a protocol's name or number",
    "ports": "a port (80) or a range of ports (8000-8080)",
}


def misfits(root: object, otherwise: str) -> Iterator[tuple[Place, str]]:
    """The place of each field that does not fit, once, and why; `otherwise` of the whole file where pydantic finds
    nothing wrong."""
    if root is None:
        yield (), "the file is empty; where nothing is to be served it says `networks: []`"
        return
    if not isinstance(root, dict):
        yield (), f"expected a mapping with the key `networks`, not {_what(root)}"
        return
    found: dict[Place, str] = {}
    try:
        model_of(FileShape).model_validate(root)
    except ValidationError as error:
        for place, why in _explain(root, error):
            found.setdefault(place, why)
    yield from found.items() if found else [((), otherwise)]


@cache
def model_of(shape: type[Shape]) -> type[BaseModel]:
    """A model of pydantic with the fields of a shape."""
    hints = get_type_hints(shape)
    defined: dict[str, Any] = {
        field.name: (_modelled(hints[field.name]), ... if field.default is NODEFAULT else field.default)
        for field in fields(shape)
    }
    return create_model(shape.__name__, __config__=_STRICT, **defined)


def _modelled(hint: Any) -> Any:
    """A type with models in the place of shapes."""
    if isinstance(hint, type) and issubclass(hint, Shape):
        return model_of(hint)
    origin, members = get_origin(hint), get_args(hint)
    if origin is None or origin is Literal:
        return hint
    modelled = tuple(map(_modelled, members))
    return Union[modelled] if origin in (Union, UnionType) else origin[modelled]  # noqa: UP007


def _explain(root: dict[str, Any], error: ValidationError) -> Iterator[tuple[Place, str]]:
    """pydantic's findings in words of the file, each with its place in the document."""
    for finding in error.errors(include_url=False, include_context=True):
        place = _place_in(root, finding["loc"], missing=finding["type"] == "missing")
        value = finding["input"]
        match finding["type"]:
            case "missing":
                yield place, f"the field {place[-1]} is required"
            case "extra_forbidden":
                yield place, _unknown_field(place)
            case "literal_error" if place[-1] in _FORMS and isinstance(value, dict):
                pass  # the findings for the mapping say what is wrong with it
            case "bool_type" if place[-1] == "dns" and isinstance(value, dict):
                pass
            case _ if place[-1] == "dns":
                yield place, f"expected true, false or a mapping, not {_what(value)}"
            case _ if place[-1] in _FORMS:
                yield place, f"expected {_FORMS[place[-1]]}, not {_what(value)}"
            case _ if len(place) > 1 and place[-2] == "architectures":
                yield place, f"expected an architecture's number or name, not {_what(value)}"
            case _ if len(place) > 2 and place[-3] == "rules" and place[-1] in _NUMBER_OR_WORD:
                yield place, f"expected {_NUMBER_OR_WORD[place[-1]]}, not {_what(value)}"
            case "model_type" | "dict_type" | "model_attributes_type":
                yield place, f"expected a mapping, not {_what(value)}"
            case "list_type":
                yield place, f"expected a list, not {_what(value)}"
            case "string_type":
                hint = "; put it in quotes" if isinstance(value, int | float) else ""
                said = "a number" if hint and place[-1] in SECRETS else _what(value)
                yield place, f"expected text, not {said}{hint}"
            case "int_type":
                hint = " (`id -u` tells a user's)" if place[-1] == "owner" else ""
                if isinstance(value, str) and type(resolve(value)) is int:
                    hint = "; remove the quotes"
                yield place, f"expected a whole number, not {_what(value)}{hint}"
            case "bool_type":
                yield place, f"expected true or false, not {_what(value)}"
            case "literal_error":
                yield place, f"expected {finding['ctx']['expected']}, not {_what(value)}"
            case _:
                yield place, finding["msg"]


def _place_in(root: object, loc: tuple[int | str, ...], *, missing: bool) -> Place:
    """`loc` without the steps that pydantic adds for the members of a union."""
    node: Any = root
    place: list[int | str] = []
    for position, step in enumerate(loc):
        try:
            node = node[step]
        except (LookupError, TypeError):
            if not (missing and position == len(loc) - 1):
                continue
        place.append(step)
    return tuple(place)


def _unknown_field(place: Place) -> str:
    known = known_fields(place)
    near = get_close_matches(str(place[-1]), known, n=1)
    return f"unknown field; did you mean {near[0]}?" if near else f"unknown field; known are {', '.join(known)}"


def _what(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {value[:40]!r}"
        case list():
            return "a list"
        case _:
            return "a mapping"
