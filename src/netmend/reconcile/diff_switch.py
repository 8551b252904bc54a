"""The part of the difference that lies in Open vSwitch: ports to add, mend and delete, and missing devices; pure."""

from collections.abc import Iterable, Mapping

from netmend.intent.network import Network, OvsWiring
from netmend.kernel.links import Link
from netmend.kernel.ovsdb.ports import Port, Tag
from netmend.reconcile.steps import AddPort, DeletePort, MendPort, Plan, Step
from netmend.reconcile.switch import SwitchSeen, port_ids
from netmend.wiring import Device
from netmend.wiring.ovs import BRIDGE_KEY, TAG_KEY

INTERNAL_KINDS = frozenset(("openvswitch", "tun"))  # IFLA_INFO_KIND of an internal port: kernel and userspace datapath
WAITING = "waiting for Open vSwitch to make device {}; is ovs-vswitchd running?"


def switch_trouble(network: Network, seen: SwitchSeen) -> str | None:
    """Why nothing can be done for the network in Open vSwitch; None when nothing is in the way."""
    wiring = network.wiring
    if not isinstance(wiring, OvsWiring) or seen.problem:
        return seen.problem if isinstance(wiring, OvsWiring) else None
    datapath = seen.bridges.get(wiring.bridge)
    if datapath is None:
        return (
            f"Open vSwitch has no bridge {wiring.bridge}: make it (ovs-vsctl add-br {wiring.bridge}), or start "
            "neutron-openvswitch-agent, which does"
        )
    if wiring.datapath not in {None, datapath}:
        return f"bridge {wiring.bridge} of Open vSwitch has datapath_type {datapath}, and intent says {wiring.datapath}"
    if wiring.own_tags and network.id not in seen.tags:
        return "no VLAN tag is left for this network: Open vSwitch has 4,094, and all are in use"
    return None


def unwanted_ports(network_id: str, wanted: Iterable[Device], seen: SwitchSeen, why: str) -> list[Step]:
    """The steps that delete the ports of the network behind which is none of the `wanted` devices."""
    kept = {device.name for device in wanted if device.switch is not None}
    return [DeletePort(network_id, port, why) for port in seen.of_network(network_id) if port.name not in kept]


def stays_or_goes_with_port(link: Link, seen: SwitchSeen) -> bool:
    """Whether the switch deletes a device, with its port."""
    port = seen.ports.get(link.name)
    return link.kind == "openvswitch" or (link.kind == "tun" and port is not None and port.type == "internal")


def is_dead(inner: Link) -> bool:
    """Whether the switch has let go of a device in the namespace. ovs-vswitchd makes its taps to persist: when it is
    killed they stay where they are, while the next ovs-vswitchd makes others on the host."""
    return inner.kind == "tun" and inner.up and not inner.carrier


def let_go(network_id: str, device: Device, seen: SwitchSeen) -> list[Step]:
    """The step that deletes the port of a device that is about to be made anew: the switch would not see a new one."""
    port = seen.ports.get(device.name) if device.switch else None
    return [DeletePort(network_id, port, "its device is made anew", settle=True)] if port else []


def plan_port(network_id: str, device: Device, seen: SwitchSeen, *, is_new: bool = False) -> list[Step]:
    """The steps that make `device` the port that it should be. It is there, or the switch is about to make it."""
    if device.switch is None:
        return []
    tag: Tag = seen.tags[network_id] if device.switch.own_tag else "none" if device.switch.vlan == "none" else None
    port = None if is_new else seen.ports.get(device.name)
    if port is None:
        return [AddPort(network_id, device, tag)]
    why = cannot_stay(device, port)
    if why:
        return [DeletePort(network_id, port, why, settle=True), AddPort(network_id, device, tag)]
    differs = []
    if any(port.ids.get(key) != value for key, value in device.switch.ids):
        differs.append("ids")
    if any(port.port_ids.get(key) != value for key, value in port_ids(device, tag).items()):
        differs.append("port ids")
    if device.kind == "internal" and port.mtu != device.mtu:
        differs.append("mtu")
    if tag is not None and (port.tag != (None if tag == "none" else tag) or port.dead):
        differs.append("tag")
    return [MendPort(network_id, device, port, tuple(differs), tag)] if differs else []


def cannot_stay(device: Device, port: Port) -> str | None:
    """Why a port of ours must be deleted and added again, if it must."""
    assert device.switch is not None
    wanted = "internal" if device.kind == "internal" else ""
    if port.type != wanted:
        return f"its type is {port.type or 'system'}, not {wanted or 'system'}"
    bridge = port.ids.get(BRIDGE_KEY) or port.port_ids.get(BRIDGE_KEY)
    if bridge != device.switch.bridge:
        return f"it is a port of {bridge}, not of {device.switch.bridge}"
    if not device.switch.own_tag and TAG_KEY in port.port_ids:
        return "its VLAN is for another to choose"
    return None


def ports_to_add_ahead(plan: Plan) -> list[AddPort]:
    """The ports that can be added in one batch with those of other networks: the switch makes their devices."""
    anew = {step.port.name for step in plan.steps if isinstance(step, DeletePort)}
    return [
        step
        for step in plan.steps
        if isinstance(step, AddPort) and step.device.kind == "internal" and step.device.name not in anew
    ]


def without_device(
    devices: Iterable[Device], links: Mapping[str, Link], inner: Mapping[str, Link], seen: SwitchSeen
) -> dict[str, bool]:
    """The internal ports that the switch has, by name: whether the device of each is missing."""
    return {
        device.name: device.name not in links and (device.name not in inner or is_dead(inner[device.name]))
        for device in devices
        if device.kind == "internal" and device.name in seen.ports
    }
