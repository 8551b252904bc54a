"""Rules of security groups in words, as people read them."""

from collections.abc import Callable
from typing import Final

from netmend.firewall.packet import DCCP, ICMP, ICMPV6, SCTP, TCP, UDP, UDP_LITE, WITH_PORTS
from netmend.firewall.security_groups import protocol_of
from netmend.intent.security_group import SecurityRule

_NAMES: Final = {
    ICMP: "ICMP", TCP: "TCP", UDP: "UDP", DCCP: "DCCP", ICMPV6: "ICMPv6", SCTP: "SCTP", UDP_LITE: "UDP-Lite",
}  # fmt: skip


def name_of_protocol(number: int) -> str:
    """`TCP`, or `protocol 112`."""
    return _NAMES.get(number, f"protocol {number}")


def words_of_rule(rule: SecurityRule, name_of_group: Callable[[str], str]) -> str:
    """One rule, such as `ingress IPv4 TCP to ports 80-81 from group web`."""
    far = "from" if rule.direction == "ingress" else "to"
    if rule.remote is not None:
        remote = str(rule.remote)
    elif rule.remote_group_id is not None:
        remote = f"group {name_of_group(rule.remote_group_id)}"
    elif rule.remote_address_group_id is not None:
        remote = f"address group {name_of_group(rule.remote_address_group_id)}"
    else:
        remote = "anywhere"
    return " ".join(filter(None, (rule.direction, f"IPv{rule.version}", words_of_traffic(rule), far, remote)))


def words_of_traffic(rule: SecurityRule) -> str:
    """The protocol of a rule, with its ports, or its type and code."""
    protocol = protocol_of(rule)
    if protocol is None:
        return "anything"
    name = name_of_protocol(protocol)
    if rule.ports is None:
        return name
    first, last = rule.ports
    if protocol in WITH_PORTS:
        return f"{name} to port {first}" if last in {None, first} else f"{name} to ports {first}-{last}"
    return f"{name} type {first}" if last is None else f"{name} type {first} code {last}"
