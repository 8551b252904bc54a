"""The DHCP port of this host in a network, and what to ask the server for (neutron/agent/linux/dhcp.py,
setup_dhcp_port).

In this order: the port that bears our device id, its subnets mended where they differ; a port reserved for whichever
agent comes; a new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from netmend.sources.neutron.names import RESERVED_DHCP_PORT, Raw, is_of_network


@dataclass(frozen=True, slots=True)
class UpdatePort:
    """`update_dhcp_port(port_id, {"port": body})`."""

    port_id: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CreatePort:
    """`create_dhcp_port({"port": body})`."""

    body: dict[str, Any]


Wish = UpdatePort | CreatePort


def own_port(network: Raw, device_id: str) -> dict[str, Any] | None:
    """The port that bears our device id."""
    return next((port for port in network["ports"] if port.get("device_id") == device_id), None)


def wish(network: Raw, device_id: str, subnets: Sequence[Raw]) -> Wish | None:
    """What to ask for so that we have a port with an address in each of `subnets`, None when we have."""
    wanted = [subnet["id"] for subnet in subnets if subnet.get("enable_dhcp")]
    port = own_port(network, device_id)
    if port is not None:
        has = {fixed["subnet_id"] for fixed in port["fixed_ips"]}
        if has == set(wanted):
            return None
        fixed_ips: list[dict[str, str]] = [
            {"subnet_id": fixed["subnet_id"], "ip_address": fixed["ip_address"]}
            for fixed in port["fixed_ips"]
            if fixed["subnet_id"] in wanted
        ]
        fixed_ips += [{"subnet_id": subnet_id} for subnet_id in wanted if subnet_id not in has]
        return UpdatePort(port["id"], {"network_id": network["id"], "fixed_ips": fixed_ips})
    reserved = _reserved(network, subnets)
    if reserved is not None:
        return UpdatePort(reserved["id"], {"network_id": network["id"], "device_id": device_id})
    return _new(network, device_id, [{"subnet_id": subnet_id} for subnet_id in wanted])


def instead(network: Raw, device_id: str, refused: UpdatePort) -> CreatePort | None:
    """What to ask for once the port that could not be updated is given back; None when it is not to be given back.

    The server lets an agent update a port of its own only if it bears the id of a network, not that of a segment
    (neutron/api/rpc/handlers/dhcp_rpc.py, update_dhcp_port); for Neutron's agent the matter ends there.
    """
    port = own_port(network, device_id)
    if port is None or port["id"] != refused.port_id or is_of_network(device_id, network["id"]):
        return None
    return _new(network, device_id, refused.body["fixed_ips"])


def _reserved(network: Raw, subnets: Sequence[Raw]) -> Raw | None:
    """A port that waits for an agent, of the segment of these subnets if the network has any."""
    here = {subnet["id"] for subnet in subnets}
    for port in network["ports"]:
        if port.get("device_id") == RESERVED_DHCP_PORT:
            there = {fixed["subnet_id"] for fixed in port["fixed_ips"]}
            if not network.get("segments") or there <= here:
                return dict(port)
    return None


def _new(network: Raw, device_id: str, fixed_ips: list[dict[str, str]]) -> CreatePort:
    return CreatePort(
        {
            "name": "",
            "admin_state_up": True,
            "device_id": device_id,
            "network_id": network["id"],
            "project_id": network.get("project_id", network.get("tenant_id")),  # may be empty: as it is
            "fixed_ips": fixed_ips,
        }
    )


def with_port(network: Raw, port: Raw) -> dict[str, Any]:
    """The network with `port` in the place of the one with its id, or added to the others."""
    others = [other for other in network["ports"] if other["id"] != port["id"]]
    return {**network, "ports": [*others, dict(port)]}
