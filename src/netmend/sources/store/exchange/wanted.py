"""A file's objects as the API takes them."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Any

from netmend.ground.problem import Problem
from netmend.intent import MetadataProxy, Network, Pool, Pool6, Port, Subnet, Subnet6
from netmend.sources.file.load import load_with_root
from netmend.sources.problem import IntentError
from netmend.sources.store.exchange.change import Body
from netmend.sources.store.exchange.group_bodies import address_group_body, security_group_body
from netmend.sources.store.filtering import FILTERED
from netmend.sources.store.values import SETTINGS


@dataclass(frozen=True, slots=True)
class Wanted:
    """Bodies by id, as they would be created. A subnet follows its network, a port its subnets.

    `said` has, by id, the names of the fields that the file gives the object.
    """

    networks: dict[str, Body] = field(default_factory=dict)
    subnets: dict[str, Body] = field(default_factory=dict)
    ports: dict[str, Body] = field(default_factory=dict)
    security_groups: dict[str, Body] = field(default_factory=dict)  # with all `security_group_rules`
    address_groups: dict[str, Body] = field(default_factory=dict)
    metadata_proxy: MetadataProxy | None = None
    said: dict[str, frozenset[str]] = field(default_factory=dict)


def wanted_of(path: Path) -> Wanted:
    """The objects that the intent file at `path` wants. Raises IntentError."""
    root, intent = load_with_root(path)
    if intent.routers:
        why = "are not taken from a file into the store; make them by the API (docs/api.md)"
        raise IntentError((Problem(str(path), 0, "routers", why),))
    wanted = Wanted(metadata_proxy=intent.metadata_proxy)
    for raw, group in zip(root.get("security_groups") or (), intent.security_groups.values(), strict=True):
        wanted.security_groups[group.id] = security_group_body(group)
        wanted.said[group.id] = _said(raw)
    for raw, addresses in zip(root.get("address_groups") or (), intent.address_groups.values(), strict=True):
        wanted.address_groups[addresses.id] = address_group_body(addresses)
        wanted.said[addresses.id] = _said(raw)
    for raw, network in zip(root["networks"] or (), intent.networks.values(), strict=True):
        wanted.networks[network.id] = _network(raw, network)
        wanted.said[network.id] = _said(raw)
        for raw_subnet, subnet in _pairs(raw.get("subnets") or (), network):
            wanted.subnets[subnet.id] = _subnet(raw_subnet, subnet, network)
            wanted.said[subnet.id] = _said(raw_subnet)
        for raw_port, port in zip(raw.get("ports") or (), network.ports.values(), strict=True):
            wanted.ports[port.id] = _port(raw_port, port, network)
            wanted.said[port.id] = _said(raw_port)
    return wanted


def _pairs(raw: Any, network: Network) -> Iterator[tuple[Mapping[str, Any], Subnet | Subnet6]]:
    """Subnets of the file with their values, sorted by IP version."""
    four, six = iter(network.subnets), iter(network.subnets6)
    for item in raw:
        yield item, next(six) if ":" in item["cidr"] else next(four)


def _said(raw: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name for name, value in raw.items() if value is not None)


def _settings(kind: str, raw: Mapping[str, Any]) -> Body:
    return {name: value for name, value in raw.items() if name in SETTINGS[kind] and value is not None}


def _network(raw: Mapping[str, Any], network: Network) -> Body:
    return {
        "id": network.id,
        "name": network.name,
        "project_id": network.project_id or "",
        "mtu": network.mtu,
        "port_security_enabled": raw.get("port_security") is not False,
        "netmend": _settings("network", raw),
    }


def _subnet(raw: Mapping[str, Any], subnet: Subnet | Subnet6, network: Network) -> Body:
    body: Body = {
        "id": subnet.id,
        "network_id": network.id,
        "project_id": network.project_id or "",
        "name": raw.get("name") or "",
        "cidr": str(subnet.cidr),
        "ip_version": subnet.cidr.version,
        "enable_dhcp": True,
        "gateway_ip": str(subnet.gateway) if subnet.gateway else None,
        "dns_nameservers": [str(ip_address(server)) for server in raw.get("dns_servers") or ()],
        "host_routes": [
            {"destination": str(route.destination), "nexthop": str(route.nexthop)} for route in subnet.routes
        ],
        "netmend": {**_settings("subnet", raw), "server_address": str(subnet.server_address)},
    }
    if isinstance(subnet, Subnet6):
        body |= {"ipv6_address_mode": subnet.address_mode, "ipv6_ra_mode": subnet.ra_mode}
    if raw.get("pools"):
        pools: tuple[Pool | Pool6, ...] = subnet.pools
        body["allocation_pools"] = [{"start": str(pool.first), "end": str(pool.last)} for pool in pools]
    return body


def _port(raw: Mapping[str, Any], port: Port, network: Network) -> Body:
    settings = _settings("port", raw)
    if settings.get("plug") == "none":
        del settings["plug"]
    if "user_data_file" in settings.get("instance", {}):  # a file beside this one, which the node may not have
        assert port.instance is not None
        instance = {name: value for name, value in settings["instance"].items() if name != "user_data_file"}
        settings["instance"] = {**instance, "user_data_base64": b64encode(port.instance.user_data or b"").decode()}
    groups: Body = {"security_groups": [*(port.security_groups or ())]}
    if port.port_security and port.security_groups is None:
        settings[FILTERED] = False
        groups = {}
    return {
        "id": port.id,
        "network_id": network.id,
        "project_id": port.project_id or "",
        "name": port.name,
        "mac_address": port.mac,
        "fixed_ips": [{"ip_address": str(address)} for address in port.addresses],
        "dns_name": port.hostname or "",
        "device_id": port.device_id or "",
        "port_security_enabled": port.port_security,
        "allowed_address_pairs": [
            {"ip_address": _address_or_block(pair.block), "mac_address": pair.mac}
            for pair in port.allowed_address_pairs
        ],
        **groups,
        "netmend": settings,
    }


def _address_or_block(block: IPv4Network | IPv6Network) -> str:
    return str(block.network_address) if block.num_addresses == 1 else str(block)
