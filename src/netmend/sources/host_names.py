"""Names that all networks of a node share, each to be used once: ids, devices, the ends of plugs."""

from netmend.ground.problem import Place
from netmend.intent import NetnsPlug, PidPlug, Port, Router, Subnet, Subnet6
from netmend.intent.names import bridge_name, dhcp_port_id, tap_name, uplink_host_name
from netmend.sources.problem import Complaints

Owner = tuple[str, str, str]  # kind, name, and the name of the network; put into words only for a complaint


def _words(owner: Owner) -> str:
    kind, name, network_name = owner
    if not network_name:
        return f"{kind} {name}"
    return f"{kind} {name} of network {network_name}" if name else f"{kind} network {network_name}"


class HostNames:
    """Gets every network, subnet and port in turn; complains of a second use of what the host has once."""

    def __init__(self, complaints: Complaints) -> None:
        self._complain = complaints.add
        self._network_names: set[str] = set()
        self._network_ids: dict[str, str] = {}
        self._router_names: set[str] = set()
        self._subnet_ids: dict[str, Owner] = {}
        self._port_ids: dict[str, Owner] = {}
        self._devices: dict[str, Owner] = {}
        self._plugged: dict[tuple[str | int, str], Owner] = {}  # by namespace or pid, and the device in it

    def take_network(self, place: Place, network_id: str, name: str) -> None:
        if name in self._network_names:
            self._complain((*place, "name"), f"another network is named {name}")
        self._network_names.add(name)
        other = self._network_ids.setdefault(network_id, name)
        if other != name:
            self._complain((*place, "id"), f"network {other} has the id {network_id} too")
            return
        self._take_device(place, bridge_name(network_id), ("the bridge of", "", name))
        self._take_device(place, tap_name(dhcp_port_id(network_id)), ("the DHCP port of", "", name))

    def take_subnet(self, place: Place, subnet: Subnet | Subnet6, network_name: str) -> None:
        owner = ("subnet", subnet.name, network_name)
        other = self._subnet_ids.setdefault(subnet.id, owner)
        if other != owner:
            self._complain((*place, "id"), f"{_words(other)} has the id {subnet.id} too")

    def take_port(self, place: Place, port: Port, network_name: str) -> None:
        owner = ("port", port.name, network_name)
        other = self._port_ids.setdefault(port.id, owner)
        if other is owner:
            self._take_device(place, tap_name(port.id), owner)
        elif other != owner:  # if equal, it is the name that is taken twice
            self._complain((*place, "id"), f"{_words(other)} has the id {port.id} too")
        plug = port.plug
        if isinstance(plug, NetnsPlug):
            self._take_end(place, (plug.netns, plug.device), owner)
        elif isinstance(plug, PidPlug):
            self._take_end(place, (plug.pid, plug.device), owner)

    def take_router(self, place: Place, router: Router) -> None:
        if router.name in self._router_names:
            self._complain((*place, "name"), f"another router is named {router.name}")
        self._router_names.add(router.name)
        if other := self._network_ids.get(router.id):
            self._complain((*place, "id"), f"network {other} has the id {router.id} too")
        self._take_device(place, uplink_host_name(router.id), ("router", router.name, ""))
        for port in router.ports:
            self._take_device(place, tap_name(port.id), ("a port of router", router.name, ""))

    def _take_end(self, place: Place, end: tuple[str | int, str], owner: Owner) -> None:
        other = self._plugged.setdefault(end, owner)
        if other is not owner:
            where = f"{'process' if isinstance(end[0], int) else 'namespace'} {end[0]}"
            self._complain((*place, "plug"), f"{_words(other)} is plugged into {where} as {end[1]} already")

    def _take_device(self, place: Place, device: str, owner: Owner) -> None:
        other = self._devices.setdefault(device, owner)
        if other != owner:
            why = f"its device would be {device}, like that of {_words(other)}: an id's first 11 characters name it"
            self._complain((*place, "id"), f"{why}; give one of them another id")
