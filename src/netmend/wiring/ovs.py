"""Wiring by Open vSwitch: ports of a bridge that netmend does not make, with what Neutron's agents write on them.

After Neutron's OVSInterfaceDriver (neutron/agent/linux/interface.py, ovs_lib.py: replace_port): the DHCP port is an
internal port of the switch, `tap` and the first 11 characters of its id, moved into the network's namespace; or, with
`veth`, a port of that name whose far end is `ns-` and the same characters. neutron-openvswitch-agent knows a port by
`iface-id`, gives it its VLAN and programs the rest. ovn-controller does so by `iface-id` alone, without a VLAN
(neutron/agent/ovn/metadata/agent.py: provision_datapath). Netmend's mark stands beside Neutron's ids, on both rows of
a port.
"""

from typing import Final

from msgspec.structs import replace

from netmend.intent.names import Mark, dhcp_port, own_device_names, tap_name
from netmend.intent.network import Network, OvnWiring, OvsWiring
from netmend.intent.port import NetnsPlug, PidPlug, Port, TapPlug
from netmend.intent.router import RouterPort
from netmend.wiring.device import Device, FarEnd, Home, SwitchPort, router_end
from netmend.wiring.own_addresses import own_addresses
from netmend.wiring.own_routes import own_routes

OWNER: Final = ("managed-by", "netmend")  # in external_ids: the database is asked for rows that bear it
MARK_KEY: Final = "netmend-mark"
BRIDGE_KEY: Final = "netmend-bridge"
TAG_KEY: Final = "netmend-tag"


def wanted_devices(network: Network, wiring: OvsWiring) -> list[Device]:
    """The devices of `network`: its DHCP port where it has subnets, its routers' ports, and its plugged ports; each
    a port of the wiring's bridge, which netmend does not make."""
    devices = [_dhcp(network, wiring)] if network.is_served else []
    devices.extend(_router(network, wiring, port) for port in network.router_ports)
    devices.extend(device for port in network.ports.values() if (device := _guest(network, wiring, port)))
    return devices


def _dhcp(network: Network, wiring: OvsWiring) -> Device:
    port = dhcp_port(network)
    name, inner = own_device_names(network)
    mark = Mark("dhcp", network.id, port.id)
    far = FarEnd(Home(), inner, port.mac, own_addresses(network), own_routes(network))
    kind: Final = "veth" if wiring.veth else "internal"
    return Device(name, kind, mark, network.mtu, far=far, switch=_switch_port(wiring, mark, port.id, port.mac))


def _router(network: Network, wiring: OvsWiring, port: RouterPort) -> Device:
    far = router_end(port)
    mark = Mark("router", network.id, port.id, far.made)
    switch = _switch_port(wiring, replace(mark, made=None), port.id, port.mac)
    return Device(tap_name(port.id), "veth", mark, network.mtu, far=far, switch=switch)


def _guest(network: Network, wiring: OvsWiring, port: Port) -> Device | None:
    mark, name = Mark("guest", network.id, port.id), tap_name(port.id)
    switch = _switch_port(wiring, mark, port.id, port.mac, port.device_id)
    match port.plug:
        case TapPlug(owner):
            return Device(name, "tap", mark, network.mtu, owner=owner, switch=switch)
        case NetnsPlug() | PidPlug() as plug:
            far = FarEnd(plug, plug.device, port.mac)
            return Device(name, "veth", replace(mark, made=far.made), network.mtu, far=far, switch=switch)
        case _:
            return None


def _switch_port(wiring: OvsWiring, mark: Mark, port_id: str, mac: str, instance_id: str | None = None) -> SwitchPort:
    is_ovn = isinstance(wiring, OvnWiring)
    neutrons = [("iface-id", port_id)]
    if not is_ovn:
        neutrons += [("iface-status", "active"), ("attached-mac", mac)]
    if instance_id:
        neutrons.append(("vm-uuid", instance_id))  # as os-vif writes it for a guest of Nova
    ours = (OWNER, (MARK_KEY, str(mark)), (BRIDGE_KEY, wiring.bridge))
    return SwitchPort(
        wiring.bridge, (*neutrons, *ours), ours, "none" if is_ovn else "own" if wiring.own_tags else "agent"
    )
