"""Rows of the southbound database as ovn-northd and ML2/OVN write them, for tests."""

from typing import Any
from uuid import UUID, uuid5

SPACE = UUID("0f0e0d0c-0b0a-0908-0706-050403020100")
CHASSIS = "compute-1"

SCHEMA: dict[str, set[str]] = {
    "SB_Global": {"nb_cfg"},
    "Chassis": {"name"},
    "Chassis_Private": {"name", "external_ids", "nb_cfg"},
    "Datapath_Binding": {"external_ids"},
    "Port_Binding": {
        *("logical_port", "type", "chassis", "additional_chassis", "datapath", "mac", "external_ids"),
    },
}


def uuid(*names: object) -> str:
    return str(uuid5(SPACE, "/".join(map(str, names))))


def datapath(network: int) -> dict[str, Any]:
    name = f"neutron-{uuid('network', network)}"
    return {"external_ids": {"name": name, "name2": f"n{network}", "logical-switch": uuid("switch", network)}}


def localport(network: int, cidrs: str = "10.0.0.2/24 fd00::2/64", mtu: str = "1442") -> dict[str, Any]:
    ips = " ".join(word.split("/")[0] for word in cidrs.split())
    return {
        "logical_port": uuid("metadata", network),
        "type": "localport",
        "chassis": None,
        "additional_chassis": (),
        "datapath": uuid("datapath", network),
        "mac": (f"fa:16:3f:00:00:{network:02x} {ips}".strip(),),
        "external_ids": {
            "neutron:cidrs": cidrs,
            "neutron:mtu": mtu,
            "neutron:project_id": "p1",
            "neutron:device_owner": "network:distributed",
        },
    }


def health_monitor(network: int) -> dict[str, Any]:
    """A localport that answers for load balancers, and not for metadata; its name comes first."""
    owner = {"neutron:device_owner": "ovn-lb-hm:distributed", "neutron:cidrs": "10.0.0.3/24"}
    return localport(network) | {"logical_port": f"0-{network}", "external_ids": owner}


def guest(network: int, number: int, chassis: str | None = uuid("chassis"), **more: Any) -> dict[str, Any]:
    return {
        "logical_port": uuid("port", network, number),
        "type": "",
        "chassis": chassis,
        "additional_chassis": (),
        "datapath": uuid("datapath", network),
        "mac": (f"fa:16:3e:00:{network:02x}:{number:02x} 10.0.0.{number} fd00::{number:x}",),
        "external_ids": {
            "neutron:cidrs": f"10.0.0.{number}/24 fd00::{number:x}/64",
            "neutron:device_id": uuid("instance", number),
            "neutron:project_id": "p1",
        },
        **more,
    }


def tables(*ports: dict[str, Any], networks: tuple[int, ...] = (1,), localports: bool = True) -> dict[str, Any]:
    """Rows by table: these ports, and the networks with their metadata ports."""
    bindings = {uuid("row", row["logical_port"]): row for row in ports}
    for network in networks if localports else ():
        row = localport(network)
        bindings[uuid("row", row["logical_port"])] = row
    return {
        "SB_Global": {uuid("global"): {"nb_cfg": 7}},
        "Chassis": {uuid("chassis"): {"name": CHASSIS}},
        "Chassis_Private": {uuid("private"): {"name": CHASSIS, "external_ids": {}, "nb_cfg": 5}},
        "Datapath_Binding": {uuid("datapath", network): datapath(network) for network in networks},
        "Port_Binding": bindings,
    }
