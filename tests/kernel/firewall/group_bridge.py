"""A bridge with guests whose frames are judged by rules of security groups."""

import socket
import struct
from collections.abc import Mapping, Set
from ipaddress import ip_address
from pathlib import Path

from netmend.firewall.group_rules import (
    HOOKS_TABLE,
    PROBE,
    MemberKind,
    Policy,
    Tracking,
    element_of_zone,
    elements_of_members,
    elements_of_port,
    group_chains,
    has_blocks,
    policy_chains,
    table,
)
from netmend.firewall.packet import ICMP, ICMPV6, TCP, UDP
from netmend.firewall.security_groups import is_stateful
from netmend.ground.nftables import FAMILY_INET, Element, Table
from netmend.intent import Intent, Port
from netmend.intent.names import DEVICE_GROUP, tap_name
from netmend.intent.security_group import Block, Direction
from netmend.kernel import links
from netmend.kernel.links import VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.nft.socket import NftSocket
from netmend.kernel.nft.tables import change_table, is_taken, read_table, remake

DIRECTIONS: tuple[Direction, Direction] = ("egress", "ingress")


def how_bridges_track() -> Tracking:
    """How bridges of this kernel can track connections."""
    if is_taken(NftSocket(), PROBE):
        return "bridge"
    return "hooks" if Path("/proc/sys/net/bridge").exists() else "none"


def compiled(intent: Intent, ports: list[Port], tracking: Tracking) -> tuple[Table, frozenset[Element]]:
    """The table for these ports of one network, and its elements."""
    blocks: dict[tuple[MemberKind, str], Set[Block]] = {}
    blocks |= {("group", each.id): each.members for each in intent.security_groups.values()}
    blocks |= {("list", each.id): each.addresses for each in intent.address_groups.values()}
    with_blocks = frozenset(name for name, found in blocks.items() if has_blocks(found))
    found = {
        (group.id, direction): group_chains(group, direction, with_blocks)
        for group in intent.security_groups.values()
        for direction in DIRECTIONS
    }
    chains = [chain for each in found.values() for chain in (each.all, each.later) if chain]
    policies = {Policy(tuple(sorted(port.security_groups or ()))): port for port in ports}
    for policy, port in policies.items():
        stateful = is_stateful(port, intent.security_groups)
        chains += policy_chains(policy, found, tracking, stateful=stateful)
    elements: set[Element] = set()
    for port in ports:
        elements |= elements_of_port(tap_name(port.id), Policy(tuple(sorted(port.security_groups or ()))))
    for (kind, name), members in blocks.items():
        elements |= elements_of_members(kind, name, members)
    return table(tracking, chains), frozenset(elements)


class GroupBridge:
    """Guests on a bridge, each with a socket that sends and hears whole frames; `rules` puts their groups in force."""

    def __init__(self, ports: Mapping[str, Port], tracking: Tracking) -> None:
        self.tracking: Tracking = tracking
        self.sockets: dict[str, socket.socket] = {}
        self.macs = {name: port.mac for name, port in ports.items()}
        self.devices = {name: tap_name(port.id) for name, port in ports.items()}
        self.nft = NftSocket()
        self.now: tuple[Table, frozenset[Element]] | None = None
        self.number = 0
        self.heard: dict[str, set[bytes]] = {}  # from the Ethernet type on, as of the last frames sent
        with Netns.create("guests") as place:
            pass
        with RouteSocket() as route:
            bridge = links.create_bridge(route, "br0", 1500, DEVICE_GROUP, "02:00:00:00:00:01")
            hooked = {
                "bridge.nf_call_iptables": int(tracking == "hooks"),
                "bridge.nf_call_ip6tables": int(tracking == "hooks"),
            }
            if Path("/proc/sys/net/bridge").exists():
                for path in Path("/proc/sys/net/bridge").glob("bridge-nf-call-*"):
                    path.write_text("0")
                links.set_link(route, bridge, settings=hooked)
            links.set_link(route, bridge, up=True)
            for name, device in self.devices.items():
                near, far = VethEnd(device, 1500, DEVICE_GROUP), VethEnd(f"g-{name}", 1500, 0, self.macs[name])
                made = links.create_veth(route, near, far, place, bridge.index)
                with place.entered(), RouteSocket() as inside:
                    links.set_link(inside, links.Found(made.peer_index, far.name), settings={"ipv6.addr_gen_mode": 1})
                    links.set_link(inside, links.Found(made.peer_index, far.name), up=True)
        with place.entered():
            for name in ports:
                opened = self.sockets[name] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
                opened.setsockopt(263, 23, 1)  # SOL_PACKET, PACKET_IGNORE_OUTGOING
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
                opened.settimeout(20)
                opened.bind((f"g-{name}", 0))
        if tracking == "hooks":
            remake(NftSocket(FAMILY_INET), HOOKS_TABLE, ())

    def rules(self, intent: Intent, ports: list[Port]) -> None:
        """Put these rules in force: the first time as a whole, then what differs."""
        wanted, elements = compiled(intent, ports, self.tracking)
        if self.tracking != "none":
            elements |= {element_of_zone(device, 0x8001) for device in self.devices.values()}
        if self.now is None:
            remake(self.nft, wanted, elements)
        else:
            before, there = self.now
            change_table(self.nft, before, wanted, elements - there, there - elements)
        self.now = wanted, elements
        seen = read_table(self.nft, wanted)
        assert seen.is_right and seen.elements == elements

    def pass_on(self, sender: str, receiver: str, frames: list[bytes]) -> list[bool]:
        """Which of these frames, no two alike, come from one guest to another. The last that is sent is an ARP, which
        always passes."""
        self.number += 1
        head = octets(self.macs[receiver]) + octets(self.macs[sender])
        last = head + b"\x08\x06\0\1\x08\0\6\4\0\1" + self.number.to_bytes(28)
        for frame in frames:
            self.sockets[sender].send(head + frame)
        self.sockets[sender].send(last)
        found: set[bytes] = set()
        while (data := self.sockets[receiver].recv(2000)) != last:
            found.add(data[12:])
        self.heard[receiver] = found
        return [frame in found for frame in frames]


def octets(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def internet_checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


_AT = {TCP: 16, UDP: 6, ICMP: 2, ICMPV6: 2}  # where the checksum is


def ip_frame(
    source: str, destination: str, protocol: int, payload: bytes, fragment: int = 0, *, number: int = 1
) -> bytes:
    """From the Ethernet type on, with all checksums right; `number` is IPv4's identification or IPv6's flow label."""
    one, other = ip_address(source), ip_address(destination)
    if protocol in _AT and not fragment:
        pseudo = one.packed + other.packed + struct.pack("!II", len(payload), protocol)
        if protocol == ICMP:
            pseudo = b""
        at = _AT[protocol]
        total = internet_checksum(pseudo + payload[:at] + b"\0\0" + payload[at + 2 :])
        payload = payload[:at] + struct.pack("!H", total) + payload[at + 2 :]
    if one.version == 6:
        return (
            b"\x86\xdd"
            + struct.pack("!IHBB", 6 << 28 | number, len(payload), protocol, 64)
            + one.packed
            + other.packed
            + payload
        )
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), number, fragment, 64, protocol, 0)
    header += one.packed + other.packed
    return b"\x08\x00" + header[:10] + struct.pack("!H", internet_checksum(header)) + header[12:] + payload


def udp(source: int, destination: int) -> bytes:
    return struct.pack("!HHHH", source, destination, 12, 0) + b"data"


def tcp(source: int, destination: int, flags: int, sequence: int = 1, acknowledged: int = 0) -> bytes:
    return struct.pack("!HHIIBBHHH", source, destination, sequence, acknowledged, 5 << 4, flags, 1000, 0, 0)


def echo(kind: int, number: int = 7) -> bytes:
    return struct.pack("!BBHHH", kind, 0, 0, number, 1)
