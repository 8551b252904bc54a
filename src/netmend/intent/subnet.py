"""A subnet: a block of addresses and the settings of its guests, also those for booting from the network."""

from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from msgspec import Struct

LeasePer = Literal["port", "client"]
DEFAULT_LEASE_TIME = 86_400  # seconds: Neutron's


class BootByArchitecture(Struct, frozen=True):
    """A boot file for guests that name one of `architectures` in option 93 (RFC 4578 section 2.1)."""

    architectures: frozenset[int]
    bootfile: str
    tftp_server: str | None = None  # None: the server of the Boot it belongs to


class Boot(Struct, frozen=True):
    """Boot options: option 66/`siaddr` (TFTP server, an address or a name) and option 67/`file` (boot file)."""

    tftp_server: str | None = None
    bootfile: str | None = None  # None: no boot file for guests of other architectures
    by_architecture: tuple[BootByArchitecture, ...] = ()
    next_server: str | None = None  # the address for `siaddr`, where it is not the TFTP server's
    http: str | None = None  # boot file of UEFI HTTP boot (vendor class) without an architecture of its own here
    ipxe: str | None = None  # boot file of clients that are iPXE already, of any architecture; None: as for all others


class Pool(Struct, frozen=True):
    """An inclusive range of addresses handed out dynamically."""

    first: IPv4Address
    last: IPv4Address

    def __contains__(self, address: IPv4Address) -> bool:
        return self.first <= address <= self.last


class Route(Struct, frozen=True):
    """A route for the guests (RFC 3442). The next hop 0.0.0.0 means on the link itself."""

    destination: IPv4Network
    nexthop: IPv4Address


class Subnet(Struct, frozen=True):
    """A block of addresses on a network; no two subnets of a network overlap.

    `server_address` is netmend's own address in it (DHCP server identifier, option 54): never in a pool, nor the
    gateway, nor a port's. `lease_time` is in seconds. `dns_servers` is what guests get; where it is empty and the
    network has `dns`, they get `server_address`. With `dynamic`, a MAC that is no port gets a lease from `pools`. So
    does a port without fixed IPs: one, or with `lease_per` "client" one for each client identifier that it sends.
    """

    id: str  # canonical UUID
    name: str
    cidr: IPv4Network
    server_address: IPv4Address
    gateway: IPv4Address | None = None
    pools: tuple[Pool, ...] = ()
    dynamic: bool = False
    dns_servers: tuple[IPv4Address, ...] = ()
    domain: str | None = None
    routes: tuple[Route, ...] = ()
    ntp_servers: tuple[IPv4Address, ...] = ()
    lease_time: int = DEFAULT_LEASE_TIME
    boot: Boot | None = None
    metadata_route: bool = False  # guests get a route to 169.254.169.254 by `server_address`
    lease_per: LeasePer = "port"
    dhcp_options: tuple[tuple[int, bytes], ...] = ()  # of all guests, as those of a port, which win
    broadcast_replies: bool = False  # to clients without an address too, and with the broadcast flag set
