"""Making a new intent of an old one's values wherever they are equal, so that a diff can ask `is` and be done."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from netmend.intent import Intent, Network, Subnet, Subnet6

Value = TypeVar("Value")
Part = TypeVar("Part", Subnet, Subnet6)


def share(new: Intent, old: Intent) -> Intent:
    """An intent equal to `new`, in which every port, subnet and network that equals one of `old` is that very object;
    `old` itself if all are."""
    networks = {
        network_id: _share_network(network, old.networks[network_id]) if network_id in old.networks else network
        for network_id, network in new.networks.items()
    }
    routers = {router_id: _equal_or(router, old.routers.get(router_id)) for router_id, router in new.routers.items()}
    groups = {key: _equal_or(group, old.security_groups.get(key)) for key, group in new.security_groups.items()}
    address_groups = {key: _equal_or(group, old.address_groups.get(key)) for key, group in new.address_groups.items()}
    if (
        _same(networks, old.networks)
        and _same(routers, old.routers)
        and _same(groups, old.security_groups)
        and _same(address_groups, old.address_groups)
        and new.metadata_proxy == old.metadata_proxy
    ):
        return old
    return Intent(networks, new.metadata_proxy, routers, groups, address_groups)


def _share_network(new: Network, old: Network) -> Network:
    subnets = _share_all(new.subnets, old.subnets)
    subnets6 = _share_all(new.subnets6, old.subnets6)
    old_port = old.ports.get
    ports = {port_id: _equal_or(port, old_port(port_id)) for port_id, port in new.ports.items()}
    if not _same(ports, old.ports):
        return replace(new, subnets=subnets, subnets6=subnets6, ports=ports)
    return _equal_or(replace(new, subnets=subnets, subnets6=subnets6, ports=old.ports), old)


def _share_all(new: Iterable[Part], old: Iterable[Part]) -> tuple[Part, ...]:
    by_id = {part.id: part for part in old}
    return tuple(_equal_or(part, by_id.get(part.id)) for part in new)


def _equal_or(new: Value, old: Value | None) -> Value:
    return old if old is not None and new == old else new


def _same(new: Mapping[str, Value], old: Mapping[str, Value]) -> bool:
    """The same objects under the same ids; their order is no part of intent."""
    return len(new) == len(old) and all(old.get(key) is value for key, value in new.items())
