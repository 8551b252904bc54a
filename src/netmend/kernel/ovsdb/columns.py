"""Columns of a database as its schema has them: values and differences of values as JSON, to Python's (RFC 7047
sections 3.2 and 5.1; ovsdb-server(7), "Update2 Notification").

A column of one value is that value, one of at most one value that value or None, a set a tuple (sorted), a map a
dictionary. A reference is the UUID as text.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import Struct

_DEFAULTS: Final = {"string": "", "integer": 0, "real": 0.0, "boolean": False}
_NO_UUID: Final = "00000000-0000-0000-0000-000000000000"

Columns = Mapping[str, Mapping[str, "Column"]]  # by table, by name


class Column(Struct, frozen=True):
    """One column; `base` is the type of a single value (for a map: of its keys)."""

    kind: Literal["one", "optional", "set", "map"]
    base: str

    @property
    def default(self) -> Any:
        """The value of a row that the server leaves out."""
        match self.kind:
            case "one":
                return _DEFAULTS.get(self.base, _NO_UUID)
            case "optional":
                return None
            case "set":
                return ()
            case "map":
                return {}

    def value(self, raw: Any) -> Any:
        """The value that JSON from the server stands for; raises ValueError when it is none of this column's."""
        try:
            match self.kind:
                case "map":
                    return {_atom(key): _atom(value) for key, value in raw[1]}
                case "one":
                    return _atom(raw)
                case "optional":
                    found = _elements(raw)
                    return found[0] if found else None
                case "set":
                    return tuple(sorted(_elements(raw)))
        except (TypeError, IndexError, KeyError) as error:
            raise ValueError(f"{raw!r} is no {self.kind} of {self.base}") from error

    def changed(self, was: Any, raw: Any) -> Any:
        """The value that `was` becomes by a difference: of sets and maps the server sends what comes and what goes, of
        others the new value. Raises ValueError."""
        difference = self.value(raw)
        match self.kind:
            case "set":
                return tuple(sorted(set(was) ^ set(difference)))
            case "map":
                found = dict(was)
                for key, value in difference.items():
                    if found.get(key) == value:
                        del found[key]
                    else:
                        found[key] = value
                return found
            case _:
                return difference


def columns_of(schema: Any) -> Columns:
    """Every column of a schema (the result of `get_schema`); raises ValueError when it is none."""
    try:
        return {
            table: {"_uuid": Column("one", "uuid")}
            | {name: _column(column["type"]) for name, column in found["columns"].items()}
            for table, found in schema["tables"].items()
        }
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"that is no schema of a database: {error!r}") from error


def _column(kind: Any) -> Column:
    if isinstance(kind, str):
        return Column("one", kind)
    key = kind["key"]
    base = key if isinstance(key, str) else str(key["type"])
    if "value" in kind:
        return Column("map", base)
    most, least = kind.get("max", 1), kind.get("min", 1)
    if most != 1:
        return Column("set", base)
    return Column("one" if least == 1 else "optional", base)


def _elements(raw: Any) -> list[Any]:
    if isinstance(raw, list) and raw and raw[0] == "set":
        return [_atom(one) for one in raw[1]]
    return [_atom(raw)]


def _atom(raw: Any) -> Any:
    if isinstance(raw, list):
        if len(raw) == 2 and raw[0] in {"uuid", "named-uuid"}:
            return str(raw[1])
        raise TypeError(f"{raw!r} is no single value")
    return raw
