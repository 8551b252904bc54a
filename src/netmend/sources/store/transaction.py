"""One write: what it may read and do, and what it has changed."""

import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from netmend.intent import Port
from netmend.sources.store.errors import not_found, stale_revision

Document = dict[str, Any]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(slots=True)
class Transaction:
    """One write of the store, with one change number, all or nothing.

    `changed` says what objects are once it is committed (None: gone), by kind and id; `ports` what intent says of the
    ports among them, by network's id and port's.
    """

    connection: sqlite3.Connection
    number: int
    now: float = field(default_factory=time.time)  # seconds since the epoch
    changed: dict[tuple[str, str], Document | None] = field(default_factory=dict)
    ports: dict[tuple[str, str], Port | None] = field(default_factory=dict)
    _subnets: dict[str, list[Document]] = field(default_factory=dict)  # read already, by network

    @property
    def timestamp(self) -> str:
        """`now` as Neutron writes it."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now))

    def find(self, kind: str, object_id: str) -> Document | None:
        if (kind, object_id) in self.changed:
            found = self.changed[kind, object_id]
            return dict(found) if found is not None else None
        return read(self.connection, kind, object_id)

    def get(self, kind: str, object_id: str, revision: int | None = None) -> Document:
        """The object; with `revision`, only if it has that one. Raises RefusedError."""
        found = self.find(kind, object_id)
        if found is None:
            raise not_found(kind, object_id)
        if revision is not None and found["revision_number"] != revision:
            raise stale_revision(revision, found["revision_number"])
        return found

    def insert(self, kind: str, document: Document, **columns: object) -> Document:
        """Store a new object, and set its timestamps and revision. Raises sqlite3.IntegrityError."""
        document["created_at"] = document["updated_at"] = self.timestamp
        document["revision_number"] = 1
        names = ["id", "change", "document", *columns]
        marks = ", ".join("?" * len(names))
        values = (document["id"], self.number, _encode(document), *columns.values())
        self.connection.execute(f"INSERT INTO {kind} ({', '.join(names)}) VALUES ({marks})", values)
        self._note(kind, document["id"], document)
        return document

    def update(self, kind: str, document: Document) -> Document:
        """Store the new state of an object, as its next revision. Raises sqlite3.IntegrityError."""
        document["updated_at"] = self.timestamp
        document["revision_number"] += 1
        query = f"UPDATE {kind} SET document = ?, change = ? WHERE id = ?"
        self.connection.execute(query, (_encode(document), self.number, document["id"]))
        self._note(kind, document["id"], document)
        return document

    def delete(self, kind: str, object_id: str) -> None:
        """Raises sqlite3.IntegrityError while something rests on the object."""
        self.connection.execute(f"DELETE FROM {kind} WHERE id = ?", (object_id,))
        self._note(kind, object_id, None)

    def _note(self, kind: str, object_id: str, document: Document | None) -> None:
        self.changed[kind, object_id] = document
        if kind == "subnet":
            self._subnets.clear()

    def subnets_of(self, network: Document) -> list[Document]:
        """The subnets of a network, in the order they were made."""
        known = self._subnets.get(network["id"])
        if known is None:
            found = {subnet["id"]: subnet for subnet in self.documents("subnet", "network_id = ?", network["id"])}
            known = self._subnets[network["id"]] = [found[subnet_id] for subnet_id in network["subnets"]]
        return known

    def documents(self, kind: str, where: str, *values: object) -> list[Document]:
        return documents(self.connection, kind, where, *values)


Operation = Callable[[Transaction], Any]


def documents(connection: sqlite3.Connection, kind: str, where: str, *values: object) -> list[Document]:
    """The objects for which the condition `where` is true, as they were last committed."""
    rows = connection.execute(f"SELECT document FROM {kind} WHERE {where}", values)
    return [json.loads(text) for (text,) in rows]


def read(connection: sqlite3.Connection, kind: str, object_id: str) -> Document | None:
    """The object as it was last committed."""
    found = connection.execute(f"SELECT document FROM {kind} WHERE id = ?", (object_id,)).fetchone()
    return json.loads(found[0]) if found else None


def get(connection: sqlite3.Connection, kind: str, object_id: str) -> Document:
    """Likewise. Raises RefusedError when there is none."""
    found = read(connection, kind, object_id)
    if found is None:
        raise not_found(kind, object_id)
    return found
