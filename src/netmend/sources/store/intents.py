"""The intent that the store's contents are, kept in step with each commit at the cost of what it changed."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from sqlite3 import Connection

from msgspec.structs import replace

from netmend.intent import Intent, Network, Port, Router
from netmend.intent.names import dhcp_port_id
from netmend.intent.port_map import PortMap
from netmend.sources.store.errors import RefusedError, StoreError
from netmend.sources.store.groups import Groups
from netmend.sources.store.router_values import routers_of, with_ends
from netmend.sources.store.settings import metadata_proxy
from netmend.sources.store.transaction import Document, Transaction
from netmend.sources.store.values import network_value, port_value


@dataclass(slots=True)
class _Known:
    """A network as it was last built; `value` bears its ports. None: switched off."""

    value: Network | None
    ports: PortMap
    gateways: dict[str, str | None]


class Intents:
    """The intent in force. Its methods are called in one thread, that of the writer."""

    def __init__(self, connection: Connection) -> None:
        """Reads everything. Raises StoreError when a row cannot be understood."""
        self._connection = connection
        self._known: dict[str, _Known] = {}
        self._has_routers = False
        subnets: dict[str, list[Document]] = {}
        for (text,) in connection.execute("SELECT document FROM subnet"):
            subnet = json.loads(text)
            subnets.setdefault(subnet["network_id"], []).append(subnet)
        ports: dict[str, list[Document]] = {}
        for (text,) in connection.execute("SELECT document FROM port"):
            port = json.loads(text)
            ports.setdefault(port["network_id"], []).append(port)
        try:
            for (text,) in connection.execute("SELECT document FROM network"):
                network = json.loads(text)
                self._known[network["id"]] = self._build(
                    network, subnets.get(network["id"], []), ports.get(network["id"], [])
                )
        except RefusedError as error:
            raise StoreError(f"the store holds what this netmend cannot make intent of: {error}") from error
        self._groups = Groups(connection, (port for known in self._known.values() for port in known.ports.values()))
        self.intent = self._whole({key: known.value for key, known in self._known.items() if known.value})

    def use(self, connection: Connection) -> None:
        """Read by another connection from now on, which has the same."""
        self._connection = connection
        self._groups.use(connection)

    def apply(self, transactions: Iterable[Transaction]) -> Intent:
        """The intent after these commits, in order; what did not change are the same objects as before."""
        ports: dict[str, dict[str, Port | None]] = {}
        networks: set[str] = set()
        groups: set[tuple[str, str]] = set()
        for transaction in transactions:
            for (network_id, port_id), port in transaction.ports.items():
                ports.setdefault(network_id, {})[port_id] = port
            for kind, object_id in transaction.changed:
                if kind == "network":
                    networks.add(object_id)
                elif kind in ("security_group", "address_group"):
                    groups.add((kind, object_id))
        current = dict(self.intent.networks)
        for network_id in networks:
            self._rebuild(network_id)
        for network_id, changes in ports.items():
            known = self._known.get(network_id)
            if known is None:
                continue
            self._groups.note(known.ports, changes)
            known.ports = known.ports.evolve(changes)
            networks.add(network_id)
        self._groups.settle(groups)
        for network_id in networks:
            known = self._known.get(network_id)
            if known is None or known.value is None:
                current.pop(network_id, None)
                continue
            if known.value.ports is not known.ports:
                known.value = replace(known.value, ports=known.ports)
            current[network_id] = known.value
        self.intent = self._whole(current)
        return self.intent

    def _whole(self, networks: dict[str, Network]) -> Intent:
        routers = routers_of(self._connection, networks)
        if not routers and not self._has_routers:
            return self._intent(networks, {})
        before = self.intent.routers if self._has_routers else {}
        same = {key: before[key] if before.get(key) == router else router for key, router in routers.items()}
        self._has_routers = bool(routers)
        return self._intent(with_ends(networks, routers.values()), same)

    def _intent(self, networks: dict[str, Network], routers: dict[str, Router]) -> Intent:
        groups = self._groups
        return Intent(
            networks, metadata_proxy(self._connection), routers, groups.security_groups, groups.address_groups
        )

    def _rebuild(self, network_id: str) -> None:
        """Build a network anew that changed, or has subnets that changed; its ports only where these matter to them."""
        found = self._documents("network", "id = ?", network_id)
        if not found:
            gone = self._known.pop(network_id, None)
            if gone is not None:
                self._groups.note(gone.ports, dict.fromkeys(gone.ports))
            return
        subnets = self._documents("subnet", "network_id = ?", network_id)
        known = self._known.get(network_id)
        gateways = _gateways(subnets)
        if known is None or known.gateways != gateways:
            ports = self._documents("port", "network_id = ?", network_id)
            new = self._build(found[0], subnets, ports)
            if known is not None:
                changes = _differences(known.ports, new.ports)
                self._groups.note(known.ports, changes)
                new.ports = known.ports.evolve(changes)
                new.value = replace(new.value, ports=new.ports) if new.value else None
            else:
                self._groups.note({}, new.ports)
            self._known[network_id] = new
            return
        own = self._documents("port", "id = ?", dhcp_port_id(network_id))
        value = _value(found[0], subnets, own)
        known.value = replace(value, ports=known.ports) if value else None

    def _build(self, network: Document, subnets: list[Document], ports: list[Document]) -> _Known:
        own_id = dhcp_port_id(network["id"])
        gateways = _gateways(subnets)
        value = _value(network, subnets, [port for port in ports if port["id"] == own_id])
        built = {port["id"]: port_value(port, gateways) for port in ports if port["id"] != own_id}
        by_id = PortMap({port_id: port for port_id, port in built.items() if port is not None})
        return _Known(replace(value, ports=by_id) if value else None, by_id, gateways)

    def _documents(self, kind: str, where: str = "1", *values: object) -> list[Document]:
        rows = self._connection.execute(f"SELECT document FROM {kind} WHERE {where}", values)
        return [json.loads(text) for (text,) in rows]


def _gateways(subnets: Iterable[Document]) -> dict[str, str | None]:
    return {subnet["id"]: subnet["gateway_ip"] for subnet in subnets if subnet["enable_dhcp"]}


def _value(network: Document, subnets: list[Document], own: list[Document]) -> Network | None:
    in_order = sorted(subnets, key=lambda subnet: network["subnets"].index(subnet["id"]))
    value = network_value(network, in_order, own[0]["fixed_ips"] if own else [])
    return value if network["admin_state_up"] else None


def _differences(old: PortMap, new: PortMap) -> dict[str, Port | None]:
    """What makes `new` of `old`: ports that are equal stay the same objects."""
    changes: dict[str, Port | None] = {key: port for key, port in new.items() if old.get(key) != port}
    changes.update((key, None) for key in old if key not in new)
    return changes
