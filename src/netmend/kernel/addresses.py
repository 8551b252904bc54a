"""Addresses of links by netlink (rtnetlink(7)), IPv4 and IPv6, in the namespace of the RouteSocket given."""

import errno
import socket
import struct
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Final

from netmend.ground.peer_interface import PeerInterface4, PeerInterface6
from netmend.kernel.links import Found, Link, perform
from netmend.kernel.netlink import (
    NLM_F_CREATE,
    NLM_F_REPLACE,
    Batch,
    Request,
    RouteSocket,
    attribute,
    parse_attributes,
    u32,
)

RTM_NEWADDR: Final = 20  # linux/rtnetlink.h
RTM_DELADDR: Final = 21
RTM_GETADDR: Final = 22
IFA_ADDRESS: Final = 1  # linux/if_addr.h
IFA_LOCAL: Final = 2
IFA_BROADCAST: Final = 4
IFA_FLAGS: Final = 8
IFA_F_NODAD: Final = 0x02

_HEADER: Final = struct.Struct("=BBBBI")  # struct ifaddrmsg: family, prefix length, flags, scope, index

Interface = IPv4Interface | IPv6Interface


def dump_addresses(route: RouteSocket, keep: Callable[[bytes], bool] | None = None) -> dict[int, set[Interface]]:
    """Addresses by link index, of all messages or of those to `keep`; raises KernelError."""
    found: dict[int, set[Interface]] = {}
    body = _HEADER.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
    for data in route.dump(RTM_GETADDR, body, "list addresses", "of the namespace", keep):
        _, prefix, _, _, index = _HEADER.unpack_from(data)
        attributes = parse_attributes(data, 8)
        peer = attributes.get(IFA_ADDRESS, b"")
        address = _interface(attributes.get(IFA_LOCAL) or peer, peer, prefix)
        if address is not None:
            found.setdefault(index, set()).add(address)
    return found


def _interface(local: bytes, peer: bytes, prefix: int) -> Interface | None:
    """`peer` is the same as `local` where there is none (IFA_ADDRESS in linux/if_addr.h)."""
    if len(local) == 4:
        if len(peer) == 4 and peer != local:
            return PeerInterface4(IPv4Address(local), IPv4Network((peer, prefix), strict=False))
        return IPv4Interface((IPv4Address(local), prefix))
    if len(local) == 16:
        if len(peer) == 16 and peer != local:
            return PeerInterface6(IPv6Address(local), IPv6Network((peer, prefix), strict=False))
        return IPv6Interface((IPv6Address(local), prefix))
    return None


def add_address(route: RouteSocket | Batch, link: Link | Found, address: Interface) -> None:
    """Give `link` an address; that it has it already is no error. Raises KernelError.

    An IPv6 address can be used at once, without duplicate address detection (RFC 4862 section 5.4): it is ours by
    intent, and a guest that claims it must not take it from us.
    """
    if isinstance(address, IPv6Interface):
        extra = u32(IFA_FLAGS, IFA_F_NODAD)
    elif address.network.prefixlen < 31:
        extra = attribute(IFA_BROADCAST, address.network.broadcast_address.packed)
    else:
        extra = b""
    body = _body(link, address) + extra
    perform(route, Request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, body, "add address", _target(link, address)))


def remove_address(route: RouteSocket | Batch, link: Link | Found, address: Interface) -> None:
    """Remove an address; no error when it is gone already. Raises KernelError."""
    gone = (errno.EADDRNOTAVAIL,)
    perform(route, Request(RTM_DELADDR, 0, _body(link, address), "remove address", _target(link, address), gone))


def _body(link: Link | Found, address: Interface) -> bytes:
    packed = address.ip.packed
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    header = _HEADER.pack(family, address.network.prefixlen, 0, 0, link.index)
    has_peer = isinstance(address, PeerInterface4 | PeerInterface6)
    peer = address.network.network_address.packed if has_peer else packed
    return header + attribute(IFA_LOCAL, packed) + attribute(IFA_ADDRESS, peer)


def _target(link: Link | Found, address: Interface) -> str:
    return f"{address} on {link.name}"
