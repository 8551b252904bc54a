"""Writes of security groups, and the default group of each project. What is refused, and in which words, is
Neutron's."""

import sqlite3
from typing import Any, Final

from netmend.sources.store.allocation import new_id
from netmend.sources.store.errors import RefusedError, taken_id
from netmend.sources.store.quotas import check_quota
from netmend.sources.store.rule_keys import key_of
from netmend.sources.store.transaction import Document, Transaction

DEFAULT: Final = "default"  # the name of a project's default group
_VERSIONS = ("IPv4", "IPv6")


def create(tx: Transaction, values: dict[str, Any], project: str) -> Document:
    """A new group of `project`, out of which everything may be begun; `values` as `SecurityGroupCreate` gives them.
    Raises RefusedError."""
    _refuse_default(values["name"])
    default_group(tx, project)
    check_quota(tx, "security_group", project)
    document = _insert(tx, values, project)
    _insert_rules(tx, document, [("egress", version, None) for version in _VERSIONS])
    return document


def update(tx: Transaction, group_id: str, values: dict[str, Any], revision: int | None = None) -> Document:
    """Change the fields that `values` has. Raises RefusedError."""
    document = tx.get("security_group", group_id, revision)
    if "name" in values:
        _refuse_default(values["name"])
        if document["name"] == DEFAULT:
            raise RefusedError("SecurityGroupCannotUpdateDefault", 409, "Updating default security group not allowed.")
    if values.get("stateful", document["stateful"]) != document["stateful"]:
        _refuse_in_use(tx, group_id)
    document.update(values)
    return tx.update("security_group", document)


def delete(tx: Transaction, group_id: str, revision: int | None = None) -> None:
    """Delete a group that no port is in, with its rules and the rules of others that name it. Raises RefusedError."""
    document = tx.get("security_group", group_id, revision)
    _refuse_in_use(tx, group_id)
    if document["name"] == DEFAULT:
        message = "Insufficient rights for removing default security group."
        raise RefusedError("SecurityGroupCannotRemoveDefault", 409, message)
    for rule in tx.documents("security_group_rule", "security_group_id = ?", group_id):
        tx.delete("security_group_rule", rule["id"])
    for rule in tx.documents("security_group_rule", "remote_group_id = ?", group_id):
        tx.delete("security_group_rule", rule["id"])
        touch(tx, rule["security_group_id"])
    tx.delete("security_group", group_id)


def default_group(tx: Transaction, project: str, group_id: str | None = None) -> str:
    """The id of the project's default group, which is made (with this id) where there is none. Raises RefusedError."""
    found = find_default(tx.connection, project)
    if found is not None:
        return found
    values: dict[str, Any] = {
        "id": group_id,
        "name": DEFAULT,
        "description": "Default security group",
        "stateful": True,
        "tags": [],
    }
    document = _insert(tx, values, project)
    own = document["id"]
    _insert_rules(
        tx,
        document,
        [rule for version in _VERSIONS for rule in (("ingress", version, own), ("egress", version, None))],
    )
    tx.connection.execute("INSERT INTO default_security_group VALUES (?, ?)", (project, own))
    return str(own)


def find_default(connection: sqlite3.Connection, project: str) -> str | None:
    query = "SELECT security_group_id FROM default_security_group WHERE project_id = ?"
    found = connection.execute(query, (project,)).fetchone()
    return str(found[0]) if found else None


def touch(tx: Transaction, group_id: str) -> None:
    """A rule of the group has come or gone: the group has a new revision."""
    tx.update("security_group", tx.get("security_group", group_id))


def insert_rule(tx: Transaction, document: Document) -> Document:
    """Raises sqlite3.IntegrityError."""
    columns = {name: document[name] for name in ("security_group_id", "remote_group_id", "remote_address_group_id")}
    return tx.insert("security_group_rule", document, **columns, meaning=key_of(document))


def _insert(tx: Transaction, values: dict[str, Any], project: str) -> Document:
    document: Document = {
        "id": values.get("id") or new_id(),
        "name": values["name"],
        "description": values["description"],
        "project_id": project,
        "tenant_id": project,
        "stateful": values["stateful"],
        "shared": False,
        "tags": sorted(set(values["tags"])),
    }
    try:
        return tx.insert("security_group", document)
    except sqlite3.IntegrityError:
        raise taken_id("security_group", document["id"]) from None


def _insert_rules(tx: Transaction, group: Document, rules: list[tuple[str, str, str | None]]) -> None:
    """The rules that a group is made with: direction, version, remote group."""
    project = group["project_id"]
    check_quota(tx, "security_group_rule", project, len(rules))
    for direction, version, remote in rules:
        insert_rule(
            tx,
            {
                "id": new_id(),
                "project_id": project,
                "tenant_id": project,
                "security_group_id": group["id"],
                "direction": direction,
                "ethertype": version,
                "protocol": None,
                "port_range_min": None,
                "port_range_max": None,
                "remote_ip_prefix": None,
                "normalized_cidr": None,
                "remote_group_id": remote,
                "remote_address_group_id": None,
                "belongs_to_default_sg": group["name"] == DEFAULT,
                "description": "",
            },
        )


def _refuse_default(name: str) -> None:
    if name.lower() == DEFAULT:
        raise RefusedError("SecurityGroupDefaultAlreadyExists", 409, "Default security group already exists.")


def _refuse_in_use(tx: Transaction, group_id: str) -> None:
    query = "SELECT 1 FROM membership WHERE security_group_id = ? LIMIT 1"
    if tx.connection.execute(query, (group_id,)).fetchone() is not None:
        raise RefusedError("SecurityGroupInUse", 409, f"Security Group {group_id} in use.")
