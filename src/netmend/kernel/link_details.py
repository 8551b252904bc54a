"""Everything about a link that tells whether anybody uses it, and with which it could be made again (rtnetlink(7))."""

import errno
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from netmend.kernel.links import (
    IFLA_EXT_MASK,
    IFLA_INFO_DATA,
    IFLA_LINKINFO,
    RTEXT_FILTER_SKIP_STATS,
    RTM_GETADDR,
    RTM_GETLINK,
    decode_link,
)
from netmend.kernel.netlink import Request, RouteSocket, parse_attributes, u32

IFLA_TXQLEN: Final = 13  # linux/if_link.h
IFLA_PROMISCUITY: Final = 30
IFLA_NUM_TX_QUEUES: Final = 31
IFLA_NUM_RX_QUEUES: Final = 32
IFLA_CARRIER: Final = 33
IFLA_XDP: Final = 43
IFLA_PROP_LIST: Final = 52
IFLA_ALT_IFNAME: Final = 53
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

_LINK: Final = struct.Struct("=BxHiII")  # struct ifinfomsg
_AT_A_TIME: Final = 24  # answers of some 4 KiB each, all of which must fit into the receive buffer


@dataclass(frozen=True, slots=True)
class TunDetails:
    """What only taps and tuns have; `owner` and `group` are ids, None for none."""

    type: int  # IFF_TUN or IFF_TAP
    owner: int | None
    group: int | None
    packet_info: bool
    vnet_hdr: bool
    persist: bool
    multi_queue: bool
    queues: int
    """Descriptors attached to a device of many queues, disabled ones too; the kernel does not tell for one queue."""


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
    lower: int
    """IFLA_LINK: the peer of a veth, the device below a vlan or macvlan; 0 for none."""
    lower_netnsid: int | None
    """The namespace of `lower` when that is another (IFLA_LINK_NETNSID)."""
    tx_queue_length: int
    tx_queues: int
    rx_queues: int
    promiscuity: int
    """How many want to hear all that passes: sniffers, a bridge, macvlans."""
    xdp: bool
    """A BPF program handles its packets."""
    alternative_names: tuple[str, ...]
    tun: TunDetails | None
    raw: bytes = field(default=b"", repr=False, compare=False)
    """The message as it came: where it is the same, so is all of this."""


def decode_details(data: bytes) -> LinkDetails:
    """From the body of an RTM_NEWLINK message."""
    link = decode_link(data)
    found = parse_attributes(data, 16)
    tun = None
    if link.kind == "tun":
        info = parse_attributes(found[IFLA_LINKINFO])
        if IFLA_INFO_DATA in info:
            tun = _decode_tun(parse_attributes(info[IFLA_INFO_DATA]))
    carrier = found.get(IFLA_CARRIER)
    names: tuple[str, ...] = ()
    if IFLA_PROP_LIST in found:
        names = tuple(_alternative_names(found[IFLA_PROP_LIST]))
    xdp = parse_attributes(found[IFLA_XDP]).get(IFLA_XDP_ATTACHED, b"\0") if IFLA_XDP in found else b"\0"
    return LinkDetails(
        index=link.index,
        name=link.name,
        kind=link.kind,
        mac=link.mac,
        mtu=link.mtu,
        up=link.up,
        carrier=link.carrier or bool(carrier and carrier[0]),
        master=link.master,
        group=link.group,
        alias=link.alias,
        lower=link.peer_index,
        lower_netnsid=link.peer_netnsid,
        tx_queue_length=_number(found.get(IFLA_TXQLEN)),
        tx_queues=_number(found.get(IFLA_NUM_TX_QUEUES)),
        rx_queues=_number(found.get(IFLA_NUM_RX_QUEUES)),
        promiscuity=_number(found.get(IFLA_PROMISCUITY)),
        xdp=xdp[0] != 0,
        alternative_names=names,
        tun=tun,
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


def dump_details(route: RouteSocket) -> list[LinkDetails]:
    """Every link of the namespace in one dump; raises KernelError."""
    body = _LINK.pack(0, 0, 0, 0, 0) + u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    return [decode_details(data) for data in route.dump(RTM_GETLINK, body, "list links", "of the namespace")]


def messages_of(route: RouteSocket, indexes: Sequence[int]) -> dict[int, bytes]:
    """What `LinkDetails.raw` would be now, by index; one that went away is not in the answer. Raises KernelError."""
    found: dict[int, bytes] = {}
    mask = u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    requests = [
        Request(RTM_GETLINK, 0, _LINK.pack(0, 0, index, 0, 0) + mask, "find link", str(index), (errno.ENODEV,))
        for index in indexes
    ]
    for start in range(0, len(requests), _AT_A_TIME):
        for data in route.perform(requests[start : start + _AT_A_TIME]):
            found[_LINK.unpack_from(data)[2]] = data
    return found


def indexes_with_addresses(route: RouteSocket) -> set[int]:
    """Indexes of the links that have an address of IPv4 or IPv6; raises KernelError."""
    listed = route.dump(RTM_GETADDR, struct.pack("=BBBBI", 0, 0, 0, 0, 0), "list addresses", "of the namespace")
    return {struct.unpack_from("=I", data, 4)[0] for data in listed}
