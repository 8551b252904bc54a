"""Routers of the store as values of intent."""

import json
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface, ip_address, ip_interface, ip_network
from sqlite3 import Connection

from msgspec.structs import replace

from netmend.intent import (
    DeviceUplink,
    FloatingIp,
    HostUplink,
    Network,
    PortForward,
    Router,
    RouterPort,
    RouterRoute,
    Uplink,
)
from netmend.intent.names import bridge_name
from netmend.sources.store.routers import GATEWAY, INTERFACE
from netmend.sources.store.transaction import Document

HOST = "host"  # `netmend.uplink` of an external network: by way of the host


def routers_of(connection: Connection, networks: Mapping[str, Network]) -> dict[str, Router]:
    """The routers that are switched on, with their ends on `networks`."""
    found = _documents(connection, "SELECT document FROM router")
    if not found:
        return {}
    subnets = {each["id"]: each for each in _documents(connection, "SELECT document FROM subnet")}
    query = "SELECT document FROM port WHERE json_extract(document, '$.device_owner') = ?"
    ends: dict[str, list[RouterPort]] = {}
    for port in _documents(connection, query, INTERFACE):
        if port["network_id"] in networks and port["admin_state_up"]:
            addresses = _addresses(port, subnets)
            end = RouterPort(port["id"], port["device_id"], port["network_id"], port["mac_address"], addresses)
            ends.setdefault(port["device_id"], []).append(end)
    gateways = {port["device_id"]: port for port in _documents(connection, query, GATEWAY)}
    floating: dict[str, list[FloatingIp]] = {}
    forwards: dict[str, list[PortForward]] = {}
    for each in _documents(connection, "SELECT document FROM floatingip WHERE router_id IS NOT NULL"):
        forwards.setdefault(each["router_id"], []).extend(_forwards(each))
        if each["fixed_ip_address"] is None:
            continue
        pair = FloatingIp(IPv4Address(each["floating_ip_address"]), IPv4Address(each["fixed_ip_address"]))
        floating.setdefault(each["router_id"], []).append(pair)
    made = {}
    for router in found:
        if not router["admin_state_up"]:
            continue
        ports = sorted(ends.get(router["id"], ()), key=lambda port: port.id)
        uplink = _uplink(connection, gateways.get(router["id"]), subnets)
        info = router["external_gateway_info"]
        made[router["id"]] = Router(
            router["id"],
            router["name"] or router["id"],
            tuple(ports),
            uplink,
            info["enable_snat"] if info else True,
            tuple(
                RouterRoute(ip_network(each["destination"]), ip_address(each["nexthop"])) for each in router["routes"]
            ),
            tuple(sorted(floating.get(router["id"], ()), key=str)) if isinstance(uplink, DeviceUplink) else (),
            tuple(sorted(forwards.get(router["id"], ()), key=str)) if isinstance(uplink, DeviceUplink) else (),
            router["project_id"] or None,
        )
    return made


def _forwards(floating: Document) -> list[PortForward]:
    address = IPv4Address(floating["floating_ip_address"])
    return [
        PortForward(each["protocol"], each["external_port"], IPv4Address(each["internal_ip_address"]),
                    each["internal_port"], address)
        for each in floating["port_forwardings"]
    ]  # fmt: skip


def with_ends(networks: dict[str, Network], routers: Iterable[Router]) -> dict[str, Network]:
    """The networks with their routers' ends; those whose ends are right already stay the same objects."""
    wanted: dict[str, list[RouterPort]] = {}
    for router in routers:
        for port in router.ports:
            wanted.setdefault(port.network_id, []).append(port)
    changed = {
        network_id: replace(network, router_ports=tuple(wanted.get(network_id, ())))
        for network_id, network in networks.items()
        if network.router_ports != tuple(wanted.get(network_id, ()))
    }
    return {**networks, **changed} if changed else networks


def _uplink(connection: Connection, port: Document | None, subnets: Mapping[str, Document]) -> Uplink | None:
    """The way out by the external network that the gateway's port is on: by the host, by the device of the host that
    the network names, or by the network's own bridge."""
    if port is None:
        return None
    (network,) = _documents(connection, "SELECT document FROM network WHERE id = ?", port["network_id"])
    device = network["netmend"].get("uplink") or bridge_name(network["id"])
    if device == HOST:
        return HostUplink()
    entries = [subnets[entry["subnet_id"]] for entry in port["fixed_ips"]]
    gateways = {each["ip_version"]: each["gateway_ip"] for each in reversed(entries) if each["gateway_ip"]}
    ways = tuple(ip_address(gateways[version]) for version in sorted(gateways))
    return DeviceUplink(device, port["mac_address"], _addresses(port, subnets), ways)


def _addresses(port: Document, subnets: Mapping[str, Document]) -> tuple[IPv4Interface | IPv6Interface, ...]:
    return tuple(
        ip_interface(f"{entry['ip_address']}/{subnets[entry['subnet_id']]['cidr'].partition('/')[2]}")
        for entry in port["fixed_ips"]
    )


def _documents(connection: Connection, query: str, *values: object) -> list[Document]:
    return [json.loads(text) for (text,) in connection.execute(query, values)]
