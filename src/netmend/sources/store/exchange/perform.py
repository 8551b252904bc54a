"""Making changes in an open store, and reading what it holds."""

import json
import sqlite3
from typing import Any

from netmend.sources.store import networks, ports, subnets
from netmend.sources.store.exchange.changes import Change, Current, Kind, is_own
from netmend.sources.store.shapes.common import project_of
from netmend.sources.store.shapes.network import NetworkCreate
from netmend.sources.store.shapes.port import PortCreate
from netmend.sources.store.shapes.subnet import SubnetCreate
from netmend.sources.store.transaction import Document, Transaction


def read_all(connection: sqlite3.Connection) -> Current:
    """The contents of the store."""

    def read(kind: Kind) -> dict[str, Document]:
        rows = (json.loads(text) for (text,) in connection.execute(f"SELECT document FROM {kind}"))
        return {document["id"]: document for document in rows}

    found = {key: port for key, port in read("port").items() if not is_own(port)}
    return Current(read("network"), read("subnet"), found)


def perform(tx: Transaction, change: Change) -> None:
    """Raises RefusedError, or ValidationError for what no file that was loaded can hold."""
    match change.action, change.kind:
        case "create", "network":
            values = NetworkCreate.model_validate(change.body).model_dump(by_alias=True)
            networks.create(tx, values, project_of(values))
        case "create", "subnet":
            values = SubnetCreate.model_validate(change.body).model_dump(by_alias=True)
            subnets.create(tx, values, project_of(values))
        case "create", "port":
            values = PortCreate.model_validate(change.body).model_dump(by_alias=True)
            ports.create(tx, values, project_of(values))
        case "delete", kind:
            {"network": networks, "subnet": subnets, "port": ports}[kind].delete(tx, change.id)
        case _, kind:
            fields: dict[str, Any] = json.loads(json.dumps(change.body))
            {"network": networks, "subnet": subnets, "port": ports}[kind].update(tx, change.id, fields)
