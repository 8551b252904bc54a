"""Whose addresses a port may use."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from msgspec.structs import replace

from netmend.firewall.guard import guard_of, is_guarded
from netmend.firewall.rules import TABLE, device_of, elements_of
from netmend.firewall.verdict import passes
from netmend.ground.nftables import InSet, Verdict
from netmend.intent import AddressPair, NetnsPlug, Network, Pool, Port, Subnet, Subnet6, TapPlug

MAC, OTHER = "fa:16:3e:00:00:01", "fa:16:3e:00:00:02"
CIDR, CIDR6 = IPv4Network("10.0.0.0/24"), IPv6Network("2001:db8::/64")
SUBNET = Subnet("s", "four", CIDR, CIDR[2])
SUBNET6 = Subnet6("t", "six", CIDR6, CIDR6[2], address_mode="slaac", ra_mode="slaac")
PORT = Port("11111111-1111-4111-8111-111111111111", "p", MAC, (CIDR[10],), plug=TapPlug(0))
LINK_LOCAL = IPv6Address("fe80::f816:3eff:fe00:1")


def network(*subnets: Subnet, six: tuple[Subnet6, ...] = ()) -> Network:
    return Network("n", "n", subnets=subnets, subnets6=six)


@pytest.mark.parametrize(
    ("port", "guarded"),
    [
        (PORT, True),
        (replace(PORT, plug=NetnsPlug("guest")), True),
        (replace(PORT, port_security=False), False),
        (Port(PORT.id, "p", MAC), False),  # somebody else wires it
    ],
)
def test_what_is_guarded(port: Port, guarded: bool) -> None:
    assert is_guarded(port) == guarded


def test_fixed_ips_and_what_ipv6_makes_of_the_mac() -> None:
    guard = guard_of(network(SUBNET, six=(SUBNET6,)), replace(PORT, fixed_ips6=(IPv6Address("2001:db8::5"),)))
    assert guard.macs == {MAC}
    for address in (CIDR[10], LINK_LOCAL, IPv6Address("2001:db8::5"), IPv6Address("2001:db8::f816:3eff:fe00:1")):
        assert guard.allows(MAC, address)
        assert not guard.allows(OTHER, address)
    for address in (CIDR[11], IPv4Address(0), IPv6Address(0), IPv6Address("fe80::1"), IPv6Address("2001:db8::6")):
        assert not guard.allows(MAC, address)


def test_addresses_of_a_stateful_subnet_are_fixed_ips_alone() -> None:
    stateful = replace(SUBNET6, address_mode="dhcpv6-stateful", ra_mode="dhcpv6-stateful")
    assert not guard_of(network(six=(stateful,)), PORT).allows(MAC, IPv6Address("2001:db8::f816:3eff:fe00:1"))


def test_pools_are_for_ports_without_fixed_ips() -> None:
    dynamic = replace(SUBNET, dynamic=True, pools=(Pool(CIDR[100], CIDR[120]),))
    assert not guard_of(network(dynamic), PORT).allows(MAC, CIDR[100])
    guard = guard_of(network(dynamic), replace(PORT, fixed_ips=()))
    assert guard.allows(MAC, CIDR[100]) and guard.allows(MAC, CIDR[120]) and not guard.allows(MAC, CIDR[121])


def test_address_pairs() -> None:
    pairs = (AddressPair(IPv4Network("10.0.0.200/32"), OTHER), AddressPair(IPv6Network("2001:db8:1::/48"), MAC))
    guard = guard_of(network(SUBNET), replace(PORT, allowed_address_pairs=pairs))
    assert guard.macs == {MAC, OTHER}
    assert guard.allows(OTHER, IPv4Address("10.0.0.200")) and not guard.allows(MAC, IPv4Address("10.0.0.200"))
    assert guard.allows(OTHER, IPv6Address("fe80::f816:3eff:fe00:2"))
    assert guard.allows(MAC, IPv6Address("2001:db8:1:ffff::1")) and not guard.allows(
        OTHER, IPv6Address("2001:db8:1::1")
    )


def test_elements_bear_the_name_of_the_device() -> None:
    pairs = (AddressPair(IPv4Network("10.0.8.0/24"), MAC),)
    elements = elements_of(guard_of(network(SUBNET), replace(PORT, allowed_address_pairs=pairs)))
    assert {device_of(element) for element in elements} == {"tap11111111-11"}
    assert sorted(element.set for element in elements) == ["addresses4", "addresses6", "macs", "ports", "ranges4"]
    sizes = {described.name: sum((field.length + 3) & ~3 for field in described.fields) for described in TABLE.sets}
    for element in elements:
        assert len(element.key) == sizes[element.set]
        assert len(element.end) == (sizes[element.set] if element.set.startswith("ranges") else 0)


def test_chains_go_only_to_those_before_them_and_end_with_a_verdict() -> None:
    """The kernel refuses loops; and whatever a chain is gone to for, it decides."""
    known: set[str] = set()
    sets = {described.name for described in TABLE.sets}
    for chain in TABLE.chains:
        for rule in chain.rules:
            assert isinstance(rule[-1], Verdict)
            assert all(statement.name in sets for statement in rule if isinstance(statement, InSet))
            if rule[-1].chain is not None:
                assert rule[-1].chain in known
        if chain.hook is None:
            assert chain.rules[-1] == (Verdict("drop"),)
        known.add(chain.name)


def test_any_octets_have_a_verdict() -> None:
    guard = guard_of(network(SUBNET), PORT)
    head = bytes.fromhex("ffffffffffff") + bytes.fromhex(MAC.replace(":", ""))
    for kind in (b"\x08\x06", b"\x08\x00", b"\x86\xdd", b"\x88\xcc"):
        for length in range(0, 100, 3):
            assert not passes(guard, head + kind + bytes(length))
