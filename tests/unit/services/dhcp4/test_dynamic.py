"""MACs that are no port's: RFC 2131 section 4.3, with leases from a pool."""

import pytest
from msgspec.structs import replace
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

from netmend.services.dhcp4 import Dhcp4Responder, Drop, LeaseTable
from netmend.services.leases.table import DECLINE_HOLD, EXHAUSTED_HOLD, OFFER_HOLD

SERVER = "192.0.2.2"
POOL = [f"192.0.2.{last}" for last in range(100, 110)]
SECOND = "02:00:00:00:ff:02"


@pytest.fixture
def server() -> Server:
    return Server(network(subnet(dynamic=True), ports=[port(MAC, "192.0.2.10")]))


def lease(server: Server, mac: str = STRANGER, **fields: bytes) -> str:
    """Get a lease as a client does."""
    offered = server.ask(DISCOVER, mac=mac, **fields).yiaddr
    seen = server.ask(REQUEST, mac=mac, server=SERVER, requested=offered, **fields)
    assert (seen.kind, seen.yiaddr) == (ACK, offered)
    return offered


CLIENT_IDS = {
    "none": None,
    "a MAC": b"\x01" + bytes.fromhex(OTHER_MAC.replace(":", "")),
    "a UUID, of PXE firmware": b"\x00" + bytes(range(16)),
    "IAID and DUID-EN, of systemd": b"\xff" + bytes(4) + b"\x00\x02" + bytes(12),
    "IAID and DUID-LLT, of dhcpcd": b"\xff" + bytes(4) + b"\x00\x01" + bytes(12),
    "text": b"\x00me",
}


class TestPortWithoutFixedIp:
    """One port has one lease, whatever its firmware, its initramfs and its system call themselves."""

    def test_one_lease_whatever_identifier_it_sends(self) -> None:
        server = Server(network(subnet(dynamic=True), ports=[port(OTHER_MAC)]))
        given = {lease(server, OTHER_MAC, **sent(client_id)) for client_id in CLIENT_IDS.values()}
        assert len(given) == 1
        (row,) = server.responder.leases(server.now)
        assert (row.state, row.mac, row.port_id) == ("leased", OTHER_MAC, port(OTHER_MAC).id)

    def test_one_stage_renews_and_releases_what_another_was_given(self) -> None:
        server = Server(network(subnet(dynamic=True), ports=[port(OTHER_MAC)]))
        address = lease(server, OTHER_MAC, client_id=b"\x00me")
        for fields in ({"requested": address}, {"ciaddr": address}):
            assert server.ask(REQUEST, mac=OTHER_MAC, **fields).yiaddr == address
        server.silent(RELEASE, mac=OTHER_MAC, ciaddr=address, server=SERVER)
        assert [row.state for row in server.responder.leases(server.now)] == ["expired"]

    def test_a_lease_for_each_identifier_where_intent_says_so(self) -> None:
        server = Server(network(subnet(dynamic=True, lease_per="client"), ports=[port(OTHER_MAC)]))
        given = {lease(server, OTHER_MAC, **sent(client_id)) for client_id in CLIENT_IDS.values()}
        assert len(given) == len(CLIENT_IDS)

    def test_strangers_keep_a_lease_for_each_identifier(self, server: Server) -> None:
        assert lease(server, client_id=b"\x00me") != lease(server, client_id=b"\x00you")

    def test_a_stranger_that_becomes_a_port_keeps_its_address(self) -> None:
        server = Server(network(subnet(dynamic=True)))
        address = lease(server, OTHER_MAC, client_id=b"\x00me")
        server.responder.update(network(subnet(dynamic=True), ports=[port(OTHER_MAC)]))
        assert lease(server, OTHER_MAC, client_id=b"\x00me") == address
        assert lease(server, OTHER_MAC) == address
        assert len(server.responder.leases(server.now)) == 1

    def test_a_port_takes_no_lease_of_another_by_its_identifier(self) -> None:
        server = Server(network(subnet(dynamic=True)))
        address = lease(server, SECOND, client_id=b"\x00me")
        server.responder.update(network(subnet(dynamic=True), ports=[port(OTHER_MAC)]))
        assert lease(server, OTHER_MAC, client_id=b"\x00me") != address

    def test_it_is_the_same_after_a_restart(self) -> None:
        intent = network(subnet(dynamic=True), ports=[port(OTHER_MAC)])
        server = Server(intent)
        address = lease(server, OTHER_MAC, client_id=b"\x00me")
        restarted = Server(intent, LeaseTable(server.responder.take_changes()))
        assert lease(restarted, OTHER_MAC, client_id=b"\x00you") == address


def sent(client_id: bytes | None) -> dict[str, bytes]:
    return {} if client_id is None else {"client_id": client_id}


class TestAllocation:
    """The order of RFC 2131 section 4.3.1: current binding, previous binding, the requested address, any."""

    def test_any_address_of_the_pool(self, server: Server) -> None:
        assert lease(server) in POOL

    def test_the_same_address_while_the_lease_runs(self, server: Server) -> None:
        assert lease(server) == lease(server)

    def test_the_same_address_long_after_it_has_expired(self, server: Server) -> None:
        first = lease(server, SECOND)
        server.now += 10 * 3600
        lease(server)
        assert lease(server, SECOND) == first

    def test_the_requested_address_when_it_is_free(self, server: Server) -> None:
        assert server.ask(DISCOVER, mac=STRANGER, requested="192.0.2.105").yiaddr == "192.0.2.105"

    @pytest.mark.parametrize(
        "unfit", ["192.0.2.10", "192.0.2.1", "192.0.2.2", "192.0.2.50", "198.51.100.100", "0.0.0.0"]
    )
    def test_another_when_the_requested_is_not_of_the_pool(self, server: Server, unfit: str) -> None:
        assert server.ask(DISCOVER, mac=STRANGER, requested=unfit).yiaddr in POOL

    def test_another_when_the_requested_is_anothers(self, server: Server) -> None:
        taken = lease(server)
        assert server.ask(DISCOVER, mac=SECOND, requested=taken).yiaddr != taken

    def test_never_the_address_of_a_port_the_gateway_or_the_server(self) -> None:
        base = subnet(dynamic=True)
        gateway_in_pool = subnet(dynamic=True, gateway=base.pools[0].first, server_address=base.pools[0].last)
        server = Server(network(gateway_in_pool, ports=[port(MAC, "192.0.2.101")]))
        offered = {server.ask(DISCOVER, mac=f"02:00:00:00:ff:{n:02x}").yiaddr for n in range(7)}
        assert offered == set(POOL[2:9])
        assert server.silent(DISCOVER, mac="02:00:00:00:ff:f0") is Drop.POOL_EXHAUSTED

    def test_a_client_is_known_by_its_identifier_when_it_sends_one(self, server: Server) -> None:
        assert lease(server, STRANGER, client_id=b"\x00me") == lease(server, SECOND, client_id=b"\x00me")
        assert lease(server, STRANGER, client_id=b"\x00you") != lease(server, STRANGER, client_id=b"\x00me")


def test_a_port_without_a_fixed_ip_gets_a_lease_with_its_own_options() -> None:
    ports = [port(MAC, hostname="vm1", dhcp_options=((224, b"x"),))]
    server = Server(network(subnet(), subnet("198.51.100.0/24", dynamic=True), ports=ports))
    seen = server.ask(DISCOVER, mac=MAC)
    assert (seen.yiaddr, seen.options[12], seen.options[224]) == ("198.51.100.100", b"vm1", b"x")
    assert server.ask(REQUEST, mac=MAC, server="198.51.100.2", requested=seen.yiaddr).kind == ACK
    assert server.silent(DISCOVER, mac=MAC, giaddr="192.0.2.3") is Drop.NO_ADDRESS


class TestExhaustion:
    def test_silence_then_the_offers_that_nobody_took(self, server: Server) -> None:
        for n in range(10):
            server.ask(DISCOVER, mac=f"02:00:00:00:ee:{n:02x}")
        assert server.silent(DISCOVER, mac=STRANGER) is Drop.POOL_EXHAUSTED
        server.now += OFFER_HOLD
        assert lease(server) in POOL

    def test_it_is_told_once_and_stands_until_nobody_is_turned_away_any_more(self) -> None:
        told: list[str] = []
        server = Server(network(subnet(dynamic=True)))
        server.responder = Dhcp4Responder(network(subnet(dynamic=True)), exhausted=lambda: told.append("exhausted"))
        for n in range(10):
            server.ask(DISCOVER, mac=f"02:00:00:00:ee:{n:02x}")
        assert not server.responder.is_exhausted(server.now)
        for _ in range(3):
            assert server.silent(DISCOVER, mac=STRANGER) is Drop.POOL_EXHAUSTED
        assert told == ["exhausted"]
        assert server.responder.is_exhausted(server.now + EXHAUSTED_HOLD - 1)
        server.now += EXHAUSTED_HOLD
        assert not server.responder.is_exhausted(server.now)

    def test_one_subnet_that_is_full_is_no_exhaustion(self) -> None:
        server = Server(network(subnet(dynamic=True), subnet("198.51.100.0/24", dynamic=True)))
        for n in range(20):
            server.ask(DISCOVER, mac=f"02:00:00:00:ee:{n:02x}")
        assert not server.responder.is_exhausted(server.now)

    def test_the_lease_that_expired_longest_ago_is_reused_first(self, server: Server) -> None:
        leased = []
        for n in range(10):
            leased.append(lease(server, f"02:00:00:00:ee:{n:02x}"))
            server.now += 1
        server.now += 3600
        assert lease(server, STRANGER) == leased[0]
        assert lease(server, SECOND) == leased[1]


class TestRequest:
    def test_selecting_another_server_frees_the_offer(self, server: Server) -> None:
        offered = server.ask(DISCOVER, mac=STRANGER).yiaddr
        assert server.silent(REQUEST, mac=STRANGER, server="192.0.2.3", requested=offered) is Drop.OTHER_SERVER
        assert server.ask(DISCOVER, mac=SECOND, requested=offered).yiaddr == offered

    def test_selecting_after_the_offer_has_lapsed_works_while_the_address_is_free(self, server: Server) -> None:
        offered = server.ask(DISCOVER, mac=STRANGER).yiaddr
        server.now += 2 * OFFER_HOLD
        assert server.ask(REQUEST, mac=STRANGER, server=SERVER, requested=offered).kind == ACK

    def test_selecting_an_address_that_has_gone_to_another_is_refused(self, server: Server) -> None:
        taken = lease(server, SECOND)
        assert server.ask(REQUEST, mac=STRANGER, server=SERVER, requested=taken).kind == NAK

    @pytest.mark.parametrize("field", ["requested", "ciaddr"])
    def test_the_recorded_address_is_acknowledged(self, server: Server, field: str) -> None:
        address = lease(server)
        server.now += 1800
        assert server.ask(REQUEST, mac=STRANGER, **{field: address}).kind == ACK
        (row,) = server.responder.leases(server.now)
        assert (row.state, row.expires) == ("leased", NOW + 1800 + 3600)

    @pytest.mark.parametrize("field", ["requested", "ciaddr"])
    def test_another_address_of_a_recorded_client_is_refused(self, server: Server, field: str) -> None:
        lease(server)
        assert server.ask(REQUEST, mac=STRANGER, **{field: "192.0.2.109"}).kind == NAK
        assert server.ask(REQUEST, mac=STRANGER, **{field: "192.0.2.77"}).kind == NAK

    @pytest.mark.parametrize("field", ["requested", "ciaddr"])
    def test_no_record_means_silence(self, server: Server, field: str) -> None:
        assert server.silent(REQUEST, mac=STRANGER, **{field: "192.0.2.105"}) is Drop.NO_RECORD

    @pytest.mark.parametrize("field", ["requested", "ciaddr"])
    def test_an_address_of_another_network_is_refused_without_a_record(self, server: Server, field: str) -> None:
        assert server.ask(REQUEST, mac=STRANGER, **{field: "198.51.100.7"}).kind == NAK

    def test_a_lease_whose_address_became_a_ports_is_refused_then_replaced(self, server: Server) -> None:
        address = lease(server)
        server.responder.update(network(subnet(dynamic=True), ports=[port(MAC, address)]))
        assert server.ask(REQUEST, mac=STRANGER, ciaddr=address).kind == NAK
        assert lease(server) != address
        assert server.ask(DISCOVER, mac=MAC).yiaddr == address


class TestDecline:
    def test_the_address_is_kept_from_everybody_for_a_while(self, server: Server) -> None:
        address = lease(server)
        assert server.silent(DECLINE, mac=STRANGER, server=SERVER, requested=address) is Drop.NOTED
        assert server.ask(DISCOVER, mac=STRANGER, requested=address).yiaddr != address
        assert server.ask(DISCOVER, mac=SECOND, requested=address).yiaddr != address
        assert server.ask(REQUEST, mac=SECOND, server=SERVER, requested=address).kind == NAK
        assert "declined" in {row.state for row in server.responder.leases(server.now)}
        server.now += DECLINE_HOLD
        assert server.ask(DISCOVER, mac="02:00:00:00:ff:03", requested=address).yiaddr == address

    def test_only_by_the_client_that_has_it(self, server: Server) -> None:
        address = lease(server)
        assert server.silent(DECLINE, mac=SECOND, server=SERVER, requested=address) is Drop.NOT_ITS_ADDRESS
        assert server.ask(REQUEST, mac=STRANGER, ciaddr=address).kind == ACK


class TestRelease:
    def test_ends_the_lease_and_keeps_the_memory(self, server: Server) -> None:
        address = lease(server)
        assert server.silent(RELEASE, mac=STRANGER, server=SERVER, ciaddr=address) is Drop.NOTED
        (row,) = server.responder.leases(server.now)
        assert row.state == "expired"
        assert lease(server) == address

    def test_another_may_have_the_address_at_once(self, server: Server) -> None:
        address = lease(server)
        server.silent(RELEASE, mac=STRANGER, server=SERVER, ciaddr=address)
        assert server.ask(DISCOVER, mac=SECOND, requested=address).yiaddr == address

    def test_only_by_the_client_that_has_it(self, server: Server) -> None:
        address = lease(server)
        assert server.silent(RELEASE, mac=SECOND, server=SERVER, ciaddr=address) is Drop.NOT_ITS_ADDRESS


class TestInform:
    def test_gets_options(self, server: Server) -> None:
        seen = server.ask(INFORM, mac=STRANGER, ciaddr="192.0.2.77")
        assert (seen.kind, seen.yiaddr, seen.to) == (ACK, "0.0.0.0", ("192.0.2.77", 68))

    def test_not_at_a_ports_address(self, server: Server) -> None:
        assert server.silent(INFORM, mac=STRANGER, ciaddr="192.0.2.10") is Drop.NOT_ITS_ADDRESS


class TestStorage:
    def test_an_acknowledged_lease_is_to_be_stored_and_is_honoured_after_a_restart(self, server: Server) -> None:
        server.ask(DISCOVER, mac=STRANGER)
        assert server.responder.take_changes() == []  # an offer is not worth it
        address = lease(server)
        stored = server.responder.take_changes()
        assert len(stored) == 1
        restarted = Server(server.responder.network, LeaseTable(stored))
        assert restarted.ask(REQUEST, mac=STRANGER, ciaddr=address).kind == ACK
        assert restarted.ask(DISCOVER, mac=SECOND, requested=address).yiaddr != address

    def test_a_declined_address_stays_away_after_a_restart(self, server: Server) -> None:
        address = lease(server)
        server.silent(DECLINE, mac=STRANGER, server=SERVER, requested=address)
        restarted = Server(server.responder.network, LeaseTable(server.responder.take_changes()))
        assert restarted.ask(DISCOVER, mac=SECOND, requested=address).yiaddr != address


class TestSeveralSubnets:
    def test_only_dynamic_ones_lease_and_the_next_serves_when_one_is_full(self) -> None:
        subnets = subnet(), subnet("198.51.100.0/24", dynamic=True), subnet("203.0.113.0/24", dynamic=True)
        server = Server(network(*subnets))
        macs = [f"02:00:00:00:ff:{n:02x}" for n in range(20)]
        offered = [server.ask(DISCOVER, mac=mac).yiaddr for mac in macs]
        assert offered == [f"198.51.100.{n}" for n in range(100, 110)] + [f"203.0.113.{n}" for n in range(100, 110)]
        assert server.ask(DISCOVER, mac=macs[15]).yiaddr == offered[15]
        assert server.silent(DISCOVER, mac="02:00:00:00:fe:00") is Drop.POOL_EXHAUSTED

    def test_the_subnet_of_the_requested_address_comes_first(self) -> None:
        server = Server(network(subnet(dynamic=True), subnet("198.51.100.0/24", dynamic=True)))
        seen = server.ask(DISCOVER, mac=STRANGER, requested="198.51.100.105")
        assert (seen.kind, seen.yiaddr, seen.named["server_id"]) == (OFFER, "198.51.100.105", "198.51.100.2")


def test_what_is_stored_takes_the_place_of_what_was_given_without_it(server: Server) -> None:
    """The lease file could not be read at first, and can be now: what it says of an address holds."""
    without = lease(server, SECOND)
    (row,) = server.responder.take_changes()
    server.responder.restore([replace(row, client=b"\1" + bytes.fromhex(STRANGER.replace(":", "")))])
    assert server.ask(DISCOVER, mac=SECOND).yiaddr != without
    assert server.responder.held()[0].address == row.address
