"""Computes the difference between what is wanted and what is there, as a plan; pure: values in, values out.

Deletions come first, so that at no instant there are more devices than intent asks for or were there before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace  # noqa: TID251 - of a Snapshot

from netmend.intent.names import DEVICE_GROUP, Mark, namespace_name
from netmend.intent.network import Network
from netmend.kernel.addresses import Interface
from netmend.kernel.device_settings import differing_settings
from netmend.kernel.links import Link
from netmend.kernel.routes import NOWHERE
from netmend.reconcile.diff_switch import (
    INTERNAL_KINDS,
    WAITING,
    cannot_stay,
    is_dead,
    let_go,
    plan_port,
    stays_or_goes_with_port,
    switch_trouble,
    unwanted_ports,
)
from netmend.reconcile.observe import FarSeen, NamespaceSeen, Snapshot, is_ours
from netmend.reconcile.resync import Problem
from netmend.reconcile.settings import own_port_settings
from netmend.reconcile.steps import (
    DeleteDevice,
    DeleteInner,
    DeletePort,
    MakeDevice,
    MakeNamespace,
    MendDevice,
    MendInner,
    MendLoopback,
    MoveDevice,
    PinNamespace,
    Plan,
    RemoveDiversions,
    RemoveNamespace,
    SetRoutes,
    Step,
    Unit,
)
from netmend.wiring import Device, Home
from netmend.wiring.settings import host_settings

_KERNEL_KIND = {"bridge": "bridge", "veth": "veth", "tap": "tun"}  # IFLA_INFO_KIND of what netmend makes
NOT_WANTED = "not in intent"
_ALL_OPEN: Mapping[str, str] = {}


def plan_removal(network_id: str, snapshot: Snapshot, namespace: NamespaceSeen) -> Plan:
    """The plan that removes all that netmend made of a network that is wanted no more."""
    steps = unwanted_ports(network_id, (), snapshot.switch, NOT_WANTED)
    steps += [DeleteDevice(network_id, link, NOT_WANTED) for link in _deletable(snapshot, network_id)]
    if namespace.state == "usable" or namespace.marked:
        steps.append(_removal_of(network_id, namespace))
    return Plan(network_id, (Unit(None, tuple(steps)),) if steps else ())


def _removal_of(network_id: str, namespace: NamespaceSeen) -> RemoveNamespace:
    return RemoveNamespace(network_id, namespace.adopted, addresses_in(namespace))


def addresses_in(namespace: NamespaceSeen) -> tuple[Interface, ...]:
    """The addresses in a namespace, less those of its loopback."""
    loopback = namespace.links.get("lo")
    found = (
        address
        for index, addresses in namespace.addresses.items()
        if loopback is None or index != loopback.index
        for address in addresses
    )
    return tuple(sorted(found, key=str))


def plan_network(
    network: Network,
    wanted: Iterable[Device],
    snapshot: Snapshot,
    namespace: NamespaceSeen,
    guests: Mapping[str, FarSeen],
    *,
    closed: Mapping[str, str] = _ALL_OPEN,
) -> Plan:
    """The plan that makes `network` what intent says, with the `wanted` devices, from what was seen."""
    devices = {device.name: device for device in wanted}
    blocked: list[Problem] = []
    core = unwanted_ports(network.id, devices.values(), snapshot.switch, NOT_WANTED)
    core += [
        DeleteDevice(network.id, link, NOT_WANTED)
        for link in _deletable(snapshot, network.id)
        if link.name not in devices
    ]
    if not network.is_served and (namespace.state == "usable" or namespace.marked):
        core.append(_removal_of(network.id, namespace))
    foreign = [name for name in devices if _is_foreign(name, snapshot)]
    bridge = next((device for device in devices.values() if device.kind == "bridge"), None)
    is_bridge_taken = bridge is not None and bridge.name in foreign
    if is_bridge_taken or (network.is_served and namespace.state == "foreign"):
        taken = f"device {bridge.name}" if bridge and is_bridge_taken else f"namespace {namespace_name(network.id)}"
        by = "one that netmend did not make; remove or rename it"
        if namespace.another_nodes and not is_bridge_taken:
            by = f"that of another node of netmend, {namespace.whose}; it stays as it is"
        blocked.append(Problem(None, f"the name of {taken} is taken by {by}"))
        return Plan(network.id, _units(core, []), tuple(blocked))
    trouble = switch_trouble(network, snapshot.switch)
    if trouble:
        core += _plan_without_switch(network, devices.values(), snapshot, namespace)
        serves = any(_is_wired(device, namespace) for device in devices.values())
        return Plan(network.id, _units(core, []), (Problem(None, trouble, serves),))
    if bridge is not None:
        for_bridge = _plan_bridge(network, bridge, snapshot)
        core += for_bridge
        if any(isinstance(step, MakeDevice) for step in for_bridge):
            # Whatever was a port of the bridge that goes is a port of none.
            found = {name: snapshot.links[name] for name in devices if name in snapshot.links and name != bridge.name}
            snapshot = replace(snapshot, links=found, network_of={})
    ports: list[tuple[str | None, list[Step]]] = []
    for device in devices.values():
        is_dhcp = device.far is not None and isinstance(device.far.place, Home)
        port_id = None if is_dhcp else device.mark.port_id
        if device is bridge:
            continue
        if device.name in foreign:
            blocked.append(
                Problem(port_id, f"the name of device {device.name} is taken by another", serves=not is_dhcp)
            )
        elif device.kind == "internal":
            core += _plan_internal(network, device, snapshot, namespace, blocked)
        elif is_dhcp:
            core += _plan_dhcp(network, device, snapshot, namespace)
        elif device.name in closed:
            blocked.append(Problem(port_id, closed[device.name], serves=True))
            ports.append((port_id, _plan_closed(network, device, snapshot)))
        else:
            seen = guests.get(device.name)
            if seen and seen.problem:
                blocked.append(Problem(port_id, seen.problem, serves=True))
            ports.append((port_id, _plan_guest(network, device, snapshot, seen)))
    return Plan(
        network.id, (*_units(core, ports), *_plan_routes(network, devices.values(), core, namespace)), tuple(blocked)
    )


def _is_foreign(name: str, snapshot: Snapshot) -> bool:
    """Whether netmend did not make the device of that name. The device of a port of netmend's is not foreign."""
    link = snapshot.links.get(name)
    return link is not None and not is_ours(link) and not stays_or_goes_with_port(link, snapshot.switch)


def _plan_without_switch(
    network: Network, wanted: Iterable[Device], snapshot: Snapshot, namespace: NamespaceSeen
) -> list[Step]:
    """The steps that are possible while the switch is out of reach: wired guests are served by the newest intent."""
    return [
        step
        for device in wanted
        if device.far and _is_wired(device, namespace)
        for step in _plan_inner(network, device, namespace.links[device.far.name], snapshot, namespace)
    ]


def _is_wired(device: Device, namespace: NamespaceSeen) -> bool:
    """Whether the device is netmend's own, and is in the network's namespace."""
    return device.far is not None and isinstance(device.far.place, Home) and device.far.name in namespace.links


def _units(core: Iterable[Step], ports: Iterable[tuple[str | None, list[Step]]]) -> tuple[Unit, ...]:
    units = [Unit(None, tuple(core)), *(Unit(port_id, tuple(steps)) for port_id, steps in ports)]
    return tuple(unit for unit in units if unit.steps)


def _deletable(snapshot: Snapshot, network_id: str) -> list[Link]:
    """The network's links, less those that the switch deletes with their ports; bridges last."""
    found = [link for link in snapshot.of_network(network_id) if not stays_or_goes_with_port(link, snapshot.switch)]
    return sorted(found, key=lambda link: (link.kind == "bridge", link.name))


def _plan_dhcp(network: Network, device: Device, snapshot: Snapshot, namespace: NamespaceSeen) -> list[Step]:
    steps: list[Step] = []
    far = device.far
    assert far is not None
    found = snapshot.links.get(device.name)
    inner = namespace.links.get(far.name)
    why = None if found is None else _cannot_stay(device, found, None)
    if found is not None and (inner is None or inner.peer_index != found.index):
        why = "its far end is not in the network's namespace"
    if found is not None and why:
        steps.append(DeleteDevice(network.id, found, why))
        found = None
    steps += _plan_namespace(network, namespace)
    steps += _plan_host_end(network, device, snapshot, found)
    if found is not None and inner is not None:
        steps += _plan_inner(network, device, inner, snapshot, namespace)
    return steps


def _plan_namespace(network: Network, namespace: NamespaceSeen) -> list[Step]:
    steps: list[Step] = []
    if namespace.state != "usable":
        steps.append(MakeNamespace(network.id))
    if not namespace.pinned:
        steps.append(PinNamespace(network.id))
    return steps


def _plan_internal(
    network: Network, device: Device, snapshot: Snapshot, namespace: NamespaceSeen, blocked: list[Problem]
) -> list[Step]:
    """The DHCP port as an internal port of the switch: its device is in the namespace, or on the host on its way there,
    or not there (yet)."""
    seen = snapshot.switch
    far = device.far
    assert far is not None
    steps: list[Step] = []
    on_host, inner = snapshot.links.get(device.name), namespace.links.get(far.name)
    if on_host is not None and on_host.kind not in INTERNAL_KINDS:
        steps.append(DeleteDevice(network.id, on_host, f"it is a {on_host.kind}, not an internal port"))
        on_host = None
    port = seen.ports.get(device.name)
    dead = inner if inner and (on_host or is_dead(inner)) else None
    if port is not None and (why := cannot_stay(device, port)):
        steps.append(DeletePort(network.id, port, why, settle=True))
        port = on_host = inner = None
    elif port is not None and not on_host and (not inner or dead):
        if device.name in seen.lost and not port.error:
            steps.append(DeletePort(network.id, port, "its device is lost", settle=True))
            port = None
        else:
            said = f"Open vSwitch cannot make device {device.name}: {port.error}" if port.error else None
            blocked.append(Problem(None, said or WAITING.format(device.name)))
            return steps + _plan_namespace(network, namespace)
    steps += _plan_namespace(network, namespace)
    steps += plan_port(network.id, device, seen, is_new=port is None)
    if dead is not None:
        steps.append(DeleteInner(network.id, dead, "it is the dead device of a switch that was restarted"))
    if inner is None or dead:
        steps.append(MoveDevice(network.id, device))
    elif port is not None:
        steps += _plan_inner(network, device, inner, snapshot, namespace)
    return steps


def _plan_inner(
    network: Network, device: Device, inner: Link, snapshot: Snapshot, namespace: NamespaceSeen
) -> list[Step]:
    far = device.far
    assert far is not None
    differs = _differences(inner, mtu=device.mtu, mac=far.mac, settings=own_port_settings(sysctls=snapshot.sysctls))
    if not inner.has_arp:
        differs = (*differs, "arp")
    has = namespace.addresses.get(inner.index, set())
    # In the order of intent: the first address of a family is what the kernel sends from.
    add = tuple(address for address in far.addresses if address not in has)
    remove = tuple(sorted(has - set(far.addresses), key=str))
    steps: list[Step] = []
    if differs or add or remove:
        steps.append(MendInner(network.id, device, inner, differs, add, remove))
    loopback = namespace.links.get("lo")
    if loopback is not None and not loopback.up:
        steps.append(MendLoopback(network.id, loopback))
    return steps


def _plan_routes(
    network: Network, wanted: Iterable[Device], core: Iterable[Step], namespace: NamespaceSeen
) -> Iterable[Unit]:
    """The routes of netmend's own device that is there, and stays: those that somebody else has set go, and so does
    what leads past them. A device gets its routes when it is made."""
    if namespace.diversions:
        yield Unit(None, (RemoveDiversions(network.id, namespace.diversions),), spared=True)
    made = {step.device.name for step in core if isinstance(step, MakeDevice | MoveDevice)}
    for device in wanted:
        if device.far is None or device.name in made or not _is_wired(device, namespace):
            continue
        inner, routes = namespace.links[device.far.name], device.far.routes
        has = namespace.routes.get(inner.index, set())
        add = tuple(route for route in routes if route not in has)
        remove = tuple(sorted(has - set(routes), key=str))
        if add or remove:
            yield Unit(None, (SetRoutes(network.id, inner, add, remove),), spared=True)
        own = {address.network for address in device.far.addresses}  # the kernel's routes there come first
        dead = {route for route in namespace.routes.get(NOWHERE.index, ()) if route[0] not in own}
        if dead:
            yield Unit(None, (SetRoutes(network.id, NOWHERE, (), tuple(sorted(dead, key=str))),), spared=True)


def _plan_guest(network: Network, device: Device, snapshot: Snapshot, seen: FarSeen | None) -> list[Step]:
    found = snapshot.links.get(device.name)
    steps: list[Step] = []
    if found is not None:
        why = _cannot_stay(device, found, seen)
        if why:
            steps.append(DeleteDevice(network.id, found, why))
            found = None
    if found is None and seen and seen.problem:
        return steps + let_go(network.id, device, snapshot.switch)
    return steps + _plan_host_end(network, device, snapshot, found)


def _plan_closed(network: Network, device: Device, snapshot: Snapshot) -> list[Step]:
    """A port without its rules is not made; one that is there goes down, and its guest keeps its device."""
    found = snapshot.links.get(device.name)
    return [MendDevice(network.id, device, found, ("down",))] if found is not None and found.up else []


def _cannot_stay(device: Device, found: Link, seen: FarSeen | None) -> str | None:
    if not _same_kind(device, found):
        return f"it is a {found.kind}, not a {device.kind}"
    if found.kind == "veth" and found.alias is None:
        return "it was left half-made"
    if device.kind == "tap" and found.owner != device.owner:
        return f"it belongs to uid {found.owner}, not {device.owner}"
    if seen is None or device.far is None:
        return None
    elsewhere = "its far end is in another namespace than the port is plugged into"
    mark, wanted = Mark.parse(found.alias), device.far.made
    made = mark and mark.made  # an older netmend did not note it
    if seen.problem:
        return elsewhere if made and made[:8] != wanted[:8] else None
    if not seen.holds_far_end(found):
        return elsewhere
    if made and made[8:] != wanted[8:]:
        return "its far end was made with another name or MAC than the port has"
    return None


def _same_kind(device: Device, found: Link) -> bool:
    return found.kind == _KERNEL_KIND[device.kind]


def _plan_bridge(network: Network, device: Device, snapshot: Snapshot) -> list[Step]:
    found = snapshot.links.get(device.name)
    if found is not None and not _same_kind(device, found):
        why = f"it is a {found.kind}, not a bridge"
        return [DeleteDevice(network.id, found, why), MakeDevice(network.id, device)]
    return _plan_host_end(network, device, snapshot, found)


def _plan_host_end(network: Network, device: Device, snapshot: Snapshot, found: Link | None) -> list[Step]:
    if found is None:
        made: list[Step] = [*let_go(network.id, device, snapshot.switch), MakeDevice(network.id, device)]
        return made + plan_port(network.id, device, snapshot.switch, is_new=True)
    master = snapshot.links.get(device.master) if device.master else None
    differs = _differences(found, mtu=device.mtu, mac=device.mac, settings=host_settings(device))
    if found.alias != str(device.mark):
        differs = ("alias", *differs)
    if found.group != DEVICE_GROUP:
        differs = ("group", *differs)
    if device.master and (master is None or found.master != master.index):
        differs = (*differs, "master")
    if not snapshot.forwarding.get(device.name, True):
        differs = (*differs, "forwarding")
    remove = tuple(sorted(snapshot.addresses.get(found.index, ()), key=str))
    mends: list[Step] = [MendDevice(network.id, device, found, differs, remove)] if differs or remove else []
    return mends + plan_port(network.id, device, snapshot.switch)


def _differences(found: Link, *, mtu: int, mac: str | None, settings: Mapping[str, int]) -> tuple[str, ...]:
    differs = [*differing_settings(found.data, settings)] if found.data else []
    if found.mtu != mtu:
        differs.append("mtu")
    if mac is not None and found.mac != mac:
        differs.append("mac")
    if not found.up:
        differs.append("up")
    return tuple(differs)
