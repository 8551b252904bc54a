"""What groups let through, against words of their own and an oracle that knows nothing of the model."""

import os
import random
from collections.abc import Set
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from msgspec.structs import replace

from netmend.firewall.packet import ARP, IPV4, IPV6, Packet
from netmend.firewall.security_groups import (
    ALWAYS,
    Decision,
    PortRules,
    State,
    decide,
    is_filtered,
    port_rules,
)
from netmend.intent import AddressGroup, Intent, Port, SecurityGroup, SecurityRule, TapPlug
from netmend.intent.security_group import Block, Direction

CASES = int(os.environ.get("NETMEND_RANDOM_PACKETS", "20000"))
PORT = Port("11111111-1111-4111-8111-111111111111", "p", "fa:16:3e:00:00:01", plug=TapPlug(0), security_groups=("a",))
ALL4, ALL6 = SecurityRule("egress", 4), SecurityRule("egress", 6)
SSH = SecurityRule("ingress", 4, 6, (22, 22), remote=ip_network("192.0.2.0/24"))


def rules(*found: SecurityRule, stateful: bool = True, port: Port = PORT) -> PortRules:
    return port_rules(port, Intent(security_groups={"a": SecurityGroup("a", "a", found, stateful=stateful)}))


def tcp(source: str, destination: str, port: int) -> Packet:
    kind = IPV6 if ":" in source else IPV4
    return Packet(kind, ip_address(source), ip_address(destination), 6, (40000, port))


@pytest.mark.parametrize(
    ("port", "filtered"),
    [
        (PORT, True),
        (replace(PORT, security_groups=()), True),
        (replace(PORT, security_groups=None), False),
        (replace(PORT, port_security=False), False),
        (Port(PORT.id, "p", PORT.mac, security_groups=("a",)), False),  # somebody else wires it
    ],
)
def test_what_is_filtered(port: Port, filtered: bool) -> None:
    assert is_filtered(port) == filtered


def test_what_no_rule_permits_is_refused_and_the_rule_that_permits_is_named() -> None:
    own = rules(ALL4, SSH)
    asked = tcp("192.0.2.7", "10.0.0.5", 22)
    found = decide(own, "ingress", asked, "new")
    assert found.passes and found.permission is not None and found.permission.rule is SSH
    assert found.permission.group_id == "a"
    for other in (tcp("192.0.2.7", "10.0.0.5", 23), tcp("192.0.3.7", "10.0.0.5", 22)):
        assert decide(own, "ingress", other, "new") == Decision(passes=False, why="no rule")
    assert decide(own, "egress", tcp("10.0.0.5", "192.0.2.7", 80), "new").passes
    assert not decide(own, "egress", tcp("2001:db8::5", "2001:db8::7", 80), "new").passes


def test_answers_pass_where_connections_are_tracked() -> None:
    back = tcp("10.0.0.5", "192.0.2.7", 40000)
    states: tuple[State, ...] = ("new", "established", "related", "invalid", "untracked")
    assert [decide(rules(SSH), "egress", back, state).passes for state in states] == [False, True, True, False, False]
    assert not any(decide(rules(SSH, stateful=False), "egress", back, state).passes for state in states)
    everything = rules(SecurityRule("egress", 4))
    assert [decide(everything, "egress", back, state).passes for state in states] == [True, True, True, False, True]
    assert all(decide(rules(ALL4, stateful=False), "egress", back, state).passes for state in states)


def test_a_port_is_stateless_where_all_its_groups_are() -> None:
    groups = {"a": SecurityGroup("a", "a", stateful=False), "b": SecurityGroup("b", "b")}
    for ids, stateful in ((("a",), False), (("a", "b"), True), (("b",), True), ((), True), (("gone",), True)):
        assert port_rules(replace(PORT, security_groups=ids), Intent(security_groups=groups)).is_stateful == stateful


def test_a_port_without_groups_has_what_a_guest_needs() -> None:
    none = rules(port=replace(PORT, security_groups=()))
    for need in ALWAYS:
        protocol = 17 if need.ports else 58 if need.types else None
        kinds: list[tuple[int, int] | None] = [(kind, 0) for kind in sorted(need.types)]
        for icmp in kinds or [None]:
            packet = Packet(need.ether_type, None, None, protocol, need.ports, icmp)
            assert decide(none, need.direction, packet, "untracked") == Decision(True, "needed", need=need)
    assert not decide(none, "ingress", Packet(IPV4, None, None, 17, (68, 67)), "new").passes
    assert not decide(none, "egress", Packet(IPV6, None, None, 58, None, (128, 0)), "new").passes
    assert decide(none, "ingress", Packet(0x8100), "untracked").why == "not IP"


def test_remote_groups_and_address_groups() -> None:
    blocks = frozenset({ip_network("10.0.0.5/32"), ip_network("2001:db8:1::/64")})
    addresses = frozenset({ip_network("198.51.100.0/25")})
    found = (
        SecurityRule("ingress", 4, remote_group_id="a"),
        SecurityRule("ingress", 6, remote_group_id="a"),
        SecurityRule("egress", 4, remote_address_group_id="n"),
        SecurityRule("egress", 6, remote_group_id="gone"),
    )
    own = port_rules(
        PORT,
        Intent(
            security_groups={"a": SecurityGroup("a", "a", found, members=blocks)},
            address_groups={"n": AddressGroup("n", "n", addresses)},
        ),
    )
    assert decide(own, "ingress", tcp("10.0.0.5", "10.0.0.6", 1), "new").passes
    assert not decide(own, "ingress", tcp("10.0.0.6", "10.0.0.6", 1), "new").passes
    assert decide(own, "ingress", tcp("2001:db8:1::77", "2001:db8:1::1", 1), "new").passes
    assert decide(own, "egress", tcp("10.0.0.5", "198.51.100.127", 1), "new").passes
    assert not decide(own, "egress", tcp("10.0.0.5", "198.51.100.128", 1), "new").passes
    assert not decide(own, "egress", tcp("2001:db8:1::1", "2001:db8:1::77", 1), "new").passes


def test_types_and_codes() -> None:
    echo, unreachable = SecurityRule("ingress", 4, 1, (8, None)), SecurityRule("ingress", 4, 1, (3, 4))
    six = SecurityRule("ingress", 6, 1, (128, 0))  # Neutron takes icmp for ICMPv6 there
    own = rules(echo, unreachable, six)

    def passes(kind: int, protocol: int, icmp: tuple[int, int] | None) -> bool:
        return decide(own, "ingress", Packet(kind, None, None, protocol, None, icmp), "new").passes

    assert passes(IPV4, 1, (8, 7)) and passes(IPV4, 1, (3, 4)) and passes(IPV6, 58, (128, 0))
    assert not (passes(IPV4, 1, (3, 1)) or passes(IPV4, 1, None) or passes(IPV6, 58, (128, 1)) or passes(IPV6, 1, None))


def test_a_later_fragment_passes_a_stateless_port_by_all_but_its_ports() -> None:
    fragment = Packet(IPV4, ip_address("192.0.2.7"), ip_address("10.0.0.5"), 6, is_later_fragment=True)
    assert decide(rules(SSH, stateful=False), "ingress", fragment, "untracked").passes
    assert not decide(rules(SSH), "ingress", fragment, "new").passes
    elsewhere = replace(fragment, source=ip_address("192.0.3.7"))
    assert not decide(rules(SSH, stateful=False), "ingress", elsewhere, "untracked").passes
    assert not decide(rules(SSH, stateful=False), "ingress", replace(fragment, protocol=17), "untracked").passes


def test_ports_of_a_protocol_without_ports_match_nothing() -> None:
    strange = rules(SecurityRule("ingress", 4, 47, (1, 2)), SecurityRule("ingress", 4, None, (1, 2)))
    for packet in (tcp("1.1.1.1", "2.2.2.2", 1), Packet(IPV4, None, None, 47)):
        assert not decide(strange, "ingress", packet, "new").passes


# The oracle: what Neutron's API says of each field, over plain numbers.

WHERE4 = [0x0A000005, 0x0A000006, 0xC0000201, 0xC00002FF, 0xC0000300]
WHERE6 = [0x20010DB8 << 96 | 5, 0x20010DB8 << 96 | 6, 0xFE80 << 112 | 5, 0x20010DB8 << 96 | 1 << 64]
PROTOCOLS4 = [1, 2, 6, 6, 17, 17, 47, 132]
PROTOCOLS6 = [6, 17, 58, 58, 58, 1, 132]


@dataclass
class Random:
    rng: random.Random

    def block(self, version: int) -> Block:
        width = 32 if version == 4 else 128
        length = self.rng.choice([0, width - 9, width - 8, width - 1, width, width])
        value = self.rng.choice(WHERE4 if version == 4 else WHERE6) >> (width - length) << (width - length)
        return ip_network((value, length)) if version == 6 else ip_network((IPv4Address(value), length))

    def rule(self) -> SecurityRule:
        direction: Direction = self.rng.choice(["ingress", "egress"])
        version = self.rng.choice([4, 6])
        protocol = self.rng.choice([None, *(PROTOCOLS4 if version == 4 else PROTOCOLS6)])
        ports: tuple[int, int | None] | None = None
        if protocol in {6, 17, 132} and self.rng.random() < 0.7:
            first = self.rng.choice([1, 22, 80, 1000])
            ports = first, first + self.rng.choice([0, 0, 1, 200, 64000])
        elif protocol in {1, 58} and self.rng.random() < 0.7:
            ports = self.rng.choice([8, 128, 3, 1]), self.rng.choice([None, 0, 4])
        made = SecurityRule(direction, 4 if version == 4 else 6, protocol, ports)
        name = self.rng.choice(["a", "b", "c"])
        match self.rng.randrange(5):
            case 0:
                return replace(made, remote=self.block(version))
            case 1:
                return replace(made, remote_group_id=name)
            case 2:
                return replace(made, remote_address_group_id=name)
        return made

    def blocks(self) -> frozenset[Block]:
        return frozenset(self.block(self.rng.choice([4, 6])) for _ in range(self.rng.choice([0, 1, 3])))

    def intent(self) -> Intent:
        return Intent(
            security_groups={
                name: SecurityGroup(
                    name, name, tuple(self.rule() for _ in range(self.rng.choice([0, 1, 2, 4, 8]))),
                    stateful=self.rng.random() < 0.6, members=self.blocks(),
                )
                for name in "ab"
            },
            address_groups={name: AddressGroup(name, name, self.blocks()) for name in "ac"},
        )  # fmt: skip

    def packet(self) -> Packet:
        kind = self.rng.choice([IPV4] * 6 + [IPV6] * 6 + [ARP, 0x8100])
        if kind not in {IPV4, IPV6}:
            return Packet(kind)
        where = WHERE4 if kind == IPV4 else WHERE6
        make = IPv4Address if kind == IPV4 else IPv6Address
        source, destination = make(self.rng.choice(where)), make(self.rng.choice(where))
        protocol = self.rng.choice([*(PROTOCOLS4 if kind == IPV4 else PROTOCOLS6), None])
        if self.rng.random() < 0.1:
            return Packet(kind, source, destination, protocol, is_later_fragment=protocol is not None)
        if protocol in {6, 17, 132} and self.rng.random() < 0.95:
            both = self.rng.choice(
                [(68, 67), (67, 68), (546, 547), (547, 546)] + [(9, each) for each in (1, 22, 23, 80, 1000, 1200)]
            )
            return Packet(kind, source, destination, protocol, both)
        if protocol in {1, 58} and self.rng.random() < 0.95:
            icmp = self.rng.choice([8, 3, 128, 1, 130, 131, 132, 133, 134, 135, 136, 143]), self.rng.choice([0, 4])
            return Packet(kind, source, destination, protocol, None, icmp)
        return Packet(kind, source, destination, protocol)


def oracle(intent: Intent, port: Port, direction: Direction, packet: Packet, state: State) -> bool:
    groups = [intent.security_groups[name] for name in port.security_groups or () if name in intent.security_groups]
    tracked = not groups or True in {group.stateful for group in groups}
    if tracked and state[0] in "er":
        return True
    numbers = packet.ports or packet.icmp or (None, None)
    inbound = direction == "ingress"
    if packet.ether_type == 0x0806:
        return True
    if packet.ether_type not in {0x0800, 0x86DD}:
        return False
    six = packet.ether_type == 0x86DD
    if packet.protocol == 17 and packet.ports is not None:
        client, server = (546, 547) if six else (68, 67)
        if numbers == ((server, client) if inbound else (client, server)):
            return True
    if (
        six
        and packet.protocol == 58
        and numbers[0] in ([130, 134, 135, 136] if inbound else [130, 131, 132, 133, 135, 136, 143])
    ):
        return True
    if tracked and (state == "invalid" or packet.is_later_fragment):
        return False
    far = packet.source if inbound else packet.destination
    for rule in (rule for group in groups for rule in group.rules):
        protocol = 58 if (rule.version, rule.protocol) == (6, 1) else rule.protocol
        if (rule.direction == "ingress") != inbound or (rule.version == 6) != six:
            continue
        if protocol not in {None, packet.protocol}:
            continue
        if rule.ports and not packet.is_later_fragment:
            low, high = rule.ports
            if protocol in {1, 58}:
                if packet.icmp is None or numbers[0] != low or (high is not None and numbers[1] != high):
                    continue
            elif packet.ports is None or not low <= numbers[1] <= high:  # type: ignore[operator]
                continue
        blocks: Set[Block] | None = None
        if rule.remote:
            blocks = {rule.remote}
        elif rule.remote_group_id:
            named = intent.security_groups.get(rule.remote_group_id)
            blocks = named.members if named else set()
        elif rule.remote_address_group_id:
            addresses = intent.address_groups.get(rule.remote_address_group_id)
            blocks = addresses.addresses if addresses else set()
        if blocks is not None and not any(
            (block.version == 6) == six and int(far) >> (block.max_prefixlen - block.prefixlen)  # type: ignore[arg-type]
            == int(block.network_address) >> (block.max_prefixlen - block.prefixlen)
            for block in blocks
        ):  # fmt: skip
            continue
        return True
    return False


def test_the_model_and_an_oracle_agree() -> None:
    """NETMEND_RANDOM_PACKETS says how many packets."""
    make, passed = Random(random.Random(18)), 0
    states: list[State] = ["new", "new", "new", "established", "related", "invalid", "untracked"]
    for _ in range(CASES // 20):
        intent = make.intent()
        port = replace(PORT, security_groups=make.rng.choice([(), ("a",), ("b",), ("a", "b"), ("b", "gone")]))
        own = port_rules(port, intent)
        for _ in range(20):
            direction: Direction = make.rng.choice(["ingress", "egress"])
            packet, state = make.packet(), make.rng.choice(states)
            expected = oracle(intent, port, direction, packet, state)
            assert decide(own, direction, packet, state).passes == expected, (intent, port, direction, packet, state)
            passed += expected
    assert 0.2 < passed / CASES < 0.8
