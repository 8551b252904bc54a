"""Clients that are no port, where a subnet is dynamic: leases from its pools."""

from ipaddress import IPv6Address

import pytest
from msgspec.structs import replace
from tests.unit.services.dhcp6.guest import (
    MAC,
    NO_ADDRESSES,
    NO_BINDING,
    OTHER_MAC,
    STRANGER,
    SUCCESS,
    Decline,
    Rebind,
    Release,
    Renew,
    Request,
    Server,
    Solicit,
    duid_ll,
    duid_llt,
    ia,
    message,
    network,
    port,
    subnet,
    tlv,
)

from netmend.intent import Pool6
from netmend.services.dhcp6 import Drop
from netmend.services.leases.table import DECLINE_HOLD, OFFER_HOLD, LeaseTable

POOL = [str(subnet().cidr[number]) for number in range(0x100, 0x10A)]
ELSEWHERE = "2001:db8:99::10"
RAPID = tlv(14, b"")
ENTERPRISE = b"\0\x02\0\0\xab\x11"


@pytest.fixture
def server() -> Server:
    return Server(network(subnet(dynamic=True), ports=[port(MAC, POOL[0]), port(OTHER_MAC)]))


def lease(server: Server, duid: bytes = ENTERPRISE, *wanted: str, iaid: int = 1, mac: str = STRANGER) -> str:
    """Solicit and Request, as a stranger or from another `mac`."""
    (offered,) = server.ask(message(Solicit, ia(*wanted, iaid=iaid), duid=duid), mac).addresses
    request = message(Request, ia(offered, iaid=iaid), duid=duid, server=server.duid)
    assert server.ask(request, mac).addresses == [offered]
    return offered


class TestAllocation:
    def test_an_address_of_the_pool_that_is_no_ports(self, server: Server) -> None:
        assert lease(server) == POOL[1]
        assert lease(server, ENTERPRISE + b"2") == POOL[2]

    def test_other_servers_may_have_better_so_no_preference(self, server: Server) -> None:
        assert server.ask(message(Solicit, ia()), STRANGER).option(7) is None

    def test_the_one_it_asks_for_if_it_is_free(self, server: Server) -> None:
        assert lease(server, ENTERPRISE, POOL[5]) == POOL[5]
        assert lease(server, ENTERPRISE + b"2", POOL[5]) != POOL[5]
        assert lease(server, ENTERPRISE + b"3", POOL[0]) != POOL[0]  # a port's

    def test_one_for_each_association_12(self, server: Server) -> None:
        seen = server.ask(message(Solicit, ia(iaid=1), ia(iaid=2), RAPID, duid=ENTERPRISE), STRANGER)
        assert seen.addresses == [POOL[1], POOL[2]]
        assert lease(server, ENTERPRISE, iaid=2) == POOL[2]

    def test_rapid_commit_leases_at_once_18_3_1(self, server: Server) -> None:
        seen = server.ask(message(Solicit, ia(), RAPID), STRANGER)
        assert (seen.kind, seen.addresses) == (7, [POOL[1]])
        (stored,) = server.responder.take_changes()
        assert stored.expires == server.now + 3600

    def test_an_offer_is_held_and_then_free_again(self, server: Server) -> None:
        assert server.ask(message(Solicit, ia()), STRANGER).addresses == [POOL[1]]
        assert server.responder.take_changes() == []
        server.now += OFFER_HOLD
        for number in range(9):
            lease(server, ENTERPRISE + bytes((number,)))

    def test_an_exhausted_pool(self, server: Server) -> None:
        for number in range(9):
            lease(server, ENTERPRISE + bytes((number,)))
        (given,) = server.ask(message(Solicit, ia(), RAPID), STRANGER).associations
        assert given.status == NO_ADDRESSES
        (given,) = server.ask(message(Request, ia(), server=server.duid), STRANGER).associations
        assert given.status == NO_ADDRESSES
        assert server.responder.is_exhausted(server.now)
        server.now += 3600
        assert not server.responder.is_exhausted(server.now)
        assert lease(server) in POOL[1:]

    def test_a_port_without_a_fixed_ip_gets_a_lease(self, server: Server) -> None:
        assert server.ask(message(Solicit, ia()), OTHER_MAC).addresses == [POOL[1]]

    def test_pools_of_the_widest_subnet(self) -> None:
        wide = subnet(dynamic=True, pools=(Pool6(subnet().cidr[0], subnet().cidr[-1]),))
        assert lease(Server(network(wide))) == str(wide.cidr[3])  # 0 is for routers, 1 and 2 are the gateway and we

    def test_nothing_is_leased_where_nodes_make_their_own(self) -> None:
        server = Server(network(subnet(dynamic=True, address_mode="dhcpv6-stateless")))
        assert server.silent(message(Solicit, ia()), STRANGER) == Drop.UNKNOWN_CLIENT


class TestPortWithoutFixedIp:
    """One port has one lease, whatever its firmware, its initramfs and its system call themselves."""

    def test_one_lease_whatever_duid_and_iaid_it_sends(self) -> None:
        server = Server(network(subnet(dynamic=True), ports=[port(OTHER_MAC)]))
        duids = (ENTERPRISE, duid_ll(OTHER_MAC), duid_llt(OTHER_MAC), b"\0\4" + bytes(16))
        given = {lease(server, duid, iaid=iaid, mac=OTHER_MAC) for duid in duids for iaid in (1, 0x12345678)}
        assert len(given) == 1
        (row,) = server.responder.leases(server.now)
        assert (row.state, row.mac, row.port_id, row.duid) == ("leased", OTHER_MAC, port(OTHER_MAC).id, None)

    def test_of_several_associations_one_gets_it(self) -> None:
        server = Server(network(subnet(dynamic=True), ports=[port(OTHER_MAC)]))
        asked = message(Solicit, ia(iaid=1), ia(iaid=2), RAPID, duid=ENTERPRISE)
        first, second = server.ask(asked, OTHER_MAC).associations
        (address,) = first.addresses
        assert second.status == NO_ADDRESSES
        asked = message(Renew, ia(iaid=3), ia(address, iaid=2), duid=ENTERPRISE, server=server.duid)
        other, named = server.ask(asked, OTHER_MAC).associations
        assert (other.status, list(named.addresses)) == (NO_BINDING, [address])

    def test_one_stage_rebinds_and_releases_what_another_was_given(self) -> None:
        server = Server(network(subnet(dynamic=True), ports=[port(OTHER_MAC)]))
        address = lease(server, ENTERPRISE, mac=OTHER_MAC)
        assert server.ask(message(Rebind, ia(address, iaid=9), duid=duid_ll()), OTHER_MAC).addresses == [address]
        released = message(Release, ia(address, iaid=9), duid=duid_ll(), server=server.duid)
        assert server.ask(released, OTHER_MAC).status == SUCCESS
        assert [row.state for row in server.responder.leases(server.now)] == ["expired"]

    def test_what_it_declines_is_not_offered_again(self) -> None:
        server = Server(network(subnet(dynamic=True), ports=[port(OTHER_MAC)]))
        address = lease(server, ENTERPRISE, mac=OTHER_MAC)
        server.ask(message(Decline, ia(address, iaid=7), duid=ENTERPRISE, server=server.duid), OTHER_MAC)
        assert lease(server, ENTERPRISE, mac=OTHER_MAC) != address

    def test_a_lease_for_each_association_where_intent_says_so(self) -> None:
        server = Server(network(subnet(dynamic=True, lease_per="client"), ports=[port(OTHER_MAC)]))
        given = {lease(server, ENTERPRISE, iaid=iaid, mac=OTHER_MAC) for iaid in (1, 2, 3)}
        assert len(given) == 3

    def test_a_stranger_that_becomes_a_port_keeps_its_address(self) -> None:
        server = Server(network(subnet(dynamic=True)))
        address = lease(server, ENTERPRISE, mac=OTHER_MAC)
        server.responder.update(network(subnet(dynamic=True), ports=[port(OTHER_MAC)]))
        assert lease(server, ENTERPRISE, mac=OTHER_MAC) == address
        assert lease(server, duid_ll(OTHER_MAC), mac=OTHER_MAC) == address
        assert len(server.responder.leases(server.now)) == 1

    @pytest.mark.parametrize("iaid", [b"port", bytes(4)])
    def test_nobody_takes_its_lease_by_what_it_says(self, iaid: bytes) -> None:
        guest = port(OTHER_MAC)
        server = Server(network(subnet(dynamic=True), ports=[guest]))
        address = lease(server, ENTERPRISE, mac=OTHER_MAC)
        for duid in (ENTERPRISE, guest.id.encode(), guest.id.encode().rjust(130, b"\0")):
            asked = message(Renew, ia(address, iaid=int.from_bytes(iaid, "big")), duid=duid, server=server.duid)
            (given,) = server.ask(asked, STRANGER).associations
            assert given.addresses.get(address, (0, 0)) == (0, 0)

    def test_it_is_the_same_after_a_restart(self) -> None:
        intent = network(subnet(dynamic=True), ports=[port(OTHER_MAC)])
        server = Server(intent)
        address = lease(server, ENTERPRISE, mac=OTHER_MAC)
        restarted = Server(intent, LeaseTable(server.responder.take_changes()))
        assert lease(restarted, duid_ll(OTHER_MAC), mac=OTHER_MAC) == address


class TestRenewAndRebind:
    def test_extends(self, server: Server) -> None:
        mine = lease(server)
        for kind, named in ((Renew, server.duid), (Rebind, None)):
            server.now += 1800
            datagram = message(kind, ia(mine), duid=ENTERPRISE, server=named)
            assert server.ask(datagram, STRANGER).addresses == [mine]
            (row,) = (row for row in server.responder.leases(server.now) if row.port_id is None)
            assert (str(row.address), row.expires, row.state) == (mine, server.now + 3600, "leased")

    def test_another_address_is_ended(self, server: Server) -> None:
        mine = lease(server)
        datagram = message(Renew, ia(mine, POOL[7]), duid=ENTERPRISE, server=server.duid)
        (given,) = server.ask(datagram, STRANGER).associations
        assert given.addresses == {mine: (3600, 3600), POOL[7]: (0, 0)}

    def test_without_a_record_the_address_is_given_if_it_is_free(self, server: Server) -> None:
        assert server.ask(message(Renew, ia(POOL[4]), server=server.duid), STRANGER).addresses == [POOL[4]]
        assert server.ask(message(Rebind, ia(POOL[5]), duid=ENTERPRISE), STRANGER).addresses == [POOL[5]]

    def test_rebinding_somebody_elses_address_is_met_with_silence_18_3_5(self, server: Server) -> None:
        mine = lease(server)
        assert server.silent(message(Rebind, ia(mine), duid=ENTERPRISE + b"2"), STRANGER) == Drop.NO_RECORD
        outside = "2001:db8:1::500"  # of the link, and in none of our pools
        assert server.silent(message(Rebind, ia(outside), duid=ENTERPRISE + b"2"), STRANGER) == Drop.NO_RECORD

    def test_an_address_of_another_link_is_ended_18_3_5(self, server: Server) -> None:
        (given,) = server.ask(message(Rebind, ia(ELSEWHERE)), STRANGER).associations
        assert given.addresses == {ELSEWHERE: (0, 0)}

    def test_an_address_that_became_a_ports_is_ended(self, server: Server) -> None:
        mine = lease(server)
        before = server.responder.network
        server.responder.update(replace(before, ports={**before.ports, "new": port("02:00:00:00:00:77", mine)}))
        datagram = message(Renew, ia(mine), duid=ENTERPRISE, server=server.duid)
        (given,) = server.ask(datagram, STRANGER).associations
        assert given.addresses[mine] == (0, 0)
        assert given.addresses[POOL[2]] == (3600, 3600)


class TestReleaseAndDecline:
    def test_an_offer_that_was_not_taken_is_no_binding_18_3_7(self, server: Server) -> None:
        (offered,) = server.ask(message(Solicit, ia(), duid=ENTERPRISE), STRANGER).addresses
        seen = server.ask(message(Release, ia(offered), duid=ENTERPRISE, server=server.duid), STRANGER)
        assert (seen.status, [each.status for each in seen.associations]) == (SUCCESS, [NO_BINDING])

    def test_a_released_address_comes_back_to_its_client(self, server: Server) -> None:
        mine = lease(server)
        seen = server.ask(message(Release, ia(mine), duid=ENTERPRISE, server=server.duid), STRANGER)
        assert (seen.status, seen.associations) == (SUCCESS, [])
        assert [row.state for row in server.responder.leases(server.now)] == ["expired"]
        assert lease(server) == mine

    def test_a_declined_address_is_kept_away_18_3_8(self, server: Server) -> None:
        mine = lease(server)
        assert server.ask(message(Decline, ia(mine), duid=ENTERPRISE, server=server.duid), STRANGER).status == SUCCESS
        assert lease(server, ENTERPRISE, mine) != mine
        assert lease(server, ENTERPRISE + b"2", mine) != mine
        server.now += DECLINE_HOLD
        assert lease(server, ENTERPRISE + b"3", mine) == mine

    @pytest.mark.parametrize("kind", [Release, Decline])
    def test_of_somebody_elses(self, server: Server, kind: object) -> None:
        mine = lease(server)
        datagram = message(kind, ia(mine), duid=ENTERPRISE + b"2", server=server.duid)
        (given,) = server.ask(datagram, STRANGER).associations
        assert given.status == NO_BINDING
        assert [row.state for row in server.responder.leases(server.now)] == ["leased"]


class TestStorage:
    def test_leases_outlive_a_restart(self, server: Server) -> None:
        mine = lease(server)
        stored = server.responder.take_changes()
        assert [(str(IPv6Address(each.address)), each.hardware.hex(":")) for each in stored] == [(mine, STRANGER)]
        restarted = Server(server.responder.network, LeaseTable(stored))
        assert lease(restarted, ENTERPRISE + b"2") != mine
        assert lease(restarted) == mine

    def test_nothing_is_to_be_stored_for_ports(self, server: Server) -> None:
        server.ask(message(Request, ia(), server=server.duid), MAC)
        server.ask(message(Solicit, ia(), RAPID), MAC)
        assert server.responder.take_changes() == []

    def test_status_names_the_client(self, server: Server) -> None:
        lease(server, duid_ll(STRANGER))
        (row,) = server.responder.leases(server.now)
        assert (row.mac, row.duid) == (STRANGER, duid_ll(STRANGER).hex(":"))
