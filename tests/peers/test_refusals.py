"""What a client is refused, and what it refuses: NAK, DECLINE, silence."""

import signal
from ipaddress import IPv4Address, IPv4Interface

import pytest
from pyroute2 import IPRoute
from tests.peers.capture import Capture, problems
from tests.peers.clients import CLIENTS, Dhclient, PeerClient, Udhcpc, address
from tests.peers.guests import make_guest, network, port, run_in, wait_for_device
from tests.peers.node import Node
from tests.waiting import wait_for

MAC = "fa:16:3e:00:20:11"
_LEASE_OF_ANOTHER_NETWORK = """
lease {
  interface "eth0";
  fixed-address 192.0.2.77;
  option subnet-mask 255.255.255.0;
  option dhcp-lease-time 86400;
  option dhcp-message-type 5;
  option dhcp-server-identifier 192.0.2.1;
  renew 4 2037/01/01 00:00:00;
  rebind 4 2037/01/01 00:00:00;
  expire 4 2037/01/01 00:00:00;
}
"""


@pytest.mark.parametrize("dynamic", [False, True], ids=["reserved", "dynamic"])
def test_a_lease_of_another_network_gets_a_nak(dynamic: bool) -> None:
    guest = make_guest("guest")
    ports = [] if dynamic else ["10.20.0.11"]
    with Node(network("net", port("guest", MAC, *ports), dynamic=dynamic)):
        wait_for_device(guest)
        with Capture(guest) as capture:
            client = Dhclient(guest)
            client.leases.write_text(_LEASE_OF_ANOTHER_NETWORK)
            got = address(client.get())
            wait_for(lambda: capture.messages("ACK"), "the ACK in the capture")
        types = [message.type for message in capture.messages() if message.type != "DISCOVER"]
        before = types[: types.index("NAK")]
        assert set(before) == {"REQUEST"}, "INIT-REBOOT: the client asks for what it had"
        nak = capture.messages("NAK")[0]
        assert (nak.destination, nak.yiaddr) == ("255.255.255.255", "0.0.0.0")
        assert problems(nak.frame) == []
        assert got in IPv4Interface("10.20.0.2/24").network


@pytest.mark.parametrize("kind", CLIENTS)
def test_an_address_that_intent_takes_away_gets_a_nak_and_the_new_one_follows(kind: type[PeerClient]) -> None:
    guest = make_guest("guest")
    lease_time = kind.shortest_lease
    with Node(network("net", port("guest", MAC, "10.20.0.11"), lease_time=lease_time)) as node:
        wait_for_device(guest)
        client = kind(guest)
        assert address(client.get()) == IPv4Interface("10.20.0.11/24")
        with Capture(guest) as capture:
            known = len(client.records())
            node.write(network("net", port("guest", MAC, "10.20.0.12"), lease_time=lease_time))
            node.signal(signal.SIGHUP)
            assert address(client.wait(client.bound, known)) == IPv4Interface("10.20.0.12/24")
            assert capture.messages("NAK"), client.explain()


@pytest.mark.parametrize("kind", CLIENTS)
def test_an_address_that_somebody_uses_is_declined_and_kept_away(kind: type[PeerClient]) -> None:
    squatter, guest = make_guest("squatter"), make_guest("guest")
    intent = network(
        "net",
        port("squatter", "fa:16:3e:00:20:99", "10.20.0.99", port_security=False),
        port("guest", MAC),
        dynamic=True,
        pools=["10.20.0.100 - 10.20.0.101"],
    )
    with Node(intent) as node:
        wait_for_device(squatter)
        wait_for_device(guest)
        run_in(squatter, "busybox", "ip", "addr", "add", "10.20.0.100/24", "dev", "eth0")
        client = kind(guest, finds_conflicts=True)
        client.start()
        found = wait_for(
            lambda: next(
                (
                    lease
                    for record in client.records()
                    if (lease := record.lease()) and lease.address.ip.packed[-1] == 101
                ),
                None,
            ),
            "a lease of the other address",
            client.explain,
        )
        assert found.address == IPv4Interface("10.20.0.101/24")
        states = {lease["address"]: lease["state"] for lease in node.status("net")["leases"]}
        assert states == {"10.20.0.100": "declined", "10.20.0.101": "leased"}
        assert node.status("net")["dhcp"]["received"]["decline"] >= 1


def test_a_mac_that_is_no_port_gets_silence() -> None:
    guest = make_guest("guest")
    with Node(network("net", port("guest", MAC, "10.20.0.11", port_security=False))) as node:
        device = wait_for_device(guest)
        with guest.entered(), IPRoute() as route:
            route.link("set", index=device.index, address="02:00:00:00:00:01")
        with Capture(guest) as capture:
            client = Udhcpc(guest)
            client.arguments = ("-n",)
            client.start()
            node.wait(lambda status: status["dhcp"]["dropped"].get("unknown_client", 0) >= 3, "net")
            client.kill()
        assert len(capture.messages("DISCOVER")) >= 3
        assert capture.messages("OFFER", "ACK", "NAK") == []
        assert node.status("net")["dhcp"]["sent"] == {}


def test_a_mac_that_is_no_port_gets_a_lease_where_the_subnet_is_dynamic() -> None:
    guest = make_guest("guest")
    with Node(
        network(
            "net",
            port("guest", MAC, "10.20.0.11", port_security=False),
            dynamic=True,
            pools=["10.20.0.50 - 10.20.0.51"],
        )
    ):
        device = wait_for_device(guest)
        with guest.entered(), IPRoute() as route:
            route.link("set", index=device.index, address="02:00:00:00:00:01")
        assert address(Udhcpc(guest).get()).ip == IPv4Address("10.20.0.50")
