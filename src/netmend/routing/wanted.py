"""What the namespace of a router should hold: links with their addresses, and routes."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Final, Literal

from msgspec import Struct

from netmend.ground.nftables import Element
from netmend.intent.eui64 import link_local_address
from netmend.intent.names import mac_from_id, router_port_name, uplink_name
from netmend.intent.network import Network
from netmend.intent.router import DeviceUplink, HostUplink, Router
from netmend.routing.rules import elements_of
from netmend.routing.transit import Transit

Interface = IPv4Interface | IPv6Interface
Address = IPv4Address | IPv6Address
Block = IPv4Network | IPv6Network
IPV6_MIN_MTU: Final = 1280  # RFC 8200 section 5; a device with less has no IPv6
_ANYWHERE4, _ANYWHERE6 = IPv4Network("0.0.0.0/0"), IPv6Network("::/0")


class RouterLink(Struct, frozen=True):
    """A device of a router: its end on a network (`port`) or its uplink's, in its namespace. Without `mtu`, its MTU is
    that of the host's device that it is on."""

    role: Literal["port", "uplink"]
    name: str
    mac: str
    addresses: tuple[Interface, ...]
    mtu: int | None = None

    @property
    def has_ipv6(self) -> bool:
        return any(address.version == 6 for address in self.addresses)


class RouteWanted(Struct, frozen=True):
    """A route out of the device called `device`."""

    destination: Block
    gateway: Address
    device: str

    def __str__(self) -> str:
        return f"{self.destination} via {self.gateway}"


class RouterWanted(Struct, frozen=True):
    """All of it."""

    links: tuple[RouterLink, ...]
    routes: frozenset[RouteWanted]
    elements: frozenset[Element]  # of `netmend.routing.rules.TABLE`

    @property
    def has_ipv6(self) -> bool:
        return any(link.has_ipv6 for link in self.links)


def wanted_of(router: Router, networks: Mapping[str, Network], transit: Transit | None) -> RouterWanted:
    """What `router` should be. `transit` is its link to the host, where that is its uplink."""
    links = [
        RouterLink("port", router_port_name(port.id), port.mac, _with_link_local(port.mac, port.addresses, mtu), mtu)
        for port in router.ports
        for mtu in [networks[port.network_id].mtu]
    ]
    gateways: list[Address] = []
    match router.uplink:
        case DeviceUplink(_, mac, addresses, given):
            floating = tuple(IPv4Interface((each.address, 32)) for each in router.floating_ips)
            extra = tuple(
                IPv4Interface((address, 32))
                for address in dict.fromkeys(each.address for each in router.forwards if each.address)
                if all(address != own.ip for own in (*addresses, *floating))
            )
            own = _with_link_local(mac, addresses, IPV6_MIN_MTU)
            links.append(RouterLink("uplink", uplink_name(router.id), mac, (*own, *floating, *extra)))
            gateways += given
        case HostUplink() if transit is not None:
            links.append(RouterLink("uplink", uplink_name(router.id), mac_from_id(router.id), (transit.router,)))
            gateways.append(transit.host.ip)
    routes = {
        RouteWanted(_ANYWHERE4 if gateway.version == 4 else _ANYWHERE6, gateway, uplink_name(router.id))
        for gateway in gateways
    }
    given_routes = {route.destination for route in router.routes}
    routes = {route for route in routes if route.destination not in given_routes}
    for route in router.routes:
        device = _device_towards(route.nexthop, links)
        if device is not None:
            routes.add(RouteWanted(route.destination, route.nexthop, device))
    return RouterWanted(tuple(links), frozenset(routes), elements_of(router, transit))


def _with_link_local(mac: str, addresses: Iterable[Interface], mtu: int) -> tuple[Interface, ...]:
    """The addresses, without those of IPv6 where the MTU is too small for it, and with a link-local one where it is
    not."""
    found = tuple(address for address in addresses if address.version == 4 or mtu >= IPV6_MIN_MTU)
    if not any(address.version == 6 for address in found):
        return found
    return (*found, IPv6Interface((link_local_address(mac), 64)))


def _device_towards(nexthop: Address, links: Iterable[RouterLink]) -> str | None:
    """The device whose link the next hop is on, by the longest prefix."""
    found = [
        (address.network.prefixlen, link.name)
        for link in links
        for address in link.addresses
        if nexthop in address.network and not address.ip.is_link_local
    ]
    return max(found)[1] if found else None
