"""The network namespaces of a live host: found by process, descriptor and mount, entered, and their links listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from netmend.doctor.observation import Holder, NetworkNamespace, SeenLink, Unread
from netmend.doctor.places import HostView
from netmend.doctor.sentences import count
from netmend.kernel import links, listing, netns, procfs
from netmend.kernel.errors import KernelError
from netmend.kernel.links import Link
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns

_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Held:
    """What a walk over the processes found."""

    residents: Mapping[int, Sequence[int]]  # inode of a network namespace → processes in it
    openers: Sequence[procfs.HeldNamespace]
    taps: Mapping[str, int]
    programs: Mapping[int, str]
    where: Mapping[int, str]  # process → label of its mount namespace


def look_at_networks(
    view: HostView, held: Held, host: int | None, user: int | None, *, everything: bool, unread: list[Unread]
) -> tuple[NetworkNamespace, ...]:
    """Every network namespace that can be found. `everything`: all processes could be looked at."""
    openers: dict[int, list[procfs.HeldNamespace]] = {}
    for one in held.openers:
        openers.setdefault(one.inode, []).append(one)
    inodes = list(dict.fromkeys([*held.residents, *view.pinned, *openers]))
    inodes.sort(key=lambda inode: inode != host)
    found = []
    host_route: RouteSocket | None = None
    host_peers: dict[int, int] = {}
    refused = 0
    with Netns.current() as own:
        here = own.inode
    try:
        for inode in inodes:
            network = _describe(inode, held, openers.get(inode, []))
            try:
                with _open(view, network) as namespace:
                    if namespace.inode != inode:
                        continue  # the number was given to another namespace meanwhile
                    owner = netns.owning_user_namespace(namespace.fileno())
                    network = replace(network, foreign_user_namespace=owner != user)
                    with nullcontext() if inode == here else namespace.entered():  # entering one's own needs root too
                        route = RouteSocket()
                    if inode == host:
                        host_route = route
                    try:
                        taps = held.taps if everything else None
                        dumped = links.dump_links(route)
                        network = replace(network, links=tuple(_seen(link, taps) for link in dumped))
                    finally:
                        if route is not host_route:
                            route.close()
                    if host_route is not None and inode != host:
                        netnsid = links.namespace_id(host_route, namespace)
                        if netnsid is not None:
                            host_peers[netnsid] = inode
            except KernelError as error:
                if error.code in (1, 13):
                    refused += 1
                elif error.code not in (2, 3, 22):
                    unread.append(Unread(f"network namespace net:[{inode}]", str(error)))
            found.append(network)
    finally:
        if host_route is not None:
            host_route.close()
    if refused:
        unread.append(
            Unread(f"links of {count(refused, 'network namespace')}", "entering one needs CAP_SYS_ADMIN; run as root")
        )
    return tuple(replace(n, peers=host_peers) if n.inode == host else n for n in found)


def _describe(inode: int, held: Held, openers: Sequence[procfs.HeldNamespace]) -> NetworkNamespace:
    residents = held.residents.get(inode, ())
    return NetworkNamespace(
        inode,
        tuple(Holder(pid, held.programs.get(pid, ""), held.where.get(pid, "")) for pid in residents[:_SHOWN]),
        len(residents),
        tuple(
            Holder(one.pid, held.programs.get(one.pid, ""), held.where.get(one.pid, ""), one.descriptor)
            for one in openers[:_SHOWN]
        ),
    )


def _open(view: HostView, network: NetworkNamespace) -> Netns:
    """The namespace by whichever way leads to it. Raises KernelError of the last way tried."""
    ways = [f"/proc/{holder.pid}/ns/net" for holder in network.residents]
    ways += [f"/proc/{holder.pid}/fd/{holder.descriptor}" for holder in network.openers]
    ways += [
        listing.through(namespace.pid, mount.mount_point)
        for namespace, mount, visible in view.pinned.get(network.inode, [])[:_SHOWN]
        if visible and namespace.pid is not None
    ]
    problem = KernelError("enter", f"net:[{network.inode}]", 2)
    for way in ways:
        try:
            return Netns.open(way)
        except KernelError as error:
            problem = error
    raise problem


def _seen(link: Link, taps: Mapping[str, int] | None) -> SeenLink:
    return SeenLink(
        link.index,
        link.name,
        link.kind,
        link.up,
        link.carrier,
        link.master,
        link.group,
        link.alias,
        link.peer_index,
        link.peer_netnsid,
        taps.get(link.name, 0) if taps is not None and link.kind == "tun" else None,
    )
