"""What another agent made for the same networks, as Neutron's does, and what is evidence enough to take it for ours.

Names alone are none. A namespace is taken when it bears no mark, has the network's name, and nothing in it but the
device of the very port that intent names as netmend's own; a port of the switch, when its `iface-id` is that port's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from netmend.intent.names import dhcp_port
from netmend.intent.network import Network
from netmend.intent.wiring import OvsWiring
from netmend.kernel.links import Link
from netmend.kernel.ovsdb import ports
from netmend.kernel.ovsdb.connection import Connection
from netmend.kernel.ovsdb.ports import Port
from netmend.wiring import Device, Home, wanted_devices
from netmend.wiring.ovs import BRIDGE_KEY, MARK_KEY, OWNER

_FEW = 10  # ports that are asked for by name, each of which costs the server a look at all of its rows


def is_networks_own(devices: Iterable[Device], inner: Mapping[str, Link]) -> bool:
    """True when a namespace with these links has nothing in it but the network's own device."""
    own = {device.far.name for device in devices if device.far is not None and isinstance(device.far.place, Home)}
    return {name for name, link in inner.items() if name != "lo" and not _comes_with_every_namespace(link)} <= own


def _comes_with_every_namespace(link: Link) -> bool:
    """The fallback devices of tunnels, down, where sysctl net.core.fb_tunnels_only_for_init_net is 0."""
    return not link.up and link.kind in {"ipip", "gre", "gretap", "erspan", "sit", "ip6tnl", "ip6gre", "vti", "vti6"}


def adoptable_ports(connection: Connection, networks: Iterable[Network], ours: Iterable[str]) -> dict[str, Port]:
    """Ports of the switch that are netmend's own by intent, and that another made: as they are, with their bridge as we
    would note it. Raises KernelError."""
    known = set(ours)
    ids = {
        device.name: dhcp_port(network).id
        for network in networks
        if isinstance(network.wiring, OvsWiring)
        for device in wanted_devices(network)
        if device.mark.role == "dhcp" and device.name not in known
    }
    if not ids:
        return {}
    found = ports.find(connection, ids) if len(ids) <= _FEW else ports.find(connection, _there(connection, ids))
    taken = {
        name: port
        for name, port in found.items()
        if port.ids.get("iface-id") == ids[name] and MARK_KEY not in port.ids and OWNER[0] not in port.ids
    }
    bridges = ports.bridges_of(connection, taken.values()) if taken else {}
    return {
        name: replace(port, ids={**port.ids, BRIDGE_KEY: bridges[name]})
        for name, port in taken.items()
        if name in bridges
    }


def _there(connection: Connection, wanted: Iterable[str]) -> list[str]:
    names = ports.names(connection)
    return [name for name in wanted if name in names]
