"""Guests behind a real relay (ISC's dhcrelay) get leases through it, and its information comes back (RFC 3046)."""

import shutil
import subprocess
from ipaddress import IPv4Address

import pytest
from pyroute2 import IPRoute
from scapy.layers.dhcp import BOOTP
from scapy.layers.l2 import Ether
from tests.peers.capture import Capture, problems
from tests.peers.clients import Udhcpc, address
from tests.peers.guests import make_guest, run_in, wait_for_device
from tests.peers.node import HOME, Node

from netmend.kernel.netns import Netns

UPSTREAM, LINK = "10.20.0", "10.30.0"
INTENT = {
    "name": "net",
    "subnets": [
        {"cidr": f"{UPSTREAM}.0/24", "server_address": f"{UPSTREAM}.2"},
        {
            "cidr": f"{LINK}.0/24",
            "gateway": f"{LINK}.1",
            "server_address": f"{LINK}.2",
            "dynamic": True,
            "pools": [f"{LINK}.100 - {LINK}.110"],
        },
    ],
    "ports": [
        {
            "name": "relay",
            "mac": "fa:16:3e:00:20:01",
            "fixed_ips": [f"{UPSTREAM}.9"],
            "plug": {"netns": "relay"},
            "port_security": False,  # it speaks from its address on the other link too
        }
    ],
}


def _join(relay: Netns, guest: Netns) -> None:
    """A link of its own between the guest (eth0) and the relay (eth1), which netmend knows nothing of."""
    with guest.entered(), IPRoute() as route:
        route.link("add", ifname="eth0", kind="veth", peer={"ifname": "eth1", "net_ns_fd": relay.fileno()})
        route.link("set", index=route.link_lookup(ifname="eth0")[0], state="up")
    with relay.entered(), IPRoute() as route:
        index = route.link_lookup(ifname="eth1")[0]
        route.addr("add", index=index, address=f"{LINK}.1", prefixlen=24)
        route.link("set", index=index, state="up")


@pytest.mark.parametrize("information", [False, True], ids=["plain", "with option 82"])
def test_a_guest_behind_a_relay_is_served_from_the_subnet_of_its_link(information: bool) -> None:
    program = shutil.which("dhcrelay")
    assert program, "not there: dhcrelay; run tools/setup-programs peers"
    relay, guest = make_guest("relay"), make_guest("guest")
    _join(relay, guest)
    with Node(INTENT) as node:
        node.wait_until_right()
        wait_for_device(relay)
        run_in(relay, "busybox", "ip", "addr", "add", f"{UPSTREAM}.9/24", "dev", "eth0")
        with Capture(relay, "eth0") as upstream, Capture(guest) as link, (HOME / "relay.log").open("wb") as log:
            with relay.entered():
                command = [program, "-d", "-4", "--no-pid", "-iu", "eth0", "-id", "eth1"]
                command += ["-a"] if information else []
                process = subprocess.Popen([*command, f"{UPSTREAM}.2"], stdout=log, stderr=log)
            try:
                client = Udhcpc(guest)
                lease = client.get()
            finally:
                process.terminate()
                process.wait()
            assert IPv4Address(f"{LINK}.100") <= address(lease).ip <= IPv4Address(f"{LINK}.110")
            assert lease.variables["router"] == f"{LINK}.1"
            relayed = upstream.messages("OFFER", "ACK")
            assert {message.type for message in relayed} == {"OFFER", "ACK"}
            assert {message.destination for message in relayed} == {f"{LINK}.1"}
            assert [problem for message in relayed for problem in problems(message.frame)] == []
            for message in relayed:
                assert Ether(message.frame.octets)[BOOTP].giaddr == f"{LINK}.1"
                assert ("relay_agent_information" in message.options) == information
            asked = upstream.messages("DISCOVER")[0].options.get("relay_agent_information")
            assert {str(message.options.get("relay_agent_information")) for message in relayed} == {str(asked)}
            assert all("relay_agent_information" not in message.options for message in link.messages("OFFER", "ACK"))
