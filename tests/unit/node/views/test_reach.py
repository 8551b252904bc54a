"""Whether one guest reaches another: the question as people put it, the way, and what security groups say."""

from ipaddress import ip_network
from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.routing.test_path import A_FLOATING, router, world

from netmend.intent import Intent, Port, SecurityGroup, SecurityRule, TapPlug
from netmend.node.views.reach import reach
from netmend.node.views.reach_question import read_question

SSH = SecurityRule("ingress", 4, 6, (22, 22), remote_group_id="ops")
OUT = SecurityRule("egress", 4)
PING = SecurityRule("ingress", 4, 1)


def guarded(intent: Intent, name: str, groups: tuple[str, ...] | None, *known: SecurityGroup) -> Intent:
    network = intent.networks[name]
    (port,) = network.ports.values()
    changed = replace(network, ports={port.id: replace(port, plug=TapPlug(0), security_groups=groups)})
    return replace(
        intent,
        networks={**intent.networks, name: changed},
        security_groups={**intent.security_groups, **{group.id: group for group in known}},
    )


def ask(intent: Intent, start: str, end: str, **query: str) -> dict[str, Any]:
    return reach(intent, read_question(intent, {"from": start, "to": end, **query}))


def test_without_groups_the_way_decides() -> None:
    found = ask(world(router()), "vm-blue", "vm-green")
    assert found["reaches"] and found["sentence"] == "vm-blue reaches 10.2.0.10 by TCP port 80"
    assert [stop["kind"] for stop in found["stops"]] == ["port", "network", "router", "network", "port"]
    assert {verdict["says"] for verdict in found["verdicts"]} == {"the port has no security groups in force"}
    found = ask(world(), "vm-blue", "vm-green")
    assert not found["reaches"]
    assert found["why"] == "neither a port nor a router of netmend's on network blue has the address 10.1.0.1"


def test_the_rule_that_lets_it_pass_is_named_with_its_group() -> None:
    ops = SecurityGroup("ops", "operators", (OUT,), members=frozenset({ip_network("10.1.0.10/32")}))
    intent = guarded(world(router()), "blue", ("ops",), ops)
    intent = guarded(intent, "green", ("web",), SecurityGroup("web", "web servers", (SSH,)))
    found = ask(intent, "vm-blue", "vm-green", port="22")
    assert found["reaches"]
    assert [(one["direction"], one["says"], one["group"]) for one in found["verdicts"]] == [
        ("egress", "egress IPv4 anything to anywhere", "operators"),
        ("ingress", "ingress IPv4 TCP to port 22 from group operators", "web servers"),
    ]
    refused = ask(intent, "vm-blue", "vm-green", port="80")
    assert refused["why"] == "ingress at vm-green: no rule of its security groups lets it pass"
    back = ask(intent, "vm-green", "vm-blue", port="22")
    assert back["why"] == "egress at vm-green: no rule of its security groups lets it pass"


def test_stateless_groups_need_a_rule_for_the_answer() -> None:
    stateless = SecurityGroup("s", "s", (PING,), stateful=False)
    found = ask(guarded(world(router()), "green", ("s",), stateless), "vm-blue", "vm-green", protocol="icmp")
    assert found["why"] == (
        "it arrives, but the answer does not pass at vm-green: no rule of its security groups lets it pass"
    )
    both = replace(stateless, rules=(PING, OUT))
    assert ask(guarded(world(router()), "green", ("s",), both), "vm-blue", "vm-green", protocol="icmp")["reaches"]


def test_a_guest_without_a_way_back_is_not_reached() -> None:
    found = ask(world(router(), gateway=None), "vm-green", "vm-blue")
    assert found["why"] == (
        "it arrives, but the answer finds no way back: "
        "subnet s-blue has no gateway, so its guests have no route to 10.2.0.10"
    )


def test_the_world_both_ways() -> None:
    intent = world(router(floating_ips=(A_FLOATING,)))
    assert ask(intent, "vm-blue", "world")["sentence"] == "vm-blue reaches the world (192.0.2.1) by TCP port 80"
    assert ask(intent, "world", "203.0.113.9")["reaches"]
    assert ask(intent, "198.51.100.7", "203.0.113.9")["stops"][0]["text"] == "sends from 198.51.100.7 to 203.0.113.9"
    found = ask(intent, "world", "vm-blue")
    assert found["why"] == "no router takes what comes from outside for 10.1.0.10"
    assert ask(intent, "2001:db8:9::1", "203.0.113.9")["why"] == "the world has no fixed IP of IPv4"


def test_ports_are_known_by_name_id_and_address() -> None:
    intent = world(router())
    sentences = {ask(intent, one, "vm-green")["sentence"] for one in ("vm-blue", "port-blue", "10.1.0.10")}
    assert sentences == {"vm-blue reaches 10.2.0.10 by TCP port 80"}
    assert ask(intent, "vm-blue", "2001:db8:2::a", protocol="icmp")["sentence"].endswith("by ICMPv6")


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"to": "vm-green"}, "from: name a port by its id, name or address, or say world"),
        ({"from": "vm-blue", "to": "nobody"}, "to: no port has the id, name or address 'nobody'"),
        ({"from": "vm-blue", "to": "vm-green", "protocol": "ipx"}, "protocol: expected tcp, udp, icmp or a number"),
        ({"from": "vm-blue", "to": "vm-green", "protocol": "256"}, "protocol: expected tcp, udp, icmp or a number"),
        ({"from": "vm-blue", "to": "vm-green", "port": "65536"}, "port: expected a number from 1 to 65535"),
        ({"from": "vm-blue", "to": "vm-green", "protocol": "icmp", "port": "8"}, "port: ICMP has none"),
        (
            {"from": "twin", "to": "vm-green"},
            "from: 2 ports are called twin; give the id of one: t1 on blue, t2 on blue",
        ),
        ({"from": "vm-blue", "to": "t1"}, "to: port twin of network blue has no fixed IP; give its address"),
    ],
)
def test_a_question_without_an_answer_is_refused_in_words(query: dict[str, str], why: str) -> None:
    intent = world(router())
    twins = {one: Port(one, "twin", f"fa:16:3e:00:00:0{one[1]}") for one in ("t1", "t2")}
    blue = intent.networks["blue"]
    intent = replace(intent, networks={**intent.networks, "blue": replace(blue, ports={**blue.ports, **twins})})
    with pytest.raises(ValueError) as refused:
        read_question(intent, query)
    assert str(refused.value).startswith(why)
