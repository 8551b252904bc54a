"""Writes of rules of security groups. What is refused, in which order and in which words, is Neutron's."""

import sqlite3
from collections.abc import Sequence
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import Any

from netmend.sources.protocols import ICMP, ICMP6, NUMBERS, WITH_PORTS, has_ports, is_of_ipv6_alone, number_of
from netmend.sources.store.allocation import new_id
from netmend.sources.store.errors import RefusedError, bad_request, taken_id
from netmend.sources.store.quotas import check_quota
from netmend.sources.store.rule_keys import COMPARED, key_of
from netmend.sources.store.security_groups import DEFAULT, insert_rule, touch
from netmend.sources.store.transaction import Document, Transaction

_VERSIONS = ("IPv4", "IPv6")
_DIRECTIONS = ["ingress", "egress"]
_PORT_MAX = 65_535
_REMOTES = ("remote_ip_prefix", "remote_group_id", "remote_address_group_id")


def create(tx: Transaction, values: dict[str, Any], project: str) -> Document:
    """A new rule; `values` as `SecurityGroupRuleCreate` gives them. Raises RefusedError."""
    rule = converted(values)
    _check_ports(rule)
    _check_prefix(rule)
    if rule["ethertype"] == "IPv4" and rule["protocol"] and is_of_ipv6_alone(number_of(rule["protocol"])):
        message = f"Invalid ethertype {rule['ethertype']} for protocol {rule['protocol']}."
        raise RefusedError("SecurityGroupEthertypeConflictWithProtocol", 400, message)
    if sum(bool(rule[name]) for name in _REMOTES) > 1:
        message = "Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided."
        raise RefusedError("SecurityGroupMultipleRemoteEntites", 400, message)
    if rule["remote_group_id"]:
        tx.get("security_group", rule["remote_group_id"])
    if rule["remote_address_group_id"]:
        tx.get("address_group", rule["remote_address_group_id"])
    group = tx.get("security_group", rule["security_group_id"])
    query = "SELECT id FROM security_group_rule WHERE security_group_id = ? AND meaning = ?"
    other = tx.connection.execute(query, (group["id"], key_of(rule))).fetchone()
    if other is not None:
        message = f"Security group rule already exists. Rule id is {other[0]}."
        raise RefusedError("SecurityGroupRuleExists", 409, message)
    check_quota(tx, "security_group_rule", project)
    prefix = rule["remote_ip_prefix"]
    document: Document = {
        "id": values.get("id") or new_id(),
        "project_id": project,
        "tenant_id": project,
        **{name: rule[name] for name in (*COMPARED, "protocol", "security_group_id", "remote_ip_prefix")},
        "normalized_cidr": str(ip_interface(prefix).network) if prefix else None,
        "belongs_to_default_sg": group["name"] == DEFAULT,
        "description": values["description"],
    }
    try:
        insert_rule(tx, document)
    except sqlite3.IntegrityError:
        raise taken_id("security_group_rule", document["id"]) from None
    touch(tx, group["id"])
    return document


def delete(tx: Transaction, rule_id: str, revision: int | None = None) -> None:
    """Raises RefusedError."""
    rule = tx.get("security_group_rule", rule_id, revision)
    tx.delete("security_group_rule", rule_id)
    touch(tx, rule["security_group_id"])


def check_many(wanted: Sequence[tuple[dict[str, Any], str]]) -> None:
    """Raise RefusedError unless these rules, each with its project, may be made by one request."""
    if len({values["security_group_id"] for values, _ in wanted}) > 1:
        message = "Only allowed to update rules for one security profile at a time"
        raise RefusedError("SecurityGroupNotSingleGroupRules", 400, message)
    if len({project for _, project in wanted}) > 1:
        message = "Multiple project_ids in bulk security group rule create not allowed"
        raise RefusedError("SecurityGroupRulesNotSingleProject", 400, message)
    keys = [key_of(converted(values)) for values, _ in wanted]
    if len(set(keys)) < len(keys):
        raise RefusedError("DuplicateSecurityGroupRuleInPost", 409, "Duplicate Security Group Rule in POST.")


def converted(values: dict[str, Any]) -> Document:
    """The fields of a rule in the form in which they are kept. Raises RefusedError."""
    rule = dict(values)
    rule["protocol"] = _protocol(values["protocol"])
    rule["port_range_min"] = _port(values["port_range_min"])
    rule["port_range_max"] = _port(values["port_range_max"])
    rule["ethertype"] = _version(values["ethertype"])
    rule["remote_ip_prefix"] = _prefix(values["remote_ip_prefix"])
    rule["remote_group_id"] = values["remote_group_id"] or None
    rule["remote_address_group_id"] = values["remote_address_group_id"] or None
    if values["direction"] not in _DIRECTIONS:
        raise bad_request(f"Invalid input for direction. Reason: '{values['direction']}' is not in {_DIRECTIONS}.")
    if rule["ethertype"] == "IPv6":
        rule["protocol"] = {"icmp": "ipv6-icmp", "icmpv6": "ipv6-icmp", "1": "58"}.get(
            rule["protocol"], rule["protocol"]
        )
    if (rule["port_range_min"], rule["port_range_max"]) == (1, _PORT_MAX):
        rule["port_range_min"] = rule["port_range_max"] = None
    return rule


def _protocol(value: str | int | None) -> str | None:
    if value in (None, "any", ""):
        return None
    text = str(value).lower()
    try:
        number_of(text)
    except ValueError:
        known = (None, "any", *NUMBERS)
        message = (
            f"Security group rule protocol {value} not supported. Only protocol values {known} and integer "
            "representations [0 to 255] are supported."
        )
        raise RefusedError("SecurityGroupRuleInvalidProtocol", 400, message) from None
    return text


def _port(value: str | int | None) -> int | None:
    if value is None:
        return None
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) <= _PORT_MAX):
        raise _invalid_port(value)
    return int(text)


def _version(value: str | None) -> str:
    for version in _VERSIONS:
        if value is not None and value.lower() == version.lower():
            return version
    message = f"Security group rule for ethertype '{value}' not supported. Allowed values are {list(_VERSIONS)}."
    raise RefusedError("SecurityGroupRuleInvalidEtherType", 400, message)


def _prefix(text: str | None) -> str | None:
    if not text:
        return None
    try:
        return str(_interface(text))
    except ValueError:
        raise RefusedError("InvalidCIDR", 400, f"Invalid CIDR {text} given as IP prefix.") from None


def _interface(text: str) -> IPv4Interface | IPv6Interface:
    if "%" in text:
        raise ValueError("a zone is of one host")
    return ip_interface(text)


def _check_prefix(rule: Document) -> None:
    prefix = rule["remote_ip_prefix"]
    if prefix and rule["ethertype"] != f"IPv{ip_interface(prefix).version}":
        message = f"Conflicting value ethertype {rule['ethertype']} for CIDR {prefix}"
        raise RefusedError("SecurityGroupRuleParameterConflict", 400, message)


def _check_ports(rule: Document) -> None:
    least, most = rule["port_range_min"], rule["port_range_max"]
    if least is None and most is None:
        return
    if rule["protocol"] is None:
        message = "Must also specify protocol if port range is given."
        raise RefusedError("SecurityGroupProtocolRequiredWithPorts", 400, message)
    protocol = number_of(rule["protocol"])
    if has_ports(protocol):
        if 0 in (least, most):
            raise _invalid_port(0)
        if least is None or most is None or least > most:
            message = "For TCP/UDP protocols, port_range_min must be <= port_range_max"
            raise RefusedError("SecurityGroupInvalidPortRange", 400, message)
    elif protocol in (ICMP, ICMP6):
        for name, field in (("port_range_min", "type"), ("port_range_max", "code")):
            if rule[name] is not None and rule[name] > 255:
                message = f"Invalid value for ICMP {field} ({name}) {rule[name]}. It must be 0 to 255."
                raise RefusedError("SecurityGroupInvalidIcmpValue", 400, message)
        if least is None:
            message = f"ICMP code (port-range-max) {most} is provided but ICMP type (port-range-min) is missing."
            raise RefusedError("SecurityGroupMissingIcmpType", 400, message)
    else:
        known = ", ".join(name.upper() for name in WITH_PORTS)
        message = f"Ports cannot be specified for protocol {protocol}. Ports are only supported for {known}."
        raise RefusedError("SecurityGroupInvalidProtocolForPort", 400, message)


def _invalid_port(value: object) -> RefusedError:
    return RefusedError("SecurityGroupInvalidPortValue", 400, f"Invalid value for port {value}")
