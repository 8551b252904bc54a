"""Replies of a whole exchange are well-formed to decoders that nobody here wrote, and long options to a client."""

import shutil
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from scapy.layers.dhcp import DHCP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap
from tests.peers.capture import Capture, Message, problems
from tests.peers.clients import CLIENTS, Dhcpcd, PeerClient, address
from tests.peers.guests import make_guest, network, port, wait_for_device
from tests.peers.node import HOME, Node
from tests.waiting import wait_for

MAC = "fa:16:3e:00:20:11"
INTENT = network(
    "net",
    port(
        "guest",
        MAC,
        "10.20.0.11",
        hostname="first",
        dhcp_options={
            "domain-search": ["net.example", "example"],
            252: "http://10.20.0.1/wpad.dat",
            224: {"hex": "010203"},
        },
    ),
    dns_servers=["10.20.0.53", "198.51.100.53"],
    domain="net.example",
    ntp_servers=["10.20.0.123"],
    routes=[{"destination": "198.51.100.0/24", "nexthop": "10.20.0.254"}],
    boot={"tftp_server": "10.20.0.66", "bootfile": "undionly.kpxe"},
)


def _exchange(kind: type[PeerClient]) -> list[Message]:
    """The replies to a client that gets a lease."""
    guest = make_guest("guest")
    with Node(INTENT), Capture(guest) as capture:
        wait_for_device(guest)
        client = kind(guest)
        assert address(client.get()).ip.packed[-1] == 11
        wait_for(lambda: capture.messages("ACK"), "the ACK in the capture")
        return capture.messages("OFFER", "ACK")


@pytest.mark.parametrize("kind", CLIENTS)
def test_scapy_finds_every_reply_well_formed(kind: type[PeerClient]) -> None:
    replies = _exchange(kind)
    assert {reply.type for reply in replies} == {"OFFER", "ACK"}
    assert [problem for reply in replies for problem in problems(reply.frame)] == []
    assert all(reply.frame.has_checksum for reply in replies), "to a client without an address, frames are ours"


@pytest.mark.parametrize("kind", CLIENTS)
def test_tshark_finds_every_reply_well_formed(kind: type[PeerClient]) -> None:
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("no tshark; tools/setup-programs decoder fetches it")
    capture = HOME / "replies.pcap"
    replies = _exchange(kind)
    wrpcap(str(capture), [Ether(reply.frame.octets) for reply in replies])
    assert _tshark(tshark, capture, "dhcp.option.dhcp") == len(replies)
    wrong = '_ws.malformed || _ws.expert.severity == "Error" || _ws.expert.severity == "Warning"'
    assert _tshark(tshark, capture, wrong) == 0
    assert _tshark(tshark, capture, "dhcp.option.end") == len(replies)
    broken = HOME / "broken.pcap"  # that the filter finds what is wrong
    frames = [Ether(reply.frame.octets) for reply in replies]
    for frame in frames:
        frame[DHCP].options = [("message-type", 5), (51, b"\0")]
        del frame["IP"].len, frame["IP"].chksum, frame["UDP"].len, frame["UDP"].chksum
    wrpcap(str(broken), frames)
    assert _tshark(tshark, broken, wrong) == len(replies)


def test_a_client_puts_a_long_option_together_again() -> None:
    """RFC 3396: an option over 255 octets comes in parts, which neither decoder joins; dhcpcd does."""
    guest = make_guest("guest")
    wanted = {IPv4Network(f"198.51.{at}.0/24"): "10.20.0.254" for at in range(60)}
    routes = [{"destination": str(destination), "nexthop": nexthop} for destination, nexthop in wanted.items()]
    with Node(network("net", port("guest", MAC, "10.20.0.11"), routes=routes)):
        wait_for_device(guest)
        client = Dhcpcd(guest)
        assert client.routes(client.get()) == wanted | {IPv4Network("0.0.0.0/0"): "10.20.0.1"}


def _tshark(program: str, capture: Path, display_filter: str) -> int:
    """How many frames of a capture match."""
    checks = ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]
    command = [program, "-n", *checks, "-r", str(capture), "-Y", display_filter, "-T", "fields", "-e", "frame.number"]
    return len(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
