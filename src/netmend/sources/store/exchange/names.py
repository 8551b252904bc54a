"""Names for objects of the store in a file, where names are unique."""

from collections.abc import Iterable

from netmend.sources import fields
from netmend.sources.store.transaction import Document


def unique_names(names: Iterable[str]) -> frozenset[str]:
    """Those that a file can have: unique, and names."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return frozenset(name for name, count in counts.items() if count == 1 and _is_name(name))


def _is_name(text: str) -> bool:
    try:
        return fields.name(text) == text
    except ValueError:
        return False


def name_of(document: Document, unique: frozenset[str]) -> str:
    return str(document["name"]) if document["name"] in unique else str(document["id"])
