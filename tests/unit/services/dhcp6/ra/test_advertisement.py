"""What an advertisement says: RFC 4861, 4191, 8106; decoded by scapy."""

from ipaddress import IPv6Address, IPv6Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scapy.layers import inet6
from tests.unit.services.dhcp6.guest import OTHER_MAC, network, port, subnet

from netmend.intent import Dns, Network, Route6
from netmend.services.dhcp6.ra import advertisements, is_solicitation, routers

MAC = bytes.fromhex("020000000001")
PREFIX = "2001:db8:1::"
HOST = IPv6Address("fe80::1").packed
NOBODY = bytes(16)


def read(intent: Network, *withdrawn: IPv6Network) -> Any:
    (message,) = advertisements(intent, MAC, withdrawn)
    packet = inet6.ICMPv6ND_RA(message)
    assert bytes(packet) == message or bytes(packet)[4:] == message[4:]
    return packet


def say(**changes: Any) -> Any:
    return read(network(subnet(**changes)))


@pytest.mark.parametrize(
    ("mode", "managed", "other", "autonomous"),
    [("slaac", 0, 0, 1), ("dhcpv6-stateless", 0, 1, 1), ("dhcpv6-stateful", 1, 0, 0)],
)
def test_modes_mean_what_they_mean_to_neutron(mode: str, managed: int, other: int, autonomous: int) -> None:
    packet = say(ra_mode=mode)
    prefix = packet[inet6.ICMPv6NDOptPrefixInfo]
    assert (managed, other, autonomous, 1) == (packet.M, packet.O, prefix.A, prefix.L)
    assert (prefix.prefix, prefix.prefixlen) == (PREFIX, 64)


def test_netmend_is_no_default_router() -> None:
    packet = say(ra_mode="slaac")
    assert (packet.routerlifetime, packet.prf) == (0, 0)


def test_the_devices_mac_and_the_mtu() -> None:
    packet = read(network(subnet(ra_mode="slaac"), mtu=1450))
    assert packet[inet6.ICMPv6NDOptSrcLLAddr].lladdr == "02:00:00:00:00:01"
    assert packet[inet6.ICMPv6NDOptMTU].mtu == 1450


@pytest.mark.parametrize(("lease_time", "lifetime"), [(86_400, 86_400), (60, 7200), (0xFFFFFFFF, 0xFFFFFFFF)])
def test_lifetimes_are_the_lease_time_but_two_hours_at_least(lease_time: int, lifetime: int) -> None:
    prefix = say(ra_mode="slaac", lease_time=lease_time)[inet6.ICMPv6NDOptPrefixInfo]
    assert (prefix.validlifetime, prefix.preferredlifetime) == (lifetime, lifetime)


def test_resolvers_and_domains_rfc8106() -> None:
    servers = (IPv6Address("2001:db8::53"), IPv6Address("2001:db8::54"))
    packet = say(ra_mode="slaac", dns_servers=servers, domain="example.org")
    assert packet[inet6.ICMPv6NDOptRDNSS].dns == [str(server) for server in servers]
    assert packet[inet6.ICMPv6NDOptRDNSS].lifetime == 1800
    assert packet[inet6.ICMPv6NDOptDNSSL].searchlist == ["example.org."]


def test_our_own_resolver_where_no_other_is_named() -> None:
    packet = read(network(subnet(ra_mode="slaac"), dns=Dns("example.org")))
    assert packet[inet6.ICMPv6NDOptRDNSS].dns == [f"{PREFIX}2"]
    assert packet[inet6.ICMPv6NDOptDNSSL].searchlist == ["example.org."]
    assert inet6.ICMPv6NDOptRDNSS not in say(ra_mode="slaac")


@pytest.mark.parametrize(("destination", "length"), [("::/0", 1), ("2001:db8:5::/48", 2), ("2001:db8:6::1/128", 3)])
def test_routes_by_way_of_us_rfc4191(destination: str, length: int) -> None:
    base = subnet()
    ours = Route6(IPv6Network(destination), base.server_address)
    packet = say(ra_mode="slaac", routes=(ours, Route6(IPv6Network("2001:db8:7::/48"), base.cidr[9])))
    option = packet[inet6.ICMPv6NDOptRouteInfo]
    assert (option.len, f"{option.prefix}/{option.plen}", option.rtlifetime) == (length, destination, 1800)
    assert inet6.ICMPv6NDOptRouteInfo not in option.payload


def test_only_subnets_that_want_it() -> None:
    assert advertisements(network(subnet()), MAC) == ()
    packet = read(network(subnet(), subnet("2001:db8:2::/64", ra_mode="slaac", address_mode="slaac")))
    assert packet[inet6.ICMPv6NDOptPrefixInfo].prefix == "2001:db8:2::"
    assert inet6.ICMPv6NDOptPrefixInfo not in packet[inet6.ICMPv6NDOptPrefixInfo].payload


def test_a_prefix_that_is_withdrawn_has_no_lifetime() -> None:
    prefix = read(network(subnet()), IPv6Network("2001:db8:9::/64"))[inet6.ICMPv6NDOptPrefixInfo]
    assert (prefix.prefix, prefix.validlifetime, prefix.preferredlifetime) == ("2001:db8:9::", 0, 0)


def test_a_network_of_very_many_subnets_takes_several_messages_6_2_3() -> None:
    subnets = [subnet(f"2001:db8:{number:x}::/64", ra_mode="slaac") for number in range(1, 100)]
    messages = advertisements(network(*subnets, mtu=1280), MAC)
    assert len(messages) > 1 and all(len(message) <= 1240 for message in messages)
    found = set()
    for message in messages:
        layer: Any = inet6.ICMPv6ND_RA(message)
        while layer:
            if isinstance(layer, inet6.ICMPv6NDOptPrefixInfo):
                found.add(layer.prefix)
            layer = layer.payload
    assert found == {str(each.cidr.network_address) for each in subnets}


class TestSolicitation:
    """RFC 4861 section 6.1.1."""

    PLAIN = bytes(inet6.ICMPv6ND_RS())
    WITH_MAC = bytes(inet6.ICMPv6ND_RS() / inet6.ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:05"))

    def test_is_heard(self) -> None:
        assert is_solicitation(self.PLAIN, NOBODY, 255)
        assert is_solicitation(self.PLAIN, HOST, 255)
        assert is_solicitation(self.WITH_MAC, HOST, 255)

    @pytest.mark.parametrize(
        ("message", "source", "hops"),
        [
            (PLAIN, HOST, 254),  # has passed a router
            (PLAIN[:7], HOST, 255),
            (PLAIN[:1] + b"\1" + PLAIN[2:], HOST, 255),  # code
            (b"\x86" + PLAIN[1:], HOST, 255),  # an advertisement
            (WITH_MAC, NOBODY, 255),  # nobody has no MAC
            (PLAIN + b"\1\0" + bytes(6), HOST, 255),  # an option without a length
            (PLAIN + b"\1\2" + bytes(6), HOST, 255),  # that runs over the end
            (PLAIN + b"\1", HOST, 255),
            (PLAIN, b"\xff" + bytes(15), 255),
        ],
    )
    def test_is_not_heard(self, message: bytes, source: bytes, hops: int) -> None:
        assert not is_solicitation(message, source, hops)

    @given(st.binary(max_size=200), st.binary(min_size=16, max_size=16), st.integers(0, 255))
    def test_any_bytes(self, message: bytes, source: bytes, hops: int) -> None:
        is_solicitation(b"\x85\0" + message, source, 255)
        is_solicitation(message, source, hops)


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ({"gateway": IPv6Address("fe80::1")}, {"fe80::1"}),
        ({"gateway": IPv6Address("2001:db8:1::1")}, {"fe80::ff:fe00:2"}),  # what the port makes of its MAC
        ({"gateway": IPv6Address("2001:db8:1::9")}, set()),  # no port's: nobody knows its link-local address
        ({"gateway": None}, set()),
        ({"gateway": IPv6Address("fe80::1"), "ra_mode": None}, set()),  # routers advertise themselves
    ],
)
def test_routers_that_intent_names(says: dict[str, Any], expected: set[str]) -> None:
    owners = {int(IPv6Address("2001:db8:1::1")): port(OTHER_MAC, "2001:db8:1::1")}
    intent = network(subnet(**{"ra_mode": "slaac", **says}))
    assert routers(intent, owners.get) == {IPv6Address(text).packed for text in expected}


def test_of_a_block_of_one_address_netmends_own_is_on_the_link() -> None:
    own = IPv6Address("fd6e:6574:6d65:6e64::7")
    one = replace(subnet(), cidr=IPv6Network("2001:db8::7/128"), ra_mode="dhcpv6-stateful", server_address=own)
    packet = read(network(one))
    prefix = packet[inet6.ICMPv6NDOptPrefixInfo]
    assert (prefix.prefix, prefix.prefixlen, prefix.L, prefix.A) == (str(own), 128, 1, 0)
