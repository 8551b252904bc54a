"""What passed a link since it was made (rtnetlink(7), struct rtnl_link_stats64 of linux/if_link.h)."""

import errno
import struct
from dataclasses import dataclass
from typing import Final

from netmend.kernel.errors import KernelError
from netmend.kernel.links import IFLA_IFNAME, RTM_GETLINK
from netmend.kernel.netlink import RouteSocket, parse_attributes, text

_IFLA_STATS64: Final = 23  # linux/if_link.h
_HEAD: Final = struct.Struct("=BxHiII")  # struct ifinfomsg
_COUNTS: Final = struct.Struct("=8Q")


@dataclass(frozen=True, slots=True)
class Traffic:
    """Counts, as the host's end of a link has them: what a guest sent is received there."""

    received_packets: int
    sent_packets: int
    received_bytes: int
    sent_bytes: int
    received_errors: int
    sent_errors: int
    received_dropped: int
    sent_dropped: int


def link_traffic(route: RouteSocket, name: str) -> Traffic | None:
    """The counts of the link called `name`, None where there is none; raises KernelError."""
    body = _HEAD.pack(0, 0, 0, 0, 0) + text(IFLA_IFNAME, name)
    try:
        data = route.get(RTM_GETLINK, body, "find link", name)
    except KernelError as error:
        if error.code == errno.ENODEV:
            return None
        raise
    found = parse_attributes(data[_HEAD.size :]).get(_IFLA_STATS64)
    return Traffic(*_COUNTS.unpack_from(found)) if found is not None else None
