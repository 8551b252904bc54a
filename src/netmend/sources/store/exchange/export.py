"""The intent file that says what the store holds."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

import yaml

from netmend.ground.located_yaml import resolve
from netmend.ground.printable import printable
from netmend.intent import MetadataProxy
from netmend.intent.names import dhcp_port_id
from netmend.options import dhcp4
from netmend.options.dhcp4 import CLIENT_ID, NEXT_SERVER
from netmend.sources.option_tags import is_only_for_ipxe, split_tags
from netmend.sources.store.exchange.export_groups import group_names, mapped_groups
from netmend.sources.store.exchange.names import name_of, unique_names
from netmend.sources.store.exchange.perform import read_all
from netmend.sources.store.filtering import FILTERED, is_filtered
from netmend.sources.store.settings import metadata_proxy, proxy_document
from netmend.sources.store.subnets import default_pools
from netmend.sources.store.transaction import Document, read
from netmend.sources.store.values import UPLINK, gateway_of, is_of_dhcp4_alone, pools_without

Mapped = dict[str, Any]

_BOOTFILE = 67  # RFC 2132 section 9.5


@dataclass(slots=True)
class Export:
    """A file's root, and what of the store it does not say."""

    root: Mapped
    left_out: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The file as YAML. What would steer a terminal is written as YAML's own escapes, which say the same."""
        return printable(yaml.dump(self.root, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110))


def export(connection: sqlite3.Connection) -> Export:
    """Everything that a file can say, with all ids."""
    current = read_all(connection)
    result = Export({"networks": []})
    groups = group_names(current)
    names = unique_names(document["name"] for document in current.networks.values())
    subnets: dict[str, list[Document]] = {}
    for subnet in current.subnets.values():
        subnets.setdefault(subnet["network_id"], []).append(subnet)
    ports: dict[str, list[Document]] = {}
    for port in current.ports.values():
        ports.setdefault(port["network_id"], []).append(port)
    for network in current.networks.values():
        own = read(connection, "port", dhcp_port_id(network["id"]))
        if not network["admin_state_up"]:
            result.left_out.append(f"network {network['name'] or network['id']}: admin_state_up is off")
            continue
        result.root["networks"].append(
            _network(
                network,
                names,
                sorted(subnets.get(network["id"], []), key=lambda it: network["subnets"].index(it["id"])),
                own["fixed_ips"] if own else [],
                ports=ports.get(network["id"], []),
                groups=groups,
                left_out=result.left_out,
            )
        )
    for text, kind in connection.execute(
        "SELECT document, 'router' FROM router UNION ALL SELECT document, 'floating IP' FROM floatingip ORDER BY 2, 1"
    ):
        document = json.loads(text)
        name = document.get("name") or document.get("floating_ip_address") or document["id"]
        result.left_out.append(f"{kind} {name}: routers are not exported")
    result.root.update(mapped_groups(current, groups))
    if proxy := metadata_proxy(connection):
        result.root["metadata_proxy"] = _proxy(proxy)
    return result


def _network(
    network: Document,
    names: frozenset[str],
    subnets: list[Document],
    own: Iterable[Mapping[str, str]],
    *,
    ports: list[Document],
    groups: Mapping[str, str],
    left_out: list[str],
) -> Mapped:
    mapped: Mapped = {"name": name_of(network, names), "id": network["id"], "mtu": network["mtu"]}
    if network["project_id"]:
        mapped["project_id"] = network["project_id"]
    if not network["port_security_enabled"]:
        mapped["port_security"] = False
    mapped.update({name: value for name, value in network["netmend"].items() if name != UPLINK})
    if UPLINK in network["netmend"]:
        left_out.append(f"network {mapped['name']}: uplink is of external networks, which a file has not")
    servers = {entry["subnet_id"]: entry["ip_address"] for entry in own}
    mapped["subnets"] = []
    subnet_names = unique_names(subnet["name"] or subnet["cidr"] for subnet in subnets)
    for subnet in subnets:
        if subnet["id"] in servers:
            mapped["subnets"].append(_subnet(subnet, subnet_names, servers[subnet["id"]], network))
        else:
            left_out.append(f"subnet {subnet['cidr']} of network {mapped['name']}: enable_dhcp is off")
    port_names = unique_names(port["name"] for port in ports)
    mapped["ports"] = []
    for port in ports:
        if port["admin_state_up"]:
            mapped["ports"].append(_port(port, port_names, servers) | _security(port, network, groups))
            where = f"port {port['name'] or port['id']} of network {mapped['name']}: extra_dhcp_opts"
            left_out.extend(f"{where}: {entry}: a file has no tags" for entry in _with_tags(port))
        else:
            left_out.append(f"port {port['name'] or port['id']} of network {mapped['name']}: admin_state_up is off")
    return mapped


def _subnet(subnet: Document, names: frozenset[str], server: str, network: Document) -> Mapped:
    mapped: Mapped = {"cidr": subnet["cidr"], "id": subnet["id"]}
    if subnet["name"] and subnet["name"] != subnet["cidr"]:
        mapped["name"] = name_of(subnet, names)
    settings = {**subnet["netmend"], "server_address": server}
    if network["dns_domain"] and "domain" not in settings:
        settings["domain"] = network["dns_domain"]
    gateway = ip_address(subnet["gateway_ip"]) if subnet["gateway_ip"] else None
    usual = subnet["allocation_pools"] == default_pools(ip_network(subnet["cidr"]), gateway)
    if settings.get("dynamic") and "pools" not in settings and not usual:
        settings["pools"] = pools_without(subnet, server)
    if subnet["ip_version"] == 6:
        mapped["address_mode"] = subnet["ipv6_address_mode"] or "none"
        mapped["ra_mode"] = subnet["ipv6_ra_mode"] or "none"
    if (router := gateway_of(subnet)) is not None:
        mapped["gateway"] = router
    if subnet["dns_nameservers"]:
        mapped["dns_servers"] = subnet["dns_nameservers"]
    routes = [route for route in subnet["host_routes"] if subnet["ip_version"] == 4 or route["nexthop"] == server]
    if routes:
        mapped["routes"] = routes
    return mapped | settings


def _port(port: Document, names: frozenset[str], servers: Mapping[str, str]) -> Mapped:
    mapped: Mapped = {"name": name_of(port, names), "id": port["id"], "mac": port["mac_address"]}
    mapped["fixed_ips"] = _one_a_subnet(port["fixed_ips"], servers)
    if port["dns_name"]:
        mapped["hostname"] = port["dns_name"]
    for name in ("device_id", "project_id"):
        if port[name]:
            mapped[name] = port[name]
    mapped.update({name: value for name, value in port["netmend"].items() if name != FILTERED})
    six = {
        name: entry["opt_value"]
        for entry in port["extra_dhcp_opts"]
        for tags, name in [split_tags(entry["opt_name"])]
        if entry["ip_version"] == 6 and not tags and not is_of_dhcp4_alone(name)
    }
    if six or "dhcp6_options" in mapped:
        mapped["dhcp6_options"] = {**six, **mapped.get("dhcp6_options", {})}
    four = [entry for entry in port["extra_dhcp_opts"] if entry["ip_version"] == 4]
    options = {
        name: entry["opt_value"]
        for entry in four
        for tags, name in [split_tags(entry["opt_name"])]
        if not tags and name not in NEXT_SERVER | CLIENT_ID
    }
    _chain(mapped, options, four)
    if options or "dhcp_options" in mapped:
        mapped["dhcp_options"] = {**options, **mapped.get("dhcp_options", {})}
    server = next((entry["opt_value"] for entry in four if entry["opt_name"] in NEXT_SERVER), ":")
    if ":" not in server:
        mapped.setdefault("boot", {}).setdefault("tftp_server", server)
    client_id = next((entry["opt_value"] for entry in four if entry["opt_name"] in CLIENT_ID), None)
    if client_id is not None:
        mapped.setdefault("client_id", client_id)
    return mapped


def _chain(mapped: Mapped, options: Mapped, entries: Iterable[Mapped]) -> None:
    """Say a boot file for iPXE alone (`tag:ipxe,67`) as `boot`, and the one for others with it; a file has no other
    options with tags."""
    for entry in entries:
        tags, name = split_tags(entry["opt_name"])
        if is_only_for_ipxe(tags) and _is_bootfile(name):
            boot = {"ipxe": entry["opt_value"]}
            for other in filter(_is_bootfile, tuple(options)):
                boot["bootfile"] = options.pop(other)
            mapped.setdefault("boot", boot)


def _with_tags(port: Document) -> list[str]:
    """The names of a port's options that are not for every client, without those that `_chain` says."""
    split = [(entry, *split_tags(entry["opt_name"])) for entry in port["extra_dhcp_opts"]]
    return [
        entry["opt_name"]
        for entry, tags, name in split
        if tags and not (entry["ip_version"] == 4 and is_only_for_ipxe(tags) and _is_bootfile(name))
    ]


def _is_bootfile(name: str) -> bool:
    try:
        return dhcp4.option_code(name) == _BOOTFILE
    except ValueError:
        return False


def _security(port: Document, network: Document, groups: Mapping[str, str]) -> Mapped:
    """`groups` are the file's names of the security groups, by id."""
    mapped: Mapped = {}
    if is_filtered(port):
        mapped["security_groups"] = [groups[group_id] for group_id in port["security_groups"]]
    if port["port_security_enabled"] != network["port_security_enabled"]:
        mapped["port_security"] = port["port_security_enabled"]
    if port["allowed_address_pairs"] and port["port_security_enabled"]:
        mapped["allowed_address_pairs"] = [
            {name: pair[name] for name in ("ip_address", "mac_address") if pair[name] != port["mac_address"]}
            for pair in port["allowed_address_pairs"]
        ]
    return mapped


def _one_a_subnet(entries: Iterable[Mapping[str, str]], servers: Mapping[str, str]) -> list[str]:
    first: dict[str, str] = {}
    for entry in entries:
        if entry["subnet_id"] in servers:
            first.setdefault(entry["subnet_id"], entry["ip_address"])
    return list(first.values())


def _proxy(proxy: MetadataProxy) -> Mapped:
    return {name: value for name, value in proxy_document(proxy).items() if value is not None}


class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.2's core schema, which reads it, takes for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = isinstance(resolve(text), str) and text != "<<" and printable(text) == text
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _text)
