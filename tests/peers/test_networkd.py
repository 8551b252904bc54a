"""systemd-networkd as a guest's client: it asks when an advertisement says so, with a DUID that names no MAC (DUID-EN)
and rapid commit, or makes its own address and asks for the rest.

It runs without udev and D-Bus: where /sys cannot be written it believes devices as they are, as in a container; and
where its user is root's number it keeps what it may do.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address
from pathlib import Path

import pytest
from scapy.layers import dhcp6
from tests.peers.capture import Capture
from tests.peers.capture6 import messages6
from tests.peers.clients6 import addresses_of, wait_for_link
from tests.peers.guests import make_guest, port
from tests.peers.node import HOME, Document, Node
from tests.waiting import wait_for

from netmend.kernel import mounts
from netmend.kernel.netns import Netns

PROGRAM = Path("/lib/systemd/systemd-networkd")
MAC, BLOCK = "fa:16:3e:00:20:11", "2001:db8:20::/64"
CONFIGURATION = """
[Match]
Name=eth0
[Network]
DHCP=ipv6
IPv6AcceptRA=yes
"""
SHELL = "busybox mount -t sysfs -o ro sysfs /sys && exec " + str(PROGRAM)

pytestmark = pytest.mark.skipif(
    not PROGRAM.exists(), reason="no systemd-networkd here; Debian's package systemd has it"
)


@contextmanager
def networkd(guest: Netns) -> Iterator[None]:
    for name in ("passwd", "group"):
        own = Path("/run") / name
        own.write_text("root:x:0:0::/root:/bin/sh\nsystemd-network:x:0:0::/:/bin/false\n")
        mounts.bind(str(own), f"/etc/{name}")
    for directory in ("systemd/netif/leases", "systemd/netif/links", "systemd/network"):
        (Path("/run") / directory).mkdir(parents=True, exist_ok=True)
    Path("/run/systemd/network/guest.network").write_text(CONFIGURATION)
    with (HOME / "networkd.log").open("wb") as log, guest.entered():
        command = ["busybox", "unshare", "-m", "busybox", "sh", "-c", SHELL]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def network(port_: Document, **subnet: str) -> Document:
    return {"name": "net", "subnets": [{"cidr": BLOCK, **subnet}], "ports": [port_]}


def explain() -> str:
    return (HOME / "networkd.log").read_text(errors="replace")


def test_it_gets_the_address_that_is_reserved_for_its_mac() -> None:
    guest, own = make_guest("guest"), IPv6Address("2001:db8:20::11")
    with Node(network(port("guest", MAC, str(own)))) as node:
        wait_for_link(guest)
        with Capture(guest) as capture, networkd(guest):
            wait_for(lambda: "tentative" not in addresses_of(guest).get(own, "tentative"), f"{own}", explain)
            (asked, *_) = messages6(capture, "Solicit")
            duid = bytes(asked.packet[dhcp6.DHCP6OptClientId].duid)
            assert duid.startswith(b"\0\2"), "a DUID-EN, so that only the frame tells whose it is"
            assert messages6(capture, "Reply") and not messages6(capture, "Advertise"), "rapid commit"
        (known,) = node.status("net")["ports"]
        assert known["last_answered"]


def test_it_makes_its_own_address_and_asks_for_the_rest() -> None:
    guest = make_guest("guest")
    document = port("guest", MAC)
    del document["fixed_ips"]
    intent = network(document, address_mode="dhcpv6-stateless", domain="net.example")
    with Node(intent) as node:
        wait_for_link(guest)
        with networkd(guest):
            (own,) = (IPv6Address(text) for text in node.status("net")["ports"][0]["fixed_ips"])
            wait_for(lambda: own in addresses_of(guest), f"{own}", explain)
            wait_for(
                lambda: node.status("net")["services"]["dhcp6"]["messages"]["received"].get("information_request"),
                "a question for information",
                explain,
            )
