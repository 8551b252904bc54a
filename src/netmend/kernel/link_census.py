"""How many links a host has, kept in step by what rtnetlink(7) says: one dump, and then only what changes."""

import struct
from collections.abc import Iterable
from typing import Final

from netmend.kernel.errors import KernelError
from netmend.kernel.links import IFLA_GROUP, RTM_DELLINK, RTM_GETLINK, RTM_NEWLINK, glance
from netmend.kernel.netlink import RouteSocket, events_socket, notifications, u32

_RTNLGRP_LINK: Final = 1  # linux/rtnetlink.h
_HEAD: Final = struct.Struct("=BxHiII")  # struct ifinfomsg
_NO_STATISTICS: Final = u32(29, 8)  # IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS


class LinkCensus:
    """The links of the namespace it was made in, but for loopback. Not thread-safe.

    At rest it costs nothing: the kernel reports what appears and vanishes. Where messages were lost, all are counted
    anew.
    """

    def __init__(self, groups: Iterable[int]) -> None:
        """`groups`: the device groups that `chosen` is about. Raises KernelError."""
        self._in_groups = [u32(IFLA_GROUP, group) for group in groups]
        self._events = events_socket((_RTNLGRP_LINK,), all_namespaces=False)  # first: nothing is missed in between
        self._names: dict[int, str] = {}
        self._chosen: dict[int, str] = {}
        self._down: set[int] = set()
        try:
            self._count_all()
        except KernelError:
            self._events.close()
            raise

    @property
    def total(self) -> int:
        return len(self._names)

    @property
    def down(self) -> int:
        """How many of `total` are not up."""
        return len(self._down)

    @property
    def chosen(self) -> frozenset[str]:
        """Names of the links in one of the groups."""
        return frozenset(self._chosen.values())

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._names.values())

    def update(self) -> bool:
        """Take in the changes since the last call; returns whether there were any. Raises KernelError."""
        changed = False
        while True:
            try:
                data = self._events.recv(1 << 16)
            except BlockingIOError:
                return changed
            except OSError:  # ENOBUFS: the kernel dropped messages
                self._count_all()
                return True
            changed = True
            for kind, body in notifications(data):
                if kind == RTM_NEWLINK:
                    self._note(body)
                elif kind == RTM_DELLINK:
                    self._forget(body)

    def close(self) -> None:
        self._events.close()

    def _count_all(self) -> None:
        self._names.clear()
        self._chosen.clear()
        self._down.clear()
        with RouteSocket() as route:
            body = _HEAD.pack(0, 0, 0, 0, 0) + _NO_STATISTICS
            route.dump(RTM_GETLINK, body, "list links", "of the namespace", self._note)

    def _note(self, data: bytes) -> bool:
        """Remember a link; False, so that a dump keeps nothing."""
        family, _, index, _, _ = _HEAD.unpack_from(data)
        if family or index == 1:  # AF_BRIDGE repeats for a port what the link said; loopback does not count
            return False
        name, up = glance(data)
        self._names[index] = name
        (self._down.discard if up else self._down.add)(index)
        if any(data.find(group) > 0 for group in self._in_groups):
            self._chosen[index] = name
        else:
            self._chosen.pop(index, None)
        return False

    def _forget(self, data: bytes) -> None:
        family, _, index, _, _ = _HEAD.unpack_from(data)
        if not family:  # a port that leaves its bridge is reported as a deletion, with AF_BRIDGE
            self._names.pop(index, None)
            self._chosen.pop(index, None)
            self._down.discard(index)
