"""Guests whose kernels make their own addresses of what netmend advertises (SLAAC), and what they make of changes."""

import subprocess
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import pytest
from scapy.layers import inet6
from scapy.layers.l2 import Ether
from tests.peers.capture import Capture
from tests.peers.capture6 import advertisements
from tests.peers.clients6 import addresses_of, wait_for_link
from tests.peers.guests import make_guest, port, run_in, wait_for_device
from tests.peers.node import Document, Node
from tests.waiting import wait_for

from netmend.kernel.netns import Netns

MAC = "fa:16:3e:00:20:11"
BLOCK, OWN = "2001:db8:20::/64", IPv6Address("2001:db8:20:0:f816:3eff:fe00:2011")
RENUMBERED, THEN = "2001:db8:21::/64", IPv6Address("2001:db8:21:0:f816:3eff:fe00:2011")


def network(*, cidr: str = BLOCK, mtu: int = 1500, **subnet: Any) -> Document:
    fields = {"cidr": cidr, "address_mode": "slaac", **subnet}
    return {"name": "net", "mtu": mtu, "subnets": [fields], "ports": [port_of_guest()]}


def port_of_guest() -> Document:
    document = port("guest", MAC)
    del document["fixed_ips"]  # what the guest makes of its MAC is filled in
    return document


def wait_for_address(guest: Netns, address: IPv6Address) -> str:
    """The flags of an address, once the guest has it and nobody else does."""

    def look() -> str | None:
        flags = addresses_of(guest).get(address)
        return None if flags is None or "tentative" in flags else flags or "permanent"

    return wait_for(look, f"{address} in {guest.label}", lambda: run_in(guest, "busybox", "ip", "-6", "addr"))


def test_a_guest_makes_the_address_that_intent_gives_it() -> None:
    guest = make_guest("guest")
    with Node(network()) as node:
        wait_for_device(guest)
        wait_for_address(guest, OWN)
        (known,) = node.status("net")["ports"]
        assert known["fixed_ips"] == [str(OWN)]
        assert "default" not in run_in(guest, "busybox", "ip", "-6", "route"), "netmend is no router"


def test_a_question_is_answered_to_who_asks() -> None:
    guest = make_guest("guest")
    with Node(network(mtu=1400, dns_servers=["2001:db8::53"], domain="net.example")) as node:
        wait_for_link(guest)
        run_in(guest, "busybox", "ip", "link", "set", "eth0", "down")  # up again, its kernel asks again
        run_in(guest, "busybox", "ip", "link", "set", "eth0", "up")
        with Capture(guest) as capture:
            (answer, *_) = wait_for(
                lambda: [each for each in advertisements(capture) if each.dst != "ff02::1"], "an answer to the guest"
            )
        assert node.status("net")["services"]["dhcp6"]["advertisements"]["solicited"]
        assert (answer.hlim, answer.src[:6]) == (255, "fe80::")
        message = answer[inet6.ICMPv6ND_RA]
        assert (message.routerlifetime, message.M, message.O) == (0, 0, 0)
        assert answer[inet6.ICMPv6NDOptMTU].mtu == 1400
        assert answer[inet6.ICMPv6NDOptRDNSS].dns == ["2001:db8::53"]
        assert answer[inet6.ICMPv6NDOptDNSSL].searchlist == ["net.example."]
        again = Ether(bytes(answer.underlayer))
        del again[inet6.ICMPv6ND_RA].cksum
        assert Ether(bytes(again))[inet6.ICMPv6ND_RA].cksum == message.cksum


def test_a_renumbered_network() -> None:
    guest = make_guest("guest")
    with Node(network()) as node:
        wait_for_device(guest)
        wait_for_address(guest, OWN)
        node.write(network(cidr=RENUMBERED))
        wait_for_address(guest, THEN)
        flags = wait_for(
            lambda: "deprecated" in addresses_of(guest)[OWN] and addresses_of(guest)[OWN], "the old address deprecated"
        )
        assert flags


def test_a_stateful_network_gives_no_address_of_the_guests_own() -> None:
    guest = make_guest("guest")
    managed = {"name": "net", "subnets": [{"cidr": BLOCK}], "ports": [port("guest", MAC, "2001:db8:20::11")]}
    with Node(managed) as node:
        wait_for_link(guest)
        with Capture(guest) as capture:
            node.write({**managed, "subnets": [{"cidr": BLOCK, "domain": "net.example"}]})  # what is new, is told
            (heard, *_) = wait_for(lambda: advertisements(capture), "an advertisement")
        message, prefix = heard[inet6.ICMPv6ND_RA], heard[inet6.ICMPv6NDOptPrefixInfo]
        assert (message.M, message.O, prefix.A, prefix.L) == (1, 0, 0, 1)
        assert addresses_of(guest) == {}
        wait_for(lambda: BLOCK in run_in(guest, "busybox", "ip", "-6", "route"), "the prefix on the link")


@pytest.mark.parametrize(
    ("mode", "gateway"),
    [
        ("slaac", "fe80::1"),
        ("dhcpv6-stateless", "fe80::1"),
        ("dhcpv6-stateful", "fe80::1"),
        ("dhcpv6-stateful", "2001:db8:20::1"),
    ],
)
def test_a_guest_finds_the_router_that_intent_names(mode: str, gateway: str) -> None:
    """By the address of its port, from which its link-local one follows, or by a link-local one; and forgets it."""
    guest, router = make_guest("guest"), make_guest("router")
    of_router = {**port("router", "fa:16:3e:00:20:01", "2001:db8:20::1"), "port_security": False}
    if gateway == "fe80::1":
        of_router["fixed_ips"] = []
    stateful = {"fixed_ips": ["2001:db8:20::11"]} if mode == "dhcpv6-stateful" else {}
    subnet = {"cidr": BLOCK, "address_mode": mode, "gateway": gateway}
    net = {"name": "net", "subnets": [subnet], "ports": [{**port_of_guest(), **stateful}, of_router]}
    with Node(net) as node:
        wait_for_device(guest)
        wait_for_device(router)
        with router.entered():
            Path("/proc/sys/net/ipv6/conf/all/forwarding").write_text("1")
        run_in(router, "busybox", "ip", "addr", "add", "2001:db8:99::1/128", "dev", "lo")
        run_in(router, "busybox", "ip", "addr", "add", f"{gateway}/64", "dev", "eth0")
        if stateful:
            run_in(guest, "busybox", "ip", "addr", "add", "2001:db8:20::11/64", "dev", "eth0")
        wait_for(lambda: goes(guest), "a ping by way of the router", lambda: routes(guest))
        assert routes(guest).count("default") == 1
        node.write({**net, "subnets": [{**subnet, "gateway": None}]})
        wait_for(lambda: "default" not in routes(guest), "the router is forgotten", lambda: routes(guest))


def routes(guest: Netns) -> str:
    return run_in(guest, "busybox", "ip", "-6", "route")


def goes(guest: Netns) -> bool:
    try:
        return bool(run_in(guest, "busybox", "ping", "-6", "-c", "1", "-W", "1", "2001:db8:99::1"))
    except subprocess.CalledProcessError:
        return False
