"""Ports: RFC 2131 section 4.3, with a binding that never changes."""

import pytest
from tests.unit.services.dhcp4.guest import (
    ACK,
    DECLINE,
    DISCOVER,
    INFORM,
    MAC,
    NAK,
    NOW,
    OFFER,
    OTHER_MAC,
    RELEASE,
    REQUEST,
    STRANGER,
    Server,
    network,
    port,
    subnet,
)

from netmend.services.dhcp4 import Drop

SERVER, ADDRESS, OTHER_ADDRESS = "192.0.2.2", "192.0.2.10", "192.0.2.11"


@pytest.fixture
def server() -> Server:
    return Server(network(subnet(), ports=[port(MAC, ADDRESS), port(OTHER_MAC, OTHER_ADDRESS)]))


class TestDiscover:
    def test_is_offered_its_fixed_ip(self, server: Server) -> None:
        seen = server.ask(DISCOVER, xid=0xCAFEF00D)
        assert (seen.kind, seen.yiaddr) == (OFFER, ADDRESS)
        assert seen.named["server_id"] == SERVER
        assert seen.named["lease_time"] == 3600
        assert (seen.named["renewal_time"], seen.named["rebinding_time"]) == (1800, 3150)  # RFC 2131 section 4.4.5

    def test_header_is_that_of_table_3(self, server: Server) -> None:
        seen = server.ask(DISCOVER, xid=0xCAFEF00D, ciaddr="192.0.2.77", broadcast=True)
        bootp = seen.bootp
        assert (bootp.op, bootp.htype, bootp.hlen, bootp.hops, bootp.secs) == (2, 1, 6, 0, 0)
        assert bootp.xid == 0xCAFEF00D
        assert bootp.flags == "B"
        assert (bootp.ciaddr, bootp.siaddr, bootp.giaddr) == ("0.0.0.0", "0.0.0.0", "0.0.0.0")
        assert bytes(seen.reply.payload[28:44]) == bytes.fromhex(MAC.replace(":", "")).ljust(16, b"\0")

    def test_another_address_asked_for_changes_nothing(self, server: Server) -> None:
        assert server.ask(DISCOVER, requested=OTHER_ADDRESS).yiaddr == ADDRESS

    def test_a_mac_that_is_no_port_gets_silence(self, server: Server) -> None:
        assert server.silent(DISCOVER, mac=STRANGER) is Drop.UNKNOWN_CLIENT

    def test_a_port_without_a_fixed_ip_gets_silence_where_nothing_is_dynamic(self) -> None:
        assert Server(network(subnet(), ports=[port()])).silent(DISCOVER) is Drop.NO_ADDRESS

    def test_a_client_identifier_does_not_make_another_client_of_a_port(self, server: Server) -> None:
        assert server.ask(DISCOVER, client_id=b"\x00anything").yiaddr == ADDRESS


class TestRequestSelecting:
    """Server identifier and requested address, no ciaddr."""

    def test_the_offered_address_is_acknowledged(self, server: Server) -> None:
        seen = server.ask(REQUEST, server=SERVER, requested=ADDRESS)
        assert (seen.kind, seen.yiaddr, seen.bootp.ciaddr) == (ACK, ADDRESS, "0.0.0.0")

    def test_an_address_that_is_not_the_ports_is_refused(self, server: Server) -> None:
        assert server.ask(REQUEST, server=SERVER, requested=OTHER_ADDRESS).kind == NAK

    def test_another_server_was_chosen(self, server: Server) -> None:
        assert server.silent(REQUEST, server="192.0.2.3", requested=ADDRESS) is Drop.OTHER_SERVER

    def test_no_address_at_all_is_no_request(self, server: Server) -> None:
        assert server.silent(REQUEST, server=SERVER) is Drop.BAD_FIELD


class TestRequestInitReboot:
    """Requested address alone."""

    def test_the_remembered_address_is_right(self, server: Server) -> None:
        seen = server.ask(REQUEST, requested=ADDRESS)
        assert (seen.kind, seen.yiaddr) == (ACK, ADDRESS)

    def test_the_remembered_address_is_another_on_this_network(self, server: Server) -> None:
        assert server.ask(REQUEST, requested=OTHER_ADDRESS).kind == NAK

    def test_the_client_has_moved_here_from_another_network(self, server: Server) -> None:
        assert server.ask(REQUEST, requested="198.51.100.7").kind == NAK

    def test_no_record_of_the_client_means_silence(self, server: Server) -> None:
        assert server.silent(REQUEST, mac=STRANGER, requested="198.51.100.7") is Drop.UNKNOWN_CLIENT


class TestRequestRenewingAndRebinding:
    """ciaddr alone; the first by unicast, the second by broadcast, which a server answers alike."""

    def test_the_lease_is_extended(self, server: Server) -> None:
        seen = server.ask(REQUEST, ciaddr=ADDRESS)
        assert (seen.kind, seen.yiaddr, seen.bootp.ciaddr) == (ACK, ADDRESS, ADDRESS)
        assert seen.named["lease_time"] == 3600

    def test_an_address_that_is_not_the_ports_is_refused(self, server: Server) -> None:
        seen = server.ask(REQUEST, ciaddr=OTHER_ADDRESS)
        assert (seen.kind, seen.to) == (NAK, ("255.255.255.255", 68))


class TestNak:
    def test_carries_type_server_message_and_client_identifier_only(self, server: Server) -> None:
        seen = server.ask(REQUEST, requested=OTHER_ADDRESS, client_id=b"\x01me", wanted=[1, 3, 6])
        assert seen.order == [53, 54, 56, 61, 255]
        bootp = seen.bootp
        assert (bootp.ciaddr, bootp.yiaddr, bootp.siaddr) == ("0.0.0.0", "0.0.0.0", "0.0.0.0")


class TestInform:
    def test_gets_options_and_no_address_nor_lease(self, server: Server) -> None:
        seen = server.ask(INFORM, ciaddr=ADDRESS)
        assert (seen.kind, seen.yiaddr, seen.bootp.ciaddr) == (ACK, "0.0.0.0", ADDRESS)
        assert not {51, 58, 59} & set(seen.options)
        assert seen.options[3] == b"\xc0\x00\x02\x01"
        assert seen.to == (ADDRESS, 68)

    def test_a_client_that_set_its_own_address_gets_options_too(self, server: Server) -> None:
        assert server.ask(INFORM, ciaddr="192.0.2.200").to == ("192.0.2.200", 68)

    def test_the_source_stands_in_for_a_missing_ciaddr(self, server: Server) -> None:
        assert server.ask(INFORM, source=(ADDRESS, 68)).to == (ADDRESS, 68)
        assert server.silent(INFORM, source=("0.0.0.0", 68)) is Drop.BAD_FIELD

    @pytest.mark.parametrize("address", [OTHER_ADDRESS, SERVER, "192.0.2.1", "192.0.2.255"])
    def test_nobody_is_answered_at_an_address_that_is_anothers(self, server: Server, address: str) -> None:
        assert server.silent(INFORM, ciaddr=address) is Drop.NOT_ITS_ADDRESS

    def test_an_address_of_another_network_gets_silence(self, server: Server) -> None:
        assert server.silent(INFORM, ciaddr="198.51.100.7") is Drop.NO_SUBNET


class TestDeclineAndRelease:
    def test_a_declined_fixed_ip_is_reported_and_offered_again(self, server: Server) -> None:
        assert server.silent(DECLINE, server=SERVER, requested=ADDRESS) is Drop.NOTED
        (row,) = server.responder.leases(NOW)
        assert (str(row.address), row.port_id, row.declined) == (ADDRESS, f"port {MAC}", NOW)
        assert server.ask(DISCOVER).yiaddr == ADDRESS

    def test_an_acknowledged_port_is_listed_until_it_releases(self, server: Server) -> None:
        server.ask(REQUEST, server=SERVER, requested=ADDRESS)
        (row,) = server.responder.leases(NOW)
        assert (row.state, row.acknowledged, row.expires) == ("reserved", NOW, None)
        assert server.silent(RELEASE, server=SERVER, ciaddr=ADDRESS) is Drop.NOTED
        assert server.responder.leases(NOW) == []
        assert server.ask(DISCOVER).yiaddr == ADDRESS

    @pytest.mark.parametrize("kind", [DECLINE, RELEASE])
    def test_nobody_speaks_for_another_ports_address(self, server: Server, kind: int) -> None:
        fields = {"requested": OTHER_ADDRESS} if kind == DECLINE else {"ciaddr": OTHER_ADDRESS}
        assert server.silent(kind, server=SERVER, **fields) is Drop.NOT_ITS_ADDRESS
        assert server.responder.leases(NOW) == []

    @pytest.mark.parametrize("kind", [DECLINE, RELEASE])
    def test_must_name_this_server(self, server: Server, kind: int) -> None:
        assert server.silent(kind, requested=ADDRESS, ciaddr=ADDRESS) is Drop.BAD_FIELD
        assert server.silent(kind, server="192.0.2.3", requested=ADDRESS, ciaddr=ADDRESS) is Drop.OTHER_SERVER


def test_what_was_said_and_what_was_not_is_counted(server: Server) -> None:
    server.ask(DISCOVER)
    server.ask(REQUEST, requested=OTHER_ADDRESS)
    server.silent(DISCOVER, mac=STRANGER)
    assert server.responder.counters.as_dict() == {
        "received": {"discover": 2, "request": 1},
        "sent": {"offer": 1, "nak": 1},
        "dropped": {"unknown_client": 1},
    }


class TestSeveralSubnets:
    """A port may have one address in each subnet of its network."""

    @pytest.fixture
    def server(self) -> Server:
        subnets = subnet(), subnet("198.51.100.0/24")
        return Server(network(*subnets, ports=[port(MAC, ADDRESS, "198.51.100.10"), port(OTHER_MAC, "198.51.100.11")]))

    def test_the_first_is_offered_unless_another_is_asked_for(self, server: Server) -> None:
        assert server.ask(DISCOVER).yiaddr == ADDRESS
        assert server.ask(DISCOVER, requested="198.51.100.10").yiaddr == "198.51.100.10"
        assert server.ask(DISCOVER, requested="203.0.113.1").yiaddr == ADDRESS

    def test_each_is_told_the_options_of_its_own_subnet(self, server: Server) -> None:
        seen = server.ask(DISCOVER, mac=OTHER_MAC)
        assert seen.named["server_id"] == "198.51.100.2"
        assert seen.options[3] == b"\xc6\x33\x64\x01"

    def test_either_can_be_requested_of_either_server_address(self, server: Server) -> None:
        for address in (ADDRESS, "198.51.100.10"):
            seen = server.ask(REQUEST, server="192.0.2.2", requested=address)
            assert (seen.kind, seen.yiaddr) == (ACK, address)
