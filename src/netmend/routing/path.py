"""The way of a packet by intent: from a guest, or from beyond a router's uplink, over networks and routers to its end.

What a switch or a firewall does with it there is not looked at (`netmend.firewall` has the rules).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, Literal

from netmend.intent.network import Intent, Network
from netmend.intent.port import Port
from netmend.intent.router import DeviceUplink, HostUplink, PortForward, Router, RouterPort
from netmend.intent.subnet import Subnet
from netmend.intent.subnet6 import Subnet6

Address = IPv4Address | IPv6Address
_HOPS_MAX: Final = 16  # routers on one way; more are a circle
_TCP, _UDP = 6, 17
_NUMBERS: Final = {"tcp": _TCP, "udp": _UDP}


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of what is asked about. `protocol` is an IP protocol number, `port` a destination port."""

    source: Address
    destination: Address
    protocol: int | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """One station. `id` is that of the port, network or router; the world has none."""

    kind: Literal["port", "network", "router", "world"]
    id: str | None
    name: str
    text: str  # what happens there


@dataclass(frozen=True, slots=True)
class Way:
    """Where a packet gets to. With `why`, it gets no further than the last stop; else it is at the port, or beyond the
    uplink, that the last stop is, as `packet`."""

    stops: tuple[Stop, ...]
    packet: Packet
    why: str | None = None
    network: Network | None = None  # with `port`: where it arrives
    port: Port | None = None

    @property
    def arrives(self) -> bool:
        return self.why is None


@dataclass(slots=True)
class _Walk:
    intent: Intent
    packet: Packet
    stops: list[Stop] = field(default_factory=list)

    def at(self, kind: Literal["port", "network", "router", "world"], of: object, text: str) -> None:
        """Note a stop at a port, a network or a router, or in the world (None)."""
        if isinstance(of, Port | Network | Router):
            self.stops.append(Stop(kind, of.id, of.name, text))
        else:
            self.stops.append(Stop(kind, None, "the world", text))

    def ends(self, why: str | None, network: Network | None = None, port: Port | None = None) -> Way:
        return Way(tuple(self.stops), self.packet, why, network, port)


def source_of(network: Network, port: Port, destination: Address) -> Address | None:
    """The address from which a guest speaks to `destination`: one in the same subnet before others of that version."""
    own: tuple[Address, ...] = port.fixed_ips if destination.version == 4 else port.fixed_ips6
    for address in own:
        subnet = _subnet_of(network, address)
        if subnet is not None and destination in subnet.cidr:
            return address
    return own[0] if own else None


def way_of_guest(intent: Intent, network: Network, port: Port, packet: Packet) -> Way:
    """The way of what a guest sends. Its route is that which DHCP, or a router's advertisement, gives it."""
    walk = _Walk(intent, packet)
    walk.at("port", port, f"sends from {packet.source} to {packet.destination}")
    nexthop = _guests_next_hop(network, packet)
    if isinstance(nexthop, str):
        return walk.ends(nexthop)
    return _over_network(walk, network, nexthop)


def way_from_world(intent: Intent, router: Router, packet: Packet) -> Way:
    """The way of what comes in by the uplink of `router`."""
    walk = _Walk(intent, packet)
    walk.at("world", None, f"sends from {packet.source} to {packet.destination}")
    return _by_router(walk, router, from_network=None)


def routers_with(intent: Intent, address: Address) -> Iterator[Router]:
    """The routers that take what the world sends to `address`: it is a floating IP or an address of their uplink, or
    that of a guest of theirs that is not translated."""
    for router in intent.routers.values():
        uplink = router.uplink
        own = {one.ip for one in uplink.addresses} if isinstance(uplink, DeviceUplink) else set()
        published = {one.address for one in router.floating_ips} | {one.address for one in router.forwards}
        if address in own | published or (
            uplink is not None and not router.snat and _port_of_router(router, address) is not None
        ):
            yield router


def _guests_next_hop(network: Network, packet: Packet) -> Address | str:
    """The next hop of a guest: the destination where it is on the link; or why it has none."""
    subnet = _subnet_of(network, packet.source)
    if subnet is None:
        return f"{packet.source} is in no subnet of network {network.name}"
    if packet.destination in subnet.cidr:
        return packet.destination
    routes: Iterable[tuple[IPv4Network | IPv6Network, Address]]
    routes = [(route.destination, route.nexthop) for route in subnet.routes]
    fitting = [(block.prefixlen, nexthop) for block, nexthop in routes if packet.destination in block]
    if fitting:
        nexthop = max(fitting, key=lambda pair: pair[0])[1]
        return packet.destination if nexthop.is_unspecified else nexthop
    if isinstance(subnet, Subnet6) and subnet.ra_mode is not None:
        own = (address.ip for port in network.router_ports for address in port.addresses)
        if (advertised := next((address for address in own if address in subnet.cidr), None)) is not None:
            return advertised
    if subnet.gateway is None:
        return f"subnet {subnet.name} has no gateway, so its guests have no route to {packet.destination}"
    return subnet.gateway


def _over_network(walk: _Walk, network: Network, nexthop: Address) -> Way:
    """On over a network to the port, or the router, that has the address of the next hop."""
    packet = walk.packet
    if nexthop == packet.destination:
        found = _port_with(network, nexthop)
        if found is not None:
            walk.at("network", network, f"carries it to {nexthop}")
            walk.at("port", found, f"has {nexthop}")
            return walk.ends(None, network, found)
    router = next((walk.intent.routers.get(own.router_id) for own in network.router_ports if own.has(nexthop)), None)
    if router is None:
        walk.at("network", network, f"has nobody with {nexthop}")
        what = "no port" if nexthop == packet.destination else "neither a port nor a router of netmend's"
        return walk.ends(f"{what} on network {network.name} has the address {nexthop}")
    walk.at("network", network, f"carries it to the router at {nexthop}")
    return _by_router(walk, router, from_network=network)


def _by_router(walk: _Walk, router: Router, from_network: Network | None) -> Way:
    if sum(stop.kind == "router" for stop in walk.stops) >= _HOPS_MAX:
        return walk.ends("the routes lead in a circle")
    asked = walk.packet.destination
    texts = [_translate_destination(walk, router)]
    packet = walk.packet
    is_translated = packet.destination != asked or texts[0] != ""
    if from_network is None and router.snat and not is_translated:
        walk.at("router", router, f"has no floating IP {asked} and publishes no port of it")
        return walk.ends(
            f"router {router.name} lets nothing in by its uplink but answers, floating IPs and published ports"
        )
    own = _port_of_router(router, packet.destination)
    if own is not None:
        if own.has(packet.destination):
            walk.at("router", router, f"has {packet.destination} itself")
            return walk.ends(f"{packet.destination} is router {router.name}'s own address")
        if is_translated and from_network is not None:
            texts.append(_hide_inside(walk, router))
        network = walk.intent.networks[own.network_id]
        texts.append(f"forwards to network {network.name}")
        walk.at("router", router, _sentence(texts))
        return _over_network(walk, network, packet.destination)
    route = max(
        (route for route in router.routes if packet.destination in route.destination),
        key=lambda route: route.destination.prefixlen,
        default=None,
    )
    if route is not None and (towards := _port_of_router(router, route.nexthop)) is not None:
        network = walk.intent.networks[towards.network_id]
        texts.append(f"has a route to {route.destination} by {route.nexthop} on network {network.name}")
        walk.at("router", router, _sentence(texts))
        return _over_network(walk, network, route.nexthop)
    why = _why_no_way_out(router, packet.destination, has_route=route is not None)
    if why is not None:
        walk.at("router", router, _sentence([*texts, "has no route"]))
        return walk.ends(why)
    if from_network is None:
        walk.at("router", router, "would send it back to where it came from")
        return walk.ends(f"{packet.destination} is on no network of router {router.name}")
    texts.append(_translate_source(walk, router))
    walk.at("router", router, _sentence(texts))
    for other in routers_with(walk.intent, walk.packet.destination):
        if other is not router and _are_neighbours(router, other):
            return _by_router(walk, other, from_network=None)
    walk.at("world", None, f"is beyond {_uplink_words(router)}")
    return walk.ends(None)


def _are_neighbours(one: Router, other: Router) -> bool:
    """Whether what the one sends out by its uplink comes in by the other's."""
    return (
        isinstance(one.uplink, DeviceUplink)
        and isinstance(other.uplink, DeviceUplink)
        and one.uplink.device == other.uplink.device
    )


def _translate_destination(walk: _Walk, router: Router) -> str:
    """Do what a floating IP or a published port says; returns it in words, "" where none fits."""
    packet = walk.packet
    for floating in router.floating_ips:
        if packet.destination == floating.address:
            walk.packet = Packet(packet.source, floating.fixed_ip, packet.protocol, packet.port)
            return f"has the floating IP {floating.address} for {floating.fixed_ip}"
    for forward in router.forwards:
        asked = _NUMBERS[forward.protocol], forward.port
        if (packet.protocol, packet.port) == asked and packet.destination in _addresses_of(router, forward):
            walk.packet = Packet(packet.source, forward.to_address, packet.protocol, forward.to_port)
            return f"publishes {forward.protocol} port {forward.port} as {forward.to_address} port {forward.to_port}"
    return ""


def _addresses_of(router: Router, forward: PortForward) -> tuple[Address, ...]:
    """The addresses at which a port is published; those of the host are not known here."""
    if forward.address is not None:
        return (forward.address,)
    uplink = router.uplink
    own = uplink.addresses if isinstance(uplink, DeviceUplink) else ()
    return tuple(one.ip for one in own if one.version == 4)[:1]


def _hide_inside(walk: _Walk, router: Router) -> str:
    """A guest's packet to a floating IP of its own router is seen from the guest's floating IP, or from the router."""
    packet = walk.packet
    floating = _floating_of(router, packet.source)
    own = _port_of_router(router, packet.destination)
    seen = (
        floating or next((one.ip for one in own.addresses if packet.destination in one.network), None) if own else None
    )
    if seen is None:
        return ""
    walk.packet = Packet(seen, packet.destination, packet.protocol, packet.port)
    return f"sends from {seen}, so that the answer comes back this way"


def _translate_source(walk: _Walk, router: Router) -> str:
    packet, uplink = walk.packet, router.uplink
    if packet.source.version == 6:
        return f"sends it out by {_uplink_words(router)} as it is"
    seen: Address | None = _floating_of(router, packet.source)
    text = f"sends it out by {_uplink_words(router)}"
    if seen is None and router.snat and isinstance(uplink, DeviceUplink):
        seen = next((one.ip for one in uplink.addresses if one.version == 4), None)
    if seen is None:
        return f"{text} as the host's own" if isinstance(uplink, HostUplink) and router.snat else f"{text} as it is"
    walk.packet = Packet(seen, packet.destination, packet.protocol, packet.port)
    return f"{text} from {seen}"


def _floating_of(router: Router, address: Address) -> IPv4Address | None:
    return next((one.address for one in router.floating_ips if one.fixed_ip == address), None)


def _why_no_way_out(router: Router, destination: Address, *, has_route: bool) -> str | None:
    match router.uplink:
        case None:
            return f"router {router.name} has no uplink, and {destination} is on none of its networks"
        case HostUplink() if destination.version == 6:
            return f"router {router.name} goes out by way of the host, for IPv4 alone"
        case DeviceUplink(addresses=addresses, gateways=gateways):
            on_link = any(destination in own.network for own in addresses)
            if not (on_link or has_route or any(gateway.version == destination.version for gateway in gateways)):
                return f"router {router.name} has no IPv{destination.version} gateway on its uplink"
    return None


def _uplink_words(router: Router) -> str:
    match router.uplink:
        case DeviceUplink(device):
            return f"device {device}"
        case _:
            return "the host"


def _port_of_router(router: Router, address: Address) -> RouterPort | None:
    """The router's end on the network with the address, by the longest prefix."""
    found = [
        (own.network.prefixlen, index)
        for index, port in enumerate(router.ports)
        for own in port.addresses
        if address in own.network
    ]
    return router.ports[max(found)[1]] if found else None


def _port_with(network: Network, address: Address) -> Port | None:
    return next((port for port in network.ports.values() if address in port.addresses), None)


def _subnet_of(network: Network, address: Address) -> Subnet | Subnet6 | None:
    subnets: Iterable[Subnet | Subnet6] = network.subnets if address.version == 4 else network.subnets6
    return next((subnet for subnet in subnets if address in subnet.cidr), None)


def _sentence(texts: Iterable[str]) -> str:
    return ", ".join(filter(None, texts))


def answer_of(intent: Intent, way: Way) -> Way | None:
    """The way of the answer of a guest at which a packet arrived; None where no guest answers."""
    if way.network is None or way.port is None:
        return None
    packet = way.packet
    back = Packet(packet.destination, packet.source, packet.protocol)
    return way_of_guest(intent, way.network, way.port, back)
