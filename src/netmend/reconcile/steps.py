"""Steps of a plan, as values. `netmend.reconcile.apply` is the one place that performs and undoes them."""

from dataclasses import dataclass

from netmend.intent.names import namespace_name
from netmend.kernel.addresses import Interface
from netmend.kernel.links import Link
from netmend.reconcile.resync import Problem
from netmend.wiring import Device


@dataclass(frozen=True, slots=True)
class MakeNamespace:
    """Make the network's namespace, marked, and hold it by descriptor."""

    network_id: str

    def __str__(self) -> str:
        return f"create namespace {namespace_name(self.network_id)}"


@dataclass(frozen=True, slots=True)
class PinNamespace:
    """Give the namespace held by descriptor its name."""

    network_id: str

    def __str__(self) -> str:
        return f"pin namespace {namespace_name(self.network_id)}"


@dataclass(frozen=True, slots=True)
class RemoveNamespace:
    """Take away the name of a namespace that is ours, and with it the namespace once nobody is in it."""

    network_id: str

    def __str__(self) -> str:
        return f"remove namespace {namespace_name(self.network_id)}"


@dataclass(frozen=True, slots=True)
class MakeDevice:
    """Make a bridge, a veth with both its ends configured, or a persistent tap."""

    network_id: str
    device: Device

    def __str__(self) -> str:
        return f"create {self.device.kind} {self.device.name}"


@dataclass(frozen=True, slots=True)
class MendDevice:
    """Set what differs on a device of ours; `was` is how it was found, to go back to."""

    network_id: str
    device: Device
    was: Link
    differs: tuple[str, ...]  # of: alias, group, mtu, mac, master, up

    def __str__(self) -> str:
        return f"set {', '.join(self.differs)} of {self.device.name}"


@dataclass(frozen=True, slots=True)
class MendInner:
    """Set what differs on the namespace's end of the DHCP port."""

    network_id: str
    device: Device
    was: Link
    differs: tuple[str, ...]  # of: mtu, mac, up
    add: tuple[Interface, ...] = ()
    remove: tuple[Interface, ...] = ()

    def __str__(self) -> str:
        parts = [f"set {', '.join(self.differs)}"] if self.differs else []
        parts += [f"add {address}" for address in self.add]
        parts += [f"remove {address}" for address in self.remove]
        return f"{', '.join(parts)} on {self.was.name} in {namespace_name(self.network_id)}"


@dataclass(frozen=True, slots=True)
class DeleteDevice:
    """Delete a device of ours that intent does not ask for, or that cannot be mended."""

    network_id: str
    link: Link
    why: str

    def __str__(self) -> str:
        return f"delete {self.link.kind or 'device'} {self.link.name}: {self.why}"


Step = MakeNamespace | PinNamespace | RemoveNamespace | MakeDevice | MendDevice | MendInner | DeleteDevice


def target(step: Step) -> str:
    """The name of the object that a step is about."""
    match step:
        case MakeNamespace() | PinNamespace() | RemoveNamespace():
            return namespace_name(step.network_id)
        case MakeDevice() | MendDevice():
            return step.device.name
        case MendInner():
            return step.was.name
        case DeleteDevice():
            return step.link.name


@dataclass(frozen=True, slots=True)
class Unit:
    """Steps that stand or fall together: when one fails, those before it in the unit are undone in reverse.

    A network has one unit for what all its guests need (`port_id` None) and one for each port, so that a guest whose
    namespace is a mess cannot take DHCP from the others.
    """

    port_id: str | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one pass will do for a network; `blocked` says what is in the way of the rest."""

    network_id: str
    units: tuple[Unit, ...] = ()
    blocked: tuple[Problem, ...] = ()

    @property
    def steps(self) -> list[Step]:
        return [step for unit in self.units for step in unit.steps]
