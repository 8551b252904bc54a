"""Security groups and address groups of the store as values of intent."""

from collections.abc import Iterable
from ipaddress import ip_network
from typing import cast

from netmend.intent import AddressGroup, SecurityGroup, SecurityRule
from netmend.intent.members import Members
from netmend.intent.security_group import Direction, in_order
from netmend.sources.protocols import number_of
from netmend.sources.store.transaction import Document


def rule_value(rule: Document) -> SecurityRule:
    least, most = rule["port_range_min"], rule["port_range_max"]
    return SecurityRule(
        cast(Direction, rule["direction"]),
        4 if rule["ethertype"] == "IPv4" else 6,
        None if rule["protocol"] is None else number_of(rule["protocol"]),
        None if least is None else (least, most),
        ip_network(rule["remote_ip_prefix"], strict=False) if rule["remote_ip_prefix"] else None,
        rule["remote_group_id"],
        rule["remote_address_group_id"],
    )


def group_value(group: Document, rules: Iterable[Document], members: Members) -> SecurityGroup:
    return SecurityGroup(
        group["id"],
        group["name"] or group["id"],
        in_order(map(rule_value, rules)),
        group["stateful"],
        members,
        group["project_id"] or None,
    )


def address_group_value(group: Document) -> AddressGroup:
    return AddressGroup(
        group["id"], group["name"] or group["id"], frozenset(ip_network(text) for text in group["addresses"])
    )
