"""Networks and ports of the store as values of intent.

Neutron's attributes say most of it. The rest, what the intent file can say and Neutron cannot, stands under `netmend`,
in the intent file's own words, and is read by the intent file's own code: an object takes there what its mapping in a
file takes, without what Neutron's attributes say already.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, TypeVar

from msgspec import ValidationError as NotOfShape
from msgspec import convert
from msgspec.structs import replace
from pydantic import ValidationError

from netmend.intent import AddressPair, Boot, Network, Pool, Pool6, Port, Route, Route6, Subnet, Subnet6
from netmend.options import dhcp4, dhcp6
from netmend.options.dhcp4 import CLIENT_ID, MAX_PAYLOAD, NEXT_SERVER
from netmend.options.values4 import encode_classless_route
from netmend.sources import fields, fields6
from netmend.sources.addresses import without, without6
from netmend.sources.file.build import build_intent
from netmend.sources.file.build_port import build_port
from netmend.sources.file.misfits import model_of
from netmend.sources.file.reading import Reader
from netmend.sources.file.shape import FileShape, NetworkShape, PortShape, Shape, SubnetShape
from netmend.sources.option_tags import Encoded, TaggedOptions, split_tags
from netmend.sources.problem import Complaints
from netmend.sources.store.errors import invalid
from netmend.sources.store.filtering import FILTERED, is_filtered
from netmend.sources.store.transaction import Document

UPLINK = "uplink"  # of an external network: the host's device that routers go out by, or `host`
SETTINGS: dict[str, frozenset[str]] = {  # what may stand under `netmend`
    "network": frozenset(NetworkShape.__struct_fields__)
    - {"name", "id", "mtu", "project_id", "port_security", "subnets", "ports"}
    | {UPLINK},
    "subnet": frozenset(SubnetShape.__struct_fields__)
    - {"name", "id", "cidr", "gateway", "dns_servers", "routes", "address_mode", "ra_mode"},
    "port": frozenset(PortShape.__struct_fields__)
    - {
        "name",
        "id",
        "mac",
        "fixed_ips",
        "hostname",
        "device_id",
        "project_id",
        "port_security",
        "allowed_address_pairs",
        "security_groups",
    }
    | {FILTERED},
}
_NEUTRONS = (
    "security_groups",
    "name",
    "fixed_ips",
    "hostname",
    "fixed_ips6",
    "device_id",
    "project_id",
    "port_security",
    "allowed_address_pairs",
)  # of a port; not its settings

_Shape = TypeVar("_Shape", bound=Shape)
_NOWHERE = Path("/nonexistent")  # where files that a document names are looked for: none are read
Gateways = Mapping[str, str | None]  # of the subnets that are served, by id


def network_value(network: Document, subnets: Iterable[Document], own: Iterable[Mapping[str, str]]) -> Network:
    """The network without its ports; `own` are the fixed IPs of netmend's own port. Raises RefusedError."""
    known_settings("network", network["netmend"])
    servers = {entry["subnet_id"]: entry["ip_address"] for entry in own}
    served = [subnet for subnet in subnets if subnet["enable_dhcp"] and subnet["id"] in servers]
    settings = {name: value for name, value in network["netmend"].items() if name != UPLINK}
    _check_uplink(network)
    shape = {
        **settings,
        "name": network["id"],
        "id": network["id"],
        "mtu": network["mtu"],
        "subnets": [_subnet_shape(subnet, servers[subnet["id"]], network) for subnet in served],
    }
    if not served:
        _read_shape(NetworkShape, shape)
        shape.pop("dns", None)  # netmend has no address to answer at yet
    value = _build_network(shape)
    by_id = {subnet["id"]: subnet for subnet in served}
    return replace(
        value,
        name=network["name"] or network["id"],
        subnets=tuple(_completed(subnet, by_id[subnet.id]) for subnet in value.subnets),
        subnets6=tuple(_completed6(subnet, by_id[subnet.id]) for subnet in value.subnets6),
        project_id=network["project_id"] or None,
    )


def _check_uplink(network: Document) -> None:
    uplink = network["netmend"].get(UPLINK)
    if uplink is None:
        return
    if not network["router:external"]:
        raise invalid("netmend.uplink: is of external networks only (router:external)")
    try:
        fields.device_name(uplink if isinstance(uplink, str) else "")
    except ValueError as error:
        raise invalid(f"netmend.uplink: {error}") from None


def port_value(port: Document, gateways: Gateways) -> Port | None:
    """The port as a guest's; None when it is switched off. Raises RefusedError.

    Addresses in subnets that netmend does not serve, a second address in one subnet, and the gateway's, which belongs
    to a router and not to a guest of DHCP, are kept from others and not served.
    """
    if not port["admin_state_up"]:
        return None
    fixed4: list[IPv4Address] = []
    fixed6: list[IPv6Address] = []
    used: set[str] = set()
    for entry in port["fixed_ips"]:
        subnet_id, text = entry["subnet_id"], entry["ip_address"]
        if subnet_id not in gateways or subnet_id in used or gateways[subnet_id] == text:
            continue
        used.add(subnet_id)
        if ":" in text:
            fixed6.append(IPv6Address(text))
        else:
            fixed4.append(IPv4Address(text))
    value = Port(
        id=port["id"],
        name=port["name"] or port["id"],
        mac=port["mac_address"],
        fixed_ips=tuple(fixed4),
        hostname=fields.host_name(port["dns_name"]) if port["dns_name"] else None,
        fixed_ips6=tuple(fixed6),
        device_id=port["device_id"] or None,
        project_id=port["project_id"] or None,
        port_security=port["port_security_enabled"],
        allowed_address_pairs=_address_pairs(port, {str(address) for address in (*fixed4, *fixed6)}),
        security_groups=tuple(sorted(port["security_groups"])) if is_filtered(port) else None,
    )
    if not port["netmend"] and not port["extra_dhcp_opts"]:
        return value
    said = _port_settings(port)
    extra, boot, client_id = _extra_options(port["extra_dhcp_opts"])
    options: dict[str, Any] = {
        name: tuple(sorted({**dict(encoded), **dict(getattr(said, name))}.items())) for name, encoded in extra.items()
    }
    return replace(
        said,
        **{name: getattr(value, name) for name in _NEUTRONS},
        **options,
        boot=said.boot or boot,
        client_id=said.client_id or client_id,
    )


def _address_pairs(port: Document, served: set[str]) -> tuple[AddressPair, ...]:
    """What the port may use beside its addresses that are served: its pairs, and its addresses that are not."""
    if not port["port_security_enabled"]:
        return ()
    others = [entry["ip_address"] for entry in port["fixed_ips"] if entry["ip_address"] not in served]
    return (
        *(AddressPair(ip_network(pair["ip_address"]), pair["mac_address"]) for pair in port["allowed_address_pairs"]),
        *(AddressPair(ip_network(address), port["mac_address"]) for address in others),
    )


def known_settings(kind: str, settings: Mapping[str, Any]) -> None:
    """Raise RefusedError unless each key of `settings` is allowed."""
    for name in settings:
        if name not in SETTINGS[kind]:
            raise invalid(f"netmend.{name}: a {kind} has no such field; known are {', '.join(sorted(SETTINGS[kind]))}")


# --- networks and subnets -----------------------------------------------------------------------------------------


def _build_network(shape: dict[str, Any]) -> Network:
    complaints = Complaints()
    root: dict[str, Any] = {"networks": [shape]}
    if shape.get("metadata") == "proxy":  # its endpoints are a setting of the node, not of the network
        root["metadata_proxy"] = {"endpoints": ["http://127.0.0.1"], "shared_secret": "-"}
    intent = build_intent(_read_shape(FileShape, root), complaints, _NOWHERE)
    _no_complaints(root, complaints)
    return next(iter(intent.networks.values()))


def _subnet_shape(subnet: Document, server: str, network: Document) -> dict[str, Any]:
    known_settings("subnet", subnet["netmend"])
    settings = dict(subnet["netmend"])
    if network["dns_domain"] and "domain" not in settings:
        settings["domain"] = network["dns_domain"]
    if "pools" not in settings and settings.get("dynamic"):
        settings["pools"] = pools_without(subnet, server)
    settings["server_address"] = server
    if subnet["ip_version"] == 6:
        settings["address_mode"] = subnet["ipv6_address_mode"] or "none"
        settings["ra_mode"] = subnet["ipv6_ra_mode"] or "none"
    return {
        **settings,
        "name": subnet["id"],
        "id": subnet["id"],
        "cidr": subnet["cidr"],
        "gateway": gateway_of(subnet),
        "dns_servers": subnet["dns_nameservers"],
    }


def gateway_of(subnet: Document) -> str | None:
    """The gateway, as a file has it: the anycast address of an IPv6 subnet, Neutron's default, names no router."""
    anycast = subnet["ip_version"] == 6 and subnet["cidr"].split("/")[0] == subnet["gateway_ip"]
    return None if anycast else subnet["gateway_ip"]


def pools_without(subnet: Document, server: str) -> list[str]:
    """The allocation pools, as a file has them, without netmend's own address."""
    spans = [f"{pool['start']} - {pool['end']}" for pool in subnet["allocation_pools"]]
    ranges: tuple[Pool, ...] | tuple[Pool6, ...]
    if subnet["ip_version"] == 6:
        ranges = without6([fields6.pool(span) for span in spans], IPv6Address(server))
    else:
        ranges = without([fields.pool(span) for span in spans], IPv4Address(server))
    return [f"{pool.first} - {pool.last}" for pool in ranges]


def _completed(value: Subnet, subnet: Document) -> Subnet:
    """The subnet with what Neutron allows and a file does not: names that are used twice, routes by any next hop."""
    routes = tuple(
        Route(IPv4Network(route["destination"]), IPv4Address(route["nexthop"])) for route in subnet["host_routes"]
    )
    size = sum(len(encode_classless_route(route.destination, route.nexthop)) for route in routes)
    if size > MAX_PAYLOAD:
        raise invalid(f"host_routes: these take {size} bytes in option 121; {MAX_PAYLOAD} can be sent")
    return replace(value, name=subnet["name"] or subnet["cidr"], routes=routes)


def _completed6(value: Subnet6, subnet: Document) -> Subnet6:
    """Likewise; advertisements tell routes by way of their sender only (RFC 4191)."""
    routes = tuple(
        Route6(IPv6Network(route["destination"]), value.server_address)
        for route in subnet["host_routes"]
        if IPv6Address(route["nexthop"]) == value.server_address
    )
    return replace(value, name=subnet["name"] or subnet["cidr"], routes=routes)


# --- ports --------------------------------------------------------------------------------------------------------


def _port_settings(port: Document) -> Port:
    known_settings("port", port["netmend"])
    if not isinstance(port["netmend"].get(FILTERED, True), bool):
        raise invalid(f"netmend.{FILTERED}: is true or false")
    settings = {name: value for name, value in port["netmend"].items() if name != FILTERED}
    root = {**settings, "name": port["id"], "id": port["id"], "mac": port["mac_address"]}
    if port["device_id"]:
        root["device_id"] = port["device_id"]
    if "user_data_file" in (root.get("instance") or {}):
        raise invalid("netmend.instance.user_data_file: names a file of the node; give user_data or user_data_base64")
    complaints = Complaints()
    value = build_port(Reader(complaints), (), _read_shape(PortShape, root), port["network_id"], _NOWHERE)
    _no_complaints(root, complaints)
    return value


def _extra_options(entries: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Encoded], Boot | None, bytes | None]:
    """Neutron's extra options, as the fields of a port that hold them, and the next server and the client identifier
    among them."""
    four, six = TaggedOptions(4), TaggedOptions(6)
    boot = client_id = None
    for entry in entries:
        value, version = entry["opt_value"], entry["ip_version"]
        tags, name = split_tags(entry["opt_name"])
        into = (four if version == 4 else six).chosen(tags)
        try:
            if name in CLIENT_ID:
                client_id = dhcp4.client_identifier(value) if version == 4 else client_id
            elif name in NEXT_SERVER and version == 4:
                server = ip_address(value)
                if server.version == 4:  # DHCPv4 has no room for another: kept, as Neutron does, and never sent
                    boot = Boot(next_server=str(server))
            elif version == 4 or not is_of_dhcp4_alone(name):
                code, payload = (dhcp4 if version == 4 else dhcp6).encode_option(name, value)
                if into is not None:
                    into[code] = payload
        except ValueError as error:
            raise invalid(f"extra_dhcp_opts: {error}") from None
    (dhcp_options, ipxe), (dhcp6_options, ipxe6) = four.encoded(), six.encoded()
    return (
        {
            "dhcp_options": dhcp_options,
            "ipxe_dhcp_options": ipxe,
            "dhcp6_options": dhcp6_options,
            "ipxe_dhcp6_options": ipxe6,
        },
        boot,
        client_id,
    )


def is_of_dhcp4_alone(name: str) -> bool:
    """Whether the option means nothing in DHCPv6: it is kept, as Neutron does, and never sent."""
    try:
        dhcp6.option_code(name)
    except ValueError:
        if name in NEXT_SERVER or name in CLIENT_ID:
            return True
        dhcp4.option_code(name)
        return True
    return False


def _read_shape(shape: type[_Shape], root: Any) -> _Shape:
    try:
        return convert(root, shape)
    except NotOfShape as otherwise:
        try:
            model_of(shape).model_validate(root)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
        else:
            raise invalid(f"netmend: {otherwise}") from None
        place = ".".join(str(step) for step in first["loc"] if step not in ("networks", "subnets", 0))
        raise invalid(f"netmend.{place}: {first['msg']}") from None


def _no_complaints(root: Any, complaints: Complaints) -> None:
    if complaints:
        place, why = complaints.found[0]
        label = ".".join(
            str(step) for step in place if step not in ("networks", "subnets") and not isinstance(step, int)
        )
        raise invalid(f"{label}: {why}" if label else why)
