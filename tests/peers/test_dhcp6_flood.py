"""A guest that floods with DHCPv6 and with router solicitations does not keep others from their addresses."""

import os
import socket
import statistics
import time
from ipaddress import IPv6Address

import pytest
from scapy.layers import dhcp6, inet6
from scapy.layers.inet import UDP
from scapy.layers.l2 import Ether
from tests.peers.clients6 import Dhclient6, wait_for_link
from tests.peers.flooding import RATE, flood
from tests.peers.guests import make_guest, port
from tests.peers.node import Document, Node

from netmend.kernel.netns import Netns

P99 = 0.020  # seconds that a neighbour network's answers may take
ROUNDS, QUESTIONS = 5, 100  # what else runs on the machine may spoil some rounds; a flood that starves spoils all
FLOODER, GUEST = "fa:16:3e:00:20:66", "fa:16:3e:00:20:11"
OWN = "2001:db8:20::11"


def network(name: str, *ports: Document) -> Document:
    subnet = {"cidr": "2001:db8:20::/64", "server_address": "2001:db8:20::2"}
    return {"name": name, "subnets": [subnet], "ports": list(ports)}


def _solicit(mac: str, transaction: int = 0x6E6D64) -> bytes:
    raw = bytes.fromhex(mac.replace(":", ""))
    identifier = dhcp6.DHCP6OptClientId(duid=b"\x00\x03\x00\x01" + raw)
    message = dhcp6.DHCP6_Solicit(trid=transaction) / identifier / dhcp6.DHCP6OptIA_NA(iaid=1)
    packet = inet6.IPv6(src=_link_local(mac), dst="ff02::1:2") / UDP(sport=546, dport=547) / message
    return bytes(Ether(src=mac, dst="33:33:00:01:00:02") / packet)


def _question(mac: str) -> bytes:
    """A router solicitation."""
    packet = inet6.IPv6(src=_link_local(mac), dst="ff02::2", hlim=255) / inet6.ICMPv6ND_RS()
    return bytes(Ether(src=mac, dst="33:33:00:00:00:02") / packet)


def _link_local(mac: str) -> str:
    octets = bytes.fromhex(mac.replace(":", ""))
    return str(IPv6Address(b"\xfe\x80" + bytes(6) + bytes((octets[0] ^ 2,)) + octets[1:3] + b"\xff\xfe" + octets[3:]))


def _packet_socket(guest: Netns) -> socket.socket:
    with guest.entered():
        packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
        packet.bind(("eth0", 0x86DD))
    return packet


def _answer_times(guest: Netns, count: int) -> list[float]:
    """Seconds from a Solicit to its Advertise, as the guest sees it, at a rate that it may ask at."""
    packet, times = _packet_socket(guest), []
    packet.settimeout(5.0)
    try:
        for number in range(count):
            transaction = number.to_bytes(3, "big")
            frame, began = _solicit(GUEST, number), time.perf_counter()
            packet.send(frame)
            while True:
                heard = packet.recv(2048)
                if heard[20] == 17 and heard[62:66] == b"\x02" + transaction:
                    break
            times.append(time.perf_counter() - began)
            time.sleep(0.03)
    finally:
        packet.close()
    return times


@pytest.mark.parametrize("kind", ["as a port", "as many strangers", "questions to routers"])
def test_a_flood_keeps_nobody_else_from_an_address(kind: str) -> None:
    # Where more wants to run than there are processors, one answer in a hundred waits for one, flood or no flood.
    busy = os.getloadavg()[0] > (os.cpu_count() or 1)
    flooder, neighbour, elsewhere = (make_guest(name) for name in ("flooder", "neighbour", "elsewhere"))
    flooded = network(
        "flooded", port("flooder", FLOODER, "2001:db8:20::66", port_security=False), port("neighbour", GUEST, OWN)
    )
    quiet = network("quiet", port("elsewhere", GUEST, OWN))
    macs = [f"02:00:00:00:{high:02x}:{low:02x}" for high in range(4) for low in range(64)]
    frames = {
        "as a port": [_solicit(FLOODER)],
        "as many strangers": [_solicit(mac) for mac in macs],
        "questions to routers": [_question(mac) for mac in macs],
    }[kind]
    limited = "limited_ports" if kind == "as a port" else "limited_strangers"
    with Node(flooded, quiet) as node:
        node.wait_until_right()
        for guest in (neighbour, elsewhere):
            wait_for_link(guest)
        with flood(flooder, frames):
            before = node.wait(lambda status: status["services"]["dhcp6"]["sockets"][limited] > RATE // 10, "flooded")
            taken = _best_round(elsewhere)
            for guest in (elsewhere, neighbour):
                client = Dhclient6(guest)
                assert client.address(client.get()) == IPv6Address(OWN)
            after = node.status("flooded")
        counted = [status["services"]["dhcp6"]["sockets"][limited] for status in (before, after)]
        assert counted[1] > counted[0], "the flood went on"
        assert node.status("quiet")["services"]["dhcp6"]["sockets"]["limited_ports"] == 0
        assert node.status()["node"]["healthy"]
        p50, p99 = statistics.median(taken), _p99(taken)
        assert p50 <= P99, f"p50 {p50 * 1000:.1f} ms"
        if not busy:
            assert p99 <= P99, f"p99 {p99 * 1000:.1f} ms"


def _p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


def _best_round(guest: Netns) -> list[float]:
    """The times of the round with the lowest p99, or of the first whose p99 is low enough."""
    rounds: list[list[float]] = []
    while len(rounds) < ROUNDS and (not rounds or _p99(rounds[-1]) > P99):
        rounds.append(_answer_times(guest, QUESTIONS))
    return min(rounds, key=_p99)
