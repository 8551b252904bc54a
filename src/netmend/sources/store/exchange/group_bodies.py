"""Security groups and address groups of intent as the API takes them."""

from typing import Final

from netmend.intent import AddressGroup, SecurityGroup, SecurityRule
from netmend.sources.protocols import NUMBERS
from netmend.sources.store.exchange.change import Body

_NAMES: Final = {number: name for name, number in NUMBERS.items() if number and name != "icmpv6"}


def security_group_body(group: SecurityGroup) -> Body:
    """With all of its rules."""
    return {
        "id": group.id,
        "name": group.name,
        "project_id": group.project_id or "",
        "stateful": group.stateful,
        "security_group_rules": [_rule_body(rule) for rule in group.rules],
    }


def address_group_body(group: AddressGroup) -> Body:
    return {"id": group.id, "name": group.name, "project_id": "", "addresses": sorted(map(str, group.addresses))}


def _rule_body(rule: SecurityRule) -> Body:
    least, most = rule.ports or (None, None)
    return {
        "direction": rule.direction,
        "ethertype": f"IPv{rule.version}",
        "protocol": None if rule.protocol is None else _NAMES.get(rule.protocol, str(rule.protocol)),
        "port_range_min": least,
        "port_range_max": most,
        "remote_ip_prefix": str(rule.remote) if rule.remote else None,
        "remote_group_id": rule.remote_group_id,
        "remote_address_group_id": rule.remote_address_group_id,
    }
