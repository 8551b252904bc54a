"""What a local Open vSwitch database has of anybody's ports: devices that are ports, and whole ports, to be taken away
and made again as they were (ovs-vswitchd.conf.db(5))."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from netmend.kernel.ovsdb.connection import Connection, Operation
from netmend.kernel.ovsdb.ports import ADD, REMOVE

SOCKETS: Final = ("/run/openvswitch/db.sock", "/var/run/openvswitch/db.sock")
_LOOKED_AT: Final = ["_uuid", "name", "type", "external_ids", "ofport", "error"]
_OF_PORTS: Final = [
    *("name", "tag", "trunks", "vlan_mode", "external_ids", "other_config", "mac")
]  # less the references to other tables: QoS, mirrors
_OF_INTERFACES: Final = [
    *("name", "type", "options", "external_ids", "other_config", "mtu_request", "mac", "ofport_request", "lldp", "bfd"),
    *("ingress_policing_rate", "ingress_policing_burst"),
]


class InterfaceRow(Struct, frozen=True):
    """A device that is a port, or part of one. `number` (ofport) and `error` are what ovs-vswitchd says of it."""

    uuid: str
    name: str
    type: str  # "internal": the switch makes the device; "": it takes the one that is there
    ids: Mapping[str, str] = field(default_factory=dict)  # external_ids
    number: int | None = None
    error: str | None = None


class WholePort(Struct, frozen=True):
    """A port of one interface: its bridge, and the columns of both rows that say what it is, as in RFC 7047."""

    uuid: str  # of the row in table Port
    bridge: str
    port: Mapping[str, Any]
    interface: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.port["name"])


def present() -> str | None:
    """The path of the database's socket, where there is one."""
    return next((path for path in SOCKETS if os.path.exists(path)), None)


def interfaces(path: str, timeout: float = 10.0) -> dict[str, InterfaceRow]:
    """Every interface in the database at a unix socket, by name. Raises KernelError."""
    with Connection(f"unix:{path}", timeout) as connection:
        (found,) = connection.transact([_select("Interface", _LOOKED_AT)], "ask", path)
    return {str(row["name"]): _interface(row) for row in found["rows"]}


def _interface(row: Mapping[str, Any]) -> InterfaceRow:
    number = row.get("ofport")
    error = row.get("error")
    return InterfaceRow(
        uuid=str(row.get("_uuid", ["uuid", ""])[1]),
        name=str(row["name"]),
        type=str(row.get("type", "")),
        ids=_mapping(row.get("external_ids")),
        number=number if isinstance(number, int) else None,
        error=error if isinstance(error, str) else None,
    )


def _mapping(value: Any) -> dict[str, str]:
    return {str(key): str(found) for key, found in value[1]} if isinstance(value, list) and value[0] == "map" else {}


def whole_ports(connection: Connection) -> dict[str, WholePort]:
    """Every port with one interface of the same name, on any bridge. Raises KernelError."""
    bridges, ports, interfaces = connection.transact(
        [
            _select("Bridge", ["name", "ports"]),
            _select("Port", ["_uuid", "interfaces", *_OF_PORTS]),
            _select("Interface", ["_uuid", *_OF_INTERFACES]),
        ],
        "read",
        f"the ports of {connection.remote}",
    )
    bridge_of = {uuid: str(row["name"]) for row in bridges["rows"] for uuid in _references(row["ports"])}
    row_of = {str(row["_uuid"][1]): row for row in interfaces["rows"]}
    found = {}
    for row in ports["rows"]:
        uuid, parts = str(row["_uuid"][1]), _references(row["interfaces"])
        interface = row_of.get(parts[0]) if len(parts) == 1 else None
        if interface is not None and interface["name"] == row["name"] and uuid in bridge_of:
            found[str(row["name"])] = WholePort(
                uuid,
                bridge_of[uuid],
                {column: row[column] for column in _OF_PORTS},
                {column: interface[column] for column in _OF_INTERFACES},
            )
    return found


def unchanged(connection: Connection, ports: Iterable[WholePort]) -> set[str]:
    """The names of those of `ports` that are in the database still, by their rows, and are the same. Raises
    KernelError."""
    chosen = list(ports)
    operations = [{**_select("Port", _OF_PORTS), "where": [["_uuid", "==", ["uuid", port.uuid]]]} for port in chosen]
    results = connection.transact(operations, "read", f"ports of {connection.remote}") if chosen else []
    return {port.name for port, found in zip(chosen, results, strict=True) if found["rows"] == [dict(port.port)]}


def take_away(connection: Connection, ports: Sequence[WholePort]) -> None:
    """Delete ports by their rows, in one transaction; that one is gone already is no error. Raises KernelError."""
    doomed = ["set", [["uuid", port.uuid] for port in ports]]
    removal = {"op": "mutate", "table": "Bridge", "where": [], "mutations": [["ports", "delete", doomed]]}
    first = ports[0].name
    named = first if len(ports) == 1 else f"{first} and {len(ports) - 1} more"
    connection.change([removal, _NEXT], REMOVE, named)


def make_again(connection: Connection, port: WholePort) -> None:
    """Make a port as it was. Raises KernelError: ENOENT when its bridge is not there, EEXIST when the name is taken."""
    where = [["name", "==", port.bridge]]
    wait = {"op": "wait", "table": "Bridge", "where": where, "columns": ["name"], "until": "==", "timeout": 0}
    member = ["set", [["named-uuid", "made"]]]
    operations: list[Operation] = [
        {**wait, "rows": [{"name": port.bridge}]},
        {"op": "insert", "table": "Interface", "uuid-name": "device", "row": dict(port.interface)},
        {
            "op": "insert",
            "table": "Port",
            "uuid-name": "made",
            "row": {**port.port, "interfaces": ["named-uuid", "device"]},
        },
        {"op": "mutate", "table": "Bridge", "where": where, "mutations": [["ports", "insert", member]]},
        _NEXT,
    ]
    connection.change(operations, ADD, f"{port.name} on {port.bridge}")


_NEXT: Final[Operation] = {"op": "mutate", "table": "Open_vSwitch", "where": [], "mutations": [["next_cfg", "+=", 1]]}


def _select(table: str, columns: Sequence[str]) -> dict[str, Any]:
    return {"op": "select", "table": table, "where": [], "columns": list(columns)}


def _references(value: Any) -> list[str]:
    """The uuids of a <set> or a single one (RFC 7047 section 5.1)."""
    found = value[1] if value[0] == "set" else [value]
    return [str(one[1]) for one in found]
