"""Connections that the kernel tracks, in the namespace of the calling thread: found and forgotten by ctnetlink
(net/netfilter/nf_conntrack_netlink.c, conntrack(8))."""

import errno
import socket
import struct
from collections.abc import Callable, Container, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from msgspec import Struct

from netmend.kernel.changes import changing
from netmend.kernel.errors import KernelError
from netmend.kernel.netlink import (
    NLA_F_NESTED,
    NLM_F_ACK,
    NLM_F_DUMP,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    attribute,
    messages,
    parse_attributes,
)

_NETLINK_NETFILTER: Final = 12
_SUBSYSTEM: Final = 1 << 8  # NFNL_SUBSYS_CTNETLINK, linux/netfilter/nfnetlink.h
_GET, _DELETE = 1, 2  # IPCTNL_MSG_CT_*
_TUPLE_ORIGINAL, _TUPLE_REPLY, _ID, _ZONE = 1, 2, 12, 18  # CTA_*
_TUPLE_ADDRESSES, _TUPLE_PROTOCOL = 1, 2
_SOURCES, _DESTINATIONS = (1, 3), (2, 4)  # CTA_IP_V4_* and V6_*
_NUMBER, _SOURCE_PORT, _DESTINATION_PORT = 1, 2, 3  # CTA_PROTO_*
_TYPES, _CODES = (5, 8), (6, 9)  # CTA_PROTO_ICMP_* and ICMPV6_*
_HEADER: Final = struct.Struct("=IHHII")
_TARGET: Final = "of the namespace"


class Connection(Struct, frozen=True):
    """Between whom the first packet of a connection was sent, and whom the answers go to. `numbers` are the ports of
    its source and destination, or the type and code of ICMP; 0 where the protocol has none."""

    protocol: int
    source: IPv4Address | IPv6Address
    destination: IPv4Address | IPv6Address
    numbers: tuple[int, int]
    answered_to: IPv4Address | IPv6Address
    zone: int = 0


def forget_connections(doomed: Callable[[Connection], bool], zones: Container[int] = (0,)) -> int:
    """Make the kernel forget the connections in some conntrack zones that are `doomed`; returns how many. Raises
    KernelError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER) as netlink:
        netlink.bind((0, 0))
        found = [
            (family, raw)
            for family, raw in _dump(netlink)
            if _zone(raw) in zones and (connection := _read(raw)) is not None and doomed(connection)
        ]
        if not found:
            return 0
        with changing("forget connections", _TARGET):
            for number, (family, raw) in enumerate(found, 2):
                body = attribute(_TUPLE_ORIGINAL | NLA_F_NESTED, raw[_TUPLE_ORIGINAL])
                body += b"".join(attribute(kind, raw[kind]) for kind in (_ID, _ZONE) if kind in raw)
                _send(netlink, _DELETE, NLM_F_ACK, number, _for(family) + body)
                _acknowledged(netlink, number)
        return len(found)


def _dump(netlink: socket.socket) -> Iterator[tuple[int, dict[int, bytes]]]:
    """The connections, each as the address family and the attributes."""
    _send(netlink, _GET, NLM_F_DUMP, 1, _for(socket.AF_UNSPEC))
    while True:
        for kind, _, _, data in messages(_receive(netlink)):
            if kind == NLMSG_DONE:
                return
            if kind == NLMSG_ERROR:
                raise KernelError("list connections", _TARGET, -struct.unpack_from("=i", data)[0])
            yield data[0], parse_attributes(data, 4)


def _acknowledged(netlink: socket.socket, number: int) -> None:
    while True:
        for kind, sequence, _, data in messages(_receive(netlink)):
            if kind == NLMSG_ERROR and sequence == number:
                code = -struct.unpack_from("=i", data)[0]
                if code and code != errno.ENOENT:  # it has ended meanwhile
                    raise KernelError("forget connections", _TARGET, code)
                return


def _for(family: int) -> bytes:
    """The head of a message about connections of an address family."""
    return struct.pack("!BBH", family, 0, 0)


def _send(netlink: socket.socket, kind: int, flags: int, sequence: int, message: bytes) -> None:
    header = _HEADER.pack(16 + len(message), _SUBSYSTEM | kind, flags | NLM_F_REQUEST, sequence, 0)
    try:
        netlink.send(header + message)
    except OSError as error:
        raise KernelError("list connections", _TARGET, error.errno or 0) from error


def _receive(netlink: socket.socket) -> bytes:
    try:
        return netlink.recv(1 << 17)
    except OSError as error:
        raise KernelError("list connections", _TARGET, error.errno or 0) from error


def _zone(raw: dict[int, bytes]) -> int:
    return int.from_bytes(raw.get(_ZONE, b""))


def _read(raw: dict[int, bytes]) -> Connection | None:
    original, reply = (parse_attributes(raw.get(kind, b"")) for kind in (_TUPLE_ORIGINAL, _TUPLE_REPLY))
    ends = parse_attributes(original.get(_TUPLE_ADDRESSES, b""))
    source, destination = _first(ends, _SOURCES), _first(ends, _DESTINATIONS)
    answered_to = _first(parse_attributes(reply.get(_TUPLE_ADDRESSES, b"")), _DESTINATIONS)
    if not source or not destination or not answered_to:
        return None
    protocol = parse_attributes(original.get(_TUPLE_PROTOCOL, b""))
    numbers = _first(protocol, (_SOURCE_PORT, *_TYPES)), _first(protocol, (_DESTINATION_PORT, *_CODES))
    return Connection(
        int.from_bytes(protocol.get(_NUMBER, b"")),
        ip_address(source),
        ip_address(destination),
        (int.from_bytes(numbers[0]), int.from_bytes(numbers[1])),
        ip_address(answered_to),
        _zone(raw),
    )


def _first(attributes: dict[int, bytes], kinds: tuple[int, ...]) -> bytes:
    """That of these attributes which is there."""
    return next((attributes[kind] for kind in kinds if kind in attributes), b"")
