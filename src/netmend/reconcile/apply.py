"""Performs steps, and undoes them; nothing else does.

Each step is idempotent and small. When one fails, it and the steps before it in its unit are undone in reverse. An undo
removes only what the step made, which netmend's mark tells: to undo twice, or to undo half a step, is safe. Should an
undo fail too, nothing is lost but time: the next pass finds the rest by its mark and removes it.
"""

import errno
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

from netmend.intent.names import DEVICE_GROUP, Mark, namespace_name
from netmend.kernel import addresses, links, netns, offload, routes
from netmend.kernel.device_settings import differing_settings
from netmend.kernel.errors import KernelError
from netmend.kernel.forwarding import set_forwarding
from netmend.kernel.links import Found, Link, VethEnd
from netmend.kernel.netlink import Batch, RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.sysctl import SysctlDirectory
from netmend.kernel.tap import Tap
from netmend.reconcile.diversions import remove_diversions
from netmend.reconcile.move import add_routes, move_in, move_out
from netmend.reconcile.observe import is_ours, open_place
from netmend.reconcile.open_namespaces import OpenNamespaces
from netmend.reconcile.other_mount_namespaces import OtherMountNamespaces
from netmend.reconcile.other_nodes import leads_to_another_nodes
from netmend.reconcile.settings import set_ipv6_defaults, set_settings, settings_among
from netmend.reconcile.steps import (
    AddPort,
    DeleteDevice,
    DeleteInner,
    DeletePort,
    MakeDevice,
    MakeNamespace,
    MendDevice,
    MendInner,
    MendLoopback,
    MendPort,
    MoveDevice,
    PinNamespace,
    RemoveDiversions,
    RemoveFormerNamespace,
    RemoveNamespace,
    SetGroupRules,
    SetRoutes,
    SetRules,
    Step,
    Unit,
)
from netmend.reconcile.switch import Switch
from netmend.reconcile.undo import perform_or_undo
from netmend.wiring import Device, Home
from netmend.wiring.settings import OWN_PORT, host_settings

_NEW_OWN_PORT = {"ipv4.forwarding": OWN_PORT["ipv4.forwarding"]}


class Executor:
    """Performs units of steps in the network namespace of the thread that made its RouteSocket."""

    def __init__(
        self,
        route: RouteSocket,
        *,
        found: Mapping[str, Link],
        directory: str,
        open_namespaces: OpenNamespaces,
        other_mount_namespaces: OtherMountNamespaces,
        switch: Switch,
        removed_ports: Collection[str] = (),
        host_ipv6: SysctlDirectory,
        prepare_directory: Callable[[], None],
    ) -> None:
        """`found` are the host's links as the plan saw them, `removed_ports` the rows of ports that are gone from the
        switch already, `host_ipv6` is the host's `ipv6/conf`. `prepare_directory` is called before a name is made."""
        self._other_mount_namespaces = other_mount_namespaces
        self._switch = switch
        self._removed_ports = removed_ports
        self._host_ipv6 = host_ipv6
        self._route = route
        self._found = found
        self._made: dict[str, Link] = {}
        self._directory = directory
        self._open_namespaces = open_namespaces
        self._prepare_directory = prepare_directory
        self._inside: RouteSocket | None = None  # in the namespace of the network, once that was made here

    def perform(self, unit: Unit, failed_pin: Callable[[KernelError], None]) -> None:
        """Perform the steps of `unit` in order; raises StepFailed once what was done is undone.

        A name that cannot be pinned undoes nothing: the namespace stays open, and `failed_pin` is called.
        """

        def spare(step: Step, error: KernelError) -> bool:
            if not isinstance(step, PinNamespace):
                return False
            failed_pin(error)
            return True

        try:
            perform_or_undo(unit.steps, self._perform, self._undo, spare)
        finally:
            if self._inside is not None:
                self._inside.close()
                self._inside = None

    def _perform(self, step: Step) -> None:
        match step:
            case MakeNamespace(network_id):
                self._make_namespace(network_id)
            case PinNamespace(network_id):
                self._prepare_directory()
                self._refuse_living_name(network_id)
                netns.pin(self._open_namespaces[network_id], self._path(network_id), str(Mark("namespace", network_id)))
            case RemoveNamespace(network_id, adopted):
                if not leads_to_another_nodes(self._path(network_id)):
                    netns.unpin(self._path(network_id), None if adopted else str(Mark("namespace", network_id)))
                self._open_namespaces.release(network_id)
            case RemoveFormerNamespace(network_id, name, adopted):
                netns.unpin(f"{self._directory}/{name}", None if adopted else str(Mark("namespace", network_id)))
            case MakeDevice(network_id, device):
                self._make_device(network_id, device)
            case MendDevice():
                self._mend(step)
            case MendInner():
                self._mend_inner(step)
            case SetRoutes(network_id, was, add, remove):
                self._set_routes(network_id, was, add, remove)
            case RemoveDiversions(network_id, found):
                with self._open_namespaces[network_id].entered(), RouteSocket() as inside:
                    remove_diversions(inside, found)
            case MendLoopback(network_id, was):
                with self._open_namespaces[network_id].entered(), RouteSocket() as inside:
                    links.set_link(inside, was, up=True)
            case DeleteDevice(_, link, _):
                links.delete_link(self._route, link)
            case DeleteInner(network_id, link, _):
                with self._open_namespaces[network_id].entered(), RouteSocket() as inside:
                    links.delete_link(inside, link)
            case AddPort(_, device, tag):
                self._switch.add([(device, tag)])
            case MendPort(_, device, _, differs, tag):
                self._switch.mend(device, differs, tag)
            case DeletePort(_, port, _, settle):
                if port.uuid not in self._removed_ports:
                    self._switch.remove([port], settle=settle)
            case SetRules() | SetGroupRules():
                pass  # in force since before the first step (netmend.reconcile.firewall)
            case MoveDevice(network_id, device):
                with self._namespace(network_id) as place:
                    self._set_defaults_again(place)
                    move_in(self._route, device, place, _NEW_OWN_PORT)

    def _undo(self, step: Step) -> None:
        match step:
            case MakeNamespace(network_id):
                self._open_namespaces.release(network_id)
            case PinNamespace(network_id):
                if network_id in self._open_namespaces:
                    self._unpin_own(network_id)
            case MakeDevice(_, device):
                found = links.find_link(self._route, device.name)
                if found and is_ours(found):
                    links.delete_link(self._route, found)
            case MendDevice(_, device, was, differs, _):
                self._restore(device, was, differs)
            case MendInner():
                self._restore_inner(step)
            case SetRoutes(network_id, was, add, remove):
                if was is not routes.NOWHERE:  # nobody misses a dead end
                    self._set_routes(network_id, was, remove, add)
            case AddPort(_, device, _):
                self._switch.take_back(device.name)
            case MendPort(_, _, port, differs, _):
                self._switch.restore(port, differs)
            case MoveDevice(network_id, device):
                if network_id in self._open_namespaces:
                    with self._namespace(network_id) as place:
                        move_out(device, place)
            case RemoveNamespace() | RemoveFormerNamespace() | DeleteDevice() | DeleteInner() | DeletePort():
                pass  # what is deleted is not wanted back
            case MendLoopback() | SetRules() | SetGroupRules():
                pass

    def _namespace(self, network_id: str) -> Netns:
        """The namespace of the network by another descriptor, which the caller closes."""
        return self._open_namespaces[network_id].duplicate()

    def _path(self, network_id: str) -> str:
        return f"{self._directory}/{namespace_name(network_id)}"

    def _make_namespace(self, network_id: str) -> None:
        with Netns.create(namespace_name(network_id)) as made:
            self._open_namespaces.hold(network_id, made)
            # Marked before it gets a name: a namespace that can be found is known to be netmend's.
            self._inside = RouteSocket()
            links.set_link(self._inside, links.LOOPBACK, up=True, alias=str(Mark("namespace", network_id)))
            set_ipv6_defaults()

    def _set_defaults_again(self, place: Netns) -> None:
        """Somebody may have changed the defaults of a namespace that was not made just now."""
        if self._inside is None:
            with place.entered():
                set_ipv6_defaults()

    def _unpin_own(self, network_id: str) -> None:
        """Unpin the name if it leads to the open namespace."""
        try:
            with Netns.open(self._path(network_id)) as named:
                same = named.inode == self._open_namespaces[network_id].inode
        except KernelError:
            same = False
        if same:
            netns.unpin(self._path(network_id), str(Mark("namespace", network_id)))

    def _refuse_living_name(self, network_id: str) -> None:
        """Refuse to mount over a name that leads to a living namespace in another mount namespace."""
        if netns.name_mark(self._path(network_id)) in {None, str(Mark("namespace", network_id))}:
            return  # no file is there, or netmend made it
        owner = self._other_mount_namespaces.owner(namespace_name(network_id), self._open_namespaces[network_id].inode)
        if owner is not None:
            where = f"process {owner} has another namespace mounted there, in a mount namespace of its own"
            raise KernelError("pin", self._path(network_id), errno.EEXIST, where)

    def _make_device(self, network_id: str, device: Device) -> None:
        match device.kind:
            case "bridge":
                bridge = links.create_bridge(self._route, device.name, device.mtu, DEVICE_GROUP, device.mac or "")
                self._made[device.name] = bridge
                self._finish_bridge(bridge, device)
            case "veth":
                self._make_veth(network_id, device)
            case "tap":
                self._make_tap(device)

    def _finish_bridge(self, bridge: Link, device: Device) -> None:
        self._settle(bridge, device)
        links.set_link(self._route, bridge, up=True, alias=str(device.mark))

    def _settle(self, made: Link, device: Device) -> None:
        """Give a device that was just made, and is not up, the settings that it was not born with."""
        wanted = host_settings(device)
        differs = differing_settings(made.data, wanted)
        set_settings(self._route, self._host_ipv6, made, {name: wanted[name] for name in differs})

    def _make_veth(self, network_id: str, device: Device) -> None:
        far = device.far
        assert far is not None
        near_end = VethEnd(device.name, device.mtu, DEVICE_GROUP)
        far_end = VethEnd(far.name, device.mtu, 0, far.mac)
        is_home = isinstance(far.place, Home)
        with self._namespace(network_id) if is_home else open_place(far, self._directory) as place:
            if is_home:
                self._set_defaults_again(place)
            near = links.create_veth(self._route, near_end, far_end, place, self._master(device), up=False)
            self._settle(near, device)
            with self._route_inside(place, is_home=is_home) as inside:
                inner = Found(near.peer_index, far.name)
                batch = Batch(inside)
                links.set_link(batch, inner, up=True, settings=_NEW_OWN_PORT if is_home else None)
                for address in far.addresses:
                    addresses.add_address(batch, inner, address)
                add_routes(batch, inner, far.routes)
                batch.send()
            if device.switch is not None:
                with place.entered():
                    # The userspace datapath delivers packets as they are: nothing would compute what was left to it.
                    offload.compute_checksums(far.name)
        last = Batch(self._route)
        if device.own_mac is not None:
            set_forwarding(last, near, device.own_mac)
        # Last, so that a veth without an alias is known to be half-made; its group says that netmend made it.
        links.set_link(last, near, alias=str(device.mark), up=True)
        last.send()

    @contextmanager
    def _route_inside(self, place: Netns, *, is_home: bool) -> Iterator[RouteSocket]:
        """A netlink socket in a namespace: the one that is open, where the namespace was made just now."""
        if is_home and self._inside is not None:
            yield self._inside
            return
        with place.entered():
            route = RouteSocket()
        with route:
            yield route

    def _make_tap(self, device: Device) -> None:
        # Until `persist`, the tap lives only as long as this process: killed here, it leaves nothing behind.
        with Tap(device.name) as tap:
            found = self._find(device.name)
            links.set_link(self._route, found, group=DEVICE_GROUP, mtu=device.mtu)
            links.set_link(self._route, found, alias=str(device.mark))
            self._settle(found, device)
            links.set_link(self._route, found, master=self._master(device), up=True)
            if device.owner is not None:
                tap.set_owner(device.owner)
            tap.persist()

    def _find(self, name: str) -> Link:
        found = links.find_link(self._route, name)
        if found is None:
            raise KernelError("find link", name, errno.ENODEV)
        return found

    def _master(self, device: Device) -> int:
        """The index of the bridge that the device is a port of; 0 where it is no port."""
        if device.master is None:
            return 0
        known = self._made.get(device.master) or self._found.get(device.master)
        return (known or self._find(device.master)).index

    def _mend(self, step: MendDevice) -> None:
        device, was, differs = step.device, step.was, step.differs
        if "master" in differs:
            links.set_link(self._route, was, master=self._master(device))
        set_settings(self._route, self._host_ipv6, was, settings_among(differs, host_settings(device)))
        batch = Batch(self._route)
        for address in step.remove:
            addresses.remove_address(batch, was, address)
        if "forwarding" in differs and device.own_mac is not None:
            set_forwarding(batch, was, device.own_mac)
        batch.send()
        links.set_link(
            self._route,
            was,
            up=True if "up" in differs else False if "down" in differs else None,
            alias=str(device.mark) if "alias" in differs else None,
            group=DEVICE_GROUP if "group" in differs else None,
            mtu=device.mtu if "mtu" in differs else None,
            mac=device.mac if "mac" in differs else None,
        )
        if "mtu" in differs:
            self._set_guest_mtu(device, was, device.mtu)

    def _set_guest_mtu(self, device: Device, near: Link, mtu: int) -> None:
        """Give the far end of a guest's veth an MTU too: the guest's frames must fit through the near end."""
        if device.far is None or isinstance(device.far.place, Home):
            return
        with open_place(device.far, self._directory) as place, place.entered(), RouteSocket() as inside:
            links.set_link(inside, Found(near.peer_index, device.far.name), mtu=mtu)

    def _restore(self, device: Device, was: Link, differs: tuple[str, ...]) -> None:
        links.set_link(
            self._route,
            was,
            up=was.up if "up" in differs else None,
            mtu=was.mtu if "mtu" in differs else None,
            mac=was.mac if "mac" in differs else None,
            master=was.master if "master" in differs else None,
        )
        if "mtu" in differs:
            self._set_guest_mtu(device, was, was.mtu)

    def _mend_inner(self, step: MendInner) -> None:
        far = step.device.far
        assert far is not None
        with self._open_namespaces[step.network_id].entered(), RouteSocket() as inside:
            batch = Batch(inside)
            for address in step.remove:
                addresses.remove_address(batch, step.was, address)
            with SysctlDirectory("ipv6/conf") as sysctls:
                set_settings(inside, sysctls, step.was, settings_among(step.differs, OWN_PORT))
            if step.differs:
                mtu = step.device.mtu if "mtu" in step.differs else None
                mac = far.mac if "mac" in step.differs else None
                up, arp = ("up" in step.differs or None), ("arp" in step.differs or None)
                links.set_link(batch, step.was, up=up, arp=arp, mtu=mtu, mac=mac)
            for address in step.add:
                addresses.add_address(batch, step.was, address)
            add_routes(batch, step.was, far.routes)  # the kernel takes routes away with addresses, and with a device
            batch.send()

    def _set_routes(
        self, network_id: str, was: Link | Found, add: Iterable[routes.Route], remove: Iterable[routes.Route]
    ) -> None:
        with self._open_namespaces[network_id].entered(), RouteSocket() as inside:
            for destination, gateway in add:  # those that are there are replaced, so there is one at every instant
                routes.add_route(inside, was, destination, gateway)
            for destination, gateway in remove:
                routes.remove_route(inside, was, destination, gateway)

    def _restore_inner(self, step: MendInner) -> None:
        with self._open_namespaces[step.network_id].entered(), RouteSocket() as inside:
            batch = Batch(inside)
            for address in step.add:
                addresses.remove_address(batch, step.was, address)
            for address in step.remove:
                addresses.add_address(batch, step.was, address)
            if step.differs:
                mtu = step.was.mtu if "mtu" in step.differs else None
                mac = step.was.mac if "mac" in step.differs else None
                links.set_link(batch, step.was, up=step.was.up if "up" in step.differs else None, mtu=mtu, mac=mac)
            batch.send()
