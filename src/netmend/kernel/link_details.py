"""All that shows whether a link is in use, and all that it takes to make it again (rtnetlink(7))."""

import errno
import fcntl
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from netmend.kernel.addresses import IFA_ADDRESS, Interface, dump_addresses
from netmend.kernel.changes import changing
from netmend.kernel.link_settings import BRIDGE_SETTINGS, IFLA_ALT_IFNAME, IFLA_PROP_LIST, IFLA_TXQLEN
from netmend.kernel.links import (
    IFF_LOWER_UP,
    IFF_UP,
    IFLA_ADDRESS,
    IFLA_EXT_MASK,
    IFLA_GROUP,
    IFLA_IFALIAS,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINK,
    IFLA_LINK_NETNSID,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_MTU,
    IFLA_NUM_RX_QUEUES,
    IFLA_NUM_TX_QUEUES,
    RTEXT_FILTER_SKIP_STATS,
    RTM_GETLINK,
    RTM_NEWLINK,
)
from netmend.kernel.netlink import RouteSocket, parse_attributes, u32, unacknowledged

IFLA_PROMISCUITY: Final = 30  # linux/if_link.h
IFLA_CARRIER: Final = 33
IFLA_XDP: Final = 43
IFLA_XDP_ATTACHED: Final = 2
IFLA_TUN_OWNER: Final = 1
IFLA_TUN_GROUP: Final = 2
IFLA_TUN_TYPE: Final = 3
IFLA_TUN_PI: Final = 4
IFLA_TUN_VNET_HDR: Final = 5
IFLA_TUN_PERSIST: Final = 6
IFLA_TUN_MULTI_QUEUE: Final = 7
IFLA_TUN_NUM_QUEUES: Final = 8
IFLA_TUN_NUM_DISABLED_QUEUES: Final = 9
IFF_TUN: Final = 1  # linux/if_tun.h
IFF_TAP: Final = 2
IFA_PROTO: Final = 11  # linux/if_addr.h
IFAPROT_KERNEL_LL: Final = 3

_LINK: Final = struct.Struct("=BxHiII")  # struct ifinfomsg
_SIOCGIFNAME: Final = 0x8910  # linux/sockios.h
_IFREQ: Final = struct.Struct("=16si20x")
_DUMP: Final = _LINK.pack(0, 0, 0, 0, 0) + u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)


@dataclass(frozen=True, slots=True)
class TunDetails:
    """The fields of taps and tuns; `owner` and `group` are ids, None for none."""

    type: int  # IFF_TUN or IFF_TAP
    owner: int | None
    group: int | None
    packet_info: bool
    vnet_hdr: bool
    persist: bool
    multi_queue: bool
    queues: int  # descriptors attached to a device of many queues, disabled ones too; not known for one queue


@dataclass(frozen=True, slots=True)
class LinkDetails:
    """One device. `carrier` is the kernel's own flag (IFLA_CARRIER), which a device that is down has too: a tap has it
    as long as a descriptor is attached to it (drivers/net/tun.c, tun_set_iff and __tun_detach)."""

    index: int
    name: str
    kind: str
    mac: str
    mtu: int
    up: bool
    carrier: bool
    master: int
    group: int
    alias: str | None
    lower: int  # IFLA_LINK: the peer of a veth, the device below a vlan or macvlan; 0 for none
    lower_netnsid: int | None  # the namespace of `lower` when that is another (IFLA_LINK_NETNSID)
    tx_queue_length: int
    tx_queues: int
    rx_queues: int
    promiscuity: int  # how many want to hear all that passes: sniffers, a bridge, macvlans
    xdp: bool  # a BPF program handles its packets
    alternative_names: tuple[str, ...]
    tun: TunDetails | None
    flags: int = 0  # IFF_*; IFF_PROMISC only when it was set by hand, not by a bridge or sniffer
    bridge: tuple[tuple[str, int], ...] = ()  # settings of a bridge, by the names of link_settings.BRIDGE_SETTINGS
    raw: bytes = field(default=b"", repr=False, compare=False)  # the message: the same message gives the same fields


def decode_details(data: bytes) -> LinkDetails:
    """From the body of an RTM_NEWLINK message."""
    _, _, index, flags, _ = _LINK.unpack_from(data)
    found = parse_attributes(data, 16)
    number, get = _number, found.get
    kind, tun = "", None
    bridge: tuple[tuple[str, int], ...] = ()
    if IFLA_LINKINFO in found:
        info = parse_attributes(found[IFLA_LINKINFO])
        kind = info.get(IFLA_INFO_KIND, b"").rstrip(b"\0").decode(errors="replace")
        if kind == "tun" and IFLA_INFO_DATA in info:
            tun = _decode_tun(parse_attributes(info[IFLA_INFO_DATA]))
        elif kind == "bridge" and IFLA_INFO_DATA in info:
            bridge = _decode_bridge(parse_attributes(info[IFLA_INFO_DATA]))
    netnsid = get(IFLA_LINK_NETNSID)
    alias = get(IFLA_IFALIAS)
    xdp = parse_attributes(found[IFLA_XDP]).get(IFLA_XDP_ATTACHED, b"\0") if IFLA_XDP in found else b"\0"
    return LinkDetails(
        index=index,
        name=found.get(IFLA_IFNAME, b"").rstrip(b"\0").decode(errors="replace"),
        kind=kind,
        mac=get(IFLA_ADDRESS, b"").hex(":"),
        mtu=number(get(IFLA_MTU)),
        up=bool(flags & IFF_UP),
        carrier=bool(flags & IFF_LOWER_UP or number(get(IFLA_CARRIER))),
        master=number(get(IFLA_MASTER)),
        group=number(get(IFLA_GROUP)),
        alias=alias.rstrip(b"\0").decode(errors="replace") if alias else None,
        lower=number(get(IFLA_LINK)),
        lower_netnsid=struct.unpack("=i", netnsid)[0] if netnsid else None,
        tx_queue_length=number(get(IFLA_TXQLEN)),
        tx_queues=number(get(IFLA_NUM_TX_QUEUES)),
        rx_queues=number(get(IFLA_NUM_RX_QUEUES)),
        promiscuity=number(get(IFLA_PROMISCUITY)),
        xdp=xdp[0] != 0,
        alternative_names=tuple(_alternative_names(found[IFLA_PROP_LIST])) if IFLA_PROP_LIST in found else (),
        tun=tun,
        flags=flags,
        bridge=bridge,
        raw=data,
    )


def _number(raw: bytes | None) -> int:
    return int.from_bytes(raw, "little") if raw else 0


def _alternative_names(data: bytes) -> list[str]:
    """Attributes of one type many times, which is a list."""
    names, start = [], 0
    while start + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, start)
        if length < 4:
            break
        if kind & 0x3FFF == IFLA_ALT_IFNAME:
            names.append(data[start + 4 : start + length].rstrip(b"\0").decode(errors="replace"))
        start += (length + 3) & ~3
    return names


def _decode_tun(found: dict[int, bytes]) -> TunDetails:
    owner, group = found.get(IFLA_TUN_OWNER), found.get(IFLA_TUN_GROUP)
    return TunDetails(
        type=_number(found.get(IFLA_TUN_TYPE)),
        owner=_number(owner) if owner else None,
        group=_number(group) if group else None,
        packet_info=bool(_number(found.get(IFLA_TUN_PI))),
        vnet_hdr=bool(_number(found.get(IFLA_TUN_VNET_HDR))),
        persist=bool(_number(found.get(IFLA_TUN_PERSIST))),
        multi_queue=bool(_number(found.get(IFLA_TUN_MULTI_QUEUE))),
        queues=_number(found.get(IFLA_TUN_NUM_QUEUES)) + _number(found.get(IFLA_TUN_NUM_DISABLED_QUEUES)),
    )


def _decode_bridge(found: dict[int, bytes]) -> tuple[tuple[str, int], ...]:
    return tuple((name, _number(found[number])) for name, number in BRIDGE_SETTINGS.items() if number in found)


def dump_details(route: RouteSocket) -> list[LinkDetails]:
    """Every link of the namespace in one dump; raises KernelError."""
    return [decode_details(data) for data in route.dump(RTM_GETLINK, _DUMP, "list links", "of the namespace")]


def messages_of(route: RouteSocket, indexes: Sequence[int]) -> dict[int, bytes]:
    """What `LinkDetails.raw` would be now, by index; one that went away is not in the answer. Raises KernelError."""
    mask = u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    bodies = [_LINK.pack(0, 0, index, 0, 0) + mask for index in indexes]
    found = route.get_many(RTM_GETLINK, bodies, "find link", "by index", errno.ENODEV)
    return {_LINK.unpack_from(data)[2]: data for data in found}


def move_and_look(route: RouteSocket, moved: Sequence[int], beside: Sequence[int], group: int) -> dict[int, bytes]:
    """Move devices, by index, into a device group, and look at each right after that, as `messages_of` does; and at
    those `beside`, which stay. Raises KernelError."""
    mask = u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    into = u32(IFLA_GROUP, group)
    pairs: list[tuple[bytes | None, bytes]] = []
    for index in moved:
        header = _LINK.pack(0, 0, index, 0, 0)
        pairs.append((unacknowledged(RTM_NEWLINK, header + into), header + mask))
    pairs += [(None, _LINK.pack(0, 0, index, 0, 0) + mask) for index in beside]
    with changing("delete link", f"{len(moved)} devices"):
        found = route.change_and_get(RTM_GETLINK, pairs, "find link", "by index", errno.ENODEV)
    return {_LINK.unpack_from(data)[2]: data for data in found}


def present_groups(route: RouteSocket) -> dict[tuple[int, str], int]:
    """The device group of each link, by index and name; raises KernelError."""
    found = {}
    for data in route.dump(RTM_GETLINK, _DUMP, "list links", "of the namespace"):
        attributes = parse_attributes(data, 16)
        name = attributes.get(IFLA_IFNAME, b"").rstrip(b"\0").decode(errors="replace")
        found[_LINK.unpack_from(data)[2], name] = _number(attributes.get(IFLA_GROUP))
    return found


def name_of_index(control: socket.socket, index: int) -> str | None:
    """The name of the device with that index (netdevice(7), SIOCGIFNAME), asked of any socket of the namespace: a
    twentieth of the time of a netlink request, and without the rtnl lock. None when there is none."""
    try:
        answer = fcntl.ioctl(control, _SIOCGIFNAME, _IFREQ.pack(b"", index))
    except OSError:
        return None
    name: bytes = _IFREQ.unpack(answer)[0]
    return name.rstrip(b"\0").decode(errors="replace")


def given_addresses(route: RouteSocket) -> dict[int, set[Interface]]:
    """The addresses of IPv4 and IPv6 that somebody gave, by index of the link; raises KernelError.

    The link-local address that the kernel gives a device by itself, once it has carrier, is not counted: it stays on a
    device that is up when the carrier goes (net/ipv6/addrconf.c). Kernels before 5.18 do not mark it (IFA_PROTO): there
    every fe80::/64 with the `ff:fe` of a MAC in its middle (RFC 4291 appendix A) is taken for such.
    """
    return dump_addresses(route, lambda data: not _made_by_the_kernel(data))


def _made_by_the_kernel(data: bytes) -> bool:
    found = parse_attributes(data, 8)
    protocol, address = found.get(IFA_PROTO), found.get(IFA_ADDRESS, b"")
    if protocol is not None:
        return protocol[0] == IFAPROT_KERNEL_LL
    return len(address) == 16 and address[:8] == b"\xfe\x80" + bytes(6) and address[11:13] == b"\xff\xfe"
