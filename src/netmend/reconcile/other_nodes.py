"""Namespaces of other nodes: of networks that a node in another network namespace has made devices for.

Two nodes that share a directory of names do not run at once (`netmend.node.names_lock`). But one that was ended leaves
what it made where its network namespace lives on, as in a container that is only stopped from running it: nothing of
that may be taken away, or given another name, from elsewhere.
"""

from collections.abc import Iterable
from contextlib import suppress

from netmend.intent.names import DEVICE_GROUPS, Mark
from netmend.kernel import links, procfs
from netmend.kernel.errors import KernelError
from netmend.kernel.links import Link
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.netnsids import find_index_there


def is_another_nodes(namespace: Netns, inner: Iterable[Link]) -> bool:
    """Whether devices of netmend's lead into the namespace from another network namespace than the calling thread's,
    and none from there. `inner` are the links in it. Raises KernelError."""
    elsewhere = _from_elsewhere(inner)
    if not elsewhere:
        return False
    with Netns.current() as home, namespace.entered(), RouteSocket() as route:
        here = links.namespace_id(route, home)
        if any(link.peer_netnsid == here for link in elsewhere):
            return False
        return any(_has_marked_peer(route, link) for link in elsewhere)


def leads_to_another_nodes(path: str) -> bool:
    """Whether the name at `path` leads to such a namespace."""
    with suppress(KernelError), Netns.open(path) as namespace:
        with namespace.entered(), RouteSocket() as route:
            inner = links.dump_links(route)
        return is_another_nodes(namespace, inner)
    return False


def whose_namespace(path: str) -> str:
    """Where the node is that has its devices in the namespace at `path`, for people."""
    with suppress(KernelError), Netns.open(path) as namespace, namespace.entered(), RouteSocket() as route:
        netnsids = {link.peer_netnsid for link in _from_elsewhere(links.dump_links(route))}
        seen: set[int] = set()
        for pid in procfs.pids():
            with suppress(KernelError, PermissionError):
                inode = procfs.namespace_inode(pid, "net")
                if inode is None or inode in seen:
                    continue
                seen.add(inode)
                with Netns.of_process(pid) as other:
                    if links.namespace_id(route, other) in netnsids:
                        return f"in network namespace {inode}, which process {pid} is in ({procfs.program(pid)})"
    return "in a network namespace that no process in sight is in, such as that of another container"


def _from_elsewhere(inner: Iterable[Link]) -> list[Link]:
    return [link for link in inner if link.kind == "veth" and link.peer_netnsid is not None]


def _has_marked_peer(route: RouteSocket, link: Link) -> bool:
    peer = find_index_there(route, link.peer_netnsid or 0, link.peer_index)
    if peer is None:  # one that may not be seen: in doubt, it is left alone
        return True
    return peer.group in DEVICE_GROUPS or Mark.parse(peer.alias) is not None
