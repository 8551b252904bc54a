"""Settings of a link that matter when it is made again (rtnetlink(7)): queue length, further names, flags, and those of
a bridge."""

import struct
from collections.abc import Iterable, Mapping
from typing import Final

from netmend.kernel.links import (
    IFF_NOARP,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINKINFO,
    RTM_NEWLINK,
    Found,
    Link,
    perform,
)
from netmend.kernel.netlink import NLM_F_CREATE, NLM_F_EXCL, Request, RouteSocket, attribute, nested, text, u32

RTM_NEWLINKPROP: Final = 108  # linux/rtnetlink.h
IFLA_TXQLEN: Final = 13  # linux/if_link.h
IFLA_PROP_LIST: Final = 52
IFLA_ALT_IFNAME: Final = 53
IFF_PROMISC: Final = 0x100  # linux/if.h
IFF_ALLMULTI: Final = 0x200
IFF_MULTICAST: Final = 0x1000
BRIDGE_SETTINGS: Final = {  # linux/if_link.h, IFLA_BR_*: the settings of a bridge, less what it counts and shows
    "forward_delay": 1,
    "hello_time": 2,
    "max_age": 3,
    "ageing_time": 4,
    "stp_state": 5,
    "priority": 6,
    "vlan_filtering": 7,
    "group_fwd_mask": 9,
    "mcast_router": 22,
    "mcast_snooping": 23,
    "mcast_querier": 25,
}
_SIZES: Final = {1: 4, 2: 4, 3: 4, 4: 4, 5: 4, 6: 2, 7: 1, 9: 2, 22: 1, 23: 1, 25: 1}
_SETTABLE: Final = IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI | IFF_MULTICAST
_NLM_F_APPEND: Final = 0x800
_LINK: Final = struct.Struct("=BxHiII")  # struct ifinfomsg


def set_queue_length(route: RouteSocket, link: Link | Found, length: int) -> None:
    """Packets that wait for the device; raises KernelError."""
    body = _LINK.pack(0, 0, link.index, 0, 0) + u32(IFLA_TXQLEN, length)
    perform(route, Request(RTM_NEWLINK, 0, body, "set link", link.name))


def set_flags(route: RouteSocket, link: Link | Found, flags: int) -> None:
    """The flags of `flags` (IFF_*) that can be chosen, but for IFF_UP; raises KernelError."""
    body = _LINK.pack(0, 0, link.index, flags & _SETTABLE, _SETTABLE)
    perform(route, Request(RTM_NEWLINK, 0, body, "set link", link.name))


def add_names(route: RouteSocket, link: Link | Found, names: Iterable[str]) -> None:
    """Give a device alternative names (`ip link property add`); raises KernelError (EEXIST: one is taken)."""
    listed = nested(IFLA_PROP_LIST, *(text(IFLA_ALT_IFNAME, name) for name in names))
    body = _LINK.pack(0, 0, link.index, 0, 0) + listed
    flags = NLM_F_CREATE | NLM_F_EXCL | _NLM_F_APPEND
    perform(route, Request(RTM_NEWLINKPROP, flags, body, "name link", link.name))


def set_bridge(route: RouteSocket, link: Link | Found, settings: Mapping[str, int]) -> None:
    """Settings of a bridge, by their names in BRIDGE_SETTINGS; raises KernelError."""
    chosen = [(BRIDGE_SETTINGS[name], value) for name, value in settings.items() if name in BRIDGE_SETTINGS]
    data = nested(IFLA_INFO_DATA, *(attribute(kind, value.to_bytes(_SIZES[kind], "little")) for kind, value in chosen))
    body = _LINK.pack(0, 0, link.index, 0, 0) + nested(IFLA_LINKINFO, text(IFLA_INFO_KIND, "bridge"), data)
    perform(route, Request(RTM_NEWLINK, 0, body, "set link", link.name))
