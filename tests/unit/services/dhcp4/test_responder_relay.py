"""Requests through a relay, and where replies go: RFC 2131 section 4.1, RFC 3046, RFC 3527, RFC 3011."""

import pytest
from tests.unit.services.dhcp4.guest import (
    DISCOVER,
    INFORM,
    MAC,
    NAK,
    OTHER_MAC,
    REQUEST,
    STRANGER,
    Server,
    message,
    network,
    packed,
    port,
    read,
    subnet,
)

from netmend.services.dhcp4 import Drop

HERE, THERE = "192.0.2.10", "198.51.100.10"
BROADCAST = ("255.255.255.255", 68)


@pytest.fixture
def server() -> Server:
    subnets = subnet(), subnet("198.51.100.0/24", dynamic=True)
    return Server(network(*subnets, ports=[port(MAC, HERE, THERE), port(OTHER_MAC, "192.0.2.11")]))


class TestDestination:
    """RFC 2131 section 4.1."""

    def test_no_address_yet_unicast_to_the_hardware_address(self, server: Server) -> None:
        reply = server.ask(DISCOVER).reply
        assert (reply.destination, reply.mac) == ((HERE, 68), bytes.fromhex("020000000001"))
        assert reply.server == packed("192.0.2.2")

    def test_no_address_yet_and_the_broadcast_flag(self, server: Server) -> None:
        reply = server.ask(DISCOVER, broadcast=True).reply
        assert (reply.destination, reply.mac) == (BROADCAST, None)

    def test_an_address_already_unicast_to_it(self, server: Server) -> None:
        reply = server.ask(REQUEST, ciaddr=HERE, broadcast=True).reply
        assert (reply.destination, reply.mac) == ((HERE, 68), None)

    def test_an_address_that_the_client_only_claims_is_not_sent_to(self, server: Server) -> None:
        reply = server.ask(DISCOVER, ciaddr="192.0.2.99").reply
        assert (reply.destination, reply.mac) == ((HERE, 68), bytes.fromhex("020000000001"))

    def test_a_refusal_is_broadcast(self, server: Server) -> None:
        reply = server.ask(REQUEST, ciaddr="192.0.2.99").reply
        assert (reply.destination, reply.mac) == (BROADCAST, None)

    def test_hardware_that_is_not_ethernet_is_broadcast_to(self, server: Server) -> None:
        datagram = bytearray(message(DISCOVER, mac=STRANGER, client_id=b"\x00infiniband"))
        datagram[1:3] = bytes((32, 0))  # RFC 4390
        reply = read(server.responder.handle(bytes(datagram), None, server.now)).reply
        assert (reply.destination, reply.mac) == (BROADCAST, None)

    @pytest.mark.parametrize("fields", [{}, {"broadcast": True}])
    def test_through_a_relay_always_to_its_server_port(self, server: Server, fields: dict[str, bool]) -> None:
        for seen in (
            server.ask(DISCOVER, giaddr="192.0.2.3", **fields),
            server.ask(REQUEST, giaddr="192.0.2.3", ciaddr=HERE, **fields),
            server.ask(REQUEST, giaddr="192.0.2.3", requested="192.0.2.99", **fields),
            server.ask(INFORM, giaddr="192.0.2.3", ciaddr=HERE, **fields),
        ):
            assert (seen.to, seen.reply.mac) == (("192.0.2.3", 67), None)
            assert seen.bootp.giaddr == "192.0.2.3"

    def test_a_relayed_refusal_asks_the_relay_to_broadcast(self, server: Server) -> None:
        seen = server.ask(REQUEST, giaddr="192.0.2.3", requested="192.0.2.99")
        assert (seen.kind, seen.bootp.flags) == (NAK, "B")
        assert server.ask(REQUEST, giaddr="192.0.2.3", requested=HERE).bootp.flags == ""


class TestLink:
    """The client's subnet is that of the relay, unless it says otherwise."""

    def test_giaddr(self, server: Server) -> None:
        assert server.ask(DISCOVER, giaddr="192.0.2.3").yiaddr == HERE
        seen = server.ask(DISCOVER, giaddr="198.51.100.3")
        assert (seen.yiaddr, seen.named["server_id"]) == (THERE, "198.51.100.2")

    def test_link_selection_wins_over_giaddr_rfc3527(self, server: Server) -> None:
        information = b"\x01\x02ab" + b"\x05\x04" + packed("198.51.100.0")
        seen = server.ask(DISCOVER, giaddr="192.0.2.3", more=[(82, information)])
        assert (seen.yiaddr, seen.to) == (THERE, ("192.0.2.3", 67))

    @pytest.mark.parametrize(
        "information", [b"\x05", b"\x05\x04\xc6\x33", b"\x05\x03\xc6\x33\x64", b"\x01\xff\x05\x04"]
    )
    def test_malformed_information_is_echoed_and_not_believed(self, server: Server, information: bytes) -> None:
        seen = server.ask(DISCOVER, giaddr="192.0.2.3", more=[(82, information)])
        assert (seen.yiaddr, seen.options[82]) == (HERE, information)

    def test_link_selection_without_a_relay_is_not_believed(self, server: Server) -> None:
        information = b"\x05\x04" + packed("198.51.100.0")
        assert server.ask(DISCOVER, more=[(82, information)]).yiaddr == HERE

    def test_subnet_selection_and_its_echo_rfc3011(self, server: Server) -> None:
        seen = server.ask(DISCOVER, more=[(118, packed("198.51.100.0"))])
        assert (seen.yiaddr, seen.options[118]) == (THERE, packed("198.51.100.0"))

    @pytest.mark.parametrize("giaddr", ["203.0.113.1", "127.0.0.1", "224.0.0.1", "255.255.255.255"])
    def test_a_relay_of_nowhere_gets_silence(self, server: Server, giaddr: str) -> None:
        assert server.silent(DISCOVER, giaddr=giaddr) is Drop.NO_SUBNET

    def test_a_port_without_an_address_on_the_link(self, server: Server) -> None:
        assert server.silent(DISCOVER, mac=OTHER_MAC, giaddr="198.51.100.3") is Drop.NO_ADDRESS

    def test_a_port_that_moved_to_another_link_is_told_that_its_address_is_wrong(self, server: Server) -> None:
        seen = server.ask(REQUEST, mac=OTHER_MAC, giaddr="198.51.100.3", requested="192.0.2.11")
        assert seen.kind == NAK

    def test_a_stranger_is_served_from_the_links_own_pool(self, server: Server) -> None:
        assert server.ask(DISCOVER, mac=STRANGER, giaddr="198.51.100.3").yiaddr.startswith("198.51.100.")
        assert server.silent(DISCOVER, mac=STRANGER, giaddr="192.0.2.3") is Drop.UNKNOWN_CLIENT
