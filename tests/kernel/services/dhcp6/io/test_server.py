"""The sockets of DHCPv6: what their filter lets in, what the kernel is told, and answers as a guest sees them."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address
from pathlib import Path

import pytest
from scapy.layers import inet6
from scapy.layers.inet import UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from tests.unit.services.dhcp6.guest import MAC, Solicit, eui64, ia, message, network, port, subnet
from tests.waiting import PATIENCE, wait_for

from netmend.intent.eui64 import link_local_address
from netmend.kernel import links
from netmend.kernel.errors import KernelError
from netmend.kernel.links import VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.sockets6 import open_groups, open_questions
from netmend.services.dhcp6 import Dhcp6Responder
from netmend.services.dhcp6.io.server import Dhcp6Server

OURS = "fa:16:3e:00:00:02"
GROUP = 0x6E6D6401


@contextmanager
def link() -> Iterator[tuple[socket.socket, Netns]]:
    """A packet socket on a guest's end of a veth, and the namespace where the other end is `ns-0`."""
    with Netns.create("far") as far:
        with RouteSocket() as route:
            links.create_veth(route, VethEnd("eth0", 1500, GROUP, MAC), VethEnd("ns-0", 1500, GROUP, OURS), far)
            found = links.find_link(route, "eth0")
            assert found
            links.set_link(route, found, up=True)
        with far.entered(), RouteSocket() as route:
            found = links.find_link(route, "ns-0")
            assert found
            links.set_link(route, found, up=True)
        guest = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
        guest.bind(("eth0", 0x86DD))
        guest.settimeout(PATIENCE)
        with guest:
            yield guest, far


def frame(layers: object, destination: str = "33:33:00:01:00:02") -> bytes:
    return bytes(Ether(src=MAC, dst=destination) / layers)


def to_servers(port_: int = 547, payload: bytes = b"x") -> bytes:
    packet = inet6.IPv6(src=eui64(MAC), dst="ff02::1:2") / UDP(sport=546, dport=port_)
    return frame(packet / Raw(payload))


QUESTION = frame(inet6.IPv6(src=eui64(MAC), dst="ff02::2", hlim=255) / inet6.ICMPv6ND_RS(), "33:33:00:00:00:02")


def heard(packet: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(packet.recv(4096))
        except BlockingIOError:
            return found


def test_nothing_but_questions_comes_in() -> None:
    with link() as (guest, far), open_groups(far, "ns-0") as groups, open_questions(far, "ns-0") as packet:
        wanted = [to_servers(), QUESTION]
        unwanted = [
            to_servers(546),
            frame(inet6.IPv6(dst="ff02::1") / inet6.ICMPv6EchoRequest()),
            frame(inet6.IPv6(dst="ff02::1", nh=44) / Raw(bytes(100))),
            to_servers().replace(bytes.fromhex("333300010002"), bytes.fromhex("02000000dead"), 1),  # another's
            bytes.fromhex("ffffffffffff") + bytes(6) + b"\x08\x00" + bytes(60),
        ]
        for each in (*unwanted, *wanted):
            guest.send(each)
        packet.send(to_servers())  # our own, on its way out
        got: list[bytes] = []

        def hear() -> bool:
            got.extend(heard(packet))
            return len(got) >= len(wanted)

        wait_for(hear, "what was sent last is heard")
        assert got == wanted
        with pytest.raises(BlockingIOError):
            groups.recv(4096)


def test_the_groups_are_joined_on_the_device() -> None:
    with link() as (_, far), open_groups(far, "ns-0"):
        with far.entered():
            lines = Path("/proc/thread-self/net/igmp6").read_text().splitlines()
        joined = {line.split()[2] for line in lines if line.split()[1] == "ns-0"}
        wanted = ("ff02::1:2", "ff05::1:3", "ff02::2")
        assert {IPv6Address(group).packed.hex() for group in wanted} <= joined


def test_a_device_that_is_not_there() -> None:
    with Netns.create("far") as far, pytest.raises(KernelError) as caught:
        open_questions(far, "ns-0")
    assert caught.value.errno == errno.ENODEV
    assert "ns-0 in far" in str(caught.value)


def test_a_guest_is_answered_in_a_frame_and_advertised_to() -> None:
    base = subnet(ra_mode="dhcpv6-stateful")
    responder = Dhcp6Responder(network(base, ports=[port(MAC, "2001:db8:1::10")]))
    with link() as (guest, far):
        groups, questions = open_groups(far, "ns-0"), open_questions(far, "ns-0")
        sockets = Dhcp6Server(lambda *_: None)
        try:
            sockets.add(responder, questions, groups, bytes.fromhex(OURS.replace(":", "")), link_local_address(OURS))
            guest.send(to_servers(payload=message(Solicit, ia())))
            kinds: set[str] = set()
            while kinds != {"advertisement", "advertise"}:
                packet = Ether(guest.recv(4096))
                if inet6.ICMPv6ND_RA in packet:
                    kinds.add("advertisement")
                    assert (packet.dst, packet[inet6.IPv6].hlim) == ("33:33:00:00:00:01", 255)
                elif UDP in packet and packet.src == OURS:
                    kinds.add("advertise")
                    assert (packet.dst, packet[inet6.IPv6].dst, packet[UDP].dport) == (MAC, eui64(MAC), 546)
                    assert packet[inet6.IPv6].src == eui64(OURS)
            counters = sockets.counters(responder.network.id)
            assert counters is not None and counters.errors == {}
        finally:
            sockets.close()
        assert (questions.fileno(), groups.fileno()) == (-1, -1)
