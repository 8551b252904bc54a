"""Steps of a plan, as values. `netmend.reconcile.apply` performs and undoes them, and `netmend.reconcile.routers.apply`
those of routers."""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from netmend.intent.names import bridge_name, namespace_name
from netmend.kernel.addresses import Interface
from netmend.kernel.links import Found, Link
from netmend.kernel.ovsdb.ports import Port, Tag
from netmend.kernel.routes import Route
from netmend.reconcile.diversions import Diversions
from netmend.reconcile.resync import Problem
from netmend.reconcile.routers.steps import RouterStep, router_target
from netmend.reconcile.step_text import changes, counts
from netmend.wiring import Device


class MakeNamespace(Struct, frozen=True):
    """Make the namespace of the network, marked, and keep it open."""

    network_id: str

    def __str__(self) -> str:
        return f"create namespace {namespace_name(self.network_id)}"


class PinNamespace(Struct, frozen=True):
    """Give the open namespace its name."""

    network_id: str

    def __str__(self) -> str:
        return f"pin namespace {namespace_name(self.network_id)}"


class RemoveNamespace(Struct, frozen=True):
    """Remove the name of a namespace of netmend's, and its file. The namespace ends once no process is in it."""

    network_id: str
    adopted: bool = False  # another agent made it: the file of its name bears no mark, and is netmend's all the same
    addresses: tuple[Interface, ...] = ()  # that go with it

    def __str__(self) -> str:
        return f"remove namespace {namespace_name(self.network_id)}"


class RemoveFormerNamespace(Struct, frozen=True):
    """Remove a name that netmend gave a namespace of the network in another role on this host, and its file."""

    network_id: str
    name: str
    adopted: bool = False
    addresses: tuple[Interface, ...] = ()  # that go with it

    def __str__(self) -> str:
        return f"remove namespace {self.name}"


class MakeDevice(Struct, frozen=True):
    """Make a bridge, a veth with both its ends configured, or a persistent tap."""

    network_id: str
    device: Device

    def __str__(self) -> str:
        return f"create {self.device.kind} {self.device.name}"


class MendDevice(Struct, frozen=True):
    """Set what differs on a device of netmend's, and remove addresses."""

    network_id: str
    device: Device
    was: Link  # as it was found, for the undo
    differs: tuple[str, ...]  # of: alias, group, mtu, mac, master, up, down, forwarding, names of settings
    remove: tuple[Interface, ...] = ()

    def __str__(self) -> str:
        return f"{changes(differs=self.differs, remove=self.remove)} of {self.device.name}"


class MendInner(Struct, frozen=True):
    """Set what differs on the end of the DHCP port that is in the namespace."""

    network_id: str
    device: Device
    was: Link
    differs: tuple[str, ...]  # of: mtu, mac, up, arp, names of settings
    add: tuple[Interface, ...] = ()
    remove: tuple[Interface, ...] = ()

    def __str__(self) -> str:
        what = changes(differs=self.differs, add=self.add, remove=self.remove)
        return f"{what} on {self.was.name} in {namespace_name(self.network_id)}"


class SetRoutes(Struct, frozen=True):
    """Add and remove routes of the end of the DHCP port that is in the namespace; or, of NOWHERE, remove dead ends."""

    network_id: str
    was: Link | Found
    add: tuple[Route, ...] = ()
    remove: tuple[Route, ...] = ()

    def __str__(self) -> str:
        add, remove = ([f"route {route_text(route)}" for route in routes] for routes in (self.add, self.remove))
        return f"{changes(add=add, remove=remove)} on {self.was.name} in {namespace_name(self.network_id)}"


def route_text(route: Route) -> str:
    destination, gateway = route
    to = str(destination) if destination.prefixlen else "default"
    return f"{to} via {gateway}" if gateway is not None else f"{to} on the link"


class RemoveDiversions(Struct, frozen=True):
    """Remove rules of policy routing and set neighbours from the network's namespace."""

    network_id: str
    found: Diversions

    def __str__(self) -> str:
        return f"{self.found} in {namespace_name(self.network_id)}"


class MendLoopback(Struct, frozen=True):
    """Bring up the loopback device of the namespace; without it, nothing there reaches its own addresses."""

    network_id: str
    was: Link

    def __str__(self) -> str:
        return f"set up of {self.was.name} in {namespace_name(self.network_id)}"


class DeleteDevice(Struct, frozen=True):
    """Delete a device of netmend's that intent does not ask for, or that cannot be mended."""

    network_id: str
    link: Link
    why: str

    def __str__(self) -> str:
        return f"delete {self.link.kind or 'device'} {self.link.name}: {self.why}"


class DeleteInner(Struct, frozen=True):
    """Delete a device in the namespace that the switch has let go of."""

    network_id: str
    link: Link
    why: str

    def __str__(self) -> str:
        return f"delete {self.link.name} in {namespace_name(self.network_id)}: {self.why}"


class AddPort(Struct, frozen=True):
    """Make a device a port of its Open vSwitch bridge; the switch then makes the device of an internal port."""

    network_id: str
    device: Device
    tag: Tag  # its VLAN; None: the port is dead until an agent gives it one

    def __str__(self) -> str:
        assert self.device.switch is not None
        return f"add port {self.device.name} to {self.device.switch.bridge}"


class MendPort(Struct, frozen=True):
    """Set what differs on a port of the switch."""

    network_id: str
    device: Device
    was: Port  # as it was found, for the undo
    differs: tuple[str, ...]  # of: ids, port ids, mtu, tag
    tag: Tag

    def __str__(self) -> str:
        return f"set {', '.join(self.differs)} of port {self.device.name}"


class DeletePort(Struct, frozen=True):
    """Delete a port of netmend's from the switch."""

    network_id: str
    port: Port
    why: str
    settle: bool = False  # done only once the switch has let go of the port

    def __str__(self) -> str:
        return f"delete port {self.port.name} of Open vSwitch: {self.why}"


class MoveDevice(Struct, frozen=True):
    """Move an internal port's device into the network's namespace, by descriptor, and configure it there."""

    network_id: str
    device: Device

    def __str__(self) -> str:
        return f"move {self.device.name} into {namespace_name(self.network_id)}"


class SetRules(Struct, frozen=True):
    """Add and remove entries of the sets that port security is made of; all networks' in one transaction, before
    devices are made."""

    network_id: str
    add: int
    remove: int

    def __str__(self) -> str:
        return f"port security in nftables: {counts(self.add, self.remove)} entries"


class SetGroupRules(Struct, frozen=True):
    """Put rules of security groups in force for ports of a network; all networks' in one transaction, before devices
    are made."""

    network_id: str
    ports: int  # how many have other groups, or groups with other rules, than before

    def __str__(self) -> str:
        return f"security groups in nftables: {self.ports:,} {'port' if self.ports == 1 else 'ports'}"


Step = (
    MakeNamespace
    | PinNamespace
    | RemoveNamespace
    | RemoveFormerNamespace
    | MakeDevice
    | MendDevice
    | MendInner
    | SetRoutes
    | RemoveDiversions
    | MendLoopback
    | DeleteDevice
    | DeleteInner
    | AddPort
    | MendPort
    | DeletePort
    | MoveDevice
    | SetRules
    | SetGroupRules
    | RouterStep
)


def target(step: Step) -> str:
    """The name of the object that a step is about."""
    match step:
        case MakeNamespace() | PinNamespace() | RemoveNamespace() | RemoveDiversions():
            return namespace_name(step.network_id)
        case RemoveFormerNamespace():
            return step.name
        case MakeDevice() | MendDevice() | AddPort() | MendPort() | MoveDevice():
            return step.device.name
        case DeletePort():
            return step.port.name
        case MendInner() | MendLoopback() | SetRoutes():
            return step.was.name
        case SetRules() | SetGroupRules():
            return bridge_name(step.network_id)
        case DeleteDevice() | DeleteInner():
            return step.link.name
        case _:
            return router_target(step)


def in_full(step: Step) -> str:
    """A step with the addresses that come or go with it, and the port's id, for the log."""
    match step:
        case MakeDevice() | MoveDevice() if step.device.far is not None and step.device.far.addresses:
            return f"{step} with {', '.join(map(str, step.device.far.addresses))}"
        case RemoveNamespace() | RemoveFormerNamespace() if step.addresses:
            return f"{step} with {', '.join(map(str, step.addresses))}"
        case AddPort() if step.device.mark.port_id:
            return f"{step} for port {step.device.mark.port_id}"
        case DeletePort() if step.port.ids.get("iface-id"):
            return f"{step} (port {step.port.ids['iface-id']})"
        case _:
            return str(step)


def mends(step: Step) -> bool:
    """Whether a step undoes what another program did to a device that was right; not so a step that follows a change of
    intent, or that finishes what a pass left half-made."""
    match step:
        case MendDevice():
            return "alias" not in step.differs and bool(
                step.remove or any("." in name or name == "forwarding" for name in step.differs)
            )
        case MendInner():
            return any("." in name or name == "arp" for name in step.differs)
        case MendLoopback() | RemoveDiversions():
            return True
        case _:
            return False


class Unit(Struct, frozen=True):
    """Steps that stand or fall together: when one fails, those before it in the unit are undone in reverse.

    A network has one unit for what all its guests need and one for each port, so that a broken namespace of one guest
    cannot take DHCP from the others.
    """

    port_id: str | None  # None: what all guests need
    steps: tuple[Step, ...]
    spared: bool = False  # guests are served without it too


class Plan(Struct, frozen=True):
    """What one pass will do for a network."""

    network_id: str
    units: tuple[Unit, ...] = ()
    blocked: tuple[Problem, ...] = ()  # what is in the way of further steps

    @property
    def steps(self) -> list[Step]:
        return [step for unit in self.units for step in unit.steps]


def by_network(plans: Iterable[Plan]) -> list[Plan]:
    """Each network's plans as one, in the order in which the networks come first."""
    merged: dict[str, Plan] = {}
    for plan in plans:
        one = merged.get(plan.network_id, Plan(plan.network_id))
        merged[plan.network_id] = replace(one, units=one.units + plan.units, blocked=one.blocked + plan.blocked)
    return list(merged.values())
