"""A router: networks joined on layer 3, and the way out of them."""

from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Literal

from msgspec import Struct

Protocol = Literal["tcp", "udp"]


class RouterPort(Struct, frozen=True):
    """A router's end on one network. `addresses` are the gateways that guests there use, each with the prefix length of
    its subnet."""

    id: str  # canonical UUID
    router_id: str
    network_id: str
    mac: str
    addresses: tuple[IPv4Interface | IPv6Interface, ...] = ()

    def has(self, address: IPv4Address | IPv6Address) -> bool:
        """Whether that is one of its addresses."""
        return any(address == own.ip for own in self.addresses)


class DeviceUplink(Struct, frozen=True):
    """A way out by a device of the host: a port of it where it is a bridge, else a macvlan on it.

    The first of `addresses` of IPv4 is what guests without a floating IP are seen as. `gateways` holds at most one
    address of either version.
    """

    device: str
    mac: str
    addresses: tuple[IPv4Interface | IPv6Interface, ...] = ()
    gateways: tuple[IPv4Address | IPv6Address, ...] = ()


class HostUplink(Struct, frozen=True):
    """A way out through the host's own stack, by its routes and as its firewall allows. IPv4 only."""


Uplink = DeviceUplink | HostUplink


class RouterRoute(Struct, frozen=True):
    """A static route of the router; the next hop is on one of its networks or beyond its uplink."""

    destination: IPv4Network | IPv6Network
    nexthop: IPv4Address | IPv6Address


class FloatingIp(Struct, frozen=True):
    """An address on the uplink that stands for one guest's fixed IP, both ways."""

    address: IPv4Address
    fixed_ip: IPv4Address


class PortForward(Struct, frozen=True):
    """A published port: what comes for `port` of `address` goes to `to_port` of a guest. Without `address`, the port is
    one of the uplink's first address, or of every address of the host that the uplink is."""

    protocol: Protocol
    port: int
    to_address: IPv4Address
    to_port: int
    address: IPv4Address | None = None


class Router(Struct, frozen=True):
    """One router. Its networks' subnets do not overlap, and a network is one router's at most.

    With `snat`, guests are seen beyond the uplink as its address, and nothing reaches a guest from there but answers,
    floating IPs and port forwards; IPv6 keeps its addresses. Without, everything passes as it is, both ways. Between
    the router's own networks nothing is ever translated.
    """

    id: str  # canonical UUID
    name: str
    ports: tuple[RouterPort, ...] = ()
    uplink: Uplink | None = None
    snat: bool = True
    routes: tuple[RouterRoute, ...] = ()
    floating_ips: tuple[FloatingIp, ...] = ()
    forwards: tuple[PortForward, ...] = ()
    project_id: str | None = None
