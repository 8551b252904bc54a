"""What all networks of a node share, and so must not use twice: ids, the names of devices, the ends of plugs."""

from netmend.intent import NetnsPlug, NoPlug, PidPlug, Port, Subnet, TapPlug
from netmend.intent.names import bridge_name, dhcp_port_id, tap_name
from netmend.sources.problem import Complaints, Place


class HostNames:
    """Told of every network and port in turn; complains of the second who takes a name."""

    def __init__(self, complaints: Complaints) -> None:
        self._complaints = complaints
        self._network_names: set[str] = set()
        self._network_ids: dict[str, str] = {}
        self._subnet_ids: dict[str, str] = {}  # by id: "subnet s of network blue"
        self._port_ids: dict[str, str] = {}  # by id: "port web of network blue"
        self._devices: dict[str, str] = {}  # by name: whose it is
        self._plugged: dict[tuple[str | int, str], str] = {}  # by namespace or pid, and device: whose it is

    def take_network(self, place: Place, network_id: str, name: str) -> None:
        if name in self._network_names:
            self._complaints.add((*place, "name"), f"another network is named {name}")
        self._network_names.add(name)
        other = self._network_ids.setdefault(network_id, name)
        if other != name:
            self._complaints.add((*place, "id"), f"network {other} has the id {network_id} too")
            return
        label = f"network {name}"
        self._take_device((*place, "id"), bridge_name(network_id), f"the bridge of {label}")
        self._take_device((*place, "id"), tap_name(dhcp_port_id(network_id)), f"the DHCP port of {label}")

    def take_subnet(self, place: Place, subnet: Subnet, network_name: str) -> None:
        label = f"subnet {subnet.name} of network {network_name}"
        other = self._subnet_ids.setdefault(subnet.id, label)
        if other != label:
            self._complaints.add((*place, "id"), f"{other} has the id {subnet.id} too")

    def take_port(self, place: Place, port: Port, network_name: str) -> None:
        label = f"port {port.name} of network {network_name}"
        other = self._port_ids.setdefault(port.id, label)
        if other is label:
            self._take_device((*place, "id"), tap_name(port.id), label)
        elif other != label:  # else it is the name that is taken twice
            self._complaints.add((*place, "id"), f"{other} has the id {port.id} too")
        plug = port.plug
        if isinstance(plug, NoPlug | TapPlug):
            return
        end = (plug.netns if isinstance(plug, NetnsPlug) else plug.pid, plug.device)
        other = self._plugged.setdefault(end, label)
        if other is not label:
            where = f"process {plug.pid}" if isinstance(plug, PidPlug) else f"namespace {plug.netns}"
            self._complaints.add((*place, "plug"), f"{other} is plugged into {where} as {plug.device} already")

    def _take_device(self, place: Place, device: str, label: str) -> None:
        other = self._devices.setdefault(device, label)
        if other != label:
            why = f"its device would be {device}, like that of {other}: an id's first 11 characters name the device"
            self._complaints.add(place, f"{why}; give one of them another id")
