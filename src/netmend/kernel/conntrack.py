"""Connections that the kernel tracks, in the namespace of the calling thread: found and forgotten by ctnetlink
(net/netfilter/nf_conntrack_netlink.c, conntrack(8))."""

import errno
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

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
_TUPLE_ORIGINAL, _TUPLE_REPLY, _ID = 1, 2, 12  # CTA_*
_TUPLE_ADDRESSES, _TUPLE_PROTOCOL = 1, 2
_DESTINATION: Final = 2  # CTA_IP_V4_DST
_NUMBER, _DESTINATION_PORT = 1, 3  # CTA_PROTO_*
_HEADER: Final = struct.Struct("=IHHII")
_FAMILY: Final = struct.pack("!BBH", socket.AF_INET, 0, 0)
_TARGET: Final = "of the namespace"


@dataclass(frozen=True, slots=True)
class Connection:
    """Whom the first packet of an IPv4 connection was sent to, and whom the answers go to."""

    protocol: int
    destination: IPv4Address
    destination_port: int  # 0 where the protocol has none
    answered_to: IPv4Address


def forget_connections(doomed: Callable[[Connection], bool]) -> int:
    """Make the kernel forget the IPv4 connections that are `doomed`; returns how many. Raises KernelError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER) as netlink:
        netlink.bind((0, 0))
        found = [raw for raw in _dump(netlink) if (connection := _read(raw)) is not None and doomed(connection)]
        if not found:
            return 0
        with changing("forget connections", _TARGET):
            for number, raw in enumerate(found, 2):
                body = attribute(_TUPLE_ORIGINAL | NLA_F_NESTED, raw[_TUPLE_ORIGINAL])
                if _ID in raw:
                    body += attribute(_ID, raw[_ID])
                _send(netlink, _DELETE, NLM_F_ACK, number, body)
                _acknowledged(netlink, number)
        return len(found)


def _dump(netlink: socket.socket) -> Iterator[dict[int, bytes]]:
    _send(netlink, _GET, NLM_F_DUMP, 1, b"")
    while True:
        for kind, _, _, data in messages(_receive(netlink)):
            if kind == NLMSG_DONE:
                return
            if kind == NLMSG_ERROR:
                raise KernelError("list connections", _TARGET, -struct.unpack_from("=i", data)[0])
            yield parse_attributes(data, 4)


def _acknowledged(netlink: socket.socket, number: int) -> None:
    while True:
        for kind, sequence, _, data in messages(_receive(netlink)):
            if kind == NLMSG_ERROR and sequence == number:
                code = -struct.unpack_from("=i", data)[0]
                if code and code != errno.ENOENT:  # it has ended meanwhile
                    raise KernelError("forget connections", _TARGET, code)
                return


def _send(netlink: socket.socket, kind: int, flags: int, sequence: int, body: bytes) -> None:
    message = _FAMILY + body
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


def _read(raw: dict[int, bytes]) -> Connection | None:
    original, reply = (parse_attributes(raw.get(kind, b"")) for kind in (_TUPLE_ORIGINAL, _TUPLE_REPLY))
    to = parse_attributes(original.get(_TUPLE_ADDRESSES, b"")).get(_DESTINATION, b"")
    answered_to = parse_attributes(reply.get(_TUPLE_ADDRESSES, b"")).get(_DESTINATION, b"")
    if len(to) != 4 or len(answered_to) != 4:
        return None
    protocol = parse_attributes(original.get(_TUPLE_PROTOCOL, b""))
    return Connection(
        int.from_bytes(protocol.get(_NUMBER, b"")),
        IPv4Address(to),
        int.from_bytes(protocol.get(_DESTINATION_PORT, b"")),
        IPv4Address(answered_to),
    )
