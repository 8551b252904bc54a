"""Ports of Open vSwitch bridges as rows of its database: tables Bridge, Port and Interface, which bear one name for
one port (ovs-vswitchd.conf.db(5)).

The names of ports and interfaces are unique in a database: the database refuses a second port of a name. It deletes a
port that no bridge has.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import Struct, field

from netmend.kernel.ovsdb.connection import Connection, Operation

DEAD_VLAN: Final = 4095  # neutron-openvswitch-agent drops what bears it, until it gives the port a tag
ADD: Final = "add to Open vSwitch"
SET: Final = "set in Open vSwitch"
REMOVE: Final = "remove from Open vSwitch"
_TRUNK: Final = "trunk"
Type = Literal["", "internal"]
Tag = int | Literal["none"] | None


class NewPort(Struct, frozen=True):
    """A port to be made. `ids` are the external_ids of its Interface, `port_ids` those of its Port, `tag` its VLAN;
    "none": it has none; None: dead, as Neutron's agents leave a new port to neutron-openvswitch-agent (Port.tag,
    vlan_mode, trunks)."""

    name: str
    bridge: str
    type: Type  # "internal": the switch makes the device; "": it takes the one that is there
    ids: Mapping[str, str]
    port_ids: Mapping[str, str]
    mtu: int | None = None
    tag: Tag = None


class Port(Struct, frozen=True):
    """A port as the database has it. `error` and `number` (ofport) are what ovs-vswitchd says of the device."""

    uuid: str  # of the row in table Port
    name: str
    type: str
    ids: Mapping[str, str]
    port_ids: Mapping[str, str]
    tag: int | None = None
    dead: bool = False
    mtu: int | None = None
    number: int | None = None
    error: str | None = None


class Contents(Struct, frozen=True):
    """The ports asked for, by name; every bridge, with its datapath_type; how far ovs-vswitchd has come (`cur_cfg`)."""

    ports: Mapping[str, Port] = field(default_factory=dict)
    bridges: Mapping[str, str] = field(default_factory=dict)
    configured: int = 0


def read(connection: Connection, owner: tuple[str, str]) -> Contents:
    """The ports with `owner`, a key and a value, among the external_ids of their Interface or Port; what others have
    is looked through by the server, and costs nothing here. Raises KernelError."""
    ours = [["external_ids", "includes", _map(dict([owner]))]]
    columns = ["_uuid", "name", "external_ids"]
    operations = [
        _select("Bridge", [], ["name", "datapath_type"]),
        _select("Open_vSwitch", [], ["cur_cfg"]),
        _select("Port", ours, [*columns, "tag", "trunks", "vlan_mode"]),
        _select("Interface", ours, [*columns, "type", "mtu_request", "ofport", "error"]),
    ]
    bridges, switch, ports, interfaces = connection.transact(operations, "read", f"the ports of {connection.remote}")
    ports_of = {str(row["name"]): row for row in ports["rows"]}
    interfaces_of = {str(row["name"]): row for row in interfaces["rows"]}
    whole = ports_of.keys() & interfaces_of.keys()
    found = {name: _port(name, ports_of[name], interfaces_of[name]) for name in whole}
    halves = (ports_of.keys() | interfaces_of.keys()) - whole
    if halves:  # our mark is gone from one of the two rows
        found.update(find(connection, halves))
    return Contents(
        found,
        {str(row["name"]): str(row["datapath_type"]) or "system" for row in bridges["rows"]},
        max((int(row["cur_cfg"]) for row in switch["rows"]), default=0),
    )


def _port(name: str, port: Mapping[str, Any], interface: Mapping[str, Any]) -> Port:
    return Port(
        uuid=str(port["_uuid"][1]),
        name=name,
        type=str(interface.get("type", "")),
        ids=_mapping(interface.get("external_ids")),
        port_ids=_mapping(port.get("external_ids")),
        tag=_optional(port.get("tag")),
        dead=_optional(port.get("vlan_mode")) == _TRUNK and _optional(port.get("trunks")) == DEAD_VLAN,
        mtu=_optional(interface.get("mtu_request")),
        number=_optional(interface.get("ofport")),
        error=_optional(interface.get("error")),
    )


def tags_in_use(connection: Connection) -> set[int]:
    """The VLAN tag of every port that has one, of netmend and others; raises KernelError."""
    where = [["tag", "!=", ["set", []]]]
    (found,) = connection.transact([_select("Port", where, ["tag"])], "read", f"the VLAN tags of {connection.remote}")
    return {tag for row in found["rows"] if isinstance(tag := row["tag"], int)}


def find(connection: Connection, names: Iterable[str]) -> dict[str, Port]:
    """The ports that bear these names, of netmend and others; raises KernelError."""
    chosen = list(names)
    operations = []
    for name in chosen:
        where = [["name", "==", name]]
        operations.append(_select("Port", where, ["_uuid", "external_ids", "tag", "trunks", "vlan_mode"]))
        operations.append(_select("Interface", where, ["external_ids", "type", "mtu_request", "ofport", "error"]))
    results = connection.transact(operations, "read", f"ports of {connection.remote}")
    found = {}
    for name, port, interface in zip(chosen, results[::2], results[1::2], strict=True):
        if port["rows"] and interface["rows"]:
            found[name] = _port(name, port["rows"][0], interface["rows"][0])
    return found


def add(connection: Connection, ports: Sequence[NewPort]) -> None:
    """Make all of `ports` in one transaction, or none. Raises KernelError: ENOENT when there is no such bridge, EEXIST
    when a name is taken."""
    operations: list[Operation] = []
    by_bridge: dict[str, list[list[str]]] = {}
    for number, port in enumerate(ports):
        interface_row: dict[str, Any] = {"name": port.name, "type": port.type, "external_ids": _map(port.ids)}
        if port.mtu is not None:
            interface_row["mtu_request"] = port.mtu
        port_row = {
            "name": port.name,
            "interfaces": ["named-uuid", f"interface{number}"],
            "external_ids": _map(port.port_ids),
            **_vlan(port.tag),
        }
        operations.append(
            {"op": "insert", "table": "Interface", "uuid-name": f"interface{number}", "row": interface_row}
        )
        operations.append({"op": "insert", "table": "Port", "uuid-name": f"port{number}", "row": port_row})
        by_bridge.setdefault(port.bridge, []).append(["named-uuid", f"port{number}"])
    for bridge, members in by_bridge.items():
        where = [["name", "==", bridge]]
        row = {"name": bridge}
        wait = {"op": "wait", "table": "Bridge", "where": where, "columns": ["name"], "until": "==", "rows": [row]}
        operations.insert(0, {**wait, "timeout": 0})
        mutation = [["ports", "insert", ["set", members]]]
        operations.append({"op": "mutate", "table": "Bridge", "where": where, "mutations": mutation})
    where_to = ", ".join(sorted(by_bridge))
    connection.change(operations, ADD, f"{', '.join(port.name for port in ports)} on {where_to}")


def remove(connection: Connection, ports: Sequence[Port]) -> int:
    """Delete these ports, by their rows and not by their names, in one transaction; that one is gone already is no
    error. Returns what `configured` will be once ovs-vswitchd has followed. Raises KernelError."""
    doomed = ["set", [["uuid", port.uuid] for port in ports]]
    operations: list[Operation] = [
        {"op": "mutate", "table": "Bridge", "where": [], "mutations": [["ports", "delete", doomed]]},
        *_next_configuration(),
    ]
    results = connection.change(operations, REMOVE, ", ".join(port.name for port in ports))
    return _configuration(results[-1])


def nudge(connection: Connection) -> int:
    """Ask ovs-vswitchd to look at its configuration, and to say so; returns what `configured` will be then. Raises
    KernelError."""
    results = connection.change(_next_configuration(), "nudge", f"Open vSwitch at {connection.remote}")
    return _configuration(results[-1])


def configured(connection: Connection) -> int:
    """How far ovs-vswitchd has come; raises KernelError."""
    operations = [_select("Open_vSwitch", [], ["cur_cfg"])]
    (found,) = connection.transact(operations, "read", f"the state of Open vSwitch at {connection.remote}")
    return max((int(row["cur_cfg"]) for row in found["rows"]), default=0)


def mend(
    connection: Connection,
    name: str,
    *,
    ids: Mapping[str, str] | None = None,
    port_ids: Mapping[str, str] | None = None,
    mtu: int | None = None,
    tag: Tag = None,
) -> None:
    """Set what is given on the port called `name`; of external_ids, the keys given. Raises KernelError."""
    where = [["name", "==", name]]
    operations: list[Operation] = []
    if ids:
        operations.append(_mutate_ids("Interface", where, ids))
    if port_ids:
        operations.append(_mutate_ids("Port", where, port_ids))
    if mtu is not None:
        operations.append({"op": "update", "table": "Interface", "where": where, "row": {"mtu_request": mtu}})
    if tag is not None:
        operations.append({"op": "update", "table": "Port", "where": where, "row": _vlan(tag)})
    if operations:
        connection.change(operations, SET, name)


def _vlan(tag: Tag) -> dict[str, Any]:
    if tag == "none":
        return {"tag": ["set", []], "vlan_mode": ["set", []], "trunks": ["set", []]}
    if tag is None:
        return {"tag": DEAD_VLAN, "vlan_mode": _TRUNK, "trunks": DEAD_VLAN}
    return {"tag": tag, "vlan_mode": "access", "trunks": ["set", []]}


def _next_configuration() -> list[Operation]:
    return [
        {"op": "mutate", "table": "Open_vSwitch", "where": [], "mutations": [["next_cfg", "+=", 1]]},
        _select("Open_vSwitch", [], ["next_cfg"]),
    ]


def _configuration(result: Mapping[str, Any]) -> int:
    return max((int(row["next_cfg"]) for row in result["rows"]), default=0)


def _mutate_ids(table: str, where: list[list[str]], ids: Mapping[str, str]) -> Operation:
    mutations = [["external_ids", "delete", ["set", list(ids)]], ["external_ids", "insert", _map(ids)]]
    return {"op": "mutate", "table": table, "where": where, "mutations": mutations}


def _select(table: str, where: Sequence[Any], columns: Sequence[str]) -> Operation:
    return {"op": "select", "table": table, "where": list(where), "columns": list(columns)}


def _map(values: Mapping[str, str]) -> list[Any]:
    return ["map", [[key, value] for key, value in values.items()]]


def _mapping(value: Any) -> dict[str, str]:
    """A <map> (RFC 7047 section 5.1)."""
    return {str(key): str(found) for key, found in value[1]} if isinstance(value, list) and value[0] == "map" else {}


def _optional(value: Any) -> Any:
    """A <set> of at most one: its element, or None; of more: None."""
    if isinstance(value, list) and value[0] == "set":
        return value[1][0] if len(value[1]) == 1 else None
    return value
