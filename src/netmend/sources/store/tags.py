"""Tags of networks, subnets and ports."""

from collections.abc import Iterable

from netmend.sources.store.errors import RefusedError, invalid
from netmend.sources.store.shapes.common import TAGS_MAX
from netmend.sources.store.transaction import Transaction


def replace_tags(tx: Transaction, kind: str, object_id: str, tags: Iterable[str]) -> list[str]:
    """Raises RefusedError."""
    document = tx.get(kind, object_id)
    document["tags"] = sorted(set(tags))
    tx.update(kind, document)
    return list(document["tags"])


def add_tags(tx: Transaction, kind: str, object_id: str, tags: Iterable[str]) -> None:
    """Give the object these tags beside those that it has. Raises RefusedError."""
    document = tx.get(kind, object_id)
    both = sorted({*document["tags"], *tags})
    if len(both) > TAGS_MAX:
        raise invalid(f"{kind} {object_id} would have {len(both)} tags; it may have {TAGS_MAX}")
    if both != document["tags"]:
        document["tags"] = both
        tx.update(kind, document)


def remove_tag(tx: Transaction, kind: str, object_id: str, tag: str) -> None:
    """Raises RefusedError."""
    document = tx.get(kind, object_id)
    if tag not in document["tags"]:
        raise no_tag(tag)
    document["tags"].remove(tag)
    tx.update(kind, document)


def no_tag(tag: str) -> RefusedError:
    return RefusedError("TagNotFound", 404, f"Tag {tag} could not be found.")
