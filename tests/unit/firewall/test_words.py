"""Rules in words."""

from ipaddress import ip_network

import pytest

from netmend.firewall.words import words_of_rule
from netmend.intent import SecurityRule


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (SecurityRule("egress", 4), "egress IPv4 anything to anywhere"),
        (SecurityRule("ingress", 4, 6, (22, 22)), "ingress IPv4 TCP to port 22 from anywhere"),
        (
            SecurityRule("ingress", 6, 17, (5000, 5010), remote=ip_network("2001:db8::/32")),
            "ingress IPv6 UDP to ports 5000-5010 from 2001:db8::/32",
        ),
        (SecurityRule("ingress", 4, remote_group_id="g"), "ingress IPv4 anything from group called-g"),
        (SecurityRule("egress", 4, 6, remote_address_group_id="a"), "egress IPv4 TCP to address group called-a"),
        (SecurityRule("ingress", 4, 1, (8, None)), "ingress IPv4 ICMP type 8 from anywhere"),
        (SecurityRule("ingress", 6, 1, (128, 0)), "ingress IPv6 ICMPv6 type 128 code 0 from anywhere"),
        (SecurityRule("ingress", 4, 112), "ingress IPv4 protocol 112 from anywhere"),
    ],
)
def test_a_rule_is_one_sentence(rule: SecurityRule, words: str) -> None:
    assert words_of_rule(rule, lambda group_id: f"called-{group_id}") == words
