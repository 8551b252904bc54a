"""What Neutron's server wants filtered at ports: addresses that each may use, and rules of its security groups, in two
questions for all of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from netmend.intent.port import AddressPair, Port
from netmend.intent.security_group import SecurityGroup, SecurityRule
from netmend.sources.protocols import number_of

_PORT, _GROUP = ("Port", "1.5"), ("SecurityGroup", "1.3")  # what Zed has, and everything since gives
Pull = Callable[..., list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Filtering:
    """Ports by id, and the security groups that they are in. Who is in a remote group is not asked."""

    ports: Mapping[str, Port]
    groups: Mapping[str, SecurityGroup]


def filtering_of(pull: Pull, port_ids: Iterable[str]) -> Filtering:
    """Of these ports, those that the server knows. Raises ServerError."""
    ids = sorted(port_ids)
    ports = [_port(raw) for raw in pull(*_PORT, id=ids)] if ids else []
    groups = sorted({each for port in ports for each in port.security_groups or ()})
    found = [_group(raw) for raw in pull(*_GROUP, id=groups)] if groups else []
    return Filtering({port.id: port for port in ports}, {group.id: group for group in found})


def _port(raw: Mapping[str, Any]) -> Port:
    mac = str(raw["mac_address"]).lower()
    addresses = [ip_address(fixed["ip_address"]) for fixed in raw.get("fixed_ips") or ()]
    pairs = raw.get("allowed_address_pairs") or ()
    security = raw.get("security") or {}
    return Port(
        id=str(raw["id"]),
        name=str(raw.get("name") or ""),
        mac=mac,
        fixed_ips=tuple(each for each in addresses if isinstance(each, IPv4Address)),
        fixed_ips6=tuple(each for each in addresses if isinstance(each, IPv6Address)),
        port_security=bool(security.get("port_security_enabled", True)) and not _is_trusted(raw),
        allowed_address_pairs=tuple(
            AddressPair(ip_network(str(pair["ip_address"]), strict=False), str(pair["mac_address"]).lower())
            for pair in pairs
        ),
        security_groups=tuple(sorted(map(str, raw.get("security_group_ids") or ()))),
    )


def _is_trusted(raw: Mapping[str, Any]) -> bool:
    """Whether it is a port of the network's own, a router's or a DHCP server's, which Neutron filters nowhere."""
    return str(raw.get("device_owner") or "").startswith("network:")


def _group(raw: Mapping[str, Any]) -> SecurityGroup:
    return SecurityGroup(
        id=str(raw["id"]),
        name=str(raw.get("name") or ""),
        rules=tuple(map(_rule, raw.get("rules") or ())),
        stateful=bool(raw.get("stateful", True)),
    )


def _rule(raw: Mapping[str, Any]) -> SecurityRule:
    first, last = raw.get("port_range_min"), raw.get("port_range_max")
    remote = raw.get("normalized_cidr") or raw.get("remote_ip_prefix")
    return SecurityRule(
        direction="ingress" if raw["direction"] == "ingress" else "egress",
        version=6 if raw["ethertype"] == "IPv6" else 4,
        protocol=_protocol(raw.get("protocol")),
        ports=(int(first), None if last is None else int(last)) if first is not None else None,
        remote=ip_network(str(remote), strict=False) if remote else None,
        remote_group_id=raw.get("remote_group_id"),
        remote_address_group_id=raw.get("remote_address_group_id"),
    )


def _protocol(raw: Any) -> int | None:
    """A number, or the name of one; `any` and -1 are every protocol."""
    return None if raw is None or str(raw) in {"any", "-1"} else number_of(str(raw))
