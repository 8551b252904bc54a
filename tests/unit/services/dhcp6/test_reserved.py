"""Ports with fixed IPs, message by message: RFC 8415 section 18.3."""

import pytest
from tests.unit.services.dhcp6.guest import (
    DNS,
    MAC,
    NO_ADDRESSES,
    NO_BINDING,
    NO_PREFIX,
    NOT_ON_LINK,
    OTHER_MAC,
    SOL_MAX_RT,
    STRANGER,
    SUCCESS,
    USE_MULTICAST,
    Confirm,
    Decline,
    Inform,
    Rebind,
    Release,
    Renew,
    Request,
    Server,
    Solicit,
    duid_ll,
    duid_llt,
    eui64,
    ia,
    message,
    network,
    port,
    subnet,
    tlv,
)

from netmend.services.dhcp6 import Drop

OWN, OTHERS, ELSEWHERE = "2001:db8:1::10", "2001:db8:1::11", "2001:db8:99::10"
ADVERTISE, REPLY = 2, 7
RAPID = tlv(14, b"")


@pytest.fixture
def server() -> Server:
    return Server(network(subnet(), ports=[port(MAC, OWN), port(OTHER_MAC, OTHERS)]))


class TestSolicit:
    def test_is_offered_its_fixed_ip(self, server: Server) -> None:
        seen = server.ask(message(Solicit, ia(iaid=7)))
        assert seen.kind == ADVERTISE
        assert seen.payload[1:4] == b"\xab\xcd\xef"
        assert seen.option(1) == duid_ll()
        assert seen.option(2) == server.duid
        (given,) = seen.associations
        assert (given.iaid, given.addresses, given.status) == (7, {OWN: (3600, 3600)}, None)

    def test_renewal_times_are_a_half_and_four_fifths_21_4(self, server: Server) -> None:
        (given,) = server.ask(message(Solicit, ia())).associations
        assert (given.t1, given.t2) == (1800, 2880)

    def test_a_lease_without_end_is_never_renewed_7_7(self) -> None:
        server = Server(network(subnet(lease_time=0xFFFFFFFF), ports=[port(MAC, OWN)]))
        (given,) = server.ask(message(Solicit, ia())).associations
        assert (given.t1, given.t2, given.addresses[OWN]) == (0xFFFFFFFF, 0xFFFFFFFF, (0xFFFFFFFF, 0xFFFFFFFF))

    def test_no_other_server_is_waited_for_18_2_1(self, server: Server) -> None:
        assert server.ask(message(Solicit, ia())).option(7) == b"\xff"

    def test_rapid_commit_18_3_1(self, server: Server) -> None:
        seen = server.ask(message(Solicit, ia(), RAPID))
        assert (seen.kind, seen.option(14), seen.addresses) == (REPLY, b"", [OWN])
        assert server.ask(message(Solicit, ia())).option(14) is None

    def test_the_wish_for_another_address_is_not_heard(self, server: Server) -> None:
        assert server.ask(message(Solicit, ia(OTHERS))).addresses == [OWN]

    def test_a_port_without_an_address_is_told_so_18_3_9(self) -> None:
        server = Server(network(subnet(), ports=[port(MAC)]))
        seen = server.ask(message(Solicit, ia(), RAPID, wanted=(SOL_MAX_RT,)))
        assert seen.kind == ADVERTISE
        assert [each.status for each in seen.associations] == [NO_ADDRESSES]
        assert seen.option(SOL_MAX_RT) == (120).to_bytes(4, "big")

    def test_all_addresses_of_the_link_go_to_one_association(self) -> None:
        second = "2001:db8:2::10"
        server = Server(network(subnet(), subnet("2001:db8:2::/64"), ports=[port(MAC, OWN, second)]))
        first, other = server.ask(message(Solicit, ia(iaid=1), ia(iaid=2))).associations
        assert (list(first.addresses), first.status) == ([OWN, second], None)
        assert (other.addresses, other.status) == ({}, NO_ADDRESSES)

    def test_the_association_that_has_the_address_keeps_it(self, server: Server) -> None:
        first, other = server.ask(message(Renew, ia(iaid=1), ia(OWN, iaid=2), server=server.duid)).associations
        assert (first.addresses, first.status) == ({}, NO_BINDING)
        assert list(other.addresses) == [OWN]

    def test_an_address_where_nodes_make_their_own_is_not_given(self) -> None:
        slaac = subnet("2001:db8:2::/64", address_mode="slaac")
        server = Server(network(subnet(), slaac, ports=[port(MAC, eui64(MAC, "2001:db8:2::"))]))
        assert server.ask(message(Solicit, ia())).associations[0].status == NO_ADDRESSES

    def test_prefixes_and_temporary_addresses_are_refused(self, server: Server) -> None:
        seen = server.ask(message(Solicit, ia(), ia(code=25), ia(code=4)))
        assert [each.status for each in seen.associations] == [None, NO_PREFIX, NO_ADDRESSES]

    def test_a_stranger_is_met_with_silence(self, server: Server) -> None:
        assert server.silent(message(Solicit, ia(), duid=duid_ll(STRANGER)), STRANGER) == Drop.UNKNOWN_CLIENT


class TestWhoIsIt:
    """The MAC of the frame, a DUID in intent, what the client shows: in this order."""

    def test_by_mac_whatever_the_duid(self, server: Server) -> None:
        assert server.ask(message(Solicit, ia(), duid=b"\0\x02\0\0\xab\x11whatever"), MAC).addresses == [OWN]
        assert server.ask(message(Solicit, ia(), duid=duid_ll(OTHER_MAC)), MAC).addresses == [OWN]

    def test_by_the_duid_that_intent_names(self) -> None:
        duid = b"\0\x04" + bytes(16)
        server = Server(network(subnet(), ports=[port(MAC, OWN, duid=duid)]))
        assert server.ask(message(Solicit, ia(), duid=duid), STRANGER).addresses == [OWN]

    @pytest.mark.parametrize("duid", [duid_ll(MAC), duid_llt(MAC)])
    def test_by_the_duid_where_the_frame_is_not_seen(self, server: Server, duid: bytes) -> None:
        assert server.ask(message(Solicit, ia(), duid=duid), None).addresses == [OWN]

    def test_by_the_link_local_address_where_the_frame_is_not_seen(self, server: Server) -> None:
        datagram = message(Solicit, ia(), duid=duid_ll(OTHER_MAC))
        assert server.ask(datagram, None, address=eui64(MAC)).addresses == [OWN]

    def test_a_stranger_cannot_say_that_it_is_a_port(self, server: Server) -> None:
        datagram = message(Solicit, ia(), duid=duid_ll(MAC))
        assert server.silent(datagram, STRANGER, address=eui64(MAC)) == Drop.UNKNOWN_CLIENT


class TestRequest:
    def test_gets_its_fixed_ip(self, server: Server) -> None:
        seen = server.ask(message(Request, ia(OWN), server=server.duid))
        assert (seen.kind, seen.addresses, seen.option(7)) == (REPLY, [OWN], None)

    def test_not_on_link_18_3_2(self, server: Server) -> None:
        (given,) = server.ask(message(Request, ia(ELSEWHERE), server=server.duid)).associations
        assert (given.addresses, given.status) == ({}, NOT_ON_LINK)

    def test_another_servers_is_met_with_silence_16_4(self, server: Server) -> None:
        assert server.silent(message(Request, ia(), server=b"\0\x03\0\x01other")) == Drop.OTHER_SERVER

    def test_is_shown_in_status(self, server: Server) -> None:
        server.ask(message(Request, ia(OWN), server=server.duid))
        (row,) = server.responder.leases(server.now)
        assert (str(row.address), row.mac, row.state, row.acknowledged) == (OWN, MAC, "reserved", server.now)


class TestRenewAndRebind:
    def test_extends(self, server: Server) -> None:
        assert server.ask(message(Renew, ia(OWN), server=server.duid)).addresses == [OWN]
        assert server.ask(message(Rebind, ia(OWN))).addresses == [OWN]

    @pytest.mark.parametrize("wrong", [OTHERS, ELSEWHERE])
    def test_a_wrong_address_is_ended_at_once_18_3_4(self, server: Server, wrong: str) -> None:
        for datagram in (message(Renew, ia(wrong), server=server.duid), message(Rebind, ia(wrong))):
            (given,) = server.ask(datagram).associations
            assert given.addresses == {OWN: (3600, 3600), wrong: (0, 0)}

    def test_a_port_that_has_lost_its_address_stops_using_it(self) -> None:
        server = Server(network(subnet(), ports=[port(MAC)]))
        for datagram in (message(Renew, ia(OWN), server=server.duid), message(Rebind, ia(OWN))):
            (given,) = server.ask(datagram).associations
            assert (given.addresses, given.t1, given.t2) == ({OWN: (0, 0)}, 0, 0)

    def test_a_stranger(self, server: Server) -> None:
        (given,) = server.ask(message(Renew, ia(OWN), server=server.duid), STRANGER).associations
        assert (given.addresses, given.status) == ({}, NO_BINDING)
        assert server.silent(message(Rebind, ia(OWN)), STRANGER) == Drop.NO_RECORD
        (given,) = server.ask(message(Rebind, ia(ELSEWHERE)), STRANGER).associations
        assert given.addresses == {ELSEWHERE: (0, 0)}  # 18.3.5: not of this link, whoever gave it


class TestConfirm:
    def test_on_link_and_not_18_3_3(self, server: Server) -> None:
        assert server.ask(message(Confirm, ia(OWN))).status == SUCCESS
        assert server.ask(message(Confirm, ia(OTHERS)), STRANGER).status == SUCCESS  # it asks about the link only
        assert server.ask(message(Confirm, ia(OWN, ELSEWHERE))).status == NOT_ON_LINK
        assert server.ask(message(Confirm, ia(OWN), ia(ELSEWHERE, code=4))).status == NOT_ON_LINK

    def test_nothing_to_confirm_is_met_with_silence_18_3_3(self, server: Server) -> None:
        assert server.silent(message(Confirm, ia())) == Drop.NOTHING_TO_CONFIRM

    def test_says_no_more_than_status(self, server: Server) -> None:
        assert server.ask(message(Confirm, ia(OWN))).codes == [1, 2, 13]


class TestReleaseAndDecline:
    def test_release_is_thanked_for_and_the_address_stays_18_3_7(self, server: Server) -> None:
        server.ask(message(Request, ia(OWN), server=server.duid))
        seen = server.ask(message(Release, ia(OWN), server=server.duid))
        assert (seen.kind, seen.status, seen.codes) == (REPLY, SUCCESS, [1, 2, 13])
        assert server.responder.leases(server.now) == []
        assert server.ask(message(Solicit, ia())).addresses == [OWN]

    def test_decline_is_reported_18_3_8(self, server: Server) -> None:
        assert server.ask(message(Decline, ia(OWN), server=server.duid)).status == SUCCESS
        (row,) = server.responder.leases(server.now)
        assert (str(row.address), row.declined) == (OWN, server.now)

    @pytest.mark.parametrize("kind", [Release, Decline])
    def test_nobody_speaks_for_another_ports_address(self, server: Server, kind: object) -> None:
        server.ask(message(Request, ia(OTHERS), server=server.duid), OTHER_MAC)
        before = server.responder.leases(server.now)
        seen = server.ask(message(kind, ia(OTHERS), ia(OWN, iaid=2), server=server.duid))
        assert [(each.iaid, each.status) for each in seen.associations] == [(1, NO_BINDING)]
        assert [row for row in server.responder.leases(server.now) if row.mac == OTHER_MAC] == before


class TestAcceptance:
    """RFC 8415 section 16: what is discarded."""

    @pytest.mark.parametrize("kind", [Solicit, Confirm, Rebind, Request, Renew, Release, Decline])
    def test_without_a_client_identifier(self, server: Server, kind: object) -> None:
        named = server.duid if kind in (Request, Renew, Release, Decline) else None
        datagram = message(kind, ia(OWN), duid=None, server=named)
        assert server.silent(datagram) == Drop.NO_CLIENT_IDENTIFIER

    @pytest.mark.parametrize("kind", [Request, Renew, Release, Decline])
    def test_without_a_server_identifier(self, server: Server, kind: object) -> None:
        assert server.silent(message(kind, ia(OWN))) == Drop.NO_SERVER_IDENTIFIER

    @pytest.mark.parametrize("kind", [Solicit, Confirm, Rebind])
    def test_with_a_server_identifier(self, server: Server, kind: object) -> None:
        assert server.silent(message(kind, ia(OWN), server=server.duid)) == Drop.ODD_SERVER_IDENTIFIER

    @pytest.mark.parametrize("kind", [Solicit, Confirm, Rebind, Inform])
    def test_unicast_is_discarded(self, server: Server, kind: object) -> None:
        parts = () if kind is Inform else (ia(OWN),)
        assert server.silent(message(kind, *parts), unicast=True) == Drop.UNICAST

    @pytest.mark.parametrize("kind", [Request, Renew, Release, Decline])
    def test_unicast_is_sent_back_to_multicast(self, server: Server, kind: object) -> None:
        seen = server.ask(message(kind, ia(OWN), server=server.duid), unicast=True)
        assert (seen.status, seen.codes) == (USE_MULTICAST, [1, 2, 13])

    @pytest.mark.parametrize("kind", [2, 7, 10, 13, 14, 0, 255])
    def test_what_servers_and_relays_send(self, server: Server, kind: int) -> None:
        assert server.silent(bytes((kind,)) + message(Solicit, ia())[1:]) == Drop.NOT_FOR_SERVERS

    @pytest.mark.parametrize("duid", [b"\0\x01", b"x" * 131])
    def test_impossible_identifiers(self, server: Server, duid: bytes) -> None:
        assert server.silent(message(Solicit, ia(), duid=duid)) == Drop.BAD_FIELD

    @pytest.mark.parametrize(
        "part", [tlv(3, bytes(11)), tlv(3, bytes(12) + tlv(5, bytes(23))), tlv(4, bytes(3)), tlv(25, bytes(4))]
    )
    def test_impossible_associations(self, server: Server, part: bytes) -> None:
        assert server.silent(message(Solicit, part)) == Drop.BAD_FIELD

    def test_options_that_run_over_the_end(self, server: Server) -> None:
        assert server.silent(message(Solicit, ia())[:-1]) == Drop.BAD_OPTIONS
        assert server.silent(message(Solicit, ia()) + b"\0\x06\0") == Drop.BAD_OPTIONS

    def test_too_short_and_too_long(self, server: Server) -> None:
        assert server.silent(b"") == Drop.TOO_SHORT
        assert server.silent(b"\x01\0\0") == Drop.TOO_SHORT
        assert server.silent(message(Solicit, ia()) + tlv(99, bytes(2048))) == Drop.TOO_LONG


class TestInformation:
    """Information-request: RFC 8415 section 18.3.6."""

    def test_anybody_on_a_link_with_dhcpv6_is_answered(self) -> None:
        server = Server(network(subnet(address_mode="dhcpv6-stateless", dns_servers=(subnet().cidr[53],))))
        seen = server.ask(message(Inform, duid=duid_ll(STRANGER)), STRANGER)
        assert (seen.kind, seen.option(DNS), seen.associations) == (REPLY, subnet().cidr[53].packed, [])
        assert server.ask(message(Inform, duid=None), STRANGER).codes == [2, DNS]

    def test_who_asks_for_addresses_too_is_not_16_12(self, server: Server) -> None:
        assert server.silent(message(Inform, ia())) == Drop.IA_IN_INFORMATION_REQUEST

    def test_another_server(self, server: Server) -> None:
        assert server.silent(message(Inform, server=b"\0\x03\0\x01other")) == Drop.OTHER_SERVER
        assert server.ask(message(Inform, server=server.duid)).kind == REPLY

    @pytest.mark.parametrize("mode", ["slaac", None])
    def test_where_there_is_no_dhcpv6_there_is_silence(self, mode: str | None) -> None:
        server = Server(network(subnet(address_mode=mode), ports=[port(MAC, OWN)]))
        assert server.silent(message(Inform)) == Drop.NO_SUBNET
        assert server.silent(message(Solicit, ia())) == Drop.NO_SUBNET
        assert server.silent(message(Confirm, ia(OWN))) == Drop.NO_SUBNET


def test_the_servers_duid_is_the_same_after_a_restart_and_another_on_another_network(server: Server) -> None:
    assert server.duid == Server(server.responder.network).duid
    other = Server(network(subnet(), dhcp_port=None, ports=()))
    assert other.duid == server.duid
    assert server.duid[:2] == b"\0\x04" and len(server.duid) == 18  # DUID-UUID, RFC 6355
