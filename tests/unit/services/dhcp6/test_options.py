"""What a reply says beside addresses."""

from ipaddress import IPv6Address
from typing import Any

import pytest
from tests.unit.services.dhcp6.guest import (
    BOOT,
    DNS,
    DOMAINS,
    FQDN,
    INF_MAX_RT,
    MAC,
    NTP,
    OTHER_MAC,
    REFRESH,
    SNTP,
    SOL_MAX_RT,
    Inform,
    Request,
    Seen,
    Server,
    Solicit,
    ia,
    message,
    network,
    port,
    subnet,
    tlv,
)

from netmend.intent import Dns
from netmend.services.dhcp6 import Drop

OWN = "2001:db8:1::10"
SERVERS = (IPv6Address("2001:db8::53"), IPv6Address("2001:db8::54"))
PACKED = b"".join(server.packed for server in SERVERS)
EXAMPLE = b"\7example\3org\0"
ALL = (DNS, DOMAINS, SNTP, REFRESH, FQDN, NTP, BOOT, SOL_MAX_RT, INF_MAX_RT)


def asked(wanted: Any, *parts: bytes, kind: Any = Solicit, **changes: Any) -> Seen:
    """The answer where a subnet says `changes`."""
    port_changes = changes.pop("port", {})
    network_changes = changes.pop("network", {})
    server = Server(network(subnet(**changes), ports=[port(MAC, OWN, **port_changes)], **network_changes))
    named = server.duid if kind is Request else None
    return server.ask(message(kind, *(() if kind is Inform else (ia(),)), *parts, wanted=wanted, server=named))


class TestWhatASubnetSays:
    def test_dns_servers_and_domain_rfc3646(self) -> None:
        seen = asked((DOMAINS, DNS), dns_servers=SERVERS, domain="example.org")
        assert (seen.option(DNS), seen.option(DOMAINS)) == (PACKED, EXAMPLE)

    def test_our_own_resolver_where_no_other_is_named(self) -> None:
        dns = {"dns": Dns("example.org")}
        assert asked((DNS,), network=dns).option(DNS) == subnet().server_address.packed
        assert asked((DNS,), network=dns, dns_servers=SERVERS).option(DNS) == PACKED
        assert asked((DOMAINS,), network=dns).option(DOMAINS) == EXAMPLE
        assert asked((DOMAINS,), network=dns, domain="a").option(DOMAINS) == b"\1a\0"

    def test_time_servers_one_an_option_rfc5908_4(self) -> None:
        seen = asked((NTP, SNTP), ntp_servers=SERVERS)
        assert [value for code, value in seen.options if code == NTP] == [tlv(1, each.packed) for each in SERVERS]
        assert seen.option(SNTP) == PACKED

    def test_boot_file_rfc5970(self) -> None:
        url = "http://[2001:db8::1]/boot.efi"
        assert asked((BOOT,), bootfile_url=url).option(BOOT) == url.encode()

    def test_what_is_not_said_is_not_there(self) -> None:
        assert asked((DNS, DOMAINS, NTP, SNTP, BOOT, FQDN)).codes == [1, 2, 7, 3]

    def test_refresh_time_in_answers_to_information_request_only_21_23(self) -> None:
        assert asked((REFRESH,), kind=Inform).option(REFRESH) == (3600).to_bytes(4, "big")
        assert asked((REFRESH,), kind=Inform, lease_time=60).option(REFRESH) == (600).to_bytes(4, "big")
        assert asked((REFRESH,), kind=Request).option(REFRESH) is None

    def test_retransmission_times_21_24_21_25(self) -> None:
        seen = asked((SOL_MAX_RT, INF_MAX_RT))
        assert seen.option(SOL_MAX_RT) == seen.option(INF_MAX_RT) == (120).to_bytes(4, "big")


class TestOptionRequest:
    """RFC 8415 section 21.7."""

    def test_what_is_listed_in_its_order(self) -> None:
        changes: Any = {"dns_servers": SERVERS, "domain": "example.org", "bootfile_url": "tftp://x/y"}
        assert asked((BOOT, DNS), **changes).codes == [1, 2, 7, 3, BOOT, DNS]
        assert asked((DNS, DNS, 999, 1, 3), **changes).codes == [1, 2, 7, 3, DNS]

    def test_all_there_is_without_a_list(self) -> None:
        codes = asked(None, dns_servers=SERVERS, domain="example.org").codes
        assert {DNS, DOMAINS, SOL_MAX_RT} <= set(codes)

    def test_half_a_code(self) -> None:
        server = Server(network(subnet(), ports=[port(MAC, OWN)]))
        assert server.silent(message(Solicit, ia(), tlv(6, b"\0\x17\0"), wanted=None)) == Drop.BAD_FIELD


class TestPortsOwn:
    def test_win_and_are_sent_unasked(self) -> None:
        options = ((DNS, SERVERS[1].packed), (60, b"\0\4abcd"))
        seen = asked((DNS,), dns_servers=SERVERS, port={"dhcp6_options": options})
        assert (seen.option(DNS), seen.option(60)) == (SERVERS[1].packed, b"\0\4abcd")

    def test_an_empty_one_takes_the_subnets_away(self) -> None:
        assert DNS not in asked((DNS,), dns_servers=SERVERS, port={"dhcp6_options": ((DNS, b""),)}).codes

    def test_some_are_for_ipxe_alone(self) -> None:
        says = {"dhcp6_options": ((BOOT, b"tftp://a"),), "ipxe_dhcp6_options": ((BOOT, b"http://b"),)}
        assert asked((BOOT,), port=says).option(BOOT) == b"tftp://a"
        assert asked((BOOT,), tlv(15, b"\0\4iPXE"), port=says).option(BOOT) == b"http://b"

    def test_are_no_other_ports(self) -> None:
        server = Server(
            network(
                subnet(dns_servers=SERVERS[:1]),
                ports=[port(MAC, OWN, dhcp6_options=((DNS, SERVERS[1].packed),)), port(OTHER_MAC, "2001:db8:1::11")],
            )
        )
        for _ in range(2):
            assert server.ask(message(Solicit, ia()), MAC).option(DNS) == SERVERS[1].packed
            assert server.ask(message(Solicit, ia()), OTHER_MAC).option(DNS) == SERVERS[0].packed


class TestFqdn:
    """RFC 4704."""

    def test_is_the_ports_name_in_the_guests_domain(self) -> None:
        seen = asked((FQDN,), domain="example.org", port={"hostname": "vm1"})
        assert seen.option(FQDN) == b"\4" + b"\3vm1" + EXAMPLE

    def test_the_clients_own_wish_is_overridden(self) -> None:
        seen = asked((), tlv(FQDN, b"\1\5other"), domain="example.org", port={"hostname": "vm1"})
        assert seen.option(FQDN) == b"\6" + b"\3vm1" + EXAMPLE

    def test_a_name_without_a_domain_has_no_empty_label_4_2(self) -> None:
        assert asked((FQDN,), port={"hostname": "vm1"}).option(FQDN) == b"\4\3vm1"
        assert asked((FQDN,), domain="x", port={"hostname": "vm1.example.org"}).option(FQDN) == b"\4\3vm1" + EXAMPLE

    @pytest.mark.parametrize("said", [b"", b"\0"])
    def test_is_not_sent_to_who_has_no_name_or_did_not_ask(self, said: bytes) -> None:
        assert FQDN not in asked((), tlv(FQDN, said)).codes
        assert FQDN not in asked((DNS,), port={"hostname": "vm1"}).codes
        assert FQDN in asked((), tlv(FQDN, said), port={"hostname": "vm1"}).codes


class TestSize:
    """Nothing is fragmented: what does not fit into the network's MTU is left out from the end."""

    def test_the_last_that_was_asked_for_goes_first(self) -> None:
        many = tuple(IPv6Address(int(SERVERS[0]) + number) for number in range(60))
        seen = asked((DNS, DOMAINS, SNTP), dns_servers=many, domain="example.org", ntp_servers=many)
        assert (len(seen.payload) <= 1500 - 48, seen.codes) == (True, [1, 2, 7, 3, DNS, DOMAINS])

    def test_associations_that_cannot_be_answered(self) -> None:
        server = Server(network(subnet(), ports=[port(MAC, OWN)], mtu=1280))
        many = b"".join(ia(iaid=number) for number in range(40))
        assert server.silent(message(Solicit, many)) == Drop.NO_ROOM
