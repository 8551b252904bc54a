"""Links and their attributes by netlink (rtnetlink(7)), in the namespace of the RouteSocket given."""

import errno
import struct
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import Struct

from netmend.kernel.changes import changing
from netmend.kernel.device_settings import encode_settings
from netmend.kernel.errors import KernelError
from netmend.kernel.netlink import (
    NLM_F_CREATE,
    NLM_F_ECHO,
    NLM_F_EXCL,
    Batch,
    Request,
    RouteSocket,
    attribute,
    nested,
    parse_attributes,
    text,
    u8,
    u32,
)
from netmend.kernel.netns import Netns

RTM_NEWLINK: Final = 16  # linux/rtnetlink.h
RTM_DELLINK: Final = 17
RTM_GETLINK: Final = 18
RTM_GETNSID: Final = 90

IFLA_ADDRESS: Final = 1  # linux/if_link.h
IFLA_IFNAME: Final = 3
IFLA_MTU: Final = 4
IFLA_LINK: Final = 5
IFLA_MASTER: Final = 10
IFLA_LINKINFO: Final = 18
IFLA_IFALIAS: Final = 20
IFLA_GROUP: Final = 27
_MACVLAN_MODE: Final = 1  # IFLA_MACVLAN_MODE
_MACVLAN_MODE_BRIDGE: Final = 4
IFLA_NET_NS_FD: Final = 28
IFLA_NUM_TX_QUEUES: Final = 31
IFLA_NUM_RX_QUEUES: Final = 32
IFLA_EXT_MASK: Final = 29
IFLA_LINK_NETNSID: Final = 37
IFLA_INFO_KIND: Final = 1
IFLA_INFO_DATA: Final = 2
IFLA_BR_MCAST_SNOOPING: Final = 23
IFLA_TUN_OWNER: Final = 1
VETH_INFO_PEER: Final = 1
RTEXT_FILTER_SKIP_STATS: Final = 8

IFF_UP: Final = 1  # linux/if.h
IFF_NOARP: Final = 0x80
IFF_LOWER_UP: Final = 1 << 16

_LINK: Final = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, change
_NETNSA_NSID: Final = 1  # linux/net_namespace.h
_NETNSA_FD: Final = 3
_GONE: Final = (errno.ENODEV,)
_GROUP_HEADER: Final = u32(IFLA_GROUP, 0)[:4]
_HEAD: Final = 256  # octets of a link among which rtnl_fill_ifinfo puts IFLA_GROUP; elsewhere it is looked for too


@dataclass(frozen=True, slots=True)
class Link:
    """One device as the kernel shows it; `peer_netnsid`: the namespace of a veth's far end, when that is elsewhere."""

    index: int
    name: str
    kind: str  # "veth", "bridge", "tun" (taps too) …; empty for a physical device
    mac: str
    mtu: int
    up: bool
    carrier: bool
    master: int  # index of the bridge, 0 when there is none
    group: int
    alias: str | None
    peer_index: int
    peer_netnsid: int | None
    owner: int | None  # uid of a tap's owner
    data: bytes = field(default=b"", repr=False, compare=False)  # the message; `device_settings` reads settings in it

    @property
    def has_arp(self) -> bool:
        """Whether the device looks for its neighbours, by ARP and ND (netdevice(7): IFF_NOARP is not set)."""
        return not (self.data and _LINK.unpack_from(self.data)[3] & IFF_NOARP)


class Found(Struct, frozen=True):
    """A device known by its index, such as the far end of a veth just made; the name is for errors."""

    index: int
    name: str


LOOPBACK: Final = Found(1, "lo")  # LOOPBACK_IFINDEX, net/core/net_namespace.c


class VethEnd(Struct, frozen=True):
    """One end of a veth, to be made."""

    name: str
    mtu: int
    group: int
    mac: str | None = None
    queues: tuple[int, int] | None = None  # how many it sends from and receives into; None: as the kernel chooses


def decode_link(data: bytes) -> Link:
    """A Link from the body of an RTM_NEWLINK or RTM_DELLINK message."""
    _, _, index, flags, _ = _LINK.unpack_from(data)
    found = parse_attributes(data, 16)
    kind, owner = "", None
    info = found.get(IFLA_LINKINFO)
    if info:
        parts = parse_attributes(info)
        kind = parts.get(IFLA_INFO_KIND, b"").rstrip(b"\0").decode(errors="replace")
        if kind == "tun" and IFLA_INFO_DATA in parts:
            raw = parse_attributes(parts[IFLA_INFO_DATA]).get(IFLA_TUN_OWNER)
            owner = struct.unpack("=I", raw)[0] if raw else None
    alias = found.get(IFLA_IFALIAS)
    netnsid = found.get(IFLA_LINK_NETNSID)
    mac = found.get(IFLA_ADDRESS)
    return Link(
        index=index,
        name=found.get(IFLA_IFNAME, b"").rstrip(b"\0").decode(errors="replace"),
        kind=kind,
        mac=mac.hex(":") if mac else "",
        mtu=_u32(found.get(IFLA_MTU)),
        up=bool(flags & IFF_UP),
        carrier=bool(flags & IFF_LOWER_UP),
        master=_u32(found.get(IFLA_MASTER)),
        group=_u32(found.get(IFLA_GROUP)),
        alias=alias.rstrip(b"\0").decode(errors="replace") if alias else None,
        peer_index=_u32(found.get(IFLA_LINK)),
        peer_netnsid=struct.unpack("=i", netnsid)[0] if netnsid else None,
        owner=owner,
        data=data,
    )


def _u32(raw: bytes | None) -> int:
    return int.from_bytes(raw, "little") if raw else 0


def dump_links(route: RouteSocket) -> list[Link]:
    """Every link of the namespace, in one dump without statistics; raises KernelError."""
    return [decode_link(data) for data in _dump_raw(route)]


def dump_chosen_links(route: RouteSocket, groups: Iterable[int], names: Container[str]) -> list[Link]:
    """Of one dump of all links, those in one of the device groups or with one of `names`; raises KernelError.

    The others cost a look at their name and nothing more (invariant I6).
    """
    in_groups = [u32(IFLA_GROUP, group) for group in groups]

    def chosen(data: bytes) -> bool:
        if _name(data) in names:
            return True
        end = _HEAD if data.find(_GROUP_HEADER, 0, _HEAD) > 0 else len(data)
        for in_group in in_groups:  # noqa: SIM110 - any() is slower, and foreign devices are many
            if data.find(in_group, 0, end) > 0:
                return True
        return False

    return [decode_link(data) for data in _dump_raw(route, chosen)]


def _dump_raw(route: RouteSocket, keep: Callable[[bytes], bool] | None = None) -> list[bytes]:
    body = _LINK.pack(0, 0, 0, 0, 0) + u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    return route.dump(RTM_GETLINK, body, "list links", "of the namespace", keep)


def glance(data: bytes) -> tuple[str, bool]:
    """Name of a link, and whether it is up, from the body of an RTM_NEWLINK or RTM_DELLINK message."""
    return _name(data), bool(_LINK.unpack_from(data)[3] & IFF_UP)


def _name(data: bytes) -> str:
    """The name of a link; rtnl_fill_ifinfo puts IFLA_IFNAME first, and elsewhere it is searched for."""
    length, kind = struct.unpack_from("=HH", data, 16)
    raw = data[20 : 16 + length] if kind == IFLA_IFNAME else parse_attributes(data, 16).get(IFLA_IFNAME, b"")
    return raw[:-1].decode(errors="replace")


def find_link(route: RouteSocket, name: str) -> Link | None:
    """The link called `name`, or None; raises KernelError."""
    body = _LINK.pack(0, 0, 0, 0, 0) + text(IFLA_IFNAME, name) + u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    try:
        return decode_link(route.get(RTM_GETLINK, body, "find link", name))
    except KernelError as error:
        if error.code == errno.ENODEV:
            return None
        raise


def create_bridge(route: RouteSocket, name: str, mtu: int, group: int, mac: str) -> Link:
    """Make bridge `name`, down, in device group `group`; raises KernelError (EEXIST: the name is taken).

    The MAC is given because a bridge without one takes the lowest of its ports', and changes it as they come and go.
    Multicast is flooded: without a querier, snooping forgets IPv6's neighbour discovery groups.
    """
    data = nested(IFLA_LINKINFO, text(IFLA_INFO_KIND, "bridge"), nested(IFLA_INFO_DATA, u8(IFLA_BR_MCAST_SNOOPING, 0)))
    body = _new_link(name, mtu, group, mac, up=False) + data
    return _create(route, name, body)


def create_veth(
    route: RouteSocket, near: VethEnd, far: VethEnd, far_namespace: Netns, master: int = 0, *, up: bool = True
) -> Link:
    """Make a veth in one message: the near end `up` and enslaved to `master`, the far end born in `far_namespace`.

    The far end is born down: the kernel configures it before it has a peer, and opening it then gives ENOTCONN
    (drivers/net/veth.c, veth_newlink and veth_open). Raises KernelError: EEXIST when either name is taken, in which
    case nothing was made. Returns the near end; its `peer_index` is the far end's index.
    """
    peer = (
        _new_link(far.name, far.mtu, far.group, far.mac, up=False)
        + _queues(far)
        + u32(IFLA_NET_NS_FD, far_namespace.fileno())
    )
    info = nested(IFLA_LINKINFO, text(IFLA_INFO_KIND, "veth"), nested(IFLA_INFO_DATA, nested(VETH_INFO_PEER, peer)))
    body = _new_link(near.name, near.mtu, near.group, near.mac, up=up) + _queues(near)
    if master:
        body += u32(IFLA_MASTER, master)
    return _create(route, near.name, body + info)


def create_macvlan(
    route: RouteSocket, name: str, parent: "Link | Found", namespace: Netns, *, mac: str, mtu: int
) -> None:
    """Make a macvlan on `parent`, down, born in `namespace`; in mode bridge, so that those on one device reach each
    other. Raises KernelError (EEXIST: the name is taken there; EINVAL: `parent` can bear none, EBUSY: is a port)."""
    mode = nested(IFLA_INFO_DATA, u32(_MACVLAN_MODE, _MACVLAN_MODE_BRIDGE))
    info = nested(IFLA_LINKINFO, text(IFLA_INFO_KIND, "macvlan"), mode)
    body = _new_link(name, mtu, 0, mac, up=False) + u32(IFLA_LINK, parent.index)
    body += u32(IFLA_NET_NS_FD, namespace.fileno()) + info
    perform(route, Request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body, "create link", f"{name} on {parent.name}"))


def _queues(end: VethEnd) -> bytes:
    if end.queues is None:
        return b""
    return u32(IFLA_NUM_TX_QUEUES, end.queues[0]) + u32(IFLA_NUM_RX_QUEUES, end.queues[1])


def _create(route: RouteSocket, name: str, body: bytes) -> Link:
    request = Request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO, body, "create link", name)
    with changing(request.operation, name):
        echoed = route.perform((request,))
    if echoed:
        return decode_link(echoed[-1])
    found = find_link(route, name)  # a kernel before 6.2 does not echo
    if found is None:
        raise KernelError("find link", name, errno.ENODEV)
    return found


def _new_link(name: str, mtu: int, group: int, mac: str | None, *, up: bool) -> bytes:
    flags = IFF_UP if up else 0
    body = _LINK.pack(0, 0, 0, flags, flags) + text(IFLA_IFNAME, name) + u32(IFLA_MTU, mtu) + u32(IFLA_GROUP, group)
    return body + attribute(IFLA_ADDRESS, bytes.fromhex(mac.replace(":", ""))) if mac else body


def set_link(
    route: RouteSocket | Batch,
    link: Link | Found,
    *,
    up: bool | None = None,
    arp: bool | None = None,
    alias: str | None = None,
    mtu: int | None = None,
    mac: str | None = None,
    master: int | None = None,
    group: int | None = None,
    settings: Mapping[str, int] | None = None,
) -> None:
    """Change the attributes given, by index; raises KernelError (ENODEV: the device went away meanwhile).

    `settings` are those of `netmend.kernel.device_settings` that netlink takes, also where /proc/sys is read-only.
    """
    flags = IFF_UP if up else 0
    changed = 0 if up is None else IFF_UP
    if arp is not None:
        flags |= 0 if arp else IFF_NOARP
        changed |= IFF_NOARP
    body = _LINK.pack(0, 0, link.index, flags, changed)
    if settings:
        body += encode_settings(settings)
    if mtu is not None:
        body += u32(IFLA_MTU, mtu)
    if mac is not None:
        body += attribute(IFLA_ADDRESS, bytes.fromhex(mac.replace(":", "")))
    if master is not None:
        body += u32(IFLA_MASTER, master)
    if group is not None:
        body += u32(IFLA_GROUP, group)
    if alias is not None:
        body += attribute(IFLA_IFALIAS, alias.encode())
    operation = "attach" if master else "set link"
    perform(route, Request(RTM_NEWLINK, 0, body, operation, link.name))


def move_link(route: RouteSocket, link: Link | Found, namespace: Netns) -> None:
    """Move a device into another namespace, by descriptor; it is down there, and has lost its addresses.

    Raises KernelError (EEXIST: there is a device of that name already; EINVAL: it is one that cannot be moved)."""
    body = _LINK.pack(0, 0, link.index, 0, 0) + u32(IFLA_NET_NS_FD, namespace.fileno())
    perform(route, Request(RTM_NEWLINK, 0, body, "move", f"{link.name} into {namespace.label}"))


def delete_link(route: RouteSocket | Batch, link: Link | Found) -> None:
    """Delete a device by index; no error when it went away already. Raises KernelError."""
    body = _LINK.pack(0, 0, link.index, 0, 0)
    perform(route, Request(RTM_DELLINK, 0, body, "delete link", link.name, _GONE))


def delete_links(route: RouteSocket, doomed: Sequence[Link], group: int) -> None:
    """Delete devices together, by way of device group `group`, which must be used for nothing else.

    Deleting a device ends with waits for grace periods of RCU, tens of milliseconds (net/core/dev.c, netdev_run_todo);
    those deleted by one message share them. All else waits for the kernel's rtnl lock meanwhile, so not too many at a
    time. That a device went away already is no error. Raises KernelError; then any of them may be left.
    """
    names = ", ".join(link.name for link in doomed)
    set_groups(route, [(Found(link.index, link.name), group) for link in doomed], "delete link")
    delete_group(route, group, names)


def set_groups(route: RouteSocket, chosen: Sequence[tuple[Found, int]], operation: str = "set link") -> None:
    """Move devices into device groups, by index; no error when one went away. Raises KernelError."""
    requests = [
        Request(
            RTM_NEWLINK, 0, _LINK.pack(0, 0, link.index, 0, 0) + u32(IFLA_GROUP, group), operation, link.name, _GONE
        )
        for link, group in chosen
    ]
    with changing(operation, ", ".join(link.name for link, _ in chosen)):
        route.perform(requests)


def delete_group(route: RouteSocket, group: int, names: str) -> None:
    """Delete every device of a device group (net/core/rtnetlink.c, rtnl_group_dellink), `names` for errors; that the
    group is empty is no error. Raises KernelError (EOPNOTSUPP: it has one that cannot be deleted, and all are left)."""
    body = _LINK.pack(0, 0, 0, 0, 0) + u32(IFLA_GROUP, group)
    perform(route, Request(RTM_DELLINK, 0, body, "delete link", names, _GONE))


def perform(route: RouteSocket | Batch, request: Request) -> None:
    if isinstance(route, Batch):
        route.add(request)
        return
    with changing(request.operation, request.target):
        route.perform((request,))


def namespace_id(route: RouteSocket, namespace: Netns) -> int | None:
    """The id by which the RouteSocket's namespace knows `namespace` (as in `peer_netnsid`), if it has one."""
    body = bytes(4) + u32(_NETNSA_FD, namespace.fileno())  # struct rtgenmsg, padded
    data = route.get(RTM_GETNSID, body, "find namespace id", namespace.label)
    raw = parse_attributes(data, 4).get(_NETNSA_NSID)
    found = struct.unpack("=i", raw)[0] if raw else -1
    return found if found >= 0 else None
