"""What the local Open vSwitch says of its host (ovs-vswitchd.conf.db(5), ovn-controller(8))."""

from collections.abc import Mapping

from msgspec import Struct

from netmend.kernel.ovsdb.connection import Connection


class LocalSwitch(Struct, frozen=True):
    """`ids` are external_ids of the row in table Open_vSwitch; `bridges` the datapath_type of each bridge, by name."""

    ids: Mapping[str, str]
    bridges: Mapping[str, str]


def local_switch(connection: Connection) -> LocalSwitch:
    """Raises KernelError."""
    operations = [
        {"op": "select", "table": "Open_vSwitch", "where": [], "columns": ["external_ids"]},
        {"op": "select", "table": "Bridge", "where": [], "columns": ["name", "datapath_type"]},
    ]
    switch, bridges = connection.transact(operations, "read", f"the ids of {connection.remote}")
    ids: dict[str, str] = {}
    for row in switch["rows"]:
        ids.update({str(key): str(value) for key, value in row["external_ids"][1]})
    return LocalSwitch(ids, {str(row["name"]): str(row["datapath_type"]) or "system" for row in bridges["rows"]})
