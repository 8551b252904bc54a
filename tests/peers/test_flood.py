"""A guest that floods does not keep others from their leases."""

from ipaddress import IPv4Interface

import pytest
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from tests.peers.clients import Udhcpc, address
from tests.peers.flooding import RATE, flood
from tests.peers.guests import make_guest, network, port
from tests.peers.node import Node

FLOODER = "fa:16:3e:00:20:66"


def discover_message(mac: str, xid: int) -> bytes:
    raw = bytes.fromhex(mac.replace(":", ""))
    message = BOOTP(chaddr=raw, xid=xid, flags="B") / DHCP(options=[("message-type", "discover"), "end"])
    return bytes(message)


def _discover(mac: str) -> bytes:
    packet = Ether(src=mac, dst="ff:ff:ff:ff:ff:ff") / IP(src="0.0.0.0", dst="255.255.255.255")
    return bytes(packet / UDP(sport=68, dport=67) / discover_message(mac, 0x6E6D6401))


@pytest.mark.parametrize("strangers", [False, True], ids=["as a port", "as many strangers"])
def test_a_flood_keeps_nobody_else_from_a_lease(strangers: bool) -> None:
    flooder, neighbour, elsewhere = (make_guest(name) for name in ("flooder", "neighbour", "elsewhere"))
    flooded = network(
        "flooded",
        port("flooder", FLOODER, "10.20.0.66", port_security=False),
        port("neighbour", "fa:16:3e:00:20:11", "10.20.0.11"),
    )
    quiet = network("quiet", port("elsewhere", "fa:16:3e:00:20:11", "10.20.0.11"))
    macs = [f"02:00:00:00:{high:02x}:{low:02x}" for high in range(16) for low in range(64)] if strangers else [FLOODER]
    with Node(flooded, quiet) as node:
        node.wait_until_right()
        with flood(flooder, [_discover(mac) for mac in macs]):
            limited = "limited_strangers" if strangers else "limited_ports"
            before = node.wait(lambda status: status["sockets"][limited] > RATE // 10, "flooded")
            for guest in (elsewhere, neighbour):
                assert address(Udhcpc(guest).get()) == IPv4Interface("10.20.0.11/24")
            after = node.status("flooded")
        assert after["sockets"][limited] > before["sockets"][limited], "the flood went on"
        assert node.status("quiet")["sockets"]["limited_ports"] == 0
        assert node.status()["node"]["healthy"]
