"""Relays: RFC 8415 sections 9, 13.1 and 19, RFC 6939, RFC 6221, RFC 8357."""

import pytest
from tests.unit.services.dhcp6.guest import (
    MAC,
    OTHER_MAC,
    STRANGER,
    Request,
    Server,
    Solicit,
    duid_ll,
    eui64,
    ia,
    message,
    network,
    opened,
    packed_mac,
    port,
    relayed,
    subnet,
    tlv,
)

from netmend.services.dhcp6 import Drop

HERE, BEHIND = "2001:db8:1::10", "2001:db8:2::10"
RELAY = "02:00:00:00:99:99"
SOLICIT = message(Solicit, ia(), duid=b"\0\x02\0\0\xab\x11vm")


@pytest.fixture
def server() -> Server:
    behind = subnet("2001:db8:2::/64")
    return Server(network(subnet(), behind, ports=[port(MAC, HERE, BEHIND), port(OTHER_MAC, "2001:db8:2::11")]))


class TestEnvelopes:
    def test_the_reply_goes_back_in_the_same_envelope_19_3(self, server: Server) -> None:
        datagram = relayed(SOLICIT, peer=eui64(MAC), hops=3, options=[(18, b"port 7"), (37, b"remote id")])
        seen = server.ask(datagram, RELAY)
        assert (seen.kind, seen.payload[1], seen.port) == (13, 3, 547)
        assert seen.payload[2:34] == datagram[2:34]
        assert seen.option(18) == b"port 7"
        assert seen.option(37) is None  # RFC 4649 section 3: not to be echoed
        assert opened(seen).addresses == [HERE]

    def test_envelopes_in_envelopes(self, server: Server) -> None:
        inner = relayed(SOLICIT, link="2001:db8:2::1", peer=eui64(MAC), options=[(18, b"inner")])
        outer = relayed(inner, link="::", peer="fe80::1", hops=1, options=[(18, b"outer")])
        seen = server.ask(outer, RELAY)
        assert (seen.option(18), opened(seen).option(18)) == (b"outer", b"inner")
        assert opened(opened(seen)).addresses == [BEHIND]

    def test_the_hop_limit_7_6(self, server: Server) -> None:
        datagram = SOLICIT
        for hops in range(9):
            datagram = relayed(datagram, peer=eui64(MAC), hops=hops)
        assert server.ask(datagram, RELAY).kind == 13
        assert server.silent(relayed(datagram, hops=0), RELAY) == Drop.TOO_MANY_RELAYS
        assert server.silent(relayed(SOLICIT, hops=9), RELAY) == Drop.TOO_MANY_RELAYS

    def test_a_relay_that_chooses_its_port_rfc8357(self, server: Server) -> None:
        datagram = relayed(SOLICIT, peer=eui64(MAC), options=[(135, bytes(2))])
        seen = server.ask(datagram, RELAY)
        assert (seen.port, seen.option(135)) == (546, bytes(2))

    def test_an_envelope_with_nothing_in_it(self, server: Server) -> None:
        datagram = relayed(SOLICIT)
        assert server.silent(datagram[:34], RELAY) == Drop.BAD_FIELD
        assert server.silent(datagram[:33], RELAY) == Drop.TOO_SHORT
        assert server.silent(datagram[:34] + tlv(9, b""), RELAY) == Drop.TOO_SHORT
        assert server.silent(datagram[:-1], RELAY) == Drop.BAD_OPTIONS

    def test_unicast_to_the_server_is_the_relays_right_16(self, server: Server) -> None:
        assert server.ask(relayed(SOLICIT, peer=eui64(MAC)), RELAY, unicast=True).kind == 13

    def test_is_counted(self, server: Server) -> None:
        server.ask(relayed(SOLICIT, peer=eui64(MAC)), RELAY)
        assert server.responder.counters.as_dict()["received"] == {"solicit": 1, "relayed": 1}


class TestLink:
    """Section 13.1: the address of the relay nearest to the client that names a link."""

    def test_is_the_relays(self, server: Server) -> None:
        seen = server.ask(relayed(SOLICIT, link="2001:db8:2::ffff", peer=eui64(MAC)), RELAY)
        assert opened(seen).addresses == [BEHIND]

    def test_unknown_is_met_with_silence(self, server: Server) -> None:
        assert server.silent(relayed(SOLICIT, link="2001:db8:3::1", peer=eui64(MAC)), RELAY) == Drop.NO_SUBNET

    def test_a_relay_that_names_none_is_on_the_segment_rfc6221(self, server: Server) -> None:
        seen = server.ask(relayed(SOLICIT, link="::", peer=eui64(MAC)), RELAY)
        assert opened(seen).addresses == [HERE, BEHIND]

    def test_a_port_with_no_address_there_is_told_so(self, server: Server) -> None:
        seen = server.ask(relayed(SOLICIT, link="2001:db8:1::1", peer=eui64(OTHER_MAC)), RELAY)
        assert opened(seen).associations[0].status == 2


class TestWhoIsIt:
    def test_what_the_relay_saw_decides_rfc6939(self, server: Server) -> None:
        shown = (79, b"\0\x01" + packed_mac(MAC))
        assert opened(server.ask(relayed(SOLICIT, options=[shown]), RELAY)).addresses == [HERE]
        lies = message(Solicit, ia(), duid=duid_ll(MAC))
        shown = (79, b"\0\x01" + packed_mac(STRANGER))
        assert server.silent(relayed(lies, peer=eui64(MAC), options=[shown]), RELAY) == Drop.UNKNOWN_CLIENT

    def test_only_the_nearest_relay_saw_the_client(self, server: Server) -> None:
        inner = relayed(SOLICIT, peer=eui64(MAC))
        outer = relayed(inner, options=[(79, b"\0\x01" + packed_mac(OTHER_MAC))], hops=1)
        assert opened(opened(server.ask(outer, RELAY))).addresses == [HERE]

    def test_other_hardware_says_nothing(self, server: Server) -> None:
        shown = (79, b"\0\x20" + bytes(6))
        assert opened(server.ask(relayed(SOLICIT, peer=eui64(MAC), options=[shown]), RELAY)).addresses == [HERE]

    def test_else_the_peer_address_and_then_the_duid(self, server: Server) -> None:
        assert opened(server.ask(relayed(SOLICIT, peer=eui64(MAC)), RELAY)).addresses == [HERE]
        datagram = message(Request, ia(), duid=duid_ll(MAC), server=server.duid)
        assert opened(server.ask(relayed(datagram, peer="fe80::1"), RELAY)).addresses == [HERE]

    def test_the_relays_own_mac_says_nothing(self, server: Server) -> None:
        assert server.silent(relayed(SOLICIT), MAC) == Drop.UNKNOWN_CLIENT
