"""Which rows of the southbound database one chassis needs: its own guests, their networks, and the metadata port (a
localport) of each.

A cloud's database has all ports of all hosts. Conditions of a monitor are alternatives, so "a localport of this
datapath" cannot be asked for: localports are looked up once, by a `select`, and then monitored by their UUID. Where a
datapath has none (yet), all its ports are monitored until it has.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from netmend.sources.ovn.rows import LOCALPORT, Tables, chassis_uuid, guests, is_metadata_port, rows_of

_PORT_COLUMNS: Final = ("logical_port", "type", "chassis", "datapath", "mac", "external_ids")
_NEEDED: Final = {
    "SB_Global": ("nb_cfg",),
    "Chassis": ("name",),
    "Chassis_Private": ("name", "external_ids", "nb_cfg"),
    "Datapath_Binding": ("external_ids",),
    "Port_Binding": _PORT_COLUMNS,
}
_NEWER: Final = {"Port_Binding": ("additional_chassis",)}  # since OVN 22.06


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns of a table, and the clauses any of which a row must meet (`True`: every row does)."""

    columns: tuple[str, ...]
    clauses: tuple[Any, ...]


class Scope:
    """What the chassis called `name` needs, as it learns of its networks."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._localport_of: dict[str, str | None] = {}  # UUIDs by datapath; None: the datapath has none
        self._monitored: set[str] = set()  # UUIDs of localports that the server has been asked for
        self._asked: list[str] = []  # datapaths of the questions under way

    def wanted(self, schema: Mapping[str, Collection[str]], tables: Tables) -> dict[str, Wanted]:
        """What to monitor, given the rows that are there. What the call before wanted is there by now, if it exists.
        Raises ValueError: what the schema lacks."""
        _check(schema)
        self._learn(tables)
        chassis = chassis_uuid(tables, self._name)
        by_name = ("name", "==", self._name)
        ports: list[Any] = []
        has_additional = "additional_chassis" in schema["Port_Binding"]
        datapaths = self._datapaths(tables, chassis)
        if chassis is not None:
            ports.append(("chassis", "==", ("uuid", chassis)))
            if has_additional:
                ports.append(("additional_chassis", "includes", ("uuid", chassis)))
        self._monitored = set()
        for datapath in datapaths:
            localport = self._localport_of.get(datapath)
            if localport is not None:
                self._monitored.add(localport)
                ports.append(("_uuid", "==", ("uuid", localport)))
            elif datapath in self._localport_of:
                ports.append(("datapath", "==", ("uuid", datapath)))
        clauses: dict[str, tuple[Any, ...]] = {
            "SB_Global": (True,),
            "Chassis": (by_name,),
            "Chassis_Private": (by_name,),
            "Datapath_Binding": tuple(("_uuid", "==", ("uuid", datapath)) for datapath in datapaths),
            "Port_Binding": tuple(ports),
        }
        return {
            table: Wanted(
                columns + tuple(name for name in _NEWER.get(table, ()) if name in schema[table]), clauses[table]
            )
            for table, columns in _NEEDED.items()
        }

    def questions(self, tables: Tables) -> list[dict[str, Any]]:
        """Selects of the localports that are not known, one a datapath."""
        self._learn(tables)
        chassis = chassis_uuid(tables, self._name)
        self._asked = [one for one in self._datapaths(tables, chassis) if one not in self._localport_of]
        return [
            {
                "op": "select",
                "table": "Port_Binding",
                "where": [["type", "==", LOCALPORT], ["datapath", "==", ["uuid", datapath]]],
                "columns": ["_uuid", "logical_port", "external_ids"],
            }
            for datapath in self._asked
        ]

    def answered(self, results: Sequence[Mapping[str, Any]]) -> None:
        """The results of the last questions, in their order."""
        for datapath, result in zip(self._asked, results, strict=True):
            found = sorted(
                (str(row["logical_port"]), str(row["_uuid"][1]))
                for row in result["rows"]
                if is_metadata_port(LOCALPORT, {str(key): str(value) for key, value in row["external_ids"][1]})
            )
            self._localport_of[datapath] = found[0][1] if found else None

    def localport(self, datapath: str) -> str | None:
        """The UUID of the datapath's localport, where it is known and there is one."""
        return self._localport_of.get(datapath)

    def _datapaths(self, tables: Tables, chassis: str | None) -> list[str]:
        return sorted({str(row["datapath"]) for _, row in guests(tables, chassis)}) if chassis else []

    def _learn(self, tables: Tables) -> None:
        """Learn of localports that came, and of those that are gone."""
        ports = rows_of(tables, "Port_Binding")
        for uuid, row in ports.items():
            is_ours = is_metadata_port(row["type"], row["external_ids"])
            if is_ours and self._localport_of.get(str(row["datapath"]), "") is None:
                self._localport_of[str(row["datapath"])] = uuid
        for datapath, localport in list(self._localport_of.items()):
            if localport in self._monitored and localport not in ports:
                del self._localport_of[datapath]
        if len(self._localport_of) > 2 * len(self._monitored) + 64:  # of networks that had guests here once
            chassis = chassis_uuid(tables, self._name)
            kept = set(self._datapaths(tables, chassis))
            self._localport_of = {one: found for one, found in self._localport_of.items() if one in kept}


def _check(schema: Mapping[str, Collection[str]]) -> None:
    for table, columns in _NEEDED.items():
        if table not in schema:
            raise ValueError(
                f"its schema has no table {table}: OVN 20.09 or newer is needed, or this is another database"
            )
        lacking = [name for name in columns if name not in schema[table]]
        if lacking:
            raise ValueError(
                f"its schema has no column {', '.join(lacking)} in table {table}: OVN 20.09 or newer is needed"
            )
