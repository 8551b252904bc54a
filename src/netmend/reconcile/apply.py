"""The one place that performs steps, and undoes them.

Each step is idempotent and small. When one fails, it and the steps before it in its unit are undone in reverse; an
undo removes only what the step itself made, told by our mark, so undoing twice or undoing half a step is safe. Should
an undo fail too, nothing is lost but time: the next pass finds the rest by its mark and removes it.
"""

import errno
from collections.abc import Callable
from contextlib import suppress

from netmend.intent.names import DEVICE_GROUP, Mark, namespace_name
from netmend.kernel import links, netns, sysctl
from netmend.kernel.errors import KernelError
from netmend.kernel.links import Link, VethEnd
from netmend.kernel.netlink import Batch, RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.tap import Tap
from netmend.reconcile.held import HeldNamespaces
from netmend.reconcile.observe import is_ours, open_place
from netmend.reconcile.steps import (
    DeleteDevice,
    MakeDevice,
    MakeNamespace,
    MendDevice,
    MendInner,
    PinNamespace,
    RemoveNamespace,
    Step,
    Unit,
)
from netmend.wiring import Device, FarEnd, Home

# The bridge has no business on layer 3: guests must not reach the host, nor the host's routes, through it.
_BRIDGE_SYSCTLS = (
    ("ipv6/conf/{}/disable_ipv6", 1),
    ("ipv4/conf/{}/arp_ignore", 8),
    ("ipv4/conf/{}/rp_filter", 1),
    ("ipv4/conf/{}/forwarding", 0),
)


class StepFailed(Exception):
    """A step that the kernel refused; the steps before it in its unit have been undone."""

    def __init__(self, step: Step, error: KernelError) -> None:
        super().__init__(f"{step}: {error}")
        self.step = step
        self.error = error


class Executor:
    """Performs units of steps in the network namespace of the thread that made its RouteSocket."""

    def __init__(
        self, route: RouteSocket, directory: str, held: HeldNamespaces, prepare_directory: Callable[[], None]
    ) -> None:
        """`prepare_directory` is called before a name is made."""
        self._route = route
        self._directory = directory
        self._held = held
        self._prepare_directory = prepare_directory

    def perform(self, unit: Unit, failed_pin: Callable[[KernelError], None]) -> None:
        """Perform the steps of `unit` in order; raises StepFailed once what was done is undone.

        A name that cannot be pinned undoes nothing: the namespace is held by descriptor, and `failed_pin` is told.
        """
        done: list[Step] = []
        for step in unit.steps:
            done.append(step)
            try:
                self._perform(step)
            except KernelError as error:
                if isinstance(step, PinNamespace):
                    failed_pin(error)
                    continue
                for earlier in reversed(done):
                    with suppress(KernelError):
                        self._undo(earlier)
                raise StepFailed(step, error) from error

    def _perform(self, step: Step) -> None:
        match step:
            case MakeNamespace(network_id):
                self._make_namespace(network_id)
            case PinNamespace(network_id):
                self._prepare_directory()
                netns.pin(self._held[network_id], self._path(network_id), str(Mark("namespace", network_id)))
            case RemoveNamespace(network_id):
                netns.unpin(self._path(network_id))
                self._held.release(network_id)
            case MakeDevice(network_id, device):
                self._make_device(network_id, device)
            case MendDevice(_, device, was, differs):
                self._mend(device, was, differs)
            case MendInner():
                self._mend_inner(step)
            case DeleteDevice(_, link, _):
                links.delete_link(self._route, link)

    def _undo(self, step: Step) -> None:
        match step:
            case MakeNamespace(network_id):
                self._held.release(network_id)
            case PinNamespace(network_id):
                if network_id in self._held:
                    self._unpin_own(network_id)
            case MakeDevice(_, device):
                found = links.find_link(self._route, device.name)
                if found and is_ours(found):
                    links.delete_link(self._route, found)
            case MendDevice(_, device, was, differs):
                self._restore(device, was, differs)
            case MendInner():
                self._restore_inner(step)
            case RemoveNamespace() | DeleteDevice():
                pass  # nobody wants it back

    def _path(self, network_id: str) -> str:
        return f"{self._directory}/{namespace_name(network_id)}"

    def _make_namespace(self, network_id: str) -> None:
        with Netns.create(namespace_name(network_id)) as made:
            self._held.hold(network_id, made)
            with RouteSocket() as inside:
                loopback = links.find_link(inside, "lo")
                assert loopback is not None
                # Marked before it gets a name: a namespace that can be found is known to be ours.
                links.set_link(inside, loopback, up=True, alias=str(Mark("namespace", network_id)))
            sysctl.write("ipv4/ip_forward", 0)  # inherited from the host, and no router lives here

    def _unpin_own(self, network_id: str) -> None:
        """Unpin the name if it leads to the namespace that we hold."""
        try:
            with Netns.open(self._path(network_id)) as named:
                same = named.inode == self._held[network_id].inode
        except KernelError:
            same = False
        if same:
            netns.unpin(self._path(network_id))

    def _make_device(self, network_id: str, device: Device) -> None:
        match device.kind:
            case "bridge":
                links.create_bridge(self._route, device.name, device.mtu, DEVICE_GROUP, device.mac or "")
                self._configure_bridge(device)
                links.set_link(self._route, self._find(device.name), up=True, alias=str(device.mark))
            case "veth":
                self._make_veth(network_id, device)
            case "tap":
                self._make_tap(device)

    def _configure_bridge(self, device: Device) -> None:
        for name, value in _BRIDGE_SYSCTLS:
            sysctl.write(name.format(device.name), value)

    def _make_veth(self, network_id: str, device: Device) -> None:
        far = device.far
        assert far is not None
        near = VethEnd(device.name, device.mtu, DEVICE_GROUP)
        end = VethEnd(far.name, device.mtu, 0, far.mac)
        place = self._held[network_id].duplicate() if isinstance(far.place, Home) else self._guest_place(far)
        with place:
            links.create_veth(self._route, near, end, place, self._find(device.master).index if device.master else 0)
            links.set_link(self._route, self._find(device.name), alias=str(device.mark))
            with place.entered(), RouteSocket() as inside:
                inner = links.find_link(inside, far.name)
                if inner is None:
                    raise KernelError("find link", f"{far.name} in {place.label}", errno.ENODEV)
                batch = Batch(inside)
                links.set_link(batch, inner, up=True)
                for address in far.addresses:
                    links.add_address(batch, inner, address)
                batch.send()

    def _guest_place(self, far: FarEnd) -> Netns:
        return open_place(far, self._directory)

    def _make_tap(self, device: Device) -> None:
        # Until `persist`, the tap lives only as long as this process: killed here, it leaves nothing behind.
        with Tap(device.name) as tap:
            found = self._find(device.name)
            master = self._find(device.master).index if device.master else None
            links.set_link(self._route, found, group=DEVICE_GROUP, mtu=device.mtu)
            links.set_link(self._route, found, alias=str(device.mark))
            links.set_link(self._route, found, master=master, up=True)
            if device.owner is not None:
                tap.set_owner(device.owner)
            tap.persist()

    def _find(self, name: str) -> Link:
        found = links.find_link(self._route, name)
        if found is None:
            raise KernelError("find link", name, errno.ENODEV)
        return found

    def _mend(self, device: Device, was: Link, differs: tuple[str, ...]) -> None:
        if device.kind == "bridge" and ("alias" in differs or "up" in differs):
            self._configure_bridge(device)  # killed before it was done
        links.set_link(
            self._route,
            was,
            up=True if "up" in differs else None,
            alias=str(device.mark) if "alias" in differs else None,
            group=DEVICE_GROUP if "group" in differs else None,
            mtu=device.mtu if "mtu" in differs else None,
            mac=device.mac if "mac" in differs else None,
            master=self._find(device.master).index if device.master and "master" in differs else None,
        )

    def _restore(self, device: Device, was: Link, differs: tuple[str, ...]) -> None:
        links.set_link(
            self._route,
            was,
            up=was.up if "up" in differs else None,
            mtu=was.mtu if "mtu" in differs else None,
            mac=was.mac if "mac" in differs else None,
            master=was.master if "master" in differs else None,
        )

    def _mend_inner(self, step: MendInner) -> None:
        far = step.device.far
        assert far is not None
        with self._held[step.network_id].entered(), RouteSocket() as inside:
            batch = Batch(inside)
            for address in step.remove:
                links.remove_address(batch, step.was, address)
            if step.differs:
                mtu = step.device.mtu if "mtu" in step.differs else None
                mac = far.mac if "mac" in step.differs else None
                links.set_link(batch, step.was, up="up" in step.differs or None, mtu=mtu, mac=mac)
            for address in step.add:
                links.add_address(batch, step.was, address)
            batch.send()

    def _restore_inner(self, step: MendInner) -> None:
        with self._held[step.network_id].entered(), RouteSocket() as inside:
            batch = Batch(inside)
            for address in step.add:
                links.remove_address(batch, step.was, address)
            for address in step.remove:
                links.add_address(batch, step.was, address)
            if step.differs:
                mtu = step.was.mtu if "mtu" in step.differs else None
                mac = step.was.mac if "mac" in step.differs else None
                links.set_link(batch, step.was, up=step.was.up if "up" in step.differs else None, mtu=mtu, mac=mac)
            batch.send()
