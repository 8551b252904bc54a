"""Writes of networks."""

import sqlite3
from typing import Any

from netmend.intent.names import dhcp_port_id
from netmend.sources.fields6 import MTU_MIN
from netmend.sources.store.allocation import new_id
from netmend.sources.store.errors import RefusedError, bad_request, invalid, small_mtu, taken_id
from netmend.sources.store.quotas import check_quota
from netmend.sources.store.security_groups import default_group
from netmend.sources.store.settings import metadata_proxy
from netmend.sources.store.transaction import Document, Transaction
from netmend.sources.store.values import network_value

DEFAULT_MTU = 1500
ZONE = "nova"  # the one availability zone; the default of Neutron's agents


def create(tx: Transaction, values: dict[str, Any], project: str) -> Document:
    """A new network of `project`; `values` as `NetworkCreate` gives them. Raises RefusedError."""
    check_quota(tx, "network", project)
    default_group(tx, project)
    document: Document = {
        "id": values.get("id") or new_id(),
        "name": values["name"],
        "description": values["description"],
        "admin_state_up": values["admin_state_up"],
        "status": "ACTIVE",
        "project_id": project,
        "tenant_id": project,
        "mtu": _mtu(values["mtu"]),
        "shared": values["shared"],
        "router:external": values["router:external"],
        "provider:network_type": "local",
        "provider:physical_network": None,
        "provider:segmentation_id": None,
        "port_security_enabled": values["port_security_enabled"],
        "dns_domain": values["dns_domain"],
        "availability_zone_hints": _hints(values["availability_zone_hints"]),
        "availability_zones": [],
        "ipv4_address_scope": None,
        "ipv6_address_scope": None,
        "subnets": [],
        "tags": sorted(set(values["tags"])),
        "netmend": values["netmend"],
    }
    network_value(document, [], [])
    _check_proxy(tx, document)
    try:
        return tx.insert("network", document)
    except sqlite3.IntegrityError:
        raise taken_id("network", document["id"]) from None


def update(tx: Transaction, network_id: str, values: dict[str, Any], revision: int | None = None) -> Document:
    """Change the fields that `values` has. Raises RefusedError."""
    document = tx.get("network", network_id, revision)
    if "mtu" in values:
        values["mtu"] = _mtu(values["mtu"])
    document.update(values)
    if document["mtu"] < MTU_MIN and any(subnet["ip_version"] == 6 for subnet in tx.subnets_of(document)):
        raise small_mtu(network_id, MTU_MIN)
    check(tx, document)
    _check_proxy(tx, document)
    return tx.update("network", document)


def delete(tx: Transaction, network_id: str, revision: int | None = None) -> None:
    """Delete a network with its subnets and netmend's own port; ports of guests forbid it. Raises RefusedError."""
    tx.get("network", network_id, revision)
    own = dhcp_port_id(network_id)
    query = "SELECT id FROM port WHERE network_id = ? AND id != ? LIMIT 10"
    others = [port_id for (port_id,) in tx.connection.execute(query, (network_id, own))]
    if others:
        raise RefusedError(
            "NetworkInUse",
            409,
            f"Unable to complete operation on network {network_id}. There are one or more ports still in use on the "
            f"network, id for these ports is: {','.join(others)}.",
        )
    tx.connection.execute("DELETE FROM address WHERE network_id = ?", (network_id,))
    if tx.find("port", own) is not None:
        tx.delete("port", own)
    for subnet in tx.documents("subnet", "network_id = ?", network_id):
        tx.delete("subnet", subnet["id"])
    tx.delete("network", network_id)


def check(tx: Transaction, network: Document) -> None:
    """Raise RefusedError unless the new network can be made intent."""
    port = tx.find("port", dhcp_port_id(network["id"]))
    subnets = tx.documents("subnet", "network_id = ?", network["id"])
    network_value(network, subnets, port["fixed_ips"] if port else [])


def _check_proxy(tx: Transaction, network: Document) -> None:
    if network["netmend"].get("metadata") == "proxy" and metadata_proxy(tx.connection) is None:
        raise invalid("netmend.metadata: this node has no metadata_proxy; a file that has one is to be imported first")


def _hints(zones: list[str]) -> list[str]:
    for zone in zones:
        if zone != ZONE:
            raise RefusedError("AvailabilityZoneNotFound", 404, f"AvailabilityZone {zone} could not be found.")
    return zones


def _mtu(value: int) -> int:
    if 0 < value < 68:
        raise bad_request(f"Invalid input for mtu. Reason: '{value}' is too small - must be at least '68'.")
    return value or DEFAULT_MTU
