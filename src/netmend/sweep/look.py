"""Gathers evidence: one look at the links of the calling thread's network namespace and at who holds what."""

from collections.abc import Iterable

from netmend.kernel import link_details, links, ovsdb, procfs, routes
from netmend.kernel.errors import KernelError
from netmend.kernel.in_sight import InSight
from netmend.kernel.link_details import LinkDetails
from netmend.kernel.netlink import RouteSocket
from netmend.sweep.scene import Scene


def look_at_links(route: RouteSocket) -> dict[int, LinkDetails]:
    """Every link but the loopback, by index; raises KernelError."""
    return {link.index: link for link in link_details.dump_details(route) if link.index != links.LOOPBACK.index}


def take_scene(route: RouteSocket, seen: InSight, *, assume_all_seen: bool) -> Scene:
    """What is needed to judge foreign devices. Raises KernelError.

    Links are listed after who uses them: a device that comes to be used between the looks is seen with its carrier on.
    """
    listened = procfs.packet_socket_indexes()
    ports = _ovs_ports()
    addressed = link_details.given_addresses(route).keys()
    found = look_at_links(route)
    routed = routes.indexes_with_routes(route) if any(link.up and link.tun for link in found.values()) else set()
    wanted = {link.lower_netnsid for link in found.values() if link.lower_netnsid is not None}
    alive = _alive(route, seen, wanted) if wanted else set()
    return Scene(
        links=found,
        open_taps=seen.taps,
        listened=listened,
        addressed=addressed,
        routed=routed,
        netnsids_alive=alive,
        ovs_ports=ports,
        all_seen=not seen.unseen,
        assume_all_seen=assume_all_seen,
    )


def _alive(route: RouteSocket, seen: InSight, wanted: Iterable[int]) -> set[int]:
    """Of these ids of namespaces, those of namespaces that somebody in sight holds on to.

    Where one is known to be held and cannot be reached for its id, all count as alive.
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


def _ovs_ports() -> set[str] | None:
    path = ovsdb.present()
    if path is None:
        return set()
    try:
        return ovsdb.interface_names(path)
    except KernelError:
        return None
