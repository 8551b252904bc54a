"""The rules and the verdict say the same of every frame: real frames, by a real bridge, from a hostile guest."""

import random
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from msgspec.structs import replace

from netmend.firewall.guard import Allowed, Guard
from netmend.firewall.rules import TABLE, elements_of
from netmend.firewall.verdict import passes
from netmend.ground.nftables import Element
from netmend.kernel import links
from netmend.kernel.links import VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.nft.socket import NftSocket
from netmend.kernel.nft.tables import change_elements, read_table, remake

MAC, VIRTUAL, OTHER, SERVER = "fa:16:3e:00:00:01", "00:00:5e:00:01:01", "fa:16:3e:00:00:02", "fa:16:3e:00:00:99"
OWN4, VIP4, OTHER4 = ip_address("10.0.0.5"), ip_address("10.0.0.100"), ip_address("10.0.0.6")
OWN6, OTHER6 = ip_address("2001:db8::5"), ip_address("2001:db8::6")
LINK_LOCAL = ip_address("fe80::f816:3eff:fe00:1")
GUARD = Guard(
    "tap-guest",
    frozenset({MAC, VIRTUAL}),
    frozenset(
        {
            Allowed(MAC, OWN4, OWN4),
            Allowed(VIRTUAL, VIP4, VIP4),
            Allowed(MAC, ip_address("10.9.0.0"), ip_address("10.9.0.255")),
            Allowed(MAC, OWN6, OWN6),
            Allowed(MAC, LINK_LOCAL, LINK_LOCAL),
            Allowed(MAC, ip_address("2001:db8:9::"), ip_address("2001:db8:9::ffff")),
        }
    ),
)
MACS = [MAC] * 6 + [VIRTUAL, VIRTUAL, OTHER, SERVER]
ADDRESSES4 = [OWN4] * 4 + [VIP4, OTHER4, ip_address("10.9.0.0"), ip_address("10.9.0.255"), ip_address("10.9.1.0"),
                           ip_address("0.0.0.0"), ip_address("255.255.255.255")]  # fmt: skip
ADDRESSES6 = [OWN6] * 3 + [LINK_LOCAL] * 2 + [OTHER6, ip_address("::"), ip_address("2001:db8:9::77"),
                                             ip_address("2001:db8:9::1:0"), ip_address("ff02::1")]  # fmt: skip
TARGETS = ["ff:ff:ff:ff:ff:ff", SERVER, "33:33:00:00:00:01", "01:00:5e:00:00:01", "01:80:c2:00:00:21"]


def octets(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


@dataclass
class Frames:
    """Frames as a hostile guest would make them: mostly right, wrong in one thing or two."""

    rng: random.Random

    def __iter__(self) -> Iterator[bytes]:
        while True:
            to, mac = self.rng.choice(TARGETS), self.rng.choice(MACS)
            kind, packet = self.rng.choice([self.arp, self.ipv4, self.ipv4, self.ipv6, self.ipv6, self.ipv6])(mac)
            if self.rng.random() < 0.03:
                to, kind = "01:80:c2:00:00:00", 0x0026  # a bridge's
            if self.rng.random() < 0.03:
                kind = self.rng.choice([0x8100, 0x88A8, 0x88CC, 0x8847, 0x0800, 0x86DD, 0x0806])
            yield octets(to) + octets(mac) + struct.pack("!H", kind) + packet

    def arp(self, mac: str) -> tuple[int, bytes]:
        head = struct.pack("!HHBBH", 1, 0x800, 6, 4, self.rng.choice([1, 2]))
        if self.rng.random() < 0.1:
            head = struct.pack(
                "!HHBBH", *self.rng.choice([(6, 0x800, 6, 4, 1), (1, 0x86DD, 6, 4, 1), (1, 0x800, 8, 4, 1)])
            )
        sender_mac = mac if self.rng.random() < 0.8 else self.rng.choice(MACS)
        sender, target = self.rng.choice(ADDRESSES4), self.rng.choice(ADDRESSES4)
        packet = head + octets(sender_mac) + sender.packed + bytes(6) + target.packed
        return 0x0806, packet[: self.rng.choice([len(packet)] * 9 + [20])]

    def udp(self) -> bytes:
        ports = self.rng.choice([(67, 68), (68, 67), (547, 546), (546, 547), (1000, 53), (67, 67)])
        return struct.pack("!HHHH", *ports, 12, 0) + b"data"

    def ipv4(self, _: str) -> tuple[int, bytes]:
        source, target = self.rng.choice(ADDRESSES4), self.rng.choice(ADDRESSES4)
        options = self.rng.choice([b"", b"", b"\1\1\1\1"])
        protocol = self.rng.choice([17, 17, 17, 6, 1, 2])
        payload = self.udp() + bytes(16)
        fragment = self.rng.choice([0, 0, 0, 0x4000, 0x2000, 0x2001, 1, 0x1FFF])
        length = 20 + len(options) + len(payload) + self.rng.choice([0] * 20 + [1000, -30])
        first = self.rng.choice([0x45 + len(options) // 4] * 20 + [0x55, 0x44])
        header = struct.pack("!BBHHHBBH", first, 0, length, 1, fragment, 64, protocol, 0)
        header += source.packed + target.packed + options
        return 0x0800, header[:10] + checksum(header) + header[12:] + payload

    def ipv6(self, _: str) -> tuple[int, bytes]:
        source, target = self.rng.choice(ADDRESSES6), self.rng.choice(ADDRESSES6)
        protocol, payload = self.rng.choice(
            [(58, self.icmpv6()), (58, self.icmpv6()), (17, self.udp()), (6, bytes(20))]
        )
        kind = protocol
        for _depth in range(self.rng.choice([0, 0, 0, 1, 1, 2])):
            header = self.rng.choice([0, 60, 43, 44, 44, 51])
            body = bytes((kind, 0)) + bytes(6)
            if header == 44:
                body = struct.pack("!BBHI", kind, 0, self.rng.choice([1, 0, 8, 9, 0xFFF9]), 7)
            elif header in {0, 60}:
                body = bytes((kind, 0, 1, 4, 0, 0, 0, 0))
            elif header == 51:
                body = bytes((kind, 1)) + bytes(10)
            kind, payload = header, body + payload
        payload = payload[: self.rng.choice([len(payload)] * 6 + [8, 9, 12])]
        return 0x86DD, struct.pack(
            "!IHBB", 0x60000000, len(payload), kind, 255
        ) + source.packed + target.packed + payload

    def icmpv6(self) -> bytes:
        kind = self.rng.choice([128, 129, 130, 131, 133, 134, 135, 135, 136, 136, 136, 137, 143, 1])
        return struct.pack("!BBHI", kind, 0, 0, 0) + self.rng.choice(ADDRESSES6).packed + bytes(8)


def checksum(header: bytes) -> bytes:
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)


class Bridge:
    """A bridge with a guarded guest and somebody who listens."""

    def __init__(self) -> None:
        for path in Path("/proc/sys/net/bridge").glob("bridge-nf-call-*"):
            path.write_text("0")  # br_netfilter cuts off what is behind an IP packet
        with Netns.create("guest") as guest:
            pass
        with RouteSocket() as route:
            bridge = links.create_bridge(route, "br0", 1500, 0, "02:00:00:00:00:01")
            links.set_link(route, bridge, up=True)
            for near, far in ((GUARD.device, "guest"), ("tap-other", "other")):
                made = links.create_veth(route, VethEnd(near, 1500, 0), VethEnd(far, 1500, 0), guest, bridge.index)
                with guest.entered(), RouteSocket() as inside:
                    links.set_link(inside, links.Found(made.peer_index, far), settings={"ipv6.addr_gen_mode": 1})
                    links.set_link(inside, links.Found(made.peer_index, far), up=True)
            with guest.entered():
                self.guest = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
                self.guest.bind(("guest", 0))
                self.other = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
                self.other.bind(("other", 0))
        self.other.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.other.settimeout(20)
        self.nft = NftSocket()
        self.number = 0

    def send(self, frames: list[bytes]) -> tuple[set[bytes], set[bytes]]:
        """What is sent, each frame with an end that tells it apart; and that of it which comes through."""
        end = struct.pack("!I", 0xE0D0_0000 + self.number)
        self.number += 1
        sent = [frame.ljust(60, b"\0") + end + struct.pack("!I", number) for number, frame in enumerate(frames)]
        # The last comes through for certain: what has not come before it does not come.
        head = octets(SERVER) + octets(MAC) + b"\x08\x06" + b"\0\1\x08\0\6\4\0\1" + octets(MAC) + OWN4.packed
        last = head.ljust(60, b"\0") + end + b"last"
        for frame in (*sent, last):
            self.guest.send(frame)
        found: set[bytes] = set()
        while (data := self.other.recv(2000)) != last:
            if data[-8:-4] == end:
                found.add(data)
        return set(sent), found


def test_rules_and_verdict_agree() -> None:
    bridge, makes = Bridge(), iter(Frames(random.Random(13)))
    sent, found = bridge.send([octets(SERVER) + octets(OTHER) + b"\x88\xcc" + bytes(40)])
    assert found == sent  # as yet without rules
    remake(bridge.nft, TABLE, elements_of(GUARD))
    passed = refused = 0
    for _ in range(100):
        sent, found = bridge.send([next(makes) for _ in range(60)])
        for frame in sent:
            assert passes(GUARD, frame) == (frame in found), frame.hex()
        passed, refused = passed + len(found), refused + len(sent - found)
    assert passed > 1000 and refused > 2000


def test_what_was_written_is_read_and_what_was_changed_is_seen() -> None:
    nft, elements = NftSocket(), elements_of(GUARD)
    assert not read_table(nft, TABLE).is_right
    remake(nft, TABLE, elements)
    seen = read_table(nft, TABLE)
    assert seen.is_right and seen.elements == elements
    gone = {element for element in elements if element.set in {"ranges4", "addresses6"}}
    change_elements(nft, TABLE, {Element("ports", b"tapx".ljust(16, b"\0"))}, gone)
    assert read_table(nft, TABLE).elements == elements - gone | {Element("ports", b"tapx".ljust(16, b"\0"))}
    assert nft.others() == seen.others
    remake(NftSocket(), replace(TABLE, name="somebodys"), ())
    assert nft.others() == seen.others + 1
    remake(nft, TABLE, elements)
    assert read_table(nft, TABLE).elements == elements
