"""Bridges and ports of anybody's, as ovs-vswitchd has them: numbers, VLANs, patch ports (ovs-vswitchd.conf.db(5))."""

from typing import Any, Final

from netmend.ground.openflow.switch import BridgeLayout, BridgePort
from netmend.kernel.ovsdb.columns import Column
from netmend.kernel.ovsdb.connection import Connection, Operation

_TEXTS, _TEXT, _NUMBER, _NUMBERS = (
    Column("map", "string"),
    Column("optional", "string"),
    Column("optional", "integer"),
    Column("set", "integer"),
)
_REFERENCES: Final = Column("set", "uuid")


def layout(connection: Connection) -> list[BridgeLayout]:
    """Every bridge. Raises KernelError."""
    bridges, ports, interfaces = connection.transact(
        [
            _select("Bridge", "name", "datapath_type", "ports"),
            _select("Port", "_uuid", "name", "tag", "trunks", "vlan_mode", "interfaces", "other_config"),
            _select("Interface", "_uuid", "name", "type", "ofport", "mac_in_use", "options", "external_ids", "error"),
        ],
        "read",
        f"the bridges of {connection.remote}",
    )
    interface_of = {row["_uuid"][1]: row for row in interfaces["rows"]}
    ports_of: dict[str, list[BridgePort]] = {
        row["_uuid"][1]: [
            _port(row, interface_of[uuid]) for uuid in _REFERENCES.value(row["interfaces"]) if uuid in interface_of
        ]
        for row in ports["rows"]
    }
    return [
        BridgeLayout(
            str(row["name"]),
            str(row["datapath_type"]) or "system",
            tuple(port for uuid in _REFERENCES.value(row["ports"]) for port in ports_of.get(uuid, [])),
        )
        for row in sorted(bridges["rows"], key=lambda row: str(row["name"]))
    ]


def _port(port: Any, interface: Any) -> BridgePort:
    number = _NUMBER.value(interface["ofport"])
    return BridgePort(
        name=str(interface["name"]),
        number=number if number is not None and number >= 0 else None,
        kind=str(interface["type"]),
        tag=_NUMBER.value(port["tag"]),
        trunks=_NUMBERS.value(port["trunks"]),
        vlan_mode=_TEXT.value(port["vlan_mode"]),
        mac=_TEXT.value(interface["mac_in_use"]),
        peer=_TEXTS.value(interface["options"]).get("peer"),
        ids=_TEXTS.value(interface["external_ids"]),
        other=_TEXTS.value(port["other_config"]),
        error=_TEXT.value(interface["error"]),
    )


def _select(table: str, *columns: str) -> Operation:
    return {"op": "select", "table": table, "where": [], "columns": list(columns)}
