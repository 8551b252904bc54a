"""A subnet of one address, its router on the link: as clouds give public addresses. Netmend's own is outside."""

from ipaddress import IPv4Interface, IPv6Address

import pytest
from tests.peers.clients import CLIENTS, PeerClient, address
from tests.peers.clients6 import Dhclient6, wait_for_link
from tests.peers.guests import make_guest, port, run_in, wait_for_device
from tests.peers.node import Document, Node
from tests.peers.resolvers import Resolvers

MAC = "fa:16:3e:00:20:11"
FOUR = {"cidr": "198.51.100.7/32", "gateway": "169.254.0.1", "lease_time": 24}
SIX = {"cidr": "2001:db8::7/128", "gateway": "fe80::1"}


def network(*subnets: Document, **says: object) -> Document:
    addresses = [str(subnet["cidr"]).partition("/")[0] for subnet in subnets]
    guest = port("guest", MAC, *addresses, hostname="web")
    return {
        "name": "net",
        "dns": {"domain": "net.example", "forward": False},
        "subnets": list(subnets),
        "ports": [guest],
        **says,
    }


@pytest.mark.parametrize("kind", CLIENTS, ids=lambda kind: kind.name)
def test_a_guest_gets_it_renews_it_and_is_answered_there(kind: type[PeerClient]) -> None:
    guest = make_guest("guest")
    with Node(network(FOUR, metadata="embedded")) as node:
        node.wait_until_right()
        wait_for_device(guest)
        client = kind(guest)
        lease = client.get()
        assert address(lease) == IPv4Interface("198.51.100.7/32")
        (subnet,) = node.status("net")["subnets"]
        own = subnet["server_address"]
        assert own.startswith("169.254.")
        ways = {str(destination): via for destination, via in client.routes(lease).items()}
        assert ways == {
            f"{own}/32": "0.0.0.0",
            "169.254.0.1/32": "0.0.0.0",
            "169.254.169.254/32": own,
            "0.0.0.0/0": "169.254.0.1",
        }
        client.wait(client.renewed, after=len(client.records()))
        client.kill()
        run_in(guest, "busybox", "ip", "addr", "replace", "198.51.100.7/32", "dev", "eth0")
        for words in ([f"{own}/32"], ["169.254.169.254/32", "via", own]):  # as a client that knows option 121 sets them
            run_in(guest, "busybox", "ip", "route", "replace", *words, "dev", "eth0")
        assert Resolvers(guest, [own], "net.example").run("dig", "+short", "web").split() == ["198.51.100.7"]
        told = run_in(guest, "busybox", "wget", "-q", "-O", "-", "http://169.254.169.254/latest/meta-data/local-ipv4")
        assert told == "198.51.100.7"


def test_the_same_with_ipv6() -> None:
    guest = make_guest("guest")
    with Node(network(SIX)) as node:
        node.wait_until_right()
        wait_for_link(guest)
        client = Dhclient6(guest)
        assert client.address(client.get()) == IPv6Address("2001:db8::7")
        own = node.status("net")["subnets"][0]["server_address"]
        assert own.startswith("fd6e:6574:6d65:6e64:")
        assert client.value(client.records()[-1], "dns") == own
        assert f"{own} dev eth0" in run_in(guest, "busybox", "ip", "-6", "route"), "it is advertised as on the link"
        names = Resolvers(guest, [own], "net.example")
        assert names.run("dig", "+short", "web", "AAAA").split() == ["2001:db8::7"]
