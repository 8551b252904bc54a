"""Writes of subnets. What is refused, and in which words, is Neutron's."""

import sqlite3
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from itertools import pairwise
from typing import Any

from netmend.sources.fields6 import MTU_MIN
from netmend.sources.store import allocation, own_port
from netmend.sources.store.allocation import new_id
from netmend.sources.store.errors import RefusedError, bad_request, invalid, small_mtu, taken_id
from netmend.sources.store.quotas import check_quota
from netmend.sources.store.shapes.common import IpAddress, IpNetwork
from netmend.sources.store.transaction import Document, Transaction
from netmend.sources.store.values import known_settings

AUTOMATIC = ("slaac", "dhcpv6-stateless")  # address modes in which the address is made of the MAC (RFC 4862)
_MODES = ("ipv6_ra_mode", "ipv6_address_mode")


def create(tx: Transaction, values: dict[str, Any], project: str) -> Document:
    """A new subnet of `project`; `values` as `SubnetCreate` gives them, `gateway_ip` left out for the default. Raises
    RefusedError."""
    network = tx.get("network", values["network_id"])
    check_quota(tx, "subnet", project)
    cidr = ip_network(values["cidr"])
    version = int(values["ip_version"])
    if cidr.version != version:
        raise invalid(f"cidr '{values['cidr']}' does not match the ip_version '{version}'")
    if version == 6 and network["mtu"] < MTU_MIN:
        raise small_mtu(network["id"], MTU_MIN)
    _check_modes(values, cidr)
    _check_overlap(tx, network["id"], cidr)
    gateway = _gateway(values, cidr)
    document: Document = {
        "id": values.get("id") or new_id(),
        "name": values["name"],
        "description": values["description"],
        "project_id": project,
        "tenant_id": project,
        "network_id": network["id"],
        "ip_version": version,
        "subnetpool_id": None,
        "enable_dhcp": values["enable_dhcp"],
        "ipv6_ra_mode": values["ipv6_ra_mode"],
        "ipv6_address_mode": values["ipv6_address_mode"],
        "gateway_ip": str(gateway) if gateway else None,
        "cidr": str(cidr),
        "allocation_pools": _pools(values.get("allocation_pools"), cidr, gateway),
        "host_routes": _routes(values["host_routes"] or [], cidr),
        "dns_nameservers": _servers(values["dns_nameservers"] or []),
        "router:external": network["router:external"],
        "service_types": [],
        "tags": sorted(set(values["tags"])),
        "netmend": values["netmend"],
    }
    _check_settings(document, cidr)
    try:
        tx.insert(
            "subnet",
            document,
            network_id=network["id"],
            first=cidr.network_address.packed,
            last=cidr.broadcast_address.packed,
        )
    except sqlite3.IntegrityError:
        raise taken_id("subnet", document["id"]) from None
    allocation.lay_out(tx.connection, document["id"], ranges(document), [])
    own_port.settle(tx, network)
    network["subnets"] = [*network["subnets"], document["id"]]
    tx.update("network", network)
    return document


def update(tx: Transaction, subnet_id: str, values: dict[str, Any], revision: int | None = None) -> Document:
    """Change the fields that `values` has. Raises RefusedError."""
    document = tx.get("subnet", subnet_id, revision)
    network = tx.get("network", document["network_id"])
    cidr = ip_network(document["cidr"])
    if "gateway_ip" in values:
        _check_gateway(values["gateway_ip"], cidr)
    gateway = values.get("gateway_ip", document["gateway_ip"])
    if values.get("allocation_pools") is not None:
        values["allocation_pools"] = _pools(values["allocation_pools"], cidr, ip_address(gateway) if gateway else None)
    else:
        values.pop("allocation_pools", None)
        if gateway:
            _check_gateway_in_pools(ip_address(gateway), document["allocation_pools"])
    if "host_routes" in values:
        values["host_routes"] = _routes(values["host_routes"] or [], cidr)
    if "dns_nameservers" in values:
        values["dns_nameservers"] = _servers(values["dns_nameservers"] or [])
    new_pools = values.get("allocation_pools", document["allocation_pools"]) != document["allocation_pools"]
    document.update(values)
    _check_modes(document, cidr)
    _check_settings(document, cidr)
    tx.update("subnet", document)
    if new_pools:
        allocation.lay_out(tx.connection, subnet_id, ranges(document), _taken(tx, subnet_id))
    own_port.settle(tx, network)
    tx.update("network", network)
    return document


def delete(tx: Transaction, subnet_id: str, revision: int | None = None) -> None:
    """Delete a subnet in which no guest's port has an address. Raises RefusedError."""
    document = tx.get("subnet", subnet_id, revision)
    network = tx.get("network", document["network_id"])
    own = own_port.id_on(network["id"])
    automatic = document["ipv6_address_mode"] in AUTOMATIC
    query = "SELECT port_id FROM address WHERE subnet_id = ? AND port_id != ?"
    users = [
        port_id for (port_id,) in tx.connection.execute(query + (" LIMIT 1" if not automatic else ""), (subnet_id, own))
    ]
    if users and not automatic:
        reason = "One or more ports have an IP allocation from this subnet."
        raise RefusedError("SubnetInUse", 409, f"Unable to complete operation on subnet {subnet_id}: {reason}")
    own_port.leave(tx, network, [own, *users], subnet_id)
    tx.delete("subnet", subnet_id)
    network["subnets"] = [other for other in network["subnets"] if other != subnet_id]
    own_port.settle(tx, network)
    tx.update("network", network)


def ranges(subnet: Document) -> list[allocation.Range]:
    """A subnet's allocation pools as octets."""
    return [(ip_address(pool["start"]).packed, ip_address(pool["end"]).packed) for pool in subnet["allocation_pools"]]


def _taken(tx: Transaction, subnet_id: str) -> list[bytes]:
    query = "SELECT address FROM address WHERE subnet_id = ? ORDER BY address"
    return [address for (address,) in tx.connection.execute(query, (subnet_id,))]


def _check_modes(values: dict[str, Any], cidr: IpNetwork) -> None:
    if values["enable_dhcp"] and cidr.version == 4 and cidr.prefixlen > 30:
        raise invalid("Subnet has a prefix length that is incompatible with DHCP service enabled")
    if values["enable_dhcp"] and cidr.version == 4 and cidr.prefixlen < 8:
        raise invalid("netmend serves IPv4 subnets from /8 on; set enable_dhcp to False")
    for mode in _MODES:
        if values[mode] is not None and cidr.version == 4:
            raise invalid(f"{mode} is not valid when ip_version is 4")
    ra, address = (values[mode] for mode in _MODES)
    if (ra or address) and not values["enable_dhcp"]:
        raise invalid("ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False")
    if ra and address and ra != address:
        raise invalid(
            f"ipv6_ra_mode set to '{ra}' with ipv6_address_mode set to '{address}' is not valid. If both attributes "
            "are set, they must be the same value"
        )
    if (ra in AUTOMATIC or address in AUTOMATIC) and cidr.prefixlen != 64:
        raise invalid(
            f"Invalid CIDR {cidr} for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the "
            "prefix to be /64"
        )


def _check_overlap(tx: Transaction, network_id: str, cidr: IpNetwork) -> None:
    query = "SELECT 1 FROM subnet WHERE network_id = ? AND length(first) = ? AND first <= ? AND last >= ?"
    first, last = cidr.network_address.packed, cidr.broadcast_address.packed
    if tx.connection.execute(query, (network_id, len(first), last, first)).fetchone():
        raise invalid(f"Requested subnet with cidr: {cidr} for network: {network_id} overlaps with another subnet")


def _gateway(values: dict[str, Any], cidr: IpNetwork) -> IpAddress | None:
    if "gateway_ip" in values:
        _check_gateway(values["gateway_ip"], cidr)
        return ip_address(values["gateway_ip"]) if values["gateway_ip"] else None
    if cidr.version == 6:
        return cidr.network_address  # as Neutron does: the subnet-router anycast address (RFC 4291 section 2.6.1)
    return cidr.network_address + (1 if cidr.prefixlen < 32 else 0)


def _check_gateway(text: str | None, cidr: IpNetwork) -> None:
    if text is None:
        return
    gateway = ip_address(text)
    if gateway.version != cidr.version:
        raise invalid(f"gateway_ip '{text}' does not match the ip_version '{cidr.version}'")
    small = cidr.prefixlen >= cidr.max_prefixlen - 1
    if cidr.version == 4 and not small and gateway in (cidr.network_address, cidr.broadcast_address):
        raise RefusedError("InvalidInput", 400, "Invalid input for operation: Gateway is not valid on subnet.")


def _pools(given: list[dict[str, str]] | None, cidr: IpNetwork, gateway: IpAddress | None) -> list[dict[str, str]]:
    if given is None:
        return default_pools(cidr, gateway)
    pools = []
    for pool in given:
        start, end = ip_address(pool["start"]), ip_address(pool["end"])
        if start.version != cidr.version or end.version != cidr.version or int(start) > int(end):
            raise RefusedError("InvalidAllocationPool", 400, f"The allocation pool {pool} is not valid.")
        if start not in cidr or end not in cidr or _reserved(cidr) & {start, end}:
            message = f"The allocation pool {start}-{end} spans beyond the subnet cidr {cidr}."
            raise RefusedError("OutOfBoundsAllocationPool", 400, message)
        pools.append((int(start), int(end), {"start": str(start), "end": str(end)}))
    pools.sort(key=lambda item: item[0])
    for (_, lower_end, lower), (upper_start, _, upper) in pairwise(pools):
        if upper_start <= lower_end:
            message = f"Found overlapping allocation pools: {_span(lower)} {_span(upper)} for subnet {cidr}."
            raise RefusedError("OverlappingAllocationPools", 409, message)
    result = [pool for _, _, pool in pools]
    if gateway:
        _check_gateway_in_pools(gateway, result)
    return result


def _check_gateway_in_pools(gateway: IpAddress, pools: Iterable[dict[str, str]]) -> None:
    for pool in pools:
        if int(ip_address(pool["start"])) <= int(gateway) <= int(ip_address(pool["end"])):
            message = f"Gateway ip {gateway} conflicts with allocation pool {_span(pool)}."
            raise RefusedError("GatewayConflictWithAllocationPools", 409, message)


def default_pools(cidr: IpNetwork, gateway: IpAddress | None) -> list[dict[str, str]]:
    """All of a block but its gateway and what no host can have."""
    first, last = int(cidr.network_address), int(cidr.broadcast_address)
    if cidr.prefixlen < cidr.max_prefixlen - 1:
        first, last = first + 1, last - (cidr.version == 4)
    spans = [(first, last)]
    if gateway is not None and first <= int(gateway) <= last:
        spans = [(first, int(gateway) - 1), (int(gateway) + 1, last)]
    kind = type(cidr.network_address)
    return [{"start": str(kind(low)), "end": str(kind(high))} for low, high in spans if low <= high]


def _reserved(cidr: IpNetwork) -> set[IpAddress]:
    if cidr.version == 4 and cidr.prefixlen < 31:
        return {cidr.network_address, cidr.broadcast_address}
    return set()


def _span(pool: dict[str, str]) -> str:
    return f"{pool['start']}-{pool['end']}"


def _routes(given: list[dict[str, str]], cidr: IpNetwork) -> list[dict[str, str]]:
    seen: set[str] = set()
    for route in given:
        if route["destination"] in seen:
            raise bad_request(f"Invalid input for host_routes. Reason: Duplicate hostroute '{route['destination']}'.")
        seen.add(route["destination"])
        for part in (ip_network(route["destination"]), ip_address(route["nexthop"])):
            if part.version != cidr.version:
                raise invalid(f"host_routes: '{part}' does not match the ip_version '{cidr.version}'")
    return given


def _servers(given: list[str]) -> list[str]:
    doubled = next((server for server in given if given.count(server) > 1), None)
    if doubled is not None:
        raise bad_request(f"Invalid input for dns_nameservers. Reason: Duplicate nameserver '{doubled}'.")
    return given


def _check_settings(subnet: Document, cidr: IpNetwork) -> None:
    known_settings("subnet", subnet["netmend"])
    server = subnet["netmend"].get("server_address")
    if server is None:
        return
    try:
        inside = ip_address(server) in cidr
    except ValueError:
        inside = False
    if not inside:
        raise invalid(f"netmend.server_address: {server!r} is no address of {cidr}")
