"""Neighbours that somebody has set by hand, by netlink (ip-neighbour(8), rtnetlink(7)), in the namespace of the
RouteSocket given."""

import errno
import socket
import struct
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from msgspec import Struct

from netmend.kernel.forwarding import NDA_LLADDR, RTM_GETNEIGH
from netmend.kernel.message_filter import NUD_NOARP, NUD_PERMANENT, RTM_DELNEIGH
from netmend.kernel.netlink import Request, RouteSocket, attribute, parse_attributes

_NDA_DST: Final = 1  # linux/neighbour.h
_NTF_PROXY: Final = 0x08
_HEADER: Final = struct.Struct("=BxxxiHBB")  # struct ndmsg: family, index, state, flags, type
_FAMILIES: Final = {socket.AF_INET: 4, socket.AF_INET6: 16}  # octets of an address
_GROUP_BIT: Final = 1  # of a MAC's first octet: the kernel's own entries, for groups, have it
_GONE: Final = (errno.ENOENT, errno.ENODEV)


class Neighbour(Struct, frozen=True):
    """An entry that nothing learned. Without a MAC it is a proxy's: the kernel answers for the address."""

    index: int  # of the link
    address: IPv4Address | IPv6Address
    mac: str | None

    def __str__(self) -> str:
        return f"neighbour {self.address} at {self.mac}" if self.mac is not None else f"proxy for {self.address}"


def dump_set_neighbours(route: RouteSocket, *, proxies: bool = False) -> set[Neighbour]:
    """The permanent ones, and those that are said to need no ARP; with `proxies` those too. Raises KernelError."""
    found = set()
    for flags in (0, _NTF_PROXY) if proxies else (0,):
        body = _HEADER.pack(0, 0, 0, flags, 0)
        for data in route.dump(RTM_GETNEIGH, body, "list neighbours", "of the namespace", _is_set):
            family, index, _, borne, _ = _HEADER.unpack_from(data)
            attributes = parse_attributes(data, _HEADER.size)
            raw, mac = attributes.get(_NDA_DST, b""), attributes.get(NDA_LLADDR, b"")
            if len(raw) != _FAMILIES.get(family):
                continue
            if borne & _NTF_PROXY:
                found.add(Neighbour(index, ip_address(raw), None))
            elif any(mac) and not mac[0] & _GROUP_BIT:  # the loopback device's are zeros
                found.add(Neighbour(index, ip_address(raw), mac.hex(":")))
    return found


def _is_set(data: bytes) -> bool:
    return bool(data[10] & _NTF_PROXY or data[8] & (NUD_PERMANENT | NUD_NOARP))


def remove_neighbour(route: RouteSocket, neighbour: Neighbour) -> None:
    """Remove an entry; no error when it is gone. Raises KernelError."""
    address = neighbour.address
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    body = _HEADER.pack(family, neighbour.index, 0, _NTF_PROXY if neighbour.mac is None else 0, 0)
    body += attribute(_NDA_DST, address.packed)
    route.perform([Request(RTM_DELNEIGH, 0, body, "remove", str(neighbour), _GONE)])
