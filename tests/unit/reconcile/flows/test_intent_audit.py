"""Beside what is wanted: packets that pass and must not, and that do not and should."""

from collections.abc import Sequence
from ipaddress import IPv4Address, ip_network
from typing import Any

import pytest

from netmend.flows.switch import Bridge, Switch
from netmend.ground.openflow.actions import Action, Output, Resubmit, SetField
from netmend.ground.openflow.fields import BY_NAME
from netmend.ground.openflow.flow import Flow
from netmend.ground.openflow.switch import BridgePort
from netmend.intent.port import AddressPair, Port
from netmend.intent.security_group import SecurityGroup, SecurityRule
from netmend.reconcile.flows.intent_audit import against_intent

MAC, ID = "fa:16:3e:00:00:05", "11111111-1111-1111-1111-111111111111"
OWN = 0x0A000005
WANTED = Port(id=ID, name="a", mac=MAC, fixed_ips=(IPv4Address(OWN),), security_groups=("g",))
HTTP = SecurityRule("ingress", 4, 6, (80, 87))
OUT = SecurityRule("egress", 4)
PORTS = (
    BridgePort("patch-tun", 2, "patch", peer="patch-int"),
    BridgePort("a", 5, tag=1, ids={"iface-id": ID, "attached-mac": MAC}),
    BridgePort("b", 6, tag=1),
)


def flow(table: int, priority: int, actions: Sequence[Action] = (), **fields: int | tuple[int, int]) -> Flow:
    match = {
        name: value if isinstance(value, tuple) else (value, BY_NAME[name].whole) for name, value in fields.items()
    }
    return Flow(table, priority, match, tuple(actions))


def flows(*more: Flow) -> tuple[Flow, ...]:
    """As Neutron's firewall lets the port use its address, send any IPv4, and be sent TCP to 80 to 87."""
    mac = int(MAC.replace(":", ""), 16)
    taken = SetField(BY_NAME["reg5"], 5, 0xFFFFFFFF)
    return (
        flow(0, 100, [taken, Resubmit(71)], in_port=5),
        flow(0, 90, [taken, Resubmit(82)], eth_dst=mac, vlan_tci=(0x1001, 0x1FFF)),
        flow(71, 95, [Resubmit(94)], in_port=5, reg5=5, eth_type=0x806, eth_src=mac, arp_spa=OWN),
        flow(71, 65, [Resubmit(94)], in_port=5, reg5=5, eth_type=0x800, eth_src=mac, nw_src=OWN),
        flow(82, 77, [Output(5)], reg5=5, eth_type=0x800, nw_proto=6, tp_dst=(80, 0xFFF8)),
        flow(94, 1, [Output(6)]),
        *more,
    )


def found(wanted: Port, rules: Sequence[SecurityRule], of: Sequence[Flow]) -> list[tuple[str, str, str]]:
    switch = Switch({"br-int": Bridge("br-int", PORTS, tuple(of))})
    groups = {"g": SecurityGroup("g", "g", tuple(rules))}
    return [(one.check, one.effect, one.problem) for one in against_intent(switch, {ID: wanted}, groups)]


def changed(**fields: Any) -> Port:
    return Port(
        **{name: getattr(WANTED, name) for name in ("id", "name", "mac", "fixed_ips", "security_groups")} | fields
    )


def test_nothing_is_said_of_a_port_as_it_is_wanted() -> None:
    assert found(WANTED, [HTTP, OUT], flows()) == []


@pytest.mark.parametrize(
    ("rules", "more", "said"),
    [
        ([OUT], (), ("leak", "it may be sent TCP to port 80 from 203.0.113.77, which no rule allows")),
        ([HTTP], (), ("leak", "it may send TCP to port 22 to 203.0.113.77, which no rule allows")),
        (
            [HTTP, OUT, SecurityRule("ingress", 4, 17, (53, 53), ip_network("192.0.2.0/24"))], (),
            ("blocked", "it may not be sent UDP to port 53 from 192.0.2.1, which a rule allows"),
        ),
        (
            [SecurityRule("ingress", 4, 6, (80, 86)), OUT], (),
            ("leak", "it may be sent TCP to port 87 from 203.0.113.77, which no rule allows"),
        ),
        (
            [HTTP, OUT], (flow(82, 90, [Output(5)], reg5=5, eth_type=0x800, nw_proto=1),),
            ("leak", "it may be sent ICMP of type 8 from 203.0.113.77, which no rule allows"),
        ),
    ],
)  # fmt: skip
def test_rules_and_flows_that_differ(rules: list[SecurityRule], more: tuple[Flow, ...], said: tuple[str, str]) -> None:
    ((check, effect, problem),) = found(WANTED, rules, flows(*more))
    assert (check, effect) == ("rules", said[0])
    assert problem.startswith(said[1])


def test_what_rests_on_members_that_are_not_known_is_not_judged() -> None:
    remote = SecurityRule("ingress", 4, 6, (80, 87), remote_group_id="others")
    assert found(WANTED, [remote, OUT], flows()) == []


def test_addresses_that_it_may_use_and_that_it_may_not() -> None:
    pair = AddressPair(ip_network("10.0.0.99"), MAC)
    assert found(changed(allowed_address_pairs=(pair,)), [HTTP, OUT], flows()) == [
        ("address", "blocked", f"it may not use its own address 10.0.0.99 from {MAC}")
    ]
    open_flow = flow(71, 99, [Resubmit(94)], eth_type=0x806)
    assert found(WANTED, [HTTP, OUT], flows(open_flow)) == [
        ("address", "leak", "it may use addresses that are not its own")
    ]
    free = changed(port_security=False)
    assert found(free, [], flows()) == [("address", "blocked", "it has no port security, and may not use any address")]
    assert found(free, [], flows(open_flow)) == []


def test_a_port_that_the_server_does_not_know_is_not_judged() -> None:
    switch = Switch({"br-int": Bridge("br-int", PORTS, flows())})
    assert list(against_intent(switch, {}, {})) == []
