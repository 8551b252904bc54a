"""The kernel's own floor: nothing but the netlink messages and system calls that make the objects, one after the
other on one thread, written apart from `netmend.reconcile`. Only the codec of `netmend.kernel.netlink` is shared, and
every message but the names and indexes in it is put together before the clock starts.
"""

import os
import socket
import struct
import time
from pathlib import Path

from netmend.kernel import nsdir, syscalls
from netmend.kernel.addresses import IFA_ADDRESS, IFA_LOCAL, RTM_NEWADDR
from netmend.kernel.links import (
    IFF_UP,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_NET_NS_FD,
    RTM_DELLINK,
    RTM_NEWLINK,
    VETH_INFO_PEER,
)
from netmend.kernel.netlink import NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, attribute, nested, text, u32

_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_NEW = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL
_FAR = 2  # index of the first device in a new namespace; loopback is 1


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return _HEADER.pack(16 + len(body), kind, flags, 1, 0) + body + b"\0" * (-len(body) & 3)


def _set_up(index: int) -> bytes:
    return _message(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, _LINK.pack(0, 0, index, IFF_UP, IFF_UP))


_ADDRESS = bytes((10, 0, 0, 2))
_CONFIGURE = _set_up(_FAR) + _message(
    RTM_NEWADDR,
    _NEW,
    struct.pack("=BBBBI", socket.AF_INET, 16, 0, 0, _FAR)
    + attribute(IFA_LOCAL, _ADDRESS)
    + attribute(IFA_ADDRESS, _ADDRESS),
)


def _acknowledged(route: socket.socket, count: int) -> None:
    while count > 0:
        data = route.recv(65_536)
        start = 0
        while start < len(data):
            length = struct.unpack_from("=I", data, start)[0]
            code = struct.unpack_from("=i", data, start + 16)[0]
            if code:
                raise OSError(-code, os.strerror(-code))
            start += (length + 3) & ~3
            count -= 1


def _open_route() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)


def make(count: int, *, with_bridge: bool = False, directory: str = nsdir.DEFAULT) -> float:
    """Make `count` named namespaces, each with a veth into it, up at both ends, and an address inside.

    With `with_bridge`, also a bridge for each, up, with the veth's near end as its port. Returns seconds; raises
    OSError. What is made stays.
    """
    nsdir.prepare(directory)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    outside = _open_route()
    bridge_kind = nested(IFLA_LINKINFO, text(IFLA_INFO_KIND, "bridge"))
    start = time.perf_counter()
    for number in range(count):
        master = b""
        if with_bridge:
            body = _LINK.pack(0, 0, 0, IFF_UP, IFF_UP) + text(IFLA_IFNAME, f"bridge{number}") + bridge_kind
            outside.send(_message(RTM_NEWLINK, _NEW, body))
            _acknowledged(outside, 1)
            master = u32(IFLA_MASTER, socket.if_nametoindex(f"bridge{number}"))
        path = f"{directory}/floor-{number}"
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444))
        syscalls.unshare(syscalls.CLONE_NEWNET)
        syscalls.mount("/proc/thread-self/ns/net", path, None, syscalls.MS_BIND)
        far_namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        inside = _open_route()
        syscalls.setns(home, syscalls.CLONE_NEWNET, "home")
        peer = _LINK.pack(0, 0, 0, 0, 0) + text(IFLA_IFNAME, "far") + u32(IFLA_NET_NS_FD, far_namespace)
        body = _LINK.pack(0, 0, 0, IFF_UP, IFF_UP) + text(IFLA_IFNAME, f"veth{number}") + master
        kind = text(IFLA_INFO_KIND, "veth")
        body += nested(IFLA_LINKINFO, kind, nested(IFLA_INFO_DATA, nested(VETH_INFO_PEER, peer)))
        outside.send(_message(RTM_NEWLINK, _NEW, body))
        _acknowledged(outside, 1)
        inside.send(_CONFIGURE)
        _acknowledged(inside, 2)
        inside.close()
        os.close(far_namespace)
    took = time.perf_counter() - start
    outside.close()
    os.close(home)
    return took


def remove(count: int, *, directory: str = nsdir.DEFAULT) -> float:
    """Delete what `make` with bridges made, as `ip link del` and `ip netns del` do: one device, one name at a time.

    Returns seconds; raises OSError. The kernel takes the namespaces apart later, which is not in the figure.
    """
    outside = _open_route()
    start = time.perf_counter()
    for number in range(count):
        for name in (f"veth{number}", f"bridge{number}"):
            body = _LINK.pack(0, 0, socket.if_nametoindex(name), 0, 0)
            outside.send(_message(RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, body))
            _acknowledged(outside, 1)
        path = f"{directory}/floor-{number}"
        syscalls.umount(path, syscalls.MNT_DETACH)
        Path(path).unlink()
    took = time.perf_counter() - start
    outside.close()
    return took
