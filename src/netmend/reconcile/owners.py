"""Whose is what on the host: devices by name, by the intent of the last pass; ids of namespaces, by its snapshot."""

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
    """Written by the pass that is on its way; read by any thread."""

    def __init__(self) -> None:
        self._devices: dict[str, tuple[Network, list[Device]]] = {}
        self._network_of: dict[str, str] = {}
        self._device_of_index: dict[int, str] = {}
        self._network_of_netnsid: dict[int, str] = {}
        self._netnsids: dict[str, int] = {}  # of networks whose port is the switch's

    def network_of_device(self, name: str) -> str | None:
        """The network whose device bears `name`, by the intent of the last pass."""
        return self._network_of.get(name)

    def device_of_index(self, index: int) -> str | None:
        """The name of netmend's device on the host with that index, by the snapshot of the last pass."""
        return self._device_of_index.get(index)

    def wanted_names(self) -> Mapping[str, str]:
        """Names of all devices that the host should have, and whose they are, by the intent of the last pass."""
        return self._network_of

    def network_of_netnsid(self, netnsid: int) -> str | None:
        """The network whose namespace the host knows by this id, by the snapshot of the last pass."""
        return self._network_of_netnsid.get(netnsid)

    def devices(self, network: Network) -> list[Device]:
        """The devices that `network` should have, worked out once a change of it."""
        known = self._devices.get(network.id)
        if known is None or known[0] is not network:
            known = self._devices[network.id] = (network, wanted_devices(network))
        return known[1]

    def want(self, networks: Iterable[Network]) -> Mapping[str, str]:
        """A pass begins, for these networks: names of all their devices, and whose they are."""
        wanted: dict[str, str] = {}
        for network in networks:
            wanted.update(dict.fromkeys((device.name for device in self.devices(network)), network.id))
        self._network_of = wanted
        return wanted

    def see(self, snapshot: Snapshot, open_namespaces: OpenNamespaces) -> None:
        """Learn from a snapshot by which ids the host knows namespaces, and the indexes of devices; `open_namespaces`
        says which networks have a namespace."""
        self._device_of_index = {snapshot.links[name].index: name for name in snapshot.network_of}
        self._network_of_netnsid = {
            link.peer_netnsid: mark.network_id
            for link in snapshot.links.values()
            if link.peer_netnsid is not None and (mark := Mark.parse(link.alias)) and mark.role == "dhcp"
        }
        self._netnsids = {owner: netnsid for owner, netnsid in self._netnsids.items() if owner in open_namespaces}
        self._network_of_netnsid |= {netnsid: owner for owner, netnsid in self._netnsids.items()}

    def note_namespace(self, route: RouteSocket, network_id: str, namespace: Netns) -> None:
        """By which id the host knows it: the host's end of a veth tells, and a port that is the switch's has none."""
        netnsid = links.namespace_id(route, namespace)
        if netnsid is not None:
            self._netnsids[network_id] = netnsid
            self._network_of_netnsid[netnsid] = network_id

    def forget(self, network_id: str) -> None:
        """The network is gone."""
        self._devices.pop(network_id, None)
