"""Making a new intent of an old one's values wherever they are equal, so that a diff can ask `is` and be done."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from netmend.intent import Intent, Network

Value = TypeVar("Value")


def share(new: Intent, old: Intent) -> Intent:
    """An intent equal to `new`, in which every port, subnet and network that equals one of `old` is that very object;
    `old` itself if all are."""
    networks = {
        network_id: _share_network(network, old.networks[network_id]) if network_id in old.networks else network
        for network_id, network in new.networks.items()
    }
    return old if _same(networks, old.networks) else Intent(networks)


def _share_network(new: Network, old: Network) -> Network:
    old_subnets = {subnet.id: subnet for subnet in old.subnets}
    subnets = tuple(_equal_or(subnet, old_subnets.get(subnet.id)) for subnet in new.subnets)
    old_port = old.ports.get
    ports = {port_id: _equal_or(port, old_port(port_id)) for port_id, port in new.ports.items()}
    if (
        (new.name, new.mtu, new.wiring) == (old.name, old.mtu, old.wiring)
        and len(subnets) == len(old.subnets)
        and all(mine is theirs for mine, theirs in zip(subnets, old.subnets, strict=True))
        and _same(ports, old.ports)
    ):
        return old
    return replace(new, subnets=subnets, ports=ports)


def _equal_or(new: Value, old: Value | None) -> Value:
    return old if old is not None and new == old else new


def _same(new: Mapping[str, Value], old: Mapping[str, Value]) -> bool:
    """The same objects under the same ids; their order is no part of intent."""
    return len(new) == len(old) and all(old.get(key) is value for key, value in new.items())
