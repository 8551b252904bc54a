"""The DHCP scopes of a Neutron network, each with a DHCP port of its own: the whole network, or each of its segments
that reach this host (neutron/agent/dhcp/agent.py, call_driver).

In Zed, Neutron's agent has one port for the whole network, segments or not. Where it left one, and one segment reaches
this host, that port is the segment's: a node that is taken over keeps its address. Of several segments it is of no use.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from netmend.sources.neutron.names import Raw, dhcp_device_id, segment_network_id


@dataclass(frozen=True, slots=True)
class DhcpScope:
    """A network, or one of its segments that reach this host, with a DHCP port of its own."""

    id: str  # of the network in intent
    device_id: str
    subnets: tuple[Raw, ...]

    @property
    def served(self) -> list[Raw]:
        return [subnet for subnet in self.subnets if subnet.get("enable_dhcp")]


def dhcp_scopes(network: Raw, host: str) -> list[DhcpScope]:
    """The scopes of a network that are to be served on `host`; none when the network is down or DHCP is off.

    A network with several segments on this host is several networks in intent. The one that was there first bears its
    id: a segment that comes later moves none of those that are served.
    """
    if not network.get("admin_state_up", True):
        return []
    segments = {segment["id"]: segment for segment in network.get("segments") or ()}
    if not segments:
        scope = DhcpScope(network["id"], dhcp_device_id(network["id"], host), tuple(network["subnets"]))
        return [scope] if scope.served else []
    by_segment: dict[str, list[Raw]] = {}
    for subnet in network["subnets"]:
        by_segment.setdefault(subnet.get("segment_id") or "", []).append(subnet)
    found: dict[str, DhcpScope] = {}  # by device id
    for segment_id, subnets in sorted(by_segment.items(), key=lambda item: _age(item[1])):
        if not any(subnet.get("enable_dhcp") for subnet in subnets):
            continue
        device_id = dhcp_device_id(network["id"], host, segments.get(segment_id, {}).get("segmentation_id"))
        if device_id in found:  # a second segment without a number: Neutron's agent has one port for both
            device_id = f"{device_id}-{segment_id}"
        scope_id = segment_network_id(network["id"], segment_id) if found else network["id"]
        found[device_id] = DhcpScope(scope_id, device_id, tuple(subnets))
    whole, there = dhcp_device_id(network["id"], host), _device_ids(network)
    if len(found) == 1 and whole in there and found.keys().isdisjoint(there):
        return [replace(scope, device_id=whole) for scope in found.values()]
    return list(found.values())


def left_over(network: Raw, host: str) -> str | None:
    """The device id of a port for the whole network that none of its scopes uses."""
    whole = dhcp_device_id(network["id"], host)
    used = {scope.device_id for scope in dhcp_scopes(network, host)}
    return whole if used and whole not in used and whole in _device_ids(network) else None


def _device_ids(network: Raw) -> set[str]:
    return {port.get("device_id", "") for port in network["ports"]}


def _age(subnets: Sequence[Raw]) -> tuple[int, str, str]:
    """The older, the less: of the oldest subnet that has DHCP. The server numbers what it makes."""
    ages = [
        (int(subnet.get("standard_attr_id") or 0), str(subnet.get("created_at") or ""), str(subnet["id"]))
        for subnet in subnets
        if subnet.get("enable_dhcp")
    ]
    return min(ages, default=(0, "", ""))
