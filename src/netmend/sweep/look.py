"""Gathers evidence: one look at the links of the calling thread's network namespace, and at what holds them."""

from collections.abc import Iterable, Set

from netmend.kernel import link_details, links, ovsdb, procfs, routes
from netmend.kernel.errors import KernelError
from netmend.kernel.in_sight import InSight, look_around
from netmend.kernel.link_details import LinkDetails
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.ovsdb import InterfaceRow
from netmend.sweep.scene import Scene


def look_at_links(route: RouteSocket) -> dict[int, LinkDetails]:
    """Every link but the loopback, by index; raises KernelError."""
    return {link.index: link for link in link_details.dump_details(route) if link.index != links.LOOPBACK.index}


def take_scene(route: RouteSocket, seen: InSight, *, assume_all_seen: bool) -> Scene:
    """Gather what the verdict on foreign devices needs. Raises KernelError.

    Links are listed after who uses them: a device that comes to be used between the looks is seen with its carrier on.
    """
    listeners = procfs.packet_sockets()
    rows = _rows()
    pids = switch_pids() if rows else set()
    heard: set[int] = set().union(*map(procfs.sockets_of, pids))
    addressed = link_details.given_addresses(route).keys()
    found = look_at_links(route)
    routed = routes.indexes_with_routes(route) if any(link.up and link.tun for link in found.values()) else set()
    wanted = {link.lower_netnsid for link in found.values() if link.lower_netnsid is not None}
    alive = _alive(route, seen, wanted) if wanted else set()
    return Scene(
        links=found,
        open_taps=seen.taps,
        listened=listeners.keys(),
        listened_by_switch={index for index, sockets in listeners.items() if sockets <= heard},
        switch_pids=pids,
        addressed=addressed,
        routed=routed,
        netnsids_alive=alive,
        rows=rows,
        all_seen=not seen.unseen,
        assume_all_seen=assume_all_seen,
    )


def _alive(route: RouteSocket, seen: InSight, wanted: Iterable[int]) -> set[int]:
    """Those of the ids whose namespaces are held by a process or mount in sight.

    If a held namespace cannot be reached for its id, all of them count as alive.
    """
    found: set[int] = set()
    for inode in seen.networks:
        namespace = seen.reach(inode)
        if namespace is None:
            if not seen.networks[inode]:
                return set(wanted)
            continue
        with namespace:
            netnsid = links.namespace_id(route, namespace)
        if netnsid is not None:
            found.add(netnsid)
    return found


def switch_pids() -> set[int]:
    """Processes of ovs-vswitchd that can be seen."""
    return {pid for pid in procfs.pids() if procfs.program(pid) == "ovs-vswitchd"}


def names_elsewhere(seen: InSight) -> set[str] | None:
    """Names of the devices in all other network namespaces in sight; None when one cannot be looked into. Raises
    KernelError."""
    with Netns.current() as here:
        found, closed = _names_in(seen, seen.networks.keys() - {here.inode})
    if closed:  # most often a namespace that has ended since, with the process that held it
        again = look_around()
        more, closed = _names_in(again, closed & again.networks.keys())
        found |= more
    return None if closed else found


def _names_in(seen: InSight, inodes: Set[int]) -> tuple[set[str], set[int]]:
    """Names of the devices in these namespaces, and which of them cannot be looked into."""
    found: set[str] = set()
    closed: set[int] = set()
    for inode in inodes:
        namespace = seen.reach(inode)
        if namespace is None:
            closed.add(inode)
            continue
        try:
            with namespace, namespace.entered(), RouteSocket() as inside:
                for link in link_details.dump_details(inside):
                    found.update((link.name, *link.alternative_names))
        except KernelError:
            closed.add(inode)
    return found, closed


def _rows() -> dict[str, InterfaceRow] | None:
    path = ovsdb.present()
    if path is None:
        return {}
    try:
        return ovsdb.interfaces(path)
    except KernelError:
        return None
