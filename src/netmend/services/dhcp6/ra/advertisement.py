"""Router advertisements (RFC 4861 section 4.2, RFC 4191, RFC 8106).

| `ra_mode` of a subnet | M | O | autonomous |
|---|---|---|---|
| slaac | | | yes |
| dhcpv6-stateless | | yes | yes |
| dhcpv6-stateful | yes | | no |

Netmend forwards nothing: the router lifetime is zero, and a route is advertised only where its next hop is netmend's
own address. The modes mean what they mean to Neutron's router agent.

A router that intent names (`gateway`) is advertised in its own name: a second message, from its link-local address,
that says no more than that it is a default router. DHCPv6 has no option for that, and guests take a default route from
nobody but its router (RFC 4861 section 4.2). Such a message holds no link-layer address: guests ask the router for it.
"""

from collections.abc import Callable, Iterable
from ipaddress import IPv6Network
from struct import pack

from netmend.intent import Network, Port, Subnet6
from netmend.intent.eui64 import link_local_address
from netmend.options.values4 import domain_name
from netmend.services.dhcp6.ra import wire

INTERVAL = 600.0  # seconds between advertisements, at most: MaxRtrAdvInterval (section 6.2.1)
_INFORMATION_LIFETIME = 3 * int(INTERVAL)  # RFC 8106 section 5.1
ROUTER_LIFETIME = 3 * int(INTERVAL)  # AdvDefaultLifetime, section 6.2.1
_LIFETIME_LEAST = 7200  # seconds; hosts pay no heed to less (RFC 4862 section 5.5.3 e)
_HOPS = 64  # what hosts put into their packets
_SERVERS = 60  # that one option holds and that fit into the least MTU

Withdrawn = Iterable[IPv6Network]


def announced(network: Network) -> tuple[Subnet6, ...]:
    """The subnets that netmend advertises."""
    return tuple(subnet for subnet in network.subnets6 if subnet.ra_mode is not None)


def advertisements(network: Network, mac: bytes, withdrawn: Withdrawn = ()) -> tuple[bytes, ...]:
    """Make the advertisements of a network: ICMPv6 messages with checksum zero; none if no subnet wants any.

    `mac` is that of the device they leave by. Prefixes that were advertised and are no more are `withdrawn`: their
    addresses are not to be used for anything new. All fits in one message but for the most extraordinary network, which
    takes several (section 6.2.3).
    """
    subnets = announced(network)
    gone = [_prefix(prefix, wire.ON_LINK | wire.AUTONOMOUS, 0) for prefix in withdrawn]
    if not subnets and not gone:
        return ()
    head = pack("!BBHBBHLL", wire.ROUTER_ADVERTISEMENT, 0, 0, _HOPS, _flags(subnets), 0, 0, 0)
    head += pack("!BB6s", wire.SOURCE_LINK_LAYER, 1, mac)
    parts = [
        pack("!BBHL", wire.MTU, 1, 0, network.mtu),
        *map(_subnet, subnets),
        *gone,
    ]
    parts += [*_routes(subnets), *_servers(network, subnets), *_domains(network, subnets)]
    return tuple(_packed(head, parts, network.mtu - wire.IPV6_HEADER))


def routers(network: Network, owner: Callable[[int], Port | None]) -> frozenset[bytes]:
    """The link-local addresses of the routers that the advertised subnets name: a `gateway` that is one, else the one
    that the router or the port with the gateway's address makes of its MAC. `owner` gives the port of an address."""
    found = set()
    for subnet in announced(network):
        if subnet.gateway is None:
            continue
        own = next((port for port in network.router_ports if port.has(subnet.gateway)), None)
        if subnet.gateway.is_link_local:
            found.add(subnet.gateway.packed)
        elif own is not None:
            found.add(link_local_address(own.mac).packed)
        elif port := owner(int(subnet.gateway)):
            found.add(link_local_address(port.mac).packed)
    return frozenset(found)


def in_a_routers_name(network: Network, lifetime: int) -> bytes:
    """The advertisement that a router sends, without options; its checksum is zero. `lifetime` is in seconds, 0 for one
    that is no default router any more."""
    return pack("!BBHBBHLL", wire.ROUTER_ADVERTISEMENT, 0, 0, 0, _flags(announced(network)), lifetime, 0, 0)


def _flags(subnets: Iterable[Subnet6]) -> int:
    modes = {subnet.ra_mode for subnet in subnets}
    return (wire.MANAGED if "dhcpv6-stateful" in modes else 0) | (wire.OTHER if "dhcpv6-stateless" in modes else 0)


def _packed(head: bytes, parts: Iterable[bytes], limit: int) -> list[bytes]:
    messages = [head]
    for part in parts:
        if len(messages[-1]) + len(part) > limit:
            messages.append(head)
        messages[-1] += part
    return messages


def on_link(subnet: Subnet6) -> IPv6Network:
    """The prefix that is on the link: the subnet's, but where that is its guest's address alone, netmend's own."""
    return subnet.cidr if subnet.server_address in subnet.cidr else IPv6Network(subnet.server_address)


def _subnet(subnet: Subnet6) -> bytes:
    flags = wire.ON_LINK | (0 if subnet.ra_mode == "dhcpv6-stateful" else wire.AUTONOMOUS)
    return _prefix(on_link(subnet), flags, max(subnet.lease_time, _LIFETIME_LEAST))


def _prefix(prefix: IPv6Network, flags: int, lifetime: int) -> bytes:
    """Section 4.6.2; valid and preferred lifetime are the same."""
    return pack(
        "!BBBBLLL16s", wire.PREFIX, 4, prefix.prefixlen, flags, lifetime, lifetime, 0, prefix.network_address.packed
    )


def _routes(subnets: Iterable[Subnet6]) -> list[bytes]:
    """RFC 4191 section 2.3: the sender is the next hop."""
    return [
        pack("!BBBBL", wire.ROUTE, 1 + octets // 8, length, 0, _INFORMATION_LIFETIME) + packed[:octets]
        for subnet in subnets
        for route in subnet.routes
        if route.nexthop == subnet.server_address
        for length, packed in [(route.destination.prefixlen, route.destination.network_address.packed)]
        for octets in [8 * ((length + 63) // 64)]
    ]


def _servers(network: Network, subnets: Iterable[Subnet6]) -> list[bytes]:
    """RFC 8106 section 5.1. A network with a resolver of its own tells it where a subnet names no other."""
    servers: dict[bytes, None] = {}
    for subnet in subnets:
        own = (subnet.server_address,) if network.dns else ()
        servers.update(dict.fromkeys(server.packed for server in subnet.dns_servers or own))
    packed = list(servers)
    groups = [packed[at : at + _SERVERS] for at in range(0, len(packed), _SERVERS)]
    return [
        pack("!BBHL", wire.DNS_SERVERS, 1 + 2 * len(group), 0, _INFORMATION_LIFETIME) + b"".join(group)
        for group in groups
    ]


def _domains(network: Network, subnets: Iterable[Subnet6]) -> list[bytes]:
    """RFC 8106 section 5.2, each domain in an option of its own."""
    of_network = network.dns.domain if network.dns else None
    domains = dict.fromkeys(domain for subnet in subnets if (domain := subnet.domain or of_network))
    options = []
    for domain in domains:
        name = domain_name(domain)
        name = name.ljust((len(name) + 7) // 8 * 8, b"\0")
        options.append(pack("!BBHL", wire.DNS_SEARCH, 1 + len(name) // 8, 0, _INFORMATION_LIFETIME) + name)
    return options
