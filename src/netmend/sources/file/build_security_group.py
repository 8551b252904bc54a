"""Security groups and address groups of a file as values, and the ports that are in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from msgspec.structs import replace

from netmend.ground.problem import Place
from netmend.intent import AddressGroup, Network, Port, SecurityGroup, SecurityRule
from netmend.intent.members import blocks_of
from netmend.intent.names import id_from_name
from netmend.intent.security_group import Block, in_order
from netmend.sources import fields, metadata_fields
from netmend.sources.file.reading import Reader
from netmend.sources.file.shape import AddressGroupShape, FileShape, PortShape, SecurityGroupShape, SecurityRuleShape
from netmend.sources.protocols import ICMP, ICMP6, has_ports, is_of_ipv6_alone, number_of

Version = Literal[4, 6]
_ANY_EGRESS = (SecurityRule("egress", 4), SecurityRule("egress", 6))
_ICMP_MAX = 255
_REMOTES = ("remote", "remote_group", "remote_address_group")


@dataclass(slots=True)
class FileGroups:
    """The groups of a file, without their members, by the name that the file has for them."""

    security_groups: dict[str, SecurityGroup] = field(default_factory=dict)
    address_groups: dict[str, AddressGroup] = field(default_factory=dict)


def build_groups(reader: Reader, shape: FileShape) -> FileGroups:
    """The groups, without what was complained of."""
    found = FileGroups()
    ids: dict[str, str] = {}
    for index, address_shape in enumerate(shape.address_groups or ()):
        place: Place = ("address_groups", index)
        address_group = _address_group(reader, place, address_shape)
        _complain_of_second(reader, place, "address group", address_group, others=found.address_groups, ids=ids)
        found.address_groups.setdefault(address_group.name, address_group)
    for index, group_shape in enumerate(shape.security_groups or ()):
        place = ("security_groups", index)
        group = _security_group(reader, place, group_shape)
        _complain_of_second(reader, place, "security group", group, others=found.security_groups, ids=ids)
        found.security_groups.setdefault(group.name, group)
    for index, group_shape in enumerate(shape.security_groups or ()):
        rules = _rules(reader, ("security_groups", index, "rules"), group_shape, found)
        if group_shape.name in found.security_groups:
            found.security_groups[group_shape.name] = replace(found.security_groups[group_shape.name], rules=rules)
    return found


def in_groups(reader: Reader, place: Place, port: Port, shape: PortShape, groups: FileGroups) -> Port:
    """The port in the groups that it names."""
    if shape.security_groups is None:
        return port
    at = (*place, "security_groups")
    if shape.port_security is False and shape.security_groups:
        reader.complain(at, "are asked of ports with port_security alone; without it, all passes")
    reader.complain_of_repeats(at, shape.security_groups)
    found: list[SecurityGroup] = []
    for index, name in enumerate(shape.security_groups):
        group = groups.security_groups.get(name)
        if group is None:
            reader.complain((*at, index), f"there is no security group {name} in this file")
        elif found and found[0].stateful != group.stateful:
            which = "stateful" if found[0].stateful else "stateless"
            reader.complain(
                (*at, index), f"{found[0].name} is {which} and {name} is not: a port's groups are alike in it"
            )
        else:
            found.append(group)
    return replace(port, security_groups=tuple(sorted(group.id for group in found))) if port.port_security else port


def with_members(groups: FileGroups, networks: Mapping[str, Network]) -> dict[str, SecurityGroup]:
    """The security groups by id, with the addresses of the ports that are in them."""
    members: dict[str, set[Block]] = {group.id: set() for group in groups.security_groups.values()}
    for network in networks.values():
        for port in network.ports.values():
            for group_id in port.security_groups or ():
                members[group_id].update(blocks_of(port))
    return {group.id: replace(group, members=frozenset(members[group.id])) for group in groups.security_groups.values()}


def _complain_of_second(
    reader: Reader,
    place: Place,
    what: str,
    group: SecurityGroup | AddressGroup,
    *,
    others: Mapping[str, SecurityGroup | AddressGroup],
    ids: dict[str, str],
) -> None:
    if group.name in others:
        reader.complain((*place, "name"), f"another {what} is named {group.name}")
    elif group.id in ids:
        reader.complain((*place, "id"), f"{ids[group.id]} has the id {group.id} too")
    ids.setdefault(group.id, group.name)


def _address_group(reader: Reader, place: Place, shape: AddressGroupShape) -> AddressGroup:
    name = reader.read(place, "name", fields.name, shape.name) or ascii(shape.name)
    group_id = reader.read(place, "id", fields.uuid, shape.id) or id_from_name("address-group", name)
    blocks = reader.read_all(place, "addresses", fields.address_or_block, shape.addresses)
    reader.complain_of_repeats((*place, "addresses"), blocks)
    return AddressGroup(group_id, name, frozenset(blocks))


def _security_group(reader: Reader, place: Place, shape: SecurityGroupShape) -> SecurityGroup:
    name = reader.read(place, "name", fields.name, shape.name) or ascii(shape.name)
    group_id = reader.read(place, "id", fields.uuid, shape.id) or id_from_name("security-group", name)
    project_id = reader.read(place, "project_id", metadata_fields.identifier, shape.project_id)
    return SecurityGroup(group_id, name, stateful=shape.stateful, project_id=project_id)


def _rules(reader: Reader, place: Place, shape: SecurityGroupShape, groups: FileGroups) -> tuple[SecurityRule, ...]:
    """The rules of a group. Out of one that says nothing of egress, everything may be begun, as out of a new one of
    Neutron's."""
    found: dict[SecurityRule, int] = {}
    for index, rule_shape in enumerate(shape.rules or ()):
        for rule in _rule(reader, (*place, index), rule_shape, groups):
            if rule in found and found[rule] != index:
                reader.complain((*place, index), f"says what rule {found[rule]} says")
            found.setdefault(rule, index)
    says_egress = any(rule.direction == "egress" for rule in found)
    if shape.egress or (shape.egress is None and not says_egress):
        found.update(dict.fromkeys(_ANY_EGRESS, -1))
    return in_order(found)


def _rule(reader: Reader, place: Place, shape: SecurityRuleShape, groups: FileGroups) -> list[SecurityRule]:
    """A rule, of each IP version that it is about."""
    protocol = reader.read(place, "protocol", _protocol, shape.protocol)
    ports = _ports(reader, place, shape, protocol)
    remote = reader.read(place, "remote", fields.address_or_block, shape.remote)
    given = [name for name in _REMOTES if getattr(shape, name) is not None]
    for name in given[1:]:
        reader.complain((*place, name), f"the far end is said by {given[0]} already")
    group = groups.security_groups.get(shape.remote_group or "")
    if shape.remote_group is not None and group is None:
        reader.complain((*place, "remote_group"), f"there is no security group {shape.remote_group} in this file")
    addresses = groups.address_groups.get(shape.remote_address_group or "")
    if shape.remote_address_group is not None and addresses is None:
        why = f"there is no address group {shape.remote_address_group} in this file"
        reader.complain((*place, "remote_address_group"), why)
    return [
        SecurityRule(
            shape.direction,
            version,
            ICMP6 if version == 6 and protocol == ICMP else protocol,
            ports,
            remote,
            group.id if group else None,
            addresses.id if addresses else None,
        )
        for version in _versions(reader, place, shape, protocol, remote)
    ]


def _versions(
    reader: Reader, place: Place, shape: SecurityRuleShape, protocol: int | None, remote: Block | None
) -> tuple[Version, ...]:
    """The IP versions that a rule is about: what it says, else that of its far end, else its protocol's, else both."""
    said: Version | None = shape.version
    needed: Version | None = 6 if protocol is not None and is_of_ipv6_alone(protocol) else None
    if remote is not None:
        far: Version = 4 if remote.version == 4 else 6
        if said not in (None, far):
            reader.complain((*place, "remote"), f"{remote} is not of IPv{said}, of which this rule is")
        elif needed not in (None, far):
            reader.complain((*place, "remote"), f"{remote} is of IPv4, and the protocol of IPv6 alone")
        return (said or far,)
    if said == 4 and needed == 6:
        reader.complain((*place, "version"), "the protocol is one of IPv6 alone")
    if said is not None or needed is not None:
        return (said or 6,)
    return (4,) if protocol == ICMP else (4, 6)


def _ports(
    reader: Reader, place: Place, shape: SecurityRuleShape, protocol: int | None
) -> tuple[int, int | None] | None:
    if shape.ports is not None:
        if shape.protocol is None:
            reader.complain((*place, "ports"), "need a protocol that has ports, such as tcp")
        elif protocol is not None and not has_ports(protocol):
            reader.complain((*place, "ports"), "the protocol has no ports; tcp, udp, udplite, sctp and dccp have")
        found = reader.read(place, "ports", _port_range, shape.ports)
        return None if found == (1, 0xFFFF) else found
    for name in ("icmp_type", "icmp_code"):
        value = getattr(shape, name)
        if value is None:
            continue
        if shape.protocol is None or (protocol is not None and protocol not in (ICMP, ICMP6)):
            reader.complain((*place, name), "needs the protocol icmp or ipv6-icmp")
        if not 0 <= value <= _ICMP_MAX:
            reader.complain((*place, name), f"{value} is none (0 to {_ICMP_MAX})")
    if shape.icmp_type is None:
        if shape.icmp_code is not None:
            reader.complain((*place, "icmp_code"), "needs an icmp_type, whose code it is")
        return None
    return (shape.icmp_type, shape.icmp_code)


def _protocol(value: object) -> int:
    return number_of(str(value).lower())


def _port_range(value: object) -> tuple[int, int]:
    first, dash, last = str(value).partition("-")
    numbers = [text.strip() for text in ((first, last) if dash else (first, first))]
    if not all(text.isascii() and text.isdigit() and len(text) < 6 for text in numbers):
        raise ValueError(f"{value!r} is no port (80) and no range of ports (8000-8080)")
    low, high = (fields.port_number(int(text)) for text in numbers)
    if low > high:
        raise ValueError(f"{value} ends before it begins")
    return low, high
