"""What two rules of one security group differ in: there is no second rule that means the same."""

import json
from typing import Final

from netmend.sources.protocols import ICMP, ICMP6, number_of
from netmend.sources.store.transaction import Document

COMPARED: Final = (
    "direction",
    "ethertype",
    "port_range_min",
    "port_range_max",
    "remote_group_id",
    "remote_address_group_id",
)
_ANYWHERE = ("0.0.0.0/0", "::/0", None)


def key_of(rule: Document) -> str:
    """The rule's meaning as text, in the order of COMPARED, its protocol's number, its remote prefix."""
    prefix, protocol = rule["remote_ip_prefix"], rule["protocol"]
    number = None if protocol is None else number_of(protocol)
    if number == ICMP and rule["ethertype"] == "IPv6":
        number = ICMP6
    return json.dumps([*(rule[name] for name in COMPARED), number, None if prefix in _ANYWHERE else prefix])
