"""DHCPv6 with clients that nobody here wrote: addresses reserved and leased, their lives, what else is told."""

import signal
from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Any

import pytest
from tests.peers.capture import Capture
from tests.peers.capture6 import REPLIES, messages6, problems6
from tests.peers.clients6 import CLIENTS6, Client6, Dhclient6, wait_for_link
from tests.peers.guests import make_guest, port
from tests.peers.node import Document, Node
from tests.waiting import wait_for

MAC = "fa:16:3e:00:20:11"
BLOCK, OWN = "2001:db8:20::/64", IPv6Address("2001:db8:20::11")
POOL = (IPv6Address("2001:db8:20::100"), IPv6Address("2001:db8:20::120"))


def network(*ports: Document, **subnet: Any) -> Document:
    fields = {"cidr": BLOCK, "server_address": "2001:db8:20::2", "lease_time": 12, **subnet}
    return {"name": "net", "subnets": [fields], "ports": list(ports)}


def reserved(**subnet: Any) -> Document:
    return network(port("guest", MAC, str(OWN), hostname="first"), **subnet)


def dynamic(**subnet: Any) -> Document:
    return network(port("guest", MAC), dynamic=True, pools=[f"{POOL[0]} - {POOL[1]}"], **subnet)


def received(node: Node, kind: str) -> int:
    status = node.status("net")["services"]["dhcp6"]["messages"]["received"]
    return int(status.get(kind, 0))


@pytest.mark.parametrize("kind", CLIENTS6)
@pytest.mark.parametrize("intent", [reserved, dynamic])
def test_get_renew_rebind_release_and_get_again(kind: type[Client6], intent: Callable[..., Document]) -> None:
    guest = make_guest("guest")
    with Node(intent()) as node:
        wait_for_link(guest)
        with Capture(guest) as capture:
            client = kind(guest)
            got = client.address(client.get())
            if intent is reserved:
                assert got == OWN
            else:
                assert POOL[0] <= got <= POOL[1]

            known = len(client.records())
            assert client.address(client.wait("RENEW6", after=known)) == got  # T1
            assert messages6(capture, "Renew")[-1].destination == "ff02::1:2"

            node.signal(signal.SIGSTOP)  # T2: nobody has renewed, so the client asks everybody
            try:
                wait_for(lambda: messages6(capture, "Rebind"), "a Rebind on the wire", client.explain)
            finally:
                node.signal(signal.SIGCONT)
            known = len(client.records())
            assert client.address(client.wait("REBIND6", "RENEW6", "BOUND6", after=known)) == got

            client.release()
            wait_for(lambda: messages6(capture, "Release"), "a Release on the wire", client.explain)
            assert messages6(capture, "Release")[-1].addresses == [str(got)]
            wait_for(lambda: received(node, "release"), "a Release that was heard")

            client.kill()
            assert client.address(client.get()) == got
            replies = messages6(capture, *REPLIES)
            assert len(replies) >= 5
            assert [problem for reply in replies for problem in problems6(reply)] == []


@pytest.mark.parametrize("kind", CLIENTS6)
def test_what_intent_says_arrives(kind: type[Client6]) -> None:
    guest = make_guest("guest")
    told = {
        "dns_servers": ["2001:db8::53", "2001:db8::54"],
        "domain": "net.example",
        "ntp_servers": ["2001:db8::123"],
        "bootfile_url": "tftp://[2001:db8::66]/boot.efi",
        "lease_time": 3600,
    }
    with Node(reserved(**told)):
        wait_for_link(guest)
        client = kind(guest)
        record = client.get()
        assert client.value(record, "dns").split() == told["dns_servers"]
        assert client.value(record, "domain").rstrip(".") == "net.example"
        assert client.value(record, "ntp") == "2001:db8::123"
        assert client.value(record, "boot") == told["bootfile_url"]
        assert client.value(record, "lifetime") == "3600"


def test_the_server_is_the_same_after_a_restart_and_a_lease_is_kept() -> None:
    guest = make_guest("guest")
    with Node(dynamic(lease_time=600)) as node:
        wait_for_link(guest)
        client = Dhclient6(guest)
        before = client.get()
        client.kill()
        duid = node.status("net")["services"]["dhcp6"]["duid"]
        node.end(signal.SIGKILL)
        node.start()
        node.wait_until_right()
        assert node.status("net")["services"]["dhcp6"]["duid"] == duid
        with Capture(guest) as capture:
            after = client.get()
            assert client.address(after) == client.address(before)
            assert client.value(after, "server") == client.value(before, "server")
            wait_for(lambda: messages6(capture, "Reply"), "a Reply in the capture")


def test_confirm_when_the_link_comes_back() -> None:
    """dhclient starts with the address that it remembers, and asks whether it is still on its link (18.2.3)."""
    guest = make_guest("guest")
    with Node(reserved(lease_time=600)) as node:
        wait_for_link(guest)
        client = Dhclient6(guest)
        client.get()
        client.kill()
        with Capture(guest) as capture:
            client.start()
            wait_for(lambda: messages6(capture, "Confirm"), "a Confirm on the wire", client.explain)
            wait_for(lambda: received(node, "confirm"), "a Confirm that was heard")
            (reply,) = wait_for(lambda: messages6(capture, "Reply"), "its Reply", client.explain)
            assert problems6(reply) == []


def test_an_address_that_somebody_has_is_declined() -> None:
    guest = make_guest("guest")
    with Node(dynamic(lease_time=600)) as node:
        wait_for_link(guest)
        client = Dhclient6(guest)
        (client.home / "declines").touch()
        first = client.address(client.get())
        wait_for(lambda: received(node, "decline"), "a Decline that was heard", client.explain)
        wait_for(
            lambda: {client.value(record, "address") for record in client.records()} - {"", str(first)},
            "another address",
            client.explain,
        )
        states = {each["address"]: each["state"] for each in node.status("net")["leases"]}
        assert states[str(first)] == "declined"
        assert sorted(states.values()) == ["declined", "leased"]


def test_stateless_information() -> None:
    guest = make_guest("guest")
    intent = network(
        port("guest", MAC), address_mode="dhcpv6-stateless", dns_servers=["2001:db8::53"], domain="net.example"
    )
    with Node(intent) as node:
        wait_for_link(guest)
        client = Dhclient6(guest)
        record = client.inform()
        assert client.value(record, "dns") == "2001:db8::53"
        assert received(node, "information_request")


def test_nobody_is_answered_for_another_port() -> None:
    """A guest that shows another's DUID, and makes its link-local address of another's MAC, gets its own address."""
    guest, thief = make_guest("guest"), make_guest("thief")
    other = IPv6Address("2001:db8:20::66")
    intent = network(port("guest", MAC, str(OWN)), port("thief", "fa:16:3e:00:20:66", str(other)), lease_time=600)
    with Node(intent):
        for each in (guest, thief):
            wait_for_link(each)
        honest = Dhclient6(guest)
        assert honest.address(honest.get()) == OWN
        liar = Dhclient6(thief)
        # dhclient takes its DUID from its leases: those of the other guest.
        (liar.home / "leases").write_text(
            next(line for line in (honest.home / "leases").read_text().splitlines() if "default-duid" in line) + "\n"
        )
        assert liar.address(liar.get()) == other
