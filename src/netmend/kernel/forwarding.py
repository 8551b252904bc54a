"""Entries of bridges' forwarding tables, by netlink (rtnetlink(7), bridge(8))."""

import errno
import struct
from collections.abc import Mapping
from typing import Final

from netmend.kernel.links import Found, Link, perform
from netmend.kernel.message_filter import AF_BRIDGE, NUD_NOARP, RTM_NEWNEIGH
from netmend.kernel.netlink import (
    NLM_F_CREATE,
    NLM_F_REPLACE,
    Batch,
    Request,
    RouteSocket,
    attribute,
)

RTM_GETNEIGH: Final = 30  # linux/rtnetlink.h
NDA_LLADDR: Final = 2  # linux/neighbour.h
NTF_MASTER: Final = 0x04
NTF_STICKY: Final = 0x40
_HEADER: Final = struct.Struct("=BxxxiHBB")  # struct ndmsg: family, index, state, flags, type


def set_forwarding(route: RouteSocket | Batch, link: Link | Found, mac: str) -> None:
    """Let the bridge that `link` is a port of forward frames for `mac` there, whatever it learns elsewhere: an entry
    that is static and sticky (bridge(8)). Raises KernelError."""
    body = _HEADER.pack(AF_BRIDGE, link.index, NUD_NOARP, NTF_MASTER | NTF_STICKY, 0) + _lladdr(mac)
    request = Request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, body, "set forwarding", f"{mac} to {link.name}")
    perform(route, request)


def with_forwarding(route: RouteSocket, wanted: Mapping[int, str]) -> set[int]:
    """Of ports of bridges, by index, each with a MAC: those that have its static entry. Raises KernelError."""
    bodies = [_HEADER.pack(AF_BRIDGE, index, 0, NTF_MASTER, 0) + _lladdr(mac) for index, mac in wanted.items()]
    found = set()
    for data in route.get_many(RTM_GETNEIGH, bodies, "list", "forwarding", errno.ENOENT):
        _, index, state, flags, _ = _HEADER.unpack_from(data)
        if state & NUD_NOARP and flags & NTF_STICKY:
            found.add(index)
    return found


def _lladdr(mac: str) -> bytes:
    return attribute(NDA_LLADDR, bytes.fromhex(mac.replace(":", "")))
