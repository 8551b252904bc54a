"""Each client gets a lease, renews it, rebinds it, releases it and gets it again: a reserved one and a dynamic one."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest
from tests.peers.capture import Capture, problems
from tests.peers.clients import CLIENTS, PeerClient, address
from tests.peers.guests import make_guest, network, port, unreachable, wait_for_device
from tests.peers.node import Document, Node
from tests.waiting import wait_for

MAC = "fa:16:3e:00:20:11"


def reserved(lease_time: int) -> Document:
    return network("net", port("guest", MAC, "10.20.0.11"), lease_time=lease_time)


def dynamic(lease_time: int) -> Document:
    pools = ["10.20.0.100 - 10.20.0.120"]
    return network("net", port("guest", MAC), dynamic=True, pools=pools, lease_time=lease_time)


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("intent", [reserved, dynamic])
def test_get_renew_rebind_release_and_get_again(kind: type[PeerClient], intent: Callable[[int], Document]) -> None:
    guest = make_guest("guest")
    with Node(intent(kind.shortest_lease)) as node:
        wait_for_device(guest)
        with Capture(guest) as capture:
            client = kind(guest)
            got = address(client.get())
            if intent is reserved:
                assert got == IPv4Interface("10.20.0.11/24")
            else:
                assert IPv4Address("10.20.0.100") <= got.ip <= IPv4Address("10.20.0.120")
            server = client.value(client.records()[-1], "server")
            assert server == "10.20.0.2"

            # T1: a unicast REQUEST to the server that gave the lease (RFC 2131 section 4.3.2, RENEWING).
            assert address(client.wait(client.renewed)) == got
            _acknowledged(capture, client, source=str(got.ip), destination=server, ciaddr=str(got.ip))

            # T2: the server does not hear a unicast any more, so the client asks everybody (REBINDING).
            known = len(client.records())
            with unreachable(guest, server):
                _acknowledged(capture, client, destination="255.255.255.255", ciaddr=str(got.ip))
            assert address(client.wait(client.rebound, known)) == got

            client.release()
            wait_for(lambda: capture.messages("RELEASE"), "a RELEASE on the wire", client.explain)
            assert capture.messages("RELEASE")[-1].ciaddr == str(got.ip)
            node.wait(lambda status: status["dhcp"]["received"].get("release", 0) > 0, "net")
            node.wait(lambda status: all(lease["state"] != "leased" for lease in status["leases"]), "net")

            client.kill()
            assert address(client.get()) == got
            replies = capture.messages("OFFER", "ACK", "NAK")
            assert len(replies) >= 4
            assert [problem for reply in replies for problem in problems(reply.frame)] == []


def _acknowledged(capture: Capture, client: PeerClient, **header: str) -> None:
    """Wait for a REQUEST with these addresses in its headers, and for the ACK to it."""

    def look() -> bool:
        asked: set[int] = set()
        for message in capture.messages("REQUEST", "ACK"):
            if message.type == "ACK" and message.xid in asked:
                return True
            if message.type == "REQUEST" and all(getattr(message, name) == text for name, text in header.items()):
                asked.add(message.xid)
        return False

    wait_for(look, f"a REQUEST with {header}, acknowledged", client.explain)


@pytest.mark.parametrize("kind", CLIENTS)
def test_what_intent_says_arrives(kind: type[PeerClient]) -> None:
    guest = make_guest("guest")
    intent = network(
        "net",
        port("guest", MAC, "10.20.0.11", hostname="first"),
        dns_servers=["10.20.0.53", "198.51.100.53"],
        domain="net.example",
        ntp_servers=["10.20.0.123"],
        lease_time=4321,
        routes=[{"destination": "198.51.100.0/24", "nexthop": "10.20.0.254"}],
    )
    with Node({**intent, "mtu": 1400}):
        wait_for_device(guest)
        client = kind(guest)
        record = client.get()
        assert address(record) == IPv4Interface("10.20.0.11/24")
        wanted = {
            "router": "10.20.0.1",
            "dns": "10.20.0.53 198.51.100.53",
            "domain": "net.example",
            "hostname": "first",
            "ntp": "10.20.0.123",
            "mtu": "1400",
            "lease time": "4321",
            "server": "10.20.0.2",
        }
        assert {name: client.value(record, name) for name in wanted} == wanted
        # RFC 3442: whoever gets classless routes ignores option 3, so they must hold the default route too.
        assert client.routes(record) == {
            IPv4Network("198.51.100.0/24"): "10.20.0.254",
            IPv4Network("0.0.0.0/0"): "10.20.0.1",
        }


@pytest.mark.parametrize("kind", CLIENTS, ids=lambda kind: kind.name)
def test_more_routes_than_one_option_holds(kind: type[PeerClient]) -> None:
    """Option 121 is sent in parts beyond 255 octets (RFC 3396), and over `file` and `sname` where a client takes no
    more than 576 octets."""
    guest = make_guest("guest")
    routes = [{"destination": f"172.16.{number}.0/24", "nexthop": "10.20.0.254"} for number in range(34)]
    with Node(network("net", port("guest", MAC, "10.20.0.11"), routes=routes)):
        wait_for_device(guest)
        client = kind(guest)
        found = client.routes(client.get())
    assert found == {
        **{IPv4Network(route["destination"]): route["nexthop"] for route in routes},
        IPv4Network("0.0.0.0/0"): "10.20.0.1",
    }
