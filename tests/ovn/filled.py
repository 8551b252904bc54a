"""Rows of a southbound database as ovn-northd and ovn-controller write them, where neither runs."""

from tests.ovn.central import Guest, metadata_port, network_id
from tests.ovn.southbound import insert

from netmend.kernel.ovsdb.connection import Operation


def network_rows(number: int, place: str) -> list[Operation]:
    """A datapath with its metadata port and one guest, bound on the chassis."""
    datapath = f"d{number}"
    guest = Guest(number, 5, ("10.0.0.5",))
    name = {"name": f"neutron-{network_id(number)}"}
    metadata = {"neutron:cidrs": "10.0.0.2/24", "neutron:device_id": f"ovnmeta-{network_id(number)}"}
    metadata |= {"neutron:device_owner": "network:distributed", "neutron:mtu": "1400"}
    bound = {"neutron:cidrs": "10.0.0.5/24", "neutron:device_id": guest.instance}
    port = {"datapath": ["named-uuid", datapath]}
    return [
        insert("Datapath_Binding", {"tunnel_key": number, "external_ids": as_map(name)}, datapath),
        insert(
            "Port_Binding",
            port
            | {"logical_port": metadata_port(number), "type": "localport", "tunnel_key": 1}
            | {"mac": f"fa:16:3f:00:{number >> 8:02x}:{number & 255:02x} 10.0.0.2", "external_ids": as_map(metadata)},
        ),
        insert(
            "Port_Binding",
            port
            | {"logical_port": guest.id, "tunnel_key": 2, "chassis": ["uuid", place]}
            | {"mac": f"{guest.mac} 10.0.0.5", "external_ids": as_map(bound)},
        ),
    ]


def as_map(values: dict[str, str]) -> list[object]:
    return ["map", [list(pair) for pair in values.items()]]
