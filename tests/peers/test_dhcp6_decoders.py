"""tshark, which nobody here wrote, finds every DHCPv6 reply and every router advertisement well-formed."""

import shutil
import subprocess
from pathlib import Path

import pytest
from scapy.layers import inet6
from scapy.layers.inet import UDP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap
from tests.peers.capture import Capture
from tests.peers.capture6 import messages6
from tests.peers.clients6 import Dhclient6, wait_for_link
from tests.peers.guests import make_guest, port
from tests.peers.node import HOME, Node
from tests.waiting import wait_for

INTENT = {
    "name": "net",
    "subnets": [
        {
            "cidr": "2001:db8:20::/64",
            "server_address": "2001:db8:20::2",
            "dns_servers": ["2001:db8::53", "2001:db8::54"],
            "domain": "net.example",
            "ntp_servers": ["2001:db8::123", "2001:db8::124"],
            "bootfile_url": "tftp://[2001:db8::66]/boot.efi",
            "routes": [{"destination": "2001:db8:ff::/48", "nexthop": "2001:db8:20::2"}],
        },
        {"cidr": "2001:db8:21::/64", "address_mode": "slaac"},
    ],
    "ports": [
        port(
            "guest",
            "fa:16:3e:00:20:11",
            "2001:db8:20::11",
            hostname="first",
            dhcp6_options={
                "vendor-opts": {"enterprise": 9, "options": {1: "x"}},
                "bootfile-param": ["a", "b"],
                "captive-portal": "https://portal.example",
            },
        )
    ],
}


def test_tshark_finds_everything_well_formed() -> None:
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("no tshark; tools/setup-programs decoder fetches it")
    guest = make_guest("guest")
    with Node(INTENT) as node:
        wait_for_link(guest)
        with Capture(guest) as capture:
            client = Dhclient6(guest)
            client.get()
            client.release()
            node.write({**INTENT, "mtu": 1400})  # what is new, is advertised
            advertised = wait_for(
                lambda: [frame for frame in list(capture.frames) if inet6.ICMPv6ND_RA in Ether(frame.octets)],
                "an advertisement",
            )
    frames = [Ether(message.frame.octets) for message in messages6(capture, "Advertise", "Reply")]
    frames += [Ether(frame.octets) for frame in advertised]
    assert len(frames) >= 4
    wrong = '_ws.malformed || _ws.expert.severity == "Error" || _ws.expert.severity == "Warning"'
    wrpcap(str(HOME / "ours.pcap"), frames)
    assert _tshark(tshark, HOME / "ours.pcap", "dhcpv6 || icmpv6.type == 134") == len(frames)
    assert _tshark(tshark, HOME / "ours.pcap", wrong) == 0
    broken = [frame for frame in frames if UDP in frame]  # that the filter finds what is wrong
    for frame in broken:
        frame[UDP].chksum ^= 1
    wrpcap(str(HOME / "broken.pcap"), broken)
    assert _tshark(tshark, HOME / "broken.pcap", wrong) == len(broken)


def _tshark(program: str, capture: Path, display_filter: str) -> int:
    """How many frames of a capture match."""
    command = [program, "-n", "-o", "udp.check_checksum:TRUE", "-r", str(capture), "-Y", display_filter]
    found = subprocess.run([*command, "-T", "fields", "-e", "frame.number"], check=True, capture_output=True, text=True)
    return len(found.stdout.split())
