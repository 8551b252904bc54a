"""Other network namespaces by the ids that this one has for them (ip-netns(8), list-id): a look inside without name or
descriptor, for who may administer them."""

import errno
import struct
from typing import Final

from netmend.kernel.errors import KernelError
from netmend.kernel.links import RTM_GETLINK, RTM_GETNSID, Link, decode_link
from netmend.kernel.netlink import RouteSocket, attribute, parse_attributes, text

_NETNSA_NSID: Final = 1  # linux/net_namespace.h
_IFLA_IFNAME: Final = 3  # linux/if_link.h
_IFLA_TARGET_NETNSID: Final = 46
_NO_SUCH = {errno.ENODEV, errno.EINVAL, errno.EACCES, errno.EPERM}  # no such device or id, or not for us to see


def namespace_ids(route: RouteSocket) -> list[int]:
    """Every id that the RouteSocket's namespace has for another; raises KernelError."""
    found = []
    for data in route.dump(RTM_GETNSID, bytes(4), "list namespace ids", "of the namespace"):  # struct rtgenmsg, padded
        raw = parse_attributes(data, 4).get(_NETNSA_NSID)
        if raw:
            found.append(int(struct.unpack("=i", raw)[0]))
    return [netnsid for netnsid in found if netnsid >= 0]


def find_link_there(route: RouteSocket, netnsid: int, name: str) -> Link | None:
    """The link called `name` in the namespace of that id; None when there is none that we may see. Raises
    KernelError."""
    return _find_there(route, bytes(16), netnsid, text(_IFLA_IFNAME, name), name)


def find_index_there(route: RouteSocket, netnsid: int, index: int) -> Link | None:
    """As `find_link_there`, by its index."""
    return _find_there(route, struct.pack("=4xi8x", index), netnsid, b"", f"index {index}")  # struct ifinfomsg


def _find_there(route: RouteSocket, header: bytes, netnsid: int, more: bytes, called: str) -> Link | None:
    body = header + attribute(_IFLA_TARGET_NETNSID, struct.pack("=i", netnsid)) + more
    try:
        return decode_link(route.get(RTM_GETLINK, body, "find link", called))
    except KernelError as error:
        if error.code in _NO_SUCH:
            return None
        raise
