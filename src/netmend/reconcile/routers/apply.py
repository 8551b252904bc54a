"""Performs a router's steps, and undoes them."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

from netmend.ground.nftables import Element
from netmend.intent.names import DEVICE_GROUP, Mark, router_namespace_name, uplink_host_name, uplink_name
from netmend.kernel import addresses, links, netns, routes
from netmend.kernel.announce import announce
from netmend.kernel.conntrack import Connection, forget_connections
from netmend.kernel.errors import KernelError
from netmend.kernel.links import Found, Link, VethEnd
from netmend.kernel.message_filter import PROTOCOL
from netmend.kernel.netlink import Batch, RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.nft.socket import NftSocket
from netmend.kernel.nft.tables import change_elements, remake
from netmend.kernel.sysctl import SysctlDirectory
from netmend.reconcile.diversions import remove_diversions
from netmend.reconcile.observe import is_ours
from netmend.reconcile.open_namespaces import OpenNamespaces
from netmend.reconcile.other_nodes import leads_to_another_nodes
from netmend.reconcile.routers.observe import mark_of
from netmend.reconcile.routers.settings import HOST_END, router_settings
from netmend.reconcile.routers.steps import (
    DeleteRouterLink,
    MakeRouter,
    MakeUplink,
    MendRouterLink,
    MendUplinkHostEnd,
    PinRouter,
    RemoveRouter,
    RemoveRouterDiversions,
    RouterStep,
    RouteSeen,
    SetRouterRoutes,
    SetRouterRules,
)
from netmend.reconcile.settings import set_ipv6_defaults, set_settings, settings_among
from netmend.reconcile.undo import perform_or_undo
from netmend.routing.rules import TABLE
from netmend.routing.wanted import RouteWanted
from netmend.wiring.settings import ON_HOST


class RouterExecutor:
    """Performs the steps of one router, in the network namespace of the thread that made its RouteSocket."""

    def __init__(
        self,
        route: RouteSocket,
        directory: str,
        opened: OpenNamespaces,
        host_ipv6: SysctlDirectory,
        prepare_directory: Callable[[], None],
    ) -> None:
        """`opened` are the namespaces of routers; `prepare_directory` is called before a name is made."""
        self._route, self._directory, self._opened = route, directory, opened
        self._host_ipv6, self._prepare_directory = host_ipv6, prepare_directory

    def perform(self, steps: Sequence[RouterStep]) -> None:
        """Perform the steps in order; raises StepFailed once what was done is undone in reverse."""
        perform_or_undo(steps, self._perform, self._undo)

    def _perform(self, step: RouterStep) -> None:
        match step:
            case MakeRouter(router_id):
                self._make(router_id)
            case PinRouter(router_id):
                self._pin(router_id)
            case RemoveRouter(router_id):
                if not leads_to_another_nodes(self._path(router_id)):
                    netns.unpin(self._path(router_id), str(mark_of(router_id)))
                self._opened.release(router_id)
            case SetRouterRules():
                self._set_rules(step)
            case MakeUplink():
                self._make_uplink(step)
            case DeleteRouterLink(router_id, link, _, True):
                links.delete_link(self._route, link)
            case DeleteRouterLink(router_id, link, _, False):
                with self._opened[router_id].entered(), RouteSocket() as inside:
                    links.delete_link(inside, link)
            case MendRouterLink():
                self._mend(step)
            case MendUplinkHostEnd():
                self._mend_host_end(step)
            case SetRouterRoutes(router_id, add, remove):
                self._set_routes(router_id, add, remove)
            case RemoveRouterDiversions(router_id, found):
                with self._opened[router_id].entered(), RouteSocket() as inside:
                    remove_diversions(inside, found)

    def _undo(self, step: RouterStep) -> None:
        match step:
            case MakeRouter(router_id):
                netns.unpin(self._path(router_id), str(mark_of(router_id)))
                self._opened.release(router_id)
            case MakeUplink(router_id):
                self._unmake_uplink(router_id)
            case MendRouterLink():
                self._restore(step)
            case MendUplinkHostEnd(_, was, _, _, differs):
                links.set_link(
                    self._route,
                    was,
                    up=was.up if "up" in differs else None,
                    mtu=was.mtu if "mtu" in differs else None,
                    master=was.master if "master" in differs else None,
                )
            case _:
                return  # what is deleted is not wanted back, and rules let through no more without what they are for

    def _path(self, router_id: str) -> str:
        return f"{self._directory}/{router_namespace_name(router_id)}"

    def _make(self, router_id: str) -> None:
        with Netns.create(router_namespace_name(router_id)) as made:
            self._opened.hold(router_id, made)
            # Marked before it gets a name: a namespace that can be found is known to be netmend's.
            with RouteSocket() as inside:
                links.set_link(inside, links.LOOPBACK, up=True, alias=str(mark_of(router_id)))
            set_ipv6_defaults()
            with SysctlDirectory("ipv4") as defaults, suppress(KernelError):
                defaults.write("ip_forward", 0)  # until the rules are there; each device is told then
        self._pin(router_id)

    def _pin(self, router_id: str) -> None:
        self._prepare_directory()
        netns.pin(self._opened[router_id], self._path(router_id), str(mark_of(router_id)))

    def _set_rules(self, step: SetRouterRules) -> None:
        with self._opened[step.router_id].entered():
            nft = NftSocket(TABLE.family)
            try:
                if step.remade or _keys(step.add) & _keys(step.remove):
                    remake(nft, TABLE, step.wanted)
                else:
                    change_elements(nft, TABLE, step.add, step.remove)
            finally:
                nft.close()
            if step.remove:
                forget_connections(_translated_by(step.remove))

    def _make_uplink(self, step: MakeUplink) -> None:
        namespace = self._opened[step.router_id]
        if step.kind == "macvlan":
            assert step.parent is not None
            name = uplink_name(step.router_id)
            links.create_macvlan(self._route, name, step.parent, namespace, mac=step.link.mac, mtu=step.mtu)
            return
        near_end = VethEnd(uplink_host_name(step.router_id), step.mtu, DEVICE_GROUP)
        far_end = VethEnd(uplink_name(step.router_id), step.mtu, 0, step.link.mac)
        master = step.parent.index if step.parent is not None else 0
        near = links.create_veth(self._route, near_end, far_end, namespace, master, up=False)
        set_settings(self._route, self._host_ipv6, near, ON_HOST if step.parent is not None else HOST_END)
        if step.parent is None and step.transit is not None:
            addresses.add_address(self._route, near, step.transit.host)
        # Last, so that a veth without an alias is known to be half-made; its group says that netmend made it.
        links.set_link(self._route, near, alias=str(Mark("uplink", step.router_id)), up=True)

    def _unmake_uplink(self, router_id: str) -> None:
        found = links.find_link(self._route, uplink_host_name(router_id))
        if found is not None and is_ours(found):
            links.delete_link(self._route, found)
        elif router_id in self._opened:
            with self._opened[router_id].entered(), RouteSocket() as inside:
                own = links.find_link(inside, uplink_name(router_id))
                if own is not None:
                    links.delete_link(inside, own)

    def _mend(self, step: MendRouterLink) -> None:
        link = step.link
        with self._opened[step.router_id].entered(), RouteSocket() as inside:
            found = step.was or _find(inside, link.name)
            batch = Batch(inside)
            for address in step.remove:
                addresses.remove_address(batch, found, address)
            batch.send()
            wanted = router_settings(ipv6=step.ipv6, sysctls=True)
            self._set_settings(inside, found, step.differs, wanted)
            mtu = step.mtu if "mtu" in step.differs else None
            mac = link.mac if "mac" in step.differs else None
            links.set_link(batch, found, up="up" in step.differs or None, mtu=mtu, mac=mac)
            for address in step.add:
                addresses.add_address(batch, found, address)
            batch.send()
            if link.role == "uplink":
                added = [address.ip for address in step.add if isinstance(address.ip, IPv4Address)]
                if added:
                    announce(link.name, link.mac, added)

    def _set_settings(self, inside: RouteSocket, found: Link, differs: Iterable[str], wanted: dict[str, int]) -> None:
        chosen = settings_among(differs, wanted)
        if not chosen:
            return
        with SysctlDirectory("ipv6/conf") as sysctls:
            forwarding = chosen.pop("ipv6.forwarding", None)
            if forwarding is not None:
                sysctls.write("all/forwarding", forwarding)  # of every device: a single one's does not forward
            set_settings(inside, sysctls, found, chosen)

    def _restore(self, step: MendRouterLink) -> None:
        was = step.was
        with self._opened[step.router_id].entered(), RouteSocket() as inside:
            found = was or links.find_link(inside, step.link.name)
            if found is None:
                return
            batch = Batch(inside)
            for address in step.add:
                addresses.remove_address(batch, found, address)
            for address in step.remove:
                addresses.add_address(batch, found, address)
            if was is not None and step.differs:
                mtu = was.mtu if "mtu" in step.differs else None
                mac = was.mac if "mac" in step.differs else None
                links.set_link(batch, was, up=was.up if "up" in step.differs else None, mtu=mtu, mac=mac)
            batch.send()

    def _mend_host_end(self, step: MendUplinkHostEnd) -> None:
        was, differs = step.was, step.differs
        set_settings(
            self._route, self._host_ipv6, was, settings_among(differs, HOST_END if not step.master else ON_HOST)
        )
        batch = Batch(self._route)
        for address in step.remove:
            addresses.remove_address(batch, was, address)
        links.set_link(
            batch,
            was,
            up="up" in differs or None,
            mtu=step.mtu if "mtu" in differs else None,
            master=step.master if "master" in differs else None,
        )
        for address in step.add:
            addresses.add_address(batch, was, address)
        batch.send()

    def _set_routes(self, router_id: str, add: Iterable[RouteWanted], remove: Iterable[RouteSeen]) -> None:
        with self._opened[router_id].entered(), RouteSocket() as inside:
            for seen in remove:
                routes.remove_route(inside, Found(seen.index, f"link {seen.index}"), seen.destination, seen.gateway)
            found: dict[str, Link] = {}
            for route in add:
                if route.device not in found:
                    found[route.device] = _find(inside, route.device)
                routes.add_route(inside, found[route.device], route.destination, route.gateway, protocol=PROTOCOL)


def _find(route: RouteSocket, name: str) -> Link:
    found = links.find_link(route, name)
    if found is None:
        raise KernelError("find link", name, 19)
    return found


def _keys(elements: Iterable[Element]) -> set[tuple[str, bytes]]:
    return {(element.set, element.key) for element in elements}


def _translated_by(gone: Iterable[Element]) -> Callable[[Connection], bool]:
    """Whether a connection is translated by entries of the rules that are gone."""
    to: set[IPv4Address] = set()  # floating IPs
    answered_to: set[IPv4Address] = set()
    ports: set[tuple[int, IPv4Address | IPv6Address, int]] = set()
    for element in gone:
        match element.set:
            case "floating-to":
                to.add(IPv4Address(element.key))
            case "floating-from" | "sources":
                answered_to.add(IPv4Address(element.data))
            case "forwards":
                ports.add((element.key[0], IPv4Address(element.key[4:8]), int.from_bytes(element.key[8:10])))

    def doomed(connection: Connection) -> bool:
        return (
            connection.destination in to
            or connection.answered_to in answered_to
            or (connection.protocol, connection.destination, connection.numbers[1]) in ports
        )

    return doomed
