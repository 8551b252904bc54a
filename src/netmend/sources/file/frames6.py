"""IPv6 subnets as blocks of addresses: what their other fields, and the ports, are checked against."""

from collections.abc import Mapping
from ipaddress import IPv6Address, IPv6Network

from msgspec import Struct
from msgspec.structs import replace

from netmend.ground.problem import Place
from netmend.intent import Ipv6Mode, Pool6
from netmend.sources import fields6
from netmend.sources.file.frames import read_pools
from netmend.sources.file.reading import Reader
from netmend.sources.file.shape import SubnetShape

DEFAULT_MODE: Ipv6Mode = "dhcpv6-stateful"
ANY_CIDR6 = IPv6Network("::/0")  # for a subnet with an unreadable one
AUTONOMOUS = frozenset(("slaac", "dhcpv6-stateless"))  # guests make their own addresses, which takes a /64


class Frame6(Struct, frozen=True, eq=False):
    """What the rest of an IPv6 subnet, and the ports in it, are checked against."""

    place: Place
    shape: SubnetShape
    cidr: IPv6Network
    address_mode: Ipv6Mode | None
    ra_mode: Ipv6Mode | None
    gateway: IPv6Address | None
    server_address: IPv6Address | None  # as the file gives it
    pools: tuple[Pool6, ...]  # as the file gives them
    reserved: Mapping[int, str]  # addresses, as integers, that no guest can have, and what they are

    @property
    def autonomous(self) -> bool:
        """Whether guests make their own addresses here, each of its MAC."""
        return self.address_mode in AUTONOMOUS and self.cidr.prefixlen == 64


def read_frame6(reader: Reader, place: Place, shape: SubnetShape) -> Frame6 | None:
    """The subnet's addresses, checked against each other; None when its CIDR says nothing."""
    cidr = reader.read(place, "cidr", fields6.subnet_block, shape.cidr)
    return None if cidr is None else frame6_in(reader, place, shape, cidr)


def frame6_in(reader: Reader, place: Place, shape: SubnetShape, cidr: IPv6Network) -> Frame6:
    """The subnet's addresses, checked against each other and `cidr`."""
    address_mode, ra_mode = _modes(reader, place, shape, cidr)
    gateway = reader.read(place, "gateway", fields6.gateway, shape.gateway)
    if gateway is not None and not gateway.is_link_local:
        gateway = _host_of(reader, place, "gateway", cidr, shape.gateway)
    server_address = _host_of(reader, place, "server_address", cidr, shape.server_address)
    if server_address is not None and server_address == gateway:
        reader.complain((*place, "server_address"), f"{server_address} is the gateway; netmend needs one of its own")
    reserved = {
        int(address): f"{what} of {cidr}"
        for address, what in (
            (server_address, "netmend's own address (server_address)"),
            (gateway, "the gateway"),
            (cidr.network_address if cidr.prefixlen < 127 else None, "the anycast address of the routers"),
        )
        if address is not None
    }
    frame = Frame6(
        place,
        shape,
        cidr,
        address_mode,
        ra_mode,
        gateway=gateway,
        server_address=server_address,
        pools=(),
        reserved=reserved,
    )
    return replace(frame, pools=read_pools(reader, frame, fields6.pool))


def _modes(
    reader: Reader, place: Place, shape: SubnetShape, cidr: IPv6Network
) -> tuple[Ipv6Mode | None, Ipv6Mode | None]:
    """How guests come by addresses, and what advertisements say of it; each is like the other where it is left out."""
    address_mode = shape.address_mode or (shape.ra_mode if shape.ra_mode != "none" else None) or DEFAULT_MODE
    ra_mode = shape.ra_mode or address_mode
    modes = (None if address_mode == "none" else address_mode, None if ra_mode == "none" else ra_mode)
    if None not in modes and address_mode != ra_mode:
        why = f"guests would be told {ra_mode}, and be served {address_mode} (address_mode)"
        reader.complain((*place, "ra_mode"), why)
    autonomous = next((mode for mode in modes if mode in AUTONOMOUS), None)
    if autonomous and cidr.prefixlen != 64 and cidr != ANY_CIDR6:
        why = f"{cidr} is no /64; in no other can guests make addresses of their own (RFC 4862), as {autonomous} has it"
        reader.complain((*place, "cidr"), why)
    return modes


def _host_of(reader: Reader, place: Place, field: str, cidr: IPv6Network, text: str | None) -> IPv6Address | None:
    address = reader.read(place, field, fields6.host_address, text)
    if address is None:
        return None
    if address not in cidr:
        if field == "server_address" and cidr.num_addresses == 1:
            return address  # the one address in the block is the guest's
        hint = "; name a router there by its link-local address, such as fe80::1" if field == "gateway" else ""
        reader.complain((*place, field), f"{address} is outside {cidr}{hint}")
    elif address == cidr.network_address and cidr.prefixlen < 127:  # RFC 6164
        reader.complain((*place, field), f"{address} is the anycast address of the routers of {cidr} (RFC 4291)")
    else:
        return address
    return None
