"""Making changes in an open store, and reading what it holds."""

import json
import sqlite3
from types import ModuleType
from typing import Any

from netmend.sources.store import address_groups, networks, ports, security_group_rules, security_groups, subnets
from netmend.sources.store.exchange.change import Body, Change, Current, Kind
from netmend.sources.store.exchange.changes import is_own
from netmend.sources.store.exchange.groups import addresses_to_change, rules_to_change
from netmend.sources.store.shapes.common import project_of
from netmend.sources.store.shapes.network import NetworkCreate
from netmend.sources.store.shapes.port import PortCreate
from netmend.sources.store.shapes.security_group import (
    AddressGroupCreate,
    SecurityGroupCreate,
    SecurityGroupRuleCreate,
)
from netmend.sources.store.shapes.subnet import SubnetCreate
from netmend.sources.store.transaction import Document, Transaction

_WRITES: dict[str, ModuleType] = {
    "network": networks,
    "subnet": subnets,
    "port": ports,
    "security_group": security_groups,
    "address_group": address_groups,
}


def read_all(connection: sqlite3.Connection) -> Current:
    """The contents of the store."""

    def read(kind: Kind) -> dict[str, Document]:
        rows = (json.loads(text) for (text,) in connection.execute(f"SELECT document FROM {kind}"))
        return {document["id"]: document for document in rows}

    found = {key: port for key, port in read("port").items() if not is_own(port)}
    groups = read("security_group")
    for group in groups.values():
        group["security_group_rules"] = []
    for (text,) in connection.execute("SELECT document FROM security_group_rule"):
        rule = json.loads(text)
        groups[rule["security_group_id"]]["security_group_rules"].append(rule)
    return Current(read("network"), read("subnet"), found, groups, read("address_group"))


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
        case "create", "address_group":
            values = AddressGroupCreate.model_validate(change.body).model_dump(by_alias=True)
            address_groups.create(tx, values, project_of(values))
        case "create", "security_group":
            values = SecurityGroupCreate.model_validate(change.body).model_dump(by_alias=True)
            project = project_of(values)
            if values["name"] == security_groups.DEFAULT:
                security_groups.default_group(tx, project, change.id)
            else:
                security_groups.create(tx, values, project)
        case "delete", kind:
            _WRITES[kind].delete(tx, change.id)
        case _, kind:
            fields: dict[str, Any] = json.loads(json.dumps(change.body))
            rules, addresses = fields.pop("security_group_rules", None), fields.pop("addresses", None)
            if fields:
                _WRITES[kind].update(tx, change.id, fields)
            if rules is not None:
                _set_rules(tx, change.id, rules)
            if addresses is not None:
                come, gone = addresses_to_change(tx.get("address_group", change.id)["addresses"], addresses)
                address_groups.remove_addresses(tx, change.id, gone)
                address_groups.add_addresses(tx, change.id, come)


def _set_rules(tx: Transaction, group_id: str, wanted: list[Body]) -> None:
    """Give the group these rules, and no others."""
    present = tx.documents("security_group_rule", "security_group_id = ?", group_id)
    come, gone = rules_to_change(present, wanted)
    for rule_id in gone:
        security_group_rules.delete(tx, rule_id)
    project = tx.get("security_group", group_id)["project_id"]
    for body in come:
        shape = SecurityGroupRuleCreate.model_validate({**body, "security_group_id": group_id})
        security_group_rules.create(tx, shape.model_dump(by_alias=True), project)
