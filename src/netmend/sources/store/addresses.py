"""Addresses of ports: which a port gets, and which port has one. What is refused, and in which words, is Neutron's."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv6Network, ip_address, ip_network
from typing import Any

from netmend.intent.eui64 import eui64_address
from netmend.sources.store import allocation
from netmend.sources.store.errors import RefusedError, not_found
from netmend.sources.store.transaction import Document, Transaction

AUTOMATIC = ("slaac", "dhcpv6-stateless")  # address modes in which the address is made of the MAC (RFC 4862)
_ROUTER = "network:router"
_CHOOSE = (_ROUTER, "network:dhcp")  # whose addresses need not be made of their MAC

Entry = dict[str, str]  # `subnet_id` and `ip_address`


def choose(
    tx: Transaction,
    port: Document,
    subnets: list[Document],
    requested: Sequence[Mapping[str, Any]] | None,
    kept: Iterable[Entry] = (),
) -> list[Entry]:
    """Reserve the addresses of `port`: those `requested`, or (None) one of each IP version; and always one made of its
    MAC in each subnet that is configured so. `kept` it has already. Raises RefusedError."""
    entries = list(kept)
    if requested is None:
        for version in (4, 6):
            entries += _any_of(
                tx, port, [subnet for subnet in subnets if _plain(subnet) and subnet["ip_version"] == version]
            )
    else:
        by_id = {subnet["id"]: subnet for subnet in subnets}
        # those that name an address first, so that no other takes it
        for wish in sorted(requested, key=lambda wish: wish.get("ip_address") is None):
            entries.append(reserve(tx, port, _subnet_of(tx, port, by_id, wish), wish.get("ip_address")))
    if not port["device_owner"].startswith(_ROUTER):
        used = {entry["subnet_id"] for entry in entries}
        for subnet in subnets:
            if subnet["ipv6_address_mode"] in AUTOMATIC and subnet["id"] not in used:
                entries.append(reserve(tx, port, subnet, None))
    return entries


def reserve(tx: Transaction, port: Document, subnet: Document, text: str | None) -> Entry:
    """Give `port` the address `text` in `subnet`, or (None) the next that is free or the one made of its MAC. Raises
    RefusedError."""
    connection, subnet_id = tx.connection, subnet["id"]
    if subnet["ipv6_address_mode"] in AUTOMATIC:
        made = str(eui64_address(IPv6Network(subnet["cidr"]), port["mac_address"]))
        if text is not None and text != made and not port["device_owner"].startswith(_CHOOSE):
            message = (
                f"IPv6 address {text} cannot be directly assigned to a port on subnet {subnet_id} as the subnet is "
                "configured for automatic addresses"
            )
            raise RefusedError("AllocationOnAutoAddressSubnet", 400, message)
        text = text or made
    if text is None:
        packed = allocation.next_free(connection, subnet_id)
        if packed is None:
            raise exhausted(port["network_id"])
        text = str(ip_address(packed))
    else:
        packed = ip_address(text).packed
        allocation.take(connection, subnet_id, packed)
    try:
        connection.execute(
            "INSERT INTO address VALUES (?, ?, ?, ?)", (port["network_id"], packed, subnet_id, port["id"])
        )
    except sqlite3.IntegrityError:
        message = f"IP address {text} already allocated in subnet {subnet_id}"
        raise RefusedError("IpAddressAlreadyAllocated", 409, message) from None
    return {"subnet_id": subnet_id, "ip_address": text}


def release(tx: Transaction, network_id: str, entry: Entry) -> None:
    """Let an address be given to others."""
    packed = ip_address(entry["ip_address"]).packed
    tx.connection.execute("DELETE FROM address WHERE network_id = ? AND address = ?", (network_id, packed))
    subnet = tx.find("subnet", entry["subnet_id"])
    if subnet is not None:
        pools = [
            (ip_address(pool["start"]).packed, ip_address(pool["end"]).packed) for pool in subnet["allocation_pools"]
        ]
        allocation.give_back(tx.connection, subnet["id"], packed, pools)


def exhausted(network_id: str) -> RefusedError:
    message = f"No more IP addresses available on network {network_id}."
    return RefusedError("IpAddressGenerationFailure", 409, message)


def _plain(subnet: Document) -> bool:
    return subnet["ipv6_address_mode"] not in AUTOMATIC


def _any_of(tx: Transaction, port: Document, subnets: list[Document]) -> list[Entry]:
    """An address of the first of `subnets` that has one."""
    for subnet in subnets:
        packed = allocation.next_free(tx.connection, subnet["id"])
        if packed is not None:
            row = (port["network_id"], packed, subnet["id"], port["id"])
            tx.connection.execute("INSERT INTO address VALUES (?, ?, ?, ?)", row)
            return [{"subnet_id": subnet["id"], "ip_address": str(ip_address(packed))}]
    if subnets:
        raise exhausted(port["network_id"])
    return []


def _subnet_of(tx: Transaction, port: Document, subnets: Mapping[str, Document], wish: Mapping[str, Any]) -> Document:
    subnet_id, text = wish.get("subnet_id"), wish.get("ip_address")
    if subnet_id is not None:
        subnet = subnets.get(subnet_id)
        if subnet is None:
            other = tx.find("subnet", subnet_id)
            if other is None:
                raise not_found("subnet", subnet_id)
            message = (
                f"Failed to create port on network {port['network_id']}, because fixed_ips included invalid subnet "
                f"{subnet_id}"
            )
            raise RefusedError("InvalidInput", 400, f"Invalid input for operation: {message}.")
        if text is not None and not _may_hold(subnet, text):
            raise RefusedError(
                "InvalidIpForSubnet", 400, f"IP address {text} is not a valid IP for the specified subnet."
            )
        return subnet
    if text is None:
        raise RefusedError(
            "InvalidInput", 400, "Invalid input for operation: IP allocation requires subnet_id or ip_address."
        )
    found = next((subnet for subnet in subnets.values() if _may_hold(subnet, text)), None)
    if found is None:
        message = f"IP address {text} is not a valid IP for any of the subnets on the specified network."
        raise RefusedError("InvalidIpForNetwork", 400, message)
    return found


def _may_hold(subnet: Document, text: str) -> bool:
    address, cidr = ip_address(text), ip_network(subnet["cidr"])
    if address not in cidr:
        return False
    small = cidr.prefixlen >= cidr.max_prefixlen - 1
    return small or (address != cidr.network_address and (cidr.version == 6 or address != cidr.broadcast_address))
