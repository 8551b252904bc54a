"""Guests behind a real relay (ISC's dhcrelay -6) get addresses through it, and its information comes back (RFC 8415
section 19.3)."""

import shutil
import subprocess
from ipaddress import IPv6Address

from pyroute2 import IPRoute
from scapy.layers import dhcp6
from tests.peers.capture import Capture
from tests.peers.capture6 import messages6, problems6
from tests.peers.clients6 import Dhclient6, wait_for_link
from tests.peers.guests import make_guest, port, run_in
from tests.peers.node import HOME, Node
from tests.waiting import wait_for

from netmend.kernel.netns import Netns

UPSTREAM, LINK = "2001:db8:20::", "2001:db8:30::"
INTENT = {
    "name": "net",
    "subnets": [
        {"cidr": f"{UPSTREAM}/64", "server_address": f"{UPSTREAM}2"},
        {
            "cidr": f"{LINK}/64",
            "server_address": f"{LINK}2",
            "gateway": f"{LINK}1",
            "ra_mode": "none",
            "dynamic": True,
            "pools": [f"{LINK}100 - {LINK}110"],
        },
    ],
    "ports": [port("relay", "fa:16:3e:00:20:01", f"{UPSTREAM}9")],
}


def _join(relay: Netns, guest: Netns) -> None:
    """A link of its own between the guest (eth0) and the relay (eth1), which netmend knows nothing of."""
    with guest.entered(), IPRoute() as route:
        route.link("add", ifname="eth0", kind="veth", peer={"ifname": "eth1", "net_ns_fd": relay.fileno()})
        route.link("set", index=route.link_lookup(ifname="eth0")[0], state="up")
    run_in(relay, "busybox", "ip", "link", "set", "eth1", "up")
    run_in(relay, "busybox", "ip", "-6", "addr", "add", f"{LINK}1/64", "dev", "eth1")


def test_a_guest_behind_a_relay_is_served_from_the_subnet_of_its_link() -> None:
    program = shutil.which("dhcrelay")
    assert program, "not there: dhcrelay; run tools/setup-programs peers"
    relay, guest = make_guest("relay"), make_guest("guest")
    _join(relay, guest)
    with Node(INTENT) as node:
        node.wait_until_right()
        wait_for_link(relay)
        wait_for_link(relay, "eth1")
        wait_for_link(guest)
        run_in(relay, "busybox", "ip", "-6", "addr", "add", f"{UPSTREAM}9/64", "dev", "eth0")
        wait_for(
            lambda: "tentative" not in run_in(relay, "busybox", "ip", "-6", "addr"),
            "the relay's addresses its own",
        )
        with Capture(relay, "eth0") as upstream, (HOME / "relay.log").open("wb") as log:
            with relay.entered():
                command = [program, "-6", "-d", "--no-pid", "-I", "-l", "eth1", "-u", "ff02::1:2%eth0"]
                process = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                client = Dhclient6(guest)
                got = client.address(client.get())
            finally:
                process.terminate()
                process.wait()
        assert IPv6Address(f"{LINK}100") <= got <= IPv6Address(f"{LINK}110")
        asked, answered = messages6(upstream, "Relay-forward"), messages6(upstream, "Relay-reply")
        assert len(answered) >= 2
        assert [problem for message in answered for problem in problems6(message)] == []
        forward, reply = asked[0].packet[dhcp6.DHCP6_RelayForward], answered[0].packet[dhcp6.DHCP6_RelayReply]
        assert reply.linkaddr == forward.linkaddr == f"{LINK}1"
        assert reply[dhcp6.DHCP6OptIfaceId].ifaceid == forward[dhcp6.DHCP6OptIfaceId].ifaceid
        assert node.status("net")["services"]["dhcp6"]["messages"]["received"]["relayed"] >= 2
