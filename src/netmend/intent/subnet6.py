"""An IPv6 subnet: a block of addresses, how guests come by one of them, and their other settings."""

from ipaddress import IPv6Address, IPv6Network
from typing import Literal

from msgspec import Struct

from netmend.intent.subnet import DEFAULT_LEASE_TIME, LeasePer

Ipv6Mode = Literal["slaac", "dhcpv6-stateful", "dhcpv6-stateless"]


class Pool6(Struct, frozen=True):
    """An inclusive range of addresses handed out dynamically."""

    first: IPv6Address
    last: IPv6Address

    def __contains__(self, address: IPv6Address) -> bool:
        return self.first <= address <= self.last


class Route6(Struct, frozen=True):
    """A route for the guests (RFC 4191 section 2.3, in router advertisements)."""

    destination: IPv6Network
    nexthop: IPv6Address


class Subnet6(Struct, frozen=True):
    """A block of IPv6 addresses on a network; no two subnets of a network overlap.

    The modes are Neutron's: `address_mode` says how guests come by addresses (None: not by us), `ra_mode` whether we
    send router advertisements and with which flags (None: a router does, or none). `server_address` is netmend's
    own address in it: never in a pool, nor the gateway, nor a port's. `lease_time` is in seconds, the valid lifetime
    (RFC 8415 section 6.2). With `dynamic`, a DUID that is no port's gets a lease from `pools` for each identity
    association. So does a port without fixed IPs: one, or with `lease_per` "client" as one that is no port.
    """

    id: str  # canonical UUID
    name: str
    cidr: IPv6Network
    server_address: IPv6Address
    gateway: IPv6Address | None = None
    address_mode: Ipv6Mode | None = None
    ra_mode: Ipv6Mode | None = None
    pools: tuple[Pool6, ...] = ()
    dynamic: bool = False
    dns_servers: tuple[IPv6Address, ...] = ()
    domain: str | None = None
    routes: tuple[Route6, ...] = ()
    ntp_servers: tuple[IPv6Address, ...] = ()
    lease_time: int = DEFAULT_LEASE_TIME
    dhcp6_options: tuple[tuple[int, bytes], ...] = ()  # of all guests, as those of a port, which win
    ipxe_bootfile_url: str | None = None  # the same for clients that are iPXE already
    bootfile_url: str | None = None  # OPT_BOOTFILE_URL (RFC 5970 section 3.1)
    lease_per: LeasePer = "port"
