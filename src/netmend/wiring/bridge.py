"""Wiring by a Linux bridge: each network has one, and its ports are the host ends of veths and the taps of guests."""

from msgspec.structs import replace

from netmend.intent.names import Mark, bridge_name, dhcp_port, mac_from_id, own_device_names, tap_name
from netmend.intent.network import Network
from netmend.intent.port import NetnsPlug, PidPlug, Port, TapPlug
from netmend.intent.router import RouterPort
from netmend.wiring.device import Device, FarEnd, Home, router_end
from netmend.wiring.own_addresses import own_addresses
from netmend.wiring.own_routes import own_routes


def wanted_devices(network: Network) -> list[Device]:
    """The devices of `network`: its bridge, its DHCP port where it has subnets, its routers' ports, and its plugged
    ports."""
    devices = [_bridge(network)]
    if network.is_served:
        devices.append(_dhcp(network))
    devices.extend(_router(network, port) for port in network.router_ports)
    devices.extend(device for port in network.ports.values() if (device := _guest(network, port)))
    return devices


def _bridge(network: Network) -> Device:
    return Device(
        name=bridge_name(network.id),
        kind="bridge",
        mark=Mark("bridge", network.id),
        mtu=network.mtu,
        mac=mac_from_id(network.id),
    )


def _dhcp(network: Network) -> Device:
    port = dhcp_port(network)
    name, inner = own_device_names(network)
    return Device(
        name=name,
        kind="veth",
        mark=Mark("dhcp", network.id, port.id),
        mtu=network.mtu,
        master=bridge_name(network.id),
        far=FarEnd(Home(), inner, port.mac, own_addresses(network), own_routes(network)),
    )


def _router(network: Network, port: RouterPort) -> Device:
    far = router_end(port)
    mark = Mark("router", network.id, port.id, far.made)
    return Device(tap_name(port.id), "veth", mark, network.mtu, master=bridge_name(network.id), far=far)


def _guest(network: Network, port: Port) -> Device | None:
    mark, name, master = Mark("guest", network.id, port.id), tap_name(port.id), bridge_name(network.id)
    match port.plug:
        case TapPlug(owner):
            return Device(name, "tap", mark, network.mtu, master=master, owner=owner)
        case NetnsPlug() | PidPlug() as plug:
            far = FarEnd(plug, plug.device, port.mac)
            return Device(name, "veth", replace(mark, made=far.made), network.mtu, master=master, far=far)
        case _:
            return None
