"""Networks of intent from rows of the southbound database; pure.

A network is there while a guest of it is on this chassis and Neutron has made its metadata port (a localport with a
MAC and addresses), as for neutron-ovn-metadata-agent (neutron/agent/ovn/metadata/agent.py: _get_provision_params).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from netmend.intent import DhcpPort, Intent, MetadataProxy, Network, OvnWiring, Port
from netmend.intent.names import id_from_name
from netmend.intent.network import DEFAULT_MTU
from netmend.sources.ovn import rows
from netmend.sources.ovn.rows import Row, Tables, rows_of


@dataclass(frozen=True, slots=True)
class Place:
    """What the local Open vSwitch says of this host: the chassis's name, OVN's bridge and that bridge's datapath."""

    chassis: str  # external_ids:system-id
    bridge: str  # external_ids:ovn-bridge
    datapath: Literal["system", "netdev"] | None = None


@dataclass(frozen=True, slots=True)
class _Rows:
    """What a network is made of: its datapath, the metadata port, and its guests' bindings with their UUIDs."""

    datapath: Row
    localport: Row | None
    bindings: list[tuple[str, Row]]


@dataclass(frozen=True, slots=True)
class _Made:
    """What was made of rows: a network, or why there is none, or why a guest is not known by its address."""

    rows: _Rows
    network: Network | None
    problem: str | None


class Builder:
    """Makes intents that share what did not change: the node compares by identity."""

    def __init__(self, place: Place, metadata_proxy: MetadataProxy) -> None:
        self._place, self._proxy = place, metadata_proxy
        self._made: dict[str, _Made] = {}  # by network id
        self._ports: dict[str, tuple[Row, Port]] = {}  # by UUID of the row that each was made of
        self.problems: dict[str, str] = {}  # why networks with guests here are not served, by network id

    def build(self, tables: Tables) -> Intent:
        """The intent that the rows are."""
        self.problems = {}
        chassis = rows.chassis_uuid(tables, self._place.chassis)
        by_datapath: dict[str, list[tuple[str, Row]]] = {}
        for uuid, row in rows.guests(tables, chassis) if chassis else ():
            by_datapath.setdefault(str(row["datapath"]), []).append((uuid, row))
        networks: dict[str, Network] = {}
        made: dict[str, _Made] = {}
        kept: set[str] = set()
        localports = _localports(tables)
        for datapath, bindings in sorted(by_datapath.items()):
            found = rows_of(tables, "Datapath_Binding").get(datapath)
            network_id = None if found is None else rows.network_id(found)
            if found is None or network_id is None or network_id in made:
                continue  # no network of Neutron's; or a second datapath of one, while OVN replaces the first
            kept.update(uuid for uuid, _ in bindings)
            made[network_id] = one = self._made_of(network_id, _Rows(found, localports.get(datapath), bindings))
            if one.network is not None:
                networks[network_id] = one.network
            if one.problem is not None:
                self.problems[network_id] = one.problem
        self._made = made
        self._ports = {uuid: pair for uuid, pair in self._ports.items() if uuid in kept}
        return Intent(networks, self._proxy)

    def _made_of(self, network_id: str, found: "_Rows") -> "_Made":
        """The network that the rows are: as it was made before, if the rows are the same still."""
        before = self._made.get(network_id)
        if before is not None and before.rows == found:
            return before
        network = self._network(network_id, found.datapath, found.localport, found.bindings)
        return _Made(found, network, self.problems.get(network_id))

    def _network(
        self, network_id: str, datapath: Row, localport: Row | None, bindings: Iterable[tuple[str, Row]]
    ) -> Network | None:
        if localport is None:
            self.problems[network_id] = "Neutron has made no metadata port for it in OVN (a localport)"
            return None
        mac, _ = rows.addresses(localport)
        if mac is None:
            self.problems[network_id] = f"its metadata port {localport['logical_port']} has no MAC in OVN"
            return None
        own = rows.cidrs(localport)
        ports = self._distinct(network_id, bindings, mac, {one.ip for one in own})
        known = self._made.get(network_id)
        before = known.network if known else None
        if before is not None and before.ports == ports:
            ports = before.ports
        made = Network(
            id=network_id,
            name=str(datapath["external_ids"].get("name2") or network_id),
            mtu=rows.mtu(localport, DEFAULT_MTU),
            wiring=OvnWiring(self._place.bridge, datapath=self._place.datapath, addresses=own),
            ports=ports,
            dhcp_port=DhcpPort(str(localport["logical_port"]), mac),
            metadata="proxy",
            project_id=localport["external_ids"].get(rows.PROJECT) or None,
        )
        return before if before == made else made

    def _distinct(
        self,
        network_id: str,
        bindings: Iterable[tuple[str, Row]],
        own_mac: str,
        own: set[IPv4Address | IPv6Address],
    ) -> Mapping[str, Port]:
        """The network's ports. Of two that claim one MAC or address, neither is known by it: which guest asks is then
        not certain, and metadata holds secrets."""
        made = [self._port(network_id, uuid, row) for uuid, row in bindings]
        owners: dict[object, int] = {own_mac: 1, **dict.fromkeys(own, 1)}
        for port in made:
            for claim in (port.mac, *port.addresses):
                owners[claim] = owners.get(claim, 0) + 1
        found: dict[str, Port] = {}
        for port in made:
            if all(owners[claim] == 1 for claim in (port.mac, *port.addresses)):
                found[port.id] = port
                continue
            left4 = tuple(one for one in port.fixed_ips if owners[one] == 1)
            left6 = tuple(one for one in port.fixed_ips6 if owners[one] == 1)
            self.problems[network_id] = (
                f"port {port.id} shares its MAC or an address with another, and is not known by it"
            )
            if owners[port.mac] == 1:
                found[port.id] = _with_addresses(port, left4, left6)
        return found

    def _port(self, network_id: str, uuid: str, row: Row) -> Port:
        known = self._ports.get(uuid)
        if known is not None and known[0] is row:
            return known[1]
        ids = row["external_ids"]
        mac, found = rows.addresses(row)
        name = str(row["logical_port"])
        port = Port(
            id=rows.canonical(name) or id_from_name("ovn port", network_id, name),
            name=str(ids.get("neutron:port_name") or name),
            mac=mac or _no_mac(uuid),
            fixed_ips=tuple(one for one in found if isinstance(one, IPv4Address)),
            fixed_ips6=tuple(one for one in found if isinstance(one, IPv6Address)),
            device_id=ids.get(rows.DEVICE) or None,
            project_id=ids.get(rows.PROJECT) or None,
        )
        if known is not None and known[1] == port:
            port = known[1]
        self._ports[uuid] = (row, port)
        return port


def _localports(tables: Tables) -> dict[str, Row]:
    """The metadata port of each datapath; of more, that with the first name."""
    found: dict[str, Row] = {}
    for row in rows_of(tables, "Port_Binding").values():
        if rows.is_metadata_port(row["type"], row["external_ids"]):
            datapath = str(row["datapath"])
            before = found.get(datapath)
            if before is None or row["logical_port"] < before["logical_port"]:
                found[datapath] = row
    return found


def _with_addresses(port: Port, fixed4: tuple[IPv4Address, ...], fixed6: tuple[IPv6Address, ...]) -> Port:
    return Port(
        port.id, port.name, port.mac, fixed4, fixed_ips6=fixed6, device_id=port.device_id, project_id=port.project_id
    )


def _no_mac(uuid: str) -> str:
    """A MAC for a port that has none, from which no guest sends: unicast, and each row's own."""
    return "fa:" + bytes.fromhex(uuid.replace("-", "")[-10:]).hex(":")
