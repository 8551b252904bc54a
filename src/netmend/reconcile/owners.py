"""The networks that devices on the host (by the intent of the last pass) and namespaces (by its snapshot) belong to."""

from collections.abc import Iterable, Mapping

from netmend.intent.names import Mark
from netmend.intent.network import Network
from netmend.kernel import links
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.reconcile.observe import Snapshot
from netmend.reconcile.open_namespaces import OpenNamespaces
from netmend.wiring import Device, wanted_devices


class Owners:
    """Which device and which namespace belongs to which network. A pass writes it, and any thread reads it."""

    def __init__(self) -> None:
        self._devices: dict[str, tuple[Network, list[Device]]] = {}
        self._network_of: dict[str, str] = {}
        self._uplinks: dict[str, str] = {}  # ends of routers' uplinks on the host, each with the router's id
        self._router_of_port: dict[str, str] = {}
        self._router_of_netnsid: dict[int, str] = {}
        self._own_macs: dict[str, str] = {}
        self._device_of_index: dict[int, str] = {}
        self._network_of_netnsid: dict[int, str] = {}
        self.looked_at_briefly: set[str] = set()  # networks in whose namespaces nobody has looked for diversions yet
        self._netnsids: dict[str, int] = {}  # by network, where its port is an internal one of the switch

    def network_of_device(self, name: str) -> str | None:
        """The id of the network with a device called `name`, by the intent of the last pass."""
        return self._network_of.get(name)

    def device_of_index(self, index: int) -> str | None:
        """The name of netmend's device on the host with that index, by the snapshot of the last pass."""
        return self._device_of_index.get(index)

    def wanted_names(self) -> Mapping[str, str]:
        """The network id (of an uplink's end: the router's) of each device that the host should have, by name, by the
        intent of the last pass."""
        return self._network_of

    def router_of_netnsid(self, netnsid: int) -> str | None:
        """The id of the router whose namespace has this id on the host, by the snapshot of the last pass."""
        return self._router_of_netnsid.get(netnsid)

    def want_uplinks(self, uplinks: Mapping[str, str]) -> None:
        """The host should have these ends of routers' uplinks from now on, each given with its router's id."""
        if uplinks != self._uplinks:
            gone = self._uplinks.keys() - uplinks.keys()
            devices = {name: owner for name, owner in self._network_of.items() if name not in gone}
            self._uplinks = dict(uplinks)
            self._network_of = {**devices, **uplinks}

    def network_of_netnsid(self, netnsid: int) -> str | None:
        """The id of the network whose namespace has this id on the host, by the snapshot of the last pass."""
        return self._network_of_netnsid.get(netnsid)

    def devices(self, network: Network) -> list[Device]:
        """The devices that `network` should have, computed once for each change of it."""
        known = self._devices.get(network.id)
        if known is None or known[0] is not network:
            known = self._devices[network.id] = (network, wanted_devices(network))
            for device in known[1][: _own_most(network)]:
                if (mac := device.own_mac) is not None:
                    self._own_macs[device.name] = mac
        return known[1]

    def own_macs(self, networks: Iterable[Network] | None) -> Mapping[str, str]:
        """MACs of netmend's own ports, by the host's end of each, of these networks; None: of all."""
        if networks is None:
            return self._own_macs
        names = (device.name for network in networks for device in self.devices(network)[: _own_most(network)])
        return {name: self._own_macs[name] for name in names if name in self._own_macs}

    def want(self, networks: Iterable[Network]) -> Mapping[str, str]:
        """Begin a pass for these networks; returns the network id of each of their devices, by name."""
        wanted: dict[str, str] = {}
        for network in networks:
            wanted.update(dict.fromkeys((device.name for device in self.devices(network)), network.id))
            self._router_of_port.update((port.id, port.router_id) for port in network.router_ports)
        wanted.update(self._uplinks)
        self._network_of = wanted
        return wanted

    def see(self, snapshot: Snapshot, open_namespaces: OpenNamespaces) -> None:
        """Learn the ids of namespaces and the indexes of devices from a snapshot; `open_namespaces` says which networks
        have a namespace."""
        self._device_of_index = {snapshot.links[name].index: name for name in snapshot.network_of}
        self._network_of_netnsid = {
            link.peer_netnsid: mark.network_id
            for link in snapshot.links.values()
            if link.peer_netnsid is not None and (mark := Mark.parse(link.alias)) and mark.role == "dhcp"
        }
        self._router_of_netnsid = {
            link.peer_netnsid: router_id
            for link in snapshot.links.values()
            if link.peer_netnsid is not None
            and (mark := Mark.parse(link.alias))
            and mark.role == "router"
            and (router_id := self._router_of_port.get(mark.port_id or ""))
        }
        self._netnsids = {owner: netnsid for owner, netnsid in self._netnsids.items() if owner in open_namespaces}
        self._network_of_netnsid |= {netnsid: owner for owner, netnsid in self._netnsids.items()}

    def note_namespace(self, route: RouteSocket, network_id: str, namespace: Netns) -> None:
        """Learn the id of a namespace. A snapshot has it only where the host has an end of a veth into it."""
        netnsid = links.namespace_id(route, namespace)
        if netnsid is not None:
            self._netnsids[network_id] = netnsid
            self._network_of_netnsid[netnsid] = network_id

    def forget(self, network_id: str) -> None:
        """Forget a network that is gone."""
        self._devices.pop(network_id, None)


def _own_most(network: Network) -> int:
    """The first devices of a network, among which are its bridge, netmend's own port and its routers' ports."""
    return 2 + len(network.router_ports)
