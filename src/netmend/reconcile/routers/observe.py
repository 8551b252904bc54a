"""Observes one router: its namespace and what is in it, its uplink on the host."""

from collections.abc import Mapping

from msgspec import Struct, field

from netmend.intent.names import Mark, uplink_host_name
from netmend.intent.router import DeviceUplink, Router
from netmend.kernel import links
from netmend.kernel.addresses import Interface, dump_addresses
from netmend.kernel.links import Link
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.nft.socket import NftSocket
from netmend.kernel.nft.tables import TableSeen, read_changed
from netmend.kernel.routes import dump_set_routes
from netmend.reconcile.diversions import NONE as NO_DIVERSIONS
from netmend.reconcile.diversions import Diversions, look_for_diversions
from netmend.reconcile.routers.steps import RouteSeen
from netmend.routing.rules import TABLE


def mark_of(router_id: str) -> Mark:
    """The mark on a router's namespace."""
    return Mark("router-namespace", router_id)


class UplinkSeen(Struct, frozen=True):
    """What the host has of a router's uplink."""

    parent: Link | None = None  # the device that intent names
    host_end: Link | None = None  # `uplink_host_name`
    addresses: frozenset[Interface] = frozenset()  # of `host_end`


class InsideSeen(Struct, frozen=True):
    """What is in a router's namespace."""

    links: Mapping[str, Link] = field(default_factory=dict)  # by name
    addresses: Mapping[int, set[Interface]] = field(default_factory=dict)  # by index of the link
    routes: frozenset[RouteSeen] = frozenset()
    diversions: Diversions = NO_DIVERSIONS


def look_inside(namespace: Netns) -> InsideSeen:
    """What is in the namespace of a router; raises KernelError."""
    with namespace.entered(), RouteSocket() as route:
        found = {link.name: link for link in links.dump_links(route)}
        routes = frozenset(RouteSeen(*each, index) for index, set_ in dump_set_routes(route).items() for each in set_)
        return InsideSeen(found, dump_addresses(route), routes, look_for_diversions(route, proxies=True))


def look_at_rules(namespace: Netns, known: TableSeen | None) -> TableSeen:
    """The rules in the namespace of a router; `known` where nobody changed any since. Raises KernelError."""
    with namespace.entered():
        nft = NftSocket(TABLE.family)
    try:
        return read_changed(nft, TABLE, known)
    finally:
        nft.close()


def look_at_uplink(route: RouteSocket, router: Router, own: Mapping[str, Link]) -> UplinkSeen:
    """What the host has of the router's uplink; `own` are netmend's links on the host. Raises KernelError."""
    uplink, name = router.uplink, uplink_host_name(router.id)
    parent = links.find_link(route, uplink.device) if isinstance(uplink, DeviceUplink) else None
    host_end = links.find_link(route, name) if uplink is not None or name in own else None
    if host_end is None:
        return UplinkSeen(parent)
    index = host_end.index
    addresses = dump_addresses(route, lambda data: int.from_bytes(data[4:8], "little") == index)
    return UplinkSeen(parent, host_end, frozenset(addresses.get(index, ())))
