"""Watches for changes: of files by inotify(7), of mounts by poll(2) on mountinfo (proc(5)), of links by rtnetlink(7).

A change is only a hint to look again: none of these watches promises to report all.
"""

import ctypes
import os
import select
import struct
import sys
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from netmend.kernel import addresses, links
from netmend.kernel.errors import KernelError
from netmend.kernel.links import Link, decode_link, glance
from netmend.kernel.message_filter import (
    AF_BRIDGE,
    RTM_DELNEIGH,
    RTM_DELROUTE,
    RTM_NEWNEIGH,
    RTM_NEWROUTE,
    hear_only_what_concerns,
)
from netmend.kernel.netlink import events_socket, namespace_of, notifications, parse_attributes
from netmend.kernel.policy_rules import RTM_DELRULE, RTM_NEWRULE

IN_MODIFY: Final = 0x2  # linux/inotify.h
IN_CLOSE_WRITE: Final = 0x8
IN_MOVED_FROM: Final = 0x40
IN_MOVED_TO: Final = 0x80
IN_CREATE: Final = 0x100
IN_DELETE: Final = 0x200
IN_DELETE_SELF: Final = 0x400
IN_MOVE_SELF: Final = 0x800
IN_UNMOUNT: Final = 0x2000
IN_Q_OVERFLOW: Final = 0x4000
IN_IGNORED: Final = 0x8000

_EVENT: Final = struct.Struct("iIII")
_AT_A_TIME: Final = 256  # datagrams
# linux/rtnetlink.h: RTNLGRP_LINK, _NEIGH, _IPV4_IFADDR, _IPV4_ROUTE, _IPV4_RULE, _IPV6_IFADDR, _IPV6_ROUTE,
# _IPV6_RULE, _IPV4_NETCONF, _IPV6_NETCONF
_GROUPS: Final = (1, 3, 5, 7, 8, 9, 11, 19, 24, 25)
_RTM_NEWNETCONF: Final = 80
_RTA_OIF: Final = 4
_NETCONFA_IFINDEX: Final = 1  # linux/netconf.h
_AF_INET6: Final = 10
_NETCONF: Final = {
    2: {2: "ipv4.forwarding", 3: "ipv4.rp_filter", 5: "ipv4.proxy_arp", 8: "ipv4.bc_forwarding"},  # AF_INET
    10: {2: "ipv6.forwarding", 5: "ipv6.proxy_ndp"},  # AF_INET6
}
_libc = ctypes.CDLL(None, use_errno=True)


class DirectoryWatch:
    """Names that appear, vanish or are written in directories; readable (`fileno`) when there is something to read."""

    def __init__(self) -> None:
        self._descriptor: int = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0:
            raise KernelError("watch", "directories", ctypes.get_errno())
        self._directories: dict[int, str] = {}

    def add(self, directory: str, *, complete: bool = False) -> None:
        """Watch `directory` for names that come and go; with `complete`, for files that were written or moved there.

        Raises KernelError (ENOENT: not there; ENOSPC: sysctl fs.inotify.max_user_watches)."""
        mask = IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF
        mask |= IN_CLOSE_WRITE if complete else IN_CREATE
        watch = _libc.inotify_add_watch(self._descriptor, os.fsencode(directory), ctypes.c_uint32(mask))
        if watch < 0:
            raise KernelError("watch", directory, ctypes.get_errno())
        self._directories[watch] = directory

    def fileno(self) -> int:
        return self._descriptor

    def read(self) -> list[tuple[str, str]]:
        """What happened since: (directory, name), with an empty name when the directory itself is concerned, and two
        empty strings when events were lost."""
        heard: list[tuple[str, str]] = []
        while True:
            try:
                data = os.read(self._descriptor, 65_536)
            except BlockingIOError:
                return heard
            start = 0
            while start < len(data):
                watch, mask, _, length = _EVENT.unpack_from(data, start)
                name = data[start + 16 : start + 16 + length].rstrip(b"\0")
                start += 16 + length
                if mask & IN_Q_OVERFLOW:
                    heard.append(("", ""))
                elif mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED):
                    heard.append((self._directories.get(watch, ""), ""))
                else:
                    heard.append((self._directories.get(watch, ""), os.fsdecode(name)))

    def close(self) -> None:
        os.close(self._descriptor)


class MountWatch:
    """Changes of the calling process's mount namespace, of any kind."""

    def __init__(self) -> None:
        self._descriptor = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLPRI)
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._poll.register(self._wake_read, select.POLLIN)

    def wait(self) -> bool:
        """Block until something was mounted, unmounted or changed (True), or `stop` was called (False)."""
        ready = {descriptor for descriptor, _ in self._poll.poll()}
        return self._wake_read not in ready

    def stop(self) -> None:
        os.write(self._wake_write, b"x")

    def close(self) -> None:
        for descriptor in (self._descriptor, self._wake_read, self._wake_write):
            os.close(descriptor)


class LinkChanged(Struct, frozen=True):
    """A link appeared or changed (`gone` False), or vanished; `netnsid` None: in the namespace of the watch."""

    name: str
    up: bool
    gone: bool
    netnsid: int | None
    data: bytes

    @property
    def link(self) -> Link:
        """All of it, taken apart anew each time: most links that one hears of are of no concern."""
        return decode_link(self.data)


class AddressChanged(Struct, frozen=True):
    """An address was taken from a link (`gone`), or given to it."""

    index: int
    netnsid: int | None
    gone: bool
    address: bytes  # 4 or 16 octets


class SettingsChanged(Struct, frozen=True):
    """Some settings of a device's layer 3 are now `values` (names as in `netmend.kernel.device_settings`)."""

    index: int
    netnsid: int | None
    values: tuple[tuple[str, int], ...]


class Ipv6SwitchedOn(Struct, frozen=True):
    """A device has IPv6 (again): its route to all multicast groups appeared."""

    index: int
    netnsid: int | None


class ForwardingGone(Struct, frozen=True):
    """A static entry of a bridge's forwarding table, for a port of it, is gone."""

    index: int
    netnsid: int | None


class RouteGone(Struct, frozen=True):
    """A route of netmend's own making is gone."""

    netnsid: int | None


class Diverted(Struct, frozen=True):
    """A rule of policy routing came or went, or a neighbour came that nothing learned."""

    netnsid: int | None


Heard = LinkChanged | AddressChanged | SettingsChanged | Ipv6SwitchedOn | ForwardingGone | RouteGone | Diverted


class LinkWatch:
    """Links, their addresses and settings as they change, here and in every namespace at the far end of one of our
    veths."""

    def __init__(self) -> None:
        """Open the socket; raises KernelError."""
        self._socket = events_socket(_GROUPS, all_namespaces=True)
        hear_only_what_concerns(self._socket)

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self) -> Iterator[Heard | None]:
        """What was heard since, up to some hundreds at a time; None when the kernel says that it dropped some.

        Root in a namespace at the far end of a veth can make any number of them.
        """
        for _ in range(_AT_A_TIME):
            try:
                data, ancillary, _, _ = self._socket.recvmsg(65_536, 64)
            except BlockingIOError:
                return
            except OSError:  # ENOBUFS
                yield None
                continue
            netnsid = namespace_of(ancillary)
            for kind, body in notifications(data):
                heard = _understand(kind, body, netnsid)
                if heard is not None:
                    yield heard

    def close(self) -> None:
        self._socket.close()


def _understand(kind: int, body: bytes, netnsid: int | None) -> Heard | None:
    match kind:
        case links.RTM_NEWLINK | links.RTM_DELLINK:
            return LinkChanged(*glance(body), kind == links.RTM_DELLINK, netnsid, body)
        case addresses.RTM_NEWADDR | addresses.RTM_DELADDR:
            attributes = parse_attributes(body, 8)
            raw = attributes.get(addresses.IFA_LOCAL) or attributes.get(addresses.IFA_ADDRESS, b"")
            return AddressChanged(_index(body, 4), netnsid, kind == addresses.RTM_DELADDR, raw)
        case _ if kind == _RTM_NEWNETCONF:
            attributes = parse_attributes(body, 4)
            names = _NETCONF.get(body[0], {})
            values = tuple((names[number], _index(raw, 0)) for number, raw in attributes.items() if number in names)
            return SettingsChanged(_index(attributes.get(_NETCONFA_IFINDEX, b""), 0), netnsid, values)
        case _ if kind == RTM_DELROUTE:
            return RouteGone(netnsid)
        case _ if kind == RTM_NEWROUTE and body[0] == _AF_INET6:
            return Ipv6SwitchedOn(_index(parse_attributes(body, 12).get(_RTA_OIF, b""), 0), netnsid)
        case _ if kind == RTM_DELNEIGH and body[0] == AF_BRIDGE:
            return ForwardingGone(_index(body, 4), netnsid)
        case _ if kind in {RTM_NEWRULE, RTM_DELRULE, RTM_NEWNEIGH}:
            return Diverted(netnsid)
    return None


def _index(data: bytes, start: int) -> int:
    return int.from_bytes(data[start : start + 4], sys.byteorder, signed=True)
