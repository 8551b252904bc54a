"""Routes by netlink (rtnetlink(7)), in the namespace of the RouteSocket given."""

import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from netmend.kernel.links import Found, Link, perform
from netmend.kernel.netlink import (
    NLM_F_CREATE,
    NLM_F_REPLACE,
    Request,
    RouteSocket,
    attribute,
    parse_attributes,
    u32,
)

RTM_NEWROUTE: Final = 24  # linux/rtnetlink.h
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
_RTN_UNICAST: Final = 1
_HEADER: Final = struct.Struct("=BBBBBBBBI")  # struct rtmsg

Block = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


def add_route(route: RouteSocket, link: Link | Found, destination: Block, gateway: Address | None) -> None:
    """A route out of `link`, by way of `gateway` or (None) on the link itself; one that is there is replaced. Raises
    KernelError."""
    family = socket.AF_INET if destination.version == 4 else socket.AF_INET6
    scope = _RT_SCOPE_LINK if gateway is None and family == socket.AF_INET else _RT_SCOPE_UNIVERSE
    body = _HEADER.pack(
        family, destination.prefixlen, 0, 0, _RT_TABLE_MAIN, _RTPROT_STATIC, scope, _RTN_UNICAST, 0
    )  # fmt: skip
    if destination.prefixlen:
        body += attribute(RTA_DST, destination.network_address.packed)
    body += u32(RTA_OIF, link.index)
    if gateway is not None:
        body += attribute(RTA_GATEWAY, gateway.packed)
    target = f"{destination} via {gateway or link.name}"
    perform(route, Request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, body, "add route", target))


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


def dump_routes(route: RouteSocket, index: int) -> set[tuple[Block, Address | None]]:
    """Routes of the main table out of the link with that index, as (destination, gateway); raises KernelError."""
    found: set[tuple[Block, Address | None]] = set()
    for data in route.dump(RTM_GETROUTE, _HEADER.pack(0, 0, 0, 0, 0, 0, 0, 0, 0), "list routes", "of the namespace"):
        family, prefix, _, _, table, *_ = _HEADER.unpack_from(data)
        attributes = parse_attributes(data, 12)
        if table != _RT_TABLE_MAIN or attributes.get(RTA_OIF) != struct.pack("=I", index):
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
        found.add((block, via))
    return found
