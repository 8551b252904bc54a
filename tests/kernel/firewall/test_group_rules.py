"""The rules of security groups and the model say the same of every packet: real frames, by a real bridge."""

import random
import struct
from collections import Counter
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Literal

import pytest
from msgspec.structs import replace
from tests.kernel.firewall.group_bridge import (
    DIRECTIONS,
    GroupBridge,
    echo,
    how_bridges_track,
    internet_checksum,
    ip_frame,
    tcp,
    udp,
)

from netmend.firewall.group_rules import Tracking
from netmend.firewall.packet import ICMP, ICMPV6, TCP, UDP, packet_of
from netmend.firewall.security_groups import State, decide, port_rules
from netmend.intent import AddressGroup, Intent, Port, SecurityGroup, SecurityRule, TapPlug
from netmend.intent.names import id_from_name
from netmend.intent.security_group import Block, Direction

GUEST = Port(id_from_name("port", "guest"), "guest", "fa:16:3e:00:00:01", plug=TapPlug(0))
OTHER = Port(id_from_name("port", "other"), "other", "fa:16:3e:00:00:02", plug=TapPlug(0))
NAMES = [id_from_name("security group", str(number)) for number in range(3)]
VERSIONS: tuple[Literal[4], Literal[6]] = (4, 6)
WHERE = {4: ["10.0.0.5", "10.0.0.6", "10.1.0.7", "192.0.2.1"], 6: ["2001:db8::5", "2001:db8::6", "2001:db8:1::7"]}
BLOCKS = {
    4: ["10.0.0.5/32", "10.0.0.0/24", "10.0.0.0/8", "192.0.2.0/31", "0.0.0.0/0"],
    6: ["2001:db8::5/128", "2001:db8::/64", "2001:db8::/32", "::/0"],
}


@dataclass
class Inputs:
    """Rules and packets that often meet."""

    rng: random.Random

    def blocks(self) -> frozenset[Block]:
        return frozenset(
            ip_network(self.rng.choice(BLOCKS[self.rng.choice([4, 6])])) for _ in range(self.rng.choice([0, 1, 3]))
        )

    def rule(self) -> SecurityRule:
        direction: Direction = self.rng.choice(["ingress", "egress"])
        version = self.rng.choice([4, 6])
        protocol = self.rng.choice([None, 1, 58, 6, 17, 17, 132, 47])
        ports: tuple[int, int | None] | None = None
        if protocol in {6, 17, 132} and self.rng.random() < 0.8:
            first = self.rng.choice([0, 22, 80])
            ports = first, first + self.rng.choice([0, 0, 1, 100, 65535 - first])
        elif protocol in {1, 58} and self.rng.random() < 0.7:
            ports = self.rng.choice([8, 128, 3]), self.rng.choice([None, 0, 4])
        elif self.rng.random() < 0.05:
            ports = 1, 2
        made = SecurityRule(direction, 4 if version == 4 else 6, protocol, ports)
        match self.rng.randrange(5):
            case 0:
                return replace(made, remote=ip_network(self.rng.choice(BLOCKS[version])))
            case 1:
                return replace(made, remote_group_id=self.rng.choice(NAMES))
            case 2:
                return replace(made, remote_address_group_id=self.rng.choice(NAMES))
        return made

    def intent(self, *, stateful: bool = False) -> Intent:
        groups = (
            SecurityGroup(
                name, name, tuple(self.rule() for _ in range(self.rng.choice([0, 1, 2, 4]))),
                stateful=stateful, members=self.blocks(),
            )
            for name in NAMES[:2]
        )  # fmt: skip
        addresses = (AddressGroup(name, name, self.blocks()) for name in NAMES[2:])
        return Intent(
            security_groups={each.id: each for each in groups}, address_groups={each.id: each for each in addresses}
        )

    def groups(self) -> tuple[str, ...]:
        return self.rng.choice([(), (NAMES[0],), (NAMES[1],), (NAMES[0], NAMES[1]), (NAMES[2],)])

    def pair(self) -> tuple[Intent, tuple[Port, Port]]:
        """Two ports with groups, of which some are stateless."""
        intent = self.intent(stateful=True)
        wide = [SecurityRule(direction, version) for direction in DIRECTIONS for version in VERSIONS]
        groups = {
            name: replace(
                group,
                stateful=self.rng.random() < 0.7,
                rules=(*group.rules, *self.rng.sample(wide, self.rng.randrange(4))),
            )
            for name, group in intent.security_groups.items()
        }
        ports = replace(GUEST, security_groups=self.groups()), replace(OTHER, security_groups=self.groups())
        return replace(intent, security_groups=groups), ports

    def frame(self) -> bytes:
        """From the Ethernet type on."""
        if self.rng.random() < 0.05:
            return self.rng.choice([b"\x08\x06", b"\x88\xcc", b"\x81\x00\x00\x01\x08\x00"]) + bytes(60)
        version = self.rng.choice([4, 4, 6])
        source, destination = self.rng.choice(WHERE[version]), self.rng.choice(WHERE[version])
        protocol = self.rng.choice([1, 58, 6, 17, 17, 17, 132, 47])
        payload = struct.pack(
            "!HH",
            *self.rng.choice(
                [(68, 67), (67, 68), (546, 547), (547, 546), (9, 22), (9, 23), (9, 80), (9, 180), (9, 65535)]
            ),
        )
        if protocol in {1, 58}:
            payload = bytes((self.rng.choice([8, 3, 128, 130, 131, 133, 134, 135, 136, 143]), self.rng.choice([0, 4])))
        payload = (payload + bytes(40))[: self.rng.choice([44] * 9 + [1])]
        if version == 6 and self.rng.random() < 0.3:
            return self._with_headers(source, destination, protocol, payload)
        fragment = self.rng.choice([0, 0, 0, 0x4000, 0x2000, 0x2001, 1]) if version == 4 else 0
        frame = ip_frame(source, destination, protocol, payload, fragment)
        return b"\x86\xdd" + frame[2:] if self.rng.random() < 0.02 else frame

    def _with_headers(self, source: str, destination: str, protocol: int, payload: bytes) -> bytes:
        kind = protocol
        for _ in range(self.rng.choice([1, 2])):
            header = self.rng.choice([0, 60, 43, 44, 44])
            body = bytes((kind, 0, 1, 4, 0, 0, 0, 0))
            if header == 44:
                body = struct.pack("!BBHI", kind, 0, self.rng.choice([1, 0, 8, 9, 0xFFF9]), 7)
            kind, payload = header, body + payload
        return ip_frame(source, destination, kind, payload)


def test_stateless_rules_and_the_model_agree() -> None:
    bridge, inputs = GroupBridge({"guest": GUEST, "other": OTHER}, "none"), Inputs(random.Random(18))
    passed = refused = 0
    most = bridge.nft.most
    for number in range(100):
        bridge.nft.most = most if number % 2 else 2000  # a change in one transaction, and in several
        intent, groups = inputs.intent(), inputs.groups()
        guest = replace(GUEST, security_groups=groups)
        own = replace(port_rules(guest, intent), is_stateful=False)
        if not any(each in intent.security_groups for each in groups):
            continue  # a port without groups is stateful
        bridge.rules(intent, [guest])
        ways: list[tuple[str, str, Direction]] = [("other", "guest", "ingress"), ("guest", "other", "egress")]
        for sender, receiver, direction in ways:
            frames = [inputs.frame().ljust(60, b"\0") + struct.pack("!I", number) for number in range(40)]
            for frame, came in zip(frames, bridge.pass_on(sender, receiver, frames), strict=True):
                packet = packet_of(bytes(12) + frame)
                expected = decide(own, direction, packet, "untracked")
                assert expected.passes == came, f"{direction}, {packet}, {expected}, {own}, {frame.hex()}"
                passed, refused = passed + came, refused + (not came)
    assert passed > 400 and refused > 1000


@dataclass
class Conversation:
    """UDP, TCP or pings between two guests, and what the kernel knows of them by now."""

    protocol: int
    version: int
    number: int
    opener: int = -1  # which of the two has opened it; -1: nobody
    is_answered: bool = False
    step: int = 0

    def packet(self, sender: int, label: int) -> tuple[bytes, State]:
        """The next packet of it, from the Ethernet type on, and the state that it is in."""
        ends = WHERE[self.version][sender], WHERE[self.version][1 - sender]
        asks = self.opener in {-1, sender}
        if self.protocol == UDP:
            payload = udp(*((1000 + self.number, 22) if asks else (22, 1000 + self.number)))
        elif self.protocol == TCP:
            flags = (0x02, 0x12, 0x10)[min(self.step, 2)]
            payload = tcp(*((1000 + self.number, 22) if asks else (22, 1000 + self.number)), flags, 1 + self.step, 1)
        else:
            kinds = (8, 0) if self.version == 4 else (128, 129)
            payload = echo(kinds[not asks], self.number)
        state: State = "new" if self.opener == -1 or (asks and not self.is_answered) else "established"
        return ip_frame(*ends, self.protocol, payload, number=label), state

    def may_send(self, sender: int) -> bool:
        """Not what a stack would not send: the handshake of TCP has its order."""
        return self.protocol != TCP or self.step == 0 or self.step > 2 or sender == (self.opener + self.step) % 2

    def sent(self, sender: int, *, came: bool) -> None:
        if self.opener == -1:
            self.opener = sender if came else -1
            self.step = int(came)
        elif sender == self.opener:
            self.step += came
        else:  # the kernel counts it as an answer before any rule judges it
            self.is_answered, self.step = True, self.step + came


def test_tracked_rules_and_the_model_agree() -> None:
    """Conversations between two guests whose groups are stateful, stateless or both, over changes of rules."""
    tracking = how_bridges_track()
    if tracking == "none":
        pytest.skip("bridges of this kernel track no connections: it has neither nf_conntrack_bridge nor br_netfilter")
    bridge, inputs = GroupBridge({"guest": GUEST, "other": OTHER}, tracking), Inputs(random.Random(18))
    names, label, found = ("guest", "other"), 0, Counter[tuple[State, bool]]()
    conversations: list[Conversation] = []
    for round_ in range(40):
        intent, ports = inputs.pair()
        own = [port_rules(port, intent) for port in ports]
        bridge.rules(intent, list(ports))
        conversations = conversations[-10:] + [  # some that were opened under other rules
            Conversation(inputs.rng.choice([UDP, TCP, ICMP if version == 4 else ICMPV6]), version, 20 * round_ + number)
            for number, version in enumerate(inputs.rng.choices([4, 6], k=20))
        ]
        for _ in range(4):
            sender = inputs.rng.randrange(2)
            chosen, frames, states = [each for each in conversations if each.may_send(sender)], [], []
            for each in chosen:
                label += 1
                frame, state = each.packet(sender, label)
                frames.append(frame)
                states.append(state)
            came = bridge.pass_on(names[sender], names[1 - sender], frames)
            for each, frame, state, arrived in zip(chosen, frames, states, came, strict=True):
                packet = packet_of(bytes(12) + frame)
                out = decide(own[sender], "egress", packet, state)
                into = decide(own[1 - sender], "ingress", packet, state)
                assert (out.passes and into.passes) == arrived, f"{each}, {state}, {packet}, {out}, {into}, {own}"
                each.sent(sender, came=arrived)
                found[state, arrived] += 1
    assert all(found[state, passes] > 20 for state in ("new", "established") for passes in (True, False)), found


def fragments(version: int, destination_port: int, number: int) -> list[bytes]:
    """A datagram in two parts, of which the first has the ports. It is as large as stacks make it: the bridge of Linux
    drops fragments of IPv6 that all are smaller than 1,280 octets (net/ipv6/netfilter.c, br_ip6_fragment)."""
    data = b"fragment %4d" % number * 150
    whole = struct.pack("!HHHH", 1000, destination_port, 8 + len(data), 0) + data
    ends = WHERE[version][1], WHERE[version][0]
    if version == 4:
        return [
            ip_frame(*ends, 17, whole[:1360], 0x2000, number=number),
            ip_frame(*ends, 17, whole[1360:], 1360 // 8, number=number),
        ]
    total = internet_checksum(
        ip_address(ends[0]).packed + ip_address(ends[1]).packed + struct.pack("!II", len(whole), 17) + whole
    )
    whole = whole[:6] + struct.pack("!H", total) + whole[8:]
    return [
        ip_frame(*ends, 44, struct.pack("!BBHI", 17, 0, 1, number) + whole[:1360]),
        ip_frame(*ends, 44, struct.pack("!BBHI", 17, 0, 1360, number) + whole[1360:]),
    ]


@pytest.mark.parametrize("stateful", [True, False])
def test_fragments_pass_with_their_first(stateful: bool) -> None:
    """Tracked, they are put together, judged as one, and sent on in parts again; else each is judged by what it says:
    a later one, that says no port, is nothing without its first."""
    tracking: Tracking = how_bridges_track() if stateful else "none"
    if tracking == "none" and stateful:
        pytest.skip("bridges of this kernel track no connections: it has neither nf_conntrack_bridge nor br_netfilter")
    bridge = GroupBridge({"guest": GUEST, "other": OTHER}, tracking)
    permitted = tuple(SecurityRule("ingress", version, 17, (22, 22)) for version in VERSIONS)
    group = SecurityGroup(NAMES[0], "group", permitted, stateful=stateful)
    bridge.rules(Intent(security_groups={group.id: group}), [replace(GUEST, security_groups=(group.id,))])
    for version in VERSIONS:
        bridge.pass_on("other", "guest", fragments(version, 22, 1))
        heard = [frame for frame in bridge.heard["guest"] if b"fragment    1" in frame]
        assert len(heard) == 2 and sum(map(len, heard)) > 1800
        bridge.pass_on("other", "guest", fragments(version, 23, 2))
        heard = [frame for frame in bridge.heard["guest"] if b"fragment    2" in frame]
        assert len(heard) == (0 if stateful else 1)
        first, later = fragments(version, 22, 3)
        bridge.pass_on("other", "guest", [later])
        assert any(b"fragment    3" in frame for frame in bridge.heard["guest"]) != stateful
        bridge.pass_on("other", "guest", [first])
        assert sum(b"fragment    3" in frame for frame in bridge.heard["guest"]) == (2 if stateful else 1)


def test_errors_of_a_connection_pass_and_those_of_none_do_not() -> None:
    tracking = how_bridges_track()
    if tracking == "none":
        pytest.skip("bridges of this kernel track no connections: it has neither nf_conntrack_bridge nor br_netfilter")
    bridge = GroupBridge({"guest": GUEST, "other": OTHER}, tracking)
    out = tuple(SecurityRule("egress", version) for version in VERSIONS)
    group = SecurityGroup(NAMES[0], "group", out)
    bridge.rules(Intent(security_groups={group.id: group}), [replace(GUEST, security_groups=(group.id,))])
    for version, protocol, unreachable in ((4, ICMP, (3, 1)), (6, ICMPV6, (1, 3))):
        ends, back = (WHERE[version][0], WHERE[version][1]), (WHERE[version][1], WHERE[version][0])
        asked = ip_frame(*ends, UDP, udp(1000, 53), number=7)
        about_it = struct.pack("!BBHI", *unreachable, 0, 0)
        error = ip_frame(*back, protocol, about_it + asked[2:], number=8)
        other = ip_frame(*ends, UDP, udp(1000, 54), number=9)
        about_other = ip_frame(*back, protocol, about_it + other[2:], number=10)
        assert bridge.pass_on("guest", "other", [asked]) == [True]
        assert bridge.pass_on("other", "guest", [error, about_other]) == [True, False]
