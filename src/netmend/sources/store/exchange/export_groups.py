"""The security groups and address groups of the store, as a file has them."""

from collections.abc import Mapping
from typing import Any

from netmend.sources.store.exchange.change import Current
from netmend.sources.store.exchange.names import name_of, unique_names
from netmend.sources.store.security_groups import DEFAULT
from netmend.sources.store.transaction import Document

Mapped = dict[str, Any]


def group_names(current: Current) -> dict[str, str]:
    """The file's names of the groups of both kinds, by id."""
    found = {}
    for groups in (current.security_groups, current.address_groups):
        unique = unique_names(group["name"] for group in groups.values())
        found.update({group_id: name_of(group, unique) for group_id, group in groups.items()})
    return found


def mapped_groups(current: Current, names: Mapping[str, str]) -> Mapped:
    """The parts of a file's root that say the groups; default groups only where something rests on them."""
    needed = {group_id for port in current.ports.values() for group_id in port["security_groups"]}
    needed |= {
        rule["remote_group_id"]
        for group in current.security_groups.values()
        for rule in group["security_group_rules"]
        if rule["security_group_id"] != rule["remote_group_id"]
    }
    groups = [
        _group(group, names)
        for group_id, group in current.security_groups.items()
        if group["name"] != DEFAULT or group_id in needed
    ]
    addresses = [
        {"name": names[group_id], "id": group_id, "addresses": group["addresses"]}
        for group_id, group in current.address_groups.items()
    ]
    return {key: value for key, value in (("security_groups", groups), ("address_groups", addresses)) if value}


def _group(group: Document, names: Mapping[str, str]) -> Mapped:
    mapped: Mapped = {"name": names[group["id"]], "id": group["id"]}
    if group["project_id"]:
        mapped["project_id"] = group["project_id"]
    if not group["stateful"]:
        mapped["stateful"] = False
    mapped["egress"] = False  # beside the rules
    mapped["rules"] = [_rule(rule, names) for rule in group["security_group_rules"]]
    return mapped


def _rule(rule: Document, names: Mapping[str, str]) -> Mapped:
    mapped: Mapped = {"direction": rule["direction"], "version": 4 if rule["ethertype"] == "IPv4" else 6}
    least, most = rule["port_range_min"], rule["port_range_max"]
    if rule["protocol"] is not None:
        mapped["protocol"] = rule["protocol"]
    if least is not None and rule["protocol"] in _ICMP:
        mapped["icmp_type"] = least
        if most is not None:
            mapped["icmp_code"] = most
    elif least is not None:
        mapped["ports"] = str(least) if least == most else f"{least}-{most}"
    if rule["remote_ip_prefix"]:
        mapped["remote"] = rule["remote_ip_prefix"]
    for field, name in (("remote_group_id", "remote_group"), ("remote_address_group_id", "remote_address_group")):
        if rule[field]:
            mapped[name] = names[rule[field]]
    return mapped


_ICMP = ("icmp", "icmpv6", "ipv6-icmp", "1", "58")
