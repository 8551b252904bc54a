"""Routes by netlink (rtnetlink(7)), in the namespace of the RouteSocket given."""

import errno
import socket
import struct
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

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

RTM_NEWROUTE: Final = 24  # linux/rtnetlink.h
RTM_DELROUTE: Final = 25
RTM_GETROUTE: Final = 26
RTA_DST: Final = 1
RTA_OIF: Final = 4
RTA_GATEWAY: Final = 5
RTA_MULTIPATH: Final = 9
_RT_TABLE_MAIN: Final = 254
_RTPROT_KERNEL: Final = 2
_RTPROT_STATIC: Final = 4
_RT_SCOPE_UNIVERSE: Final = 0
_RT_SCOPE_LINK: Final = 253
_RT_SCOPE_NOWHERE: Final = 255
_RTN_UNICAST: Final = 1
_DEAD_ENDS: Final = {6, 7, 8}  # RTN_BLACKHOLE, _UNREACHABLE, _PROHIBIT
NOWHERE: Final = Found(0, "no device")  # the link of routes that are dead ends
_HEADER: Final = struct.Struct("=BBBBBBBBI")  # struct rtmsg

Block = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
Route = tuple[Block, Address | None]

_GONE: Final = (errno.ESRCH, errno.ENODEV)


def add_route(
    route: RouteSocket | Batch,
    link: Link | Found,
    destination: Block,
    gateway: Address | None,
    tolerate: tuple[int, ...] = (),
    *,
    protocol: int = _RTPROT_STATIC,
) -> None:
    """A route out of `link`, by way of `gateway` or (None) on the link itself; one that is there is replaced. Raises
    KernelError, but not for the errnos to `tolerate`."""
    is_on_link = gateway is None and destination.version == 4
    kind = (protocol, _RT_SCOPE_LINK if is_on_link else _RT_SCOPE_UNIVERSE, _RTN_UNICAST)
    body = _body(link, destination, gateway, kind)
    flags, target = NLM_F_CREATE | NLM_F_REPLACE, _target(link, destination, gateway)
    perform(route, Request(RTM_NEWROUTE, flags, body, "add route", target, tolerate))


def remove_route(route: RouteSocket | Batch, link: Link | Found, destination: Block, gateway: Address | None) -> None:
    """Remove a route, whoever made it; no error when it is gone already. With NOWHERE, the first one to there,
    wherever it leads. Raises KernelError."""
    body = _body(link, destination, gateway, (0, _RT_SCOPE_NOWHERE, 0))  # of any origin, scope and type
    perform(route, Request(RTM_DELROUTE, 0, body, "remove route", _target(link, destination, gateway), _GONE))


def _body(link: Link | Found, destination: Block, gateway: Address | None, kind: tuple[int, int, int]) -> bytes:
    """A route as a message has it; `kind` are its protocol, scope and type."""
    family = socket.AF_INET if destination.version == 4 else socket.AF_INET6
    body = _HEADER.pack(family, destination.prefixlen, 0, 0, _RT_TABLE_MAIN, *kind, 0)
    if destination.prefixlen:
        body += attribute(RTA_DST, destination.network_address.packed)
    if link.index:
        body += u32(RTA_OIF, link.index)
    if gateway is not None:
        body += attribute(RTA_GATEWAY, gateway.packed)
    return body


def _target(link: Link | Found, destination: Block, gateway: Address | None) -> str:
    return f"{destination} via {gateway or link.name}"


def indexes_with_routes(route: RouteSocket) -> set[int]:
    """Indexes of the links that a route leads to, of whatever table and made by whomever but the kernel itself; raises
    KernelError."""
    found: set[int] = set()

    def note(data: bytes) -> bool:
        if _HEADER.unpack_from(data)[5] != _RTPROT_KERNEL:
            attributes = parse_attributes(data, 12)
            if RTA_OIF in attributes:
                found.add(struct.unpack("=I", attributes[RTA_OIF])[0])
            found.update(_next_hops(attributes.get(RTA_MULTIPATH, b"")))
        return False

    route.dump(RTM_GETROUTE, _HEADER.pack(0, 0, 0, 0, 0, 0, 0, 0, 0), "list routes", "of the namespace", note)
    return found


def _next_hops(data: bytes) -> Iterator[int]:
    """The links of a route of several next hops: struct rtnexthop one after the other."""
    start = 0
    while start + 8 <= len(data):
        length, _, _, index = struct.unpack_from("=HBBi", data, start)
        if length < 8:
            return
        yield index
        start += (length + 3) & ~3


def dump_routes(route: RouteSocket, index: int) -> set[Route]:
    """Routes of the main table out of the link with that index; raises KernelError."""
    return _by_link(route, lambda data: data[4] == _RT_TABLE_MAIN).get(index, set())


def dump_set_routes(route: RouteSocket) -> dict[int, set[Route]]:
    """Routes of the main table that somebody has set, beside those that the kernel makes for addresses, by the index of
    the link that they lead to; that of NOWHERE has dead ends. Raises KernelError."""
    return _by_link(route, lambda data: data[4] == _RT_TABLE_MAIN and data[5] != _RTPROT_KERNEL)


def _by_link(route: RouteSocket, keep: Callable[[bytes], bool]) -> dict[int, set[Route]]:
    found: dict[int, set[Route]] = {}
    for data in route.dump(RTM_GETROUTE, _HEADER.pack(*bytes(9)), "list routes", "of the namespace", keep):
        family, prefix, _, _, _, _, _, kind, _ = _HEADER.unpack_from(data)
        attributes = parse_attributes(data, 12)
        if kind in _DEAD_ENDS:  # those of IPv6 lead to the loopback device
            attributes[RTA_OIF] = bytes(4)
        if RTA_OIF not in attributes:
            continue
        raw, gateway = attributes.get(RTA_DST), attributes.get(RTA_GATEWAY)
        via: Address | None
        if family == socket.AF_INET:
            block: Block = IPv4Network((raw or bytes(4), prefix))
            via = IPv4Address(gateway) if gateway else None
        elif family == socket.AF_INET6:
            block = IPv6Network((raw or bytes(16), prefix))
            via = IPv6Address(gateway) if gateway else None
        else:
            continue
        found.setdefault(struct.unpack("=I", attributes[RTA_OIF])[0], set()).add((block, via))
    return found
