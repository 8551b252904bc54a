"""Writes of address groups. What is refused, and in which words, is Neutron's."""

import sqlite3
from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any

from netmend.sources.store.allocation import new_id
from netmend.sources.store.errors import RefusedError, bad_request, taken_id
from netmend.sources.store.transaction import Document, Transaction


def create(tx: Transaction, values: dict[str, Any], project: str) -> Document:
    """A new address group of `project`; `values` as `AddressGroupCreate` gives them. Raises RefusedError, also for an
    address without a prefix length, as Neutron does here alone."""
    for text in values["addresses"] or ():
        if "/" not in text:
            raise bad_request(f"Invalid input for addresses. Reason: '{text}' isn't a recognized IP subnet cidr.")
    document: Document = {
        "id": values.get("id") or new_id(),
        "name": values["name"],
        "description": values["description"],
        "project_id": project,
        "tenant_id": project,
        "shared": False,
        "addresses": _blocks(values["addresses"] or ()),
    }
    try:
        return tx.insert("address_group", document)
    except sqlite3.IntegrityError:
        raise taken_id("address_group", document["id"]) from None


def update(tx: Transaction, group_id: str, values: dict[str, Any], revision: int | None = None) -> Document:
    """Change the fields that `values` has. Raises RefusedError."""
    document = tx.get("address_group", group_id, revision)
    document.update(values)
    return tx.update("address_group", document)


def delete(tx: Transaction, group_id: str, revision: int | None = None) -> None:
    """Raises RefusedError while a rule names the group."""
    tx.get("address_group", group_id, revision)
    if tx.documents("security_group_rule", "remote_address_group_id = ? LIMIT 1", group_id):
        message = f"Address group {group_id} is in use on one or more security group rules."
        raise RefusedError("AddressGroupInUse", 409, message)
    tx.delete("address_group", group_id)


def add_addresses(tx: Transaction, group_id: str, given: Iterable[str]) -> Document:
    """Raises RefusedError where one is there already."""
    document, wanted = tx.get("address_group", group_id), _blocks(given)
    there = [block for block in wanted if block in set(document["addresses"])]
    if there:
        message = f"Addresses {there} already exist in the address group {group_id}."
        raise RefusedError("AddressesAlreadyExist", 400, message)
    document["addresses"] = [*document["addresses"], *wanted]
    return tx.update("address_group", document)


def remove_addresses(tx: Transaction, group_id: str, given: Iterable[str]) -> Document:
    """Raises RefusedError where one is not there."""
    document, unwanted = tx.get("address_group", group_id), _blocks(given)
    absent = [block for block in unwanted if block not in set(document["addresses"])]
    if absent:
        raise RefusedError("AddressesNotFound", 404, f"Addresses {absent} not found in the address group {group_id}.")
    gone = set(unwanted)
    document["addresses"] = [block for block in document["addresses"] if block not in gone]
    return tx.update("address_group", document)


def _blocks(texts: Iterable[str]) -> list[str]:
    """Each block once, as Neutron writes it: 192.0.2.1 is 192.0.2.1/32."""
    found: dict[str, None] = {}
    for text in texts:
        try:
            if "%" in text:
                raise ValueError
            found[str(ip_network(text, strict=False))] = None
        except ValueError:
            raise bad_request(f"Invalid input for addresses. Reason: '{text}' is not a valid IP subnet.") from None
    return list(found)
