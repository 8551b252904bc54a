"""Subnets as the server sends them, to intent: what Neutron's agent tells dnsmasq of them
(neutron/agent/linux/dhcp.py: _build_cmdline_callback, _generate_opts_per_subnet)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from netmend.intent import Ipv6Mode, Route, Subnet, Subnet6
from netmend.intent.metadata import METADATA_ADDRESS
from netmend.sources.neutron import metadata
from netmend.sources.neutron.names import DHCP_OWNER, RESERVED_DHCP_PORT, Raw
from netmend.sources.neutron.policy import Policy

_ON_LINK = IPv4Address(0)
_METADATA = IPv4Network(METADATA_ADDRESS)
_DEFAULT = "0.0.0.0/0"

# (ipv6_address_mode, ipv6_ra_mode) to how the guests of the subnet come by addresses through us. Router advertisements
# are always the router's business (Neutron's L3 agent runs radvd).
_MODES: Mapping[tuple[str | None, str | None], Ipv6Mode | None] = {
    (None, None): "dhcpv6-stateful",  # as before IPv6 modes existed
    ("dhcpv6-stateful", None): "dhcpv6-stateful",
    ("dhcpv6-stateful", "dhcpv6-stateful"): "dhcpv6-stateful",
    ("dhcpv6-stateless", None): "dhcpv6-stateless",
    ("dhcpv6-stateless", "dhcpv6-stateless"): "dhcpv6-stateless",
    ("slaac", None): "slaac",
    ("slaac", "slaac"): "slaac",
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the subnets of one network, or of one segment of it, depend on besides themselves."""

    network: Raw
    all_subnets: Sequence[Raw]  # those of other segments too
    own_addresses: Mapping[str, str]  # of the DHCP port, by subnet id
    isolated: set[str]
    serves_metadata: bool
    policy: Policy


def subnet4(raw: Raw, around: Surroundings) -> Subnet:
    """`around.own_addresses` has the subnet's id."""
    policy = around.policy
    server = IPv4Address(around.own_addresses[raw["id"]])
    gateway, routes, by_us = _routes(raw, around)
    return Subnet(
        id=raw["id"],
        name=raw.get("name") or raw["id"],
        cidr=IPv4Network(raw["cidr"]),
        server_address=server,
        gateway=gateway,
        dns_servers=tuple(map(IPv4Address, _dns_servers(raw, around, 4))),
        domain=policy.dns_domain,
        routes=routes,
        lease_time=policy.lease_time,
        metadata_route=by_us,
        broadcast_replies=policy.broadcast_replies,
    )


def subnet6(raw: Raw, around: Surroundings) -> Subnet6:
    """`around.own_addresses` has the subnet's id."""
    policy = around.policy
    cidr = IPv6Network(raw["cidr"])
    mode = _MODES.get((raw.get("ipv6_address_mode"), raw.get("ipv6_ra_mode")))
    return Subnet6(
        id=raw["id"],
        name=raw.get("name") or raw["id"],
        cidr=cidr,
        server_address=IPv6Address(around.own_addresses[raw["id"]]),
        gateway=IPv6Address(raw["gateway_ip"]) if raw.get("gateway_ip") else None,
        address_mode=mode if cidr.prefixlen >= 64 else None,  # no dnsmasq serves less
        dns_servers=tuple(map(IPv6Address, _dns_servers(raw, around, 6))),
        domain=policy.dns_domain,
        lease_time=policy.lease_time,
    )


def is_provisional(raw: Raw) -> bool:
    """Whether the subnet waits for its prefix (prefix delegation; neutron-lib PROVISIONAL_IPV6_PD_PREFIX): until a
    router has one, the server gives it ::/64, and ports addresses in it that are nobody's."""
    return str(raw["cidr"]) == "::/64"


def announces_no_dns(raw: Raw) -> bool:
    """Whether `dns_nameservers` is 0.0.0.0 or :: alone: guests then get no name server."""
    servers = list(raw.get("dns_nameservers") or ())
    return len(servers) == 1 and ip_address(servers[0]).is_unspecified


def _dns_servers(raw: Raw, around: Surroundings, version: int) -> Iterable[str]:
    """The subnet's name servers; without any, all agents of the network, if there are more than we."""
    if announces_no_dns(raw):
        return ()
    if raw.get("dns_nameservers"):
        return tuple(raw["dns_nameservers"])
    agents = {
        fixed["ip_address"]
        for port in around.network["ports"]
        if port.get("device_owner") == DHCP_OWNER
        and port.get("device_id") != RESERVED_DHCP_PORT  # waits for an agent; no server has the address
        for fixed in port["fixed_ips"]
        if fixed["subnet_id"] == raw["id"] and ip_address(fixed["ip_address"]).version == version
    }
    return sorted(agents, key=ip_address) if len(agents) > 1 else ()


def _routes(raw: Raw, around: Surroundings) -> tuple[IPv4Address | None, tuple[Route, ...], bool]:
    """The gateway, the routes beside the default one, and whether metadata is reached by way of us."""
    gateway = raw.get("gateway_ip") or None
    routes: list[tuple[str, str]] = []
    for route in raw.get("host_routes") or ():
        if route["destination"] != _DEFAULT:
            routes.append((route["destination"], route["nexthop"]))
        elif not gateway:
            gateway = route["nexthop"]
    isolated, by_us = raw["id"] in around.isolated, False
    of_ovn = _ovn_metadata_address(raw, around)
    if of_ovn:
        routes.append((str(_METADATA), of_ovn))
    elif around.policy.force_metadata or (isolated and around.policy.isolated_metadata):
        by_us = True
    elif not isolated and gateway:
        routes.append((str(_METADATA), gateway))
    for other in around.all_subnets:
        same_link = other.get("segment_id") == raw.get("segment_id")
        if other["ip_version"] == 4 and other["cidr"] != raw["cidr"] and same_link:
            routes.insert(0, (other["cidr"], str(_ON_LINK)))
    found = dict.fromkeys(Route(IPv4Network(to), IPv4Address(via)) for to, via in routes)
    return IPv4Address(gateway) if gateway else None, tuple(found), by_us


def _ovn_metadata_address(raw: Raw, around: Surroundings) -> str | None:
    port = metadata.ovn_metadata_port(around.network)
    fixed_ips = port["fixed_ips"] if port else ()
    return next((fixed["ip_address"] for fixed in fixed_ips if fixed["subnet_id"] == raw["id"]), None)
