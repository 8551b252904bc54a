"""A host as plain values, on which the steps of a plan can be performed: what the diff is checked against."""

from dataclasses import dataclass, field, replace

from netmend.intent import Network
from netmend.intent.names import DEVICE_GROUP, Mark
from netmend.kernel.addresses import Interface
from netmend.kernel.links import Link
from netmend.kernel.routes import Route
from netmend.reconcile.diff import plan_network, plan_removal
from netmend.reconcile.observe import FarSeen, NamespaceSeen, Snapshot
from netmend.reconcile.steps import (
    DeleteDevice,
    MakeDevice,
    MakeNamespace,
    MendDevice,
    MendInner,
    PinNamespace,
    Plan,
    RemoveNamespace,
    SetRoutes,
    Step,
)
from netmend.wiring import Device, Home, wanted_devices

KERNEL_KIND = {"bridge": "bridge", "veth": "veth", "tap": "tun"}
GUEST_NETNSID = 7
HOME_NETNSID = 3


def link(index: int, name: str, kind: str, **more: object) -> Link:
    """A link as netmend makes it, unless said otherwise."""
    usual = Link(index, name, kind, "02:00:00:00:00:01", 1500, True, True, 0, DEVICE_GROUP, None, 0, None, None)
    return replace(usual, **more)  # type: ignore[arg-type]


@dataclass
class Host:
    """Links of the host by name; the network's namespace, if it is there, with its inner links and addresses."""

    links: dict[str, Link] = field(default_factory=dict)
    namespace: str = "absent"
    pinned: bool = False
    marked: bool = False
    inner: dict[str, Link] = field(default_factory=dict)
    addresses: dict[int, set[Interface]] = field(default_factory=dict)
    routes: dict[int, set[Route]] = field(default_factory=dict)
    guests: dict[str, FarSeen] = field(default_factory=dict)
    next_index: int = 100
    most_devices: int = 0

    def snapshot(self) -> Snapshot:
        owners = {}
        for name, found in self.links.items():
            mark = Mark.parse(found.alias)
            if mark or found.group == DEVICE_GROUP:
                owners[name] = mark.network_id if mark else ""
        return Snapshot(dict(self.links), owners, frozenset())

    def seen(self) -> NamespaceSeen:
        state = self.namespace
        assert state in {"absent", "plain", "usable", "foreign"}
        usable = state == "usable"
        return NamespaceSeen(
            state,  # type: ignore[arg-type]
            self.pinned and usable,
            self.marked,
            None,
            dict(self.inner) if usable else {},
            {index: set(found) for index, found in self.addresses.items()},
            routes={index: set(found) for index, found in self.routes.items()},
        )

    def plan(self, network: Network) -> Plan:
        return plan_network(network, wanted_devices(network), self.snapshot(), self.seen(), self.guests)

    def plan_removal(self, network_id: str) -> Plan:
        return plan_removal(network_id, self.snapshot(), self.seen())

    def perform(self, plan: Plan) -> None:
        for step in plan.steps:
            self._perform(step)
            self.most_devices = max(self.most_devices, len(self.links))

    def _perform(self, step: Step) -> None:
        match step:
            case MakeNamespace():
                assert self.namespace != "usable"
                self.namespace, self.pinned, self.inner, self.addresses = "usable", False, {}, {}
            case PinNamespace():
                assert self.namespace == "usable"
                self.pinned = True
            case RemoveNamespace():
                self.namespace, self.pinned, self.marked, self.inner = "absent", False, False, {}
            case MakeDevice(_, device):
                self._make(device)
            case MendDevice(_, device, was, differs, _):
                found = self.links[was.name]
                assert found.index == was.index
                self.links[was.name] = self._mended(device, found, differs)
            case MendInner():
                self._mend_inner(step)
            case SetRoutes(_, was, add, remove):
                has = self.routes.setdefault(was.index, set())
                has |= set(add)
                has -= set(remove)
            case DeleteDevice(_, gone, _):
                del self.links[gone.name]
                self.inner = {name: found for name, found in self.inner.items() if found.peer_index != gone.index}
                for name, found in self.links.items():
                    if found.master == gone.index:
                        self.links[name] = replace(found, master=0)

    def _make(self, device: Device) -> None:
        assert device.name not in self.links, "EEXIST"
        self.next_index += 2
        index = self.next_index
        made = link(index, device.name, KERNEL_KIND[device.kind], mtu=device.mtu, alias=str(device.mark))
        if device.mac:
            made = replace(made, mac=device.mac)
        if device.master:
            made = replace(made, master=self.links[device.master].index)
        if device.owner is not None:
            made = replace(made, owner=device.owner)
        if device.far:
            home = isinstance(device.far.place, Home)
            made = replace(made, peer_netnsid=HOME_NETNSID if home else GUEST_NETNSID)
            if home:
                assert self.namespace == "usable"
                inner = link(index + 1, device.far.name, "veth", mac=device.far.mac, mtu=device.mtu, peer_index=index)
                self.inner[inner.name] = inner
                self.addresses[inner.index] = set(device.far.addresses)
                self.routes[inner.index] = set(device.far.routes)
        self.links[device.name] = made

    def _mended(self, device: Device, was: Link, differs: tuple[str, ...]) -> Link:
        changes: dict[str, object] = {
            "alias": str(device.mark),
            "group": DEVICE_GROUP,
            "mtu": device.mtu,
            "mac": device.mac,
            "up": True,
        }
        if "master" in differs:
            assert device.master
            changes["master"] = self.links[device.master].index
        return replace(was, **{name: changes[name] for name in differs})  # type: ignore[arg-type]

    def _mend_inner(self, step: MendInner) -> None:
        assert step.device.far
        changes: dict[str, object] = {"mtu": step.device.mtu, "mac": step.device.far.mac, "up": True}
        self.inner[step.was.name] = replace(step.was, **{name: changes[name] for name in step.differs})  # type: ignore[arg-type]
        has = self.addresses.setdefault(step.was.index, set())
        has -= set(step.remove)
        has |= set(step.add)
