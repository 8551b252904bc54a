"""When advertisements go out: RFC 4861 sections 6.2.4 and 6.2.6."""

from ipaddress import IPv6Address
from itertools import pairwise
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace
from tests.unit.services.dhcp6.guest import network, subnet

from netmend.services.dhcp6.ra import Advertisement, Advertiser, advertisements

MAC = bytes.fromhex("020000000001")
GUEST = bytes.fromhex("020000000002")
ALL = bytes.fromhex("ff02") + bytes(13) + b"\1"
INTENT = network(subnet(ra_mode="slaac"))


def host(number: int) -> bytes:
    return b"\xfe\x80" + bytes(6) + number.to_bytes(8, "big")


def advance(advertiser: Advertiser, until: float) -> list[tuple[float, Advertisement]]:
    """All that is sent up to a time, each as soon as it is due."""
    sent = []
    while (due := advertiser.due) is not None and due <= until:
        sent += [(due, each) for each in advertiser.take(due)]
    return sent


def test_three_soon_and_then_every_few_minutes_6_2_4() -> None:
    sent = advance(Advertiser(INTENT, MAC, 1000.0), 1000.0 + 7200)
    times = [when for when, _ in sent]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert times[0] == 1000.0
    assert gaps[:2] == [16.0, 16.0]
    assert all(200 <= gap <= 600 for gap in gaps[2:])
    assert {each.destination for _, each in sent} == {ALL}


def test_a_solicitation_is_answered_to_its_sender_within_half_a_second_6_2_6() -> None:
    advertiser = Advertiser(INTENT, MAC, 0.0)
    advance(advertiser, 5.0)
    advertiser.solicit(host(7), GUEST, 5.0)
    advertiser.solicit(host(7), GUEST, 5.1)  # asks again: one answer
    ((when, answer),) = advance(advertiser, 6.0)
    assert 5.0 <= when <= 5.5
    assert (answer.destination, answer.mac) == (host(7), GUEST)
    assert answer.message == advertisements(INTENT, MAC)[0]


def test_who_has_no_address_yet_is_answered_with_all_and_not_more_often_than_every_three_seconds() -> None:
    advertiser = Advertiser(INTENT, MAC, 0.0)
    advance(advertiser, 0.0)
    sent = []
    for tenth in range(150):
        advertiser.solicit(bytes(16), GUEST, tenth / 10)
        sent += advance(advertiser, tenth / 10)
    times = [0.0, *(when for when, _ in sent)]
    assert {each.destination for _, each in sent} == {ALL}
    assert all(later - earlier >= 3.0 for earlier, later in pairwise(times))
    assert len(times) >= 4


def test_a_flood_is_answered_by_one_to_all() -> None:
    advertiser = Advertiser(INTENT, MAC, 0.0)
    advance(advertiser, 10.0)
    for number in range(10_000):
        advertiser.solicit(host(number), GUEST, 10.0)
    sent = advance(advertiser, 11.0)
    assert len(sent) <= 65
    assert ALL in {each.destination for _, each in sent}
    assert advance(advertiser, 15.9) == []


def test_what_is_new_is_said_soon_and_three_times() -> None:
    advertiser = Advertiser(INTENT, MAC, 0.0)
    advance(advertiser, 500.0)
    advertiser.update(replace(INTENT, subnets6=(subnet(ra_mode="slaac", domain="example.org"),)), 501.0)
    times = [when for when, _ in advance(advertiser, 540.0)]
    assert times == [501.0, 517.0, 533.0]


def test_what_is_not_new_changes_nothing() -> None:
    advertiser = Advertiser(INTENT, MAC, 0.0)
    advance(advertiser, 100.0)
    due = advertiser.due
    advertiser.update(replace(INTENT, name="other"), 100.0)
    advertiser.update(replace(INTENT, subnets6=(*INTENT.subnets6, subnet("2001:db8:2::/64"))), 100.0)
    assert advertiser.due == due


def test_a_prefix_that_goes_is_withdrawn_three_times_and_then_forgotten() -> None:
    advertiser = Advertiser(INTENT, MAC, 0.0)
    advance(advertiser, 100.0)
    silent = replace(INTENT, subnets6=())
    advertiser.update(silent, 100.0)
    sent = advance(advertiser, 100_000.0)
    assert [each.message for _, each in sent] == 3 * [advertisements(silent, MAC, [subnet().cidr])[0]]
    assert advertiser.due is None
    advertiser.solicit(host(1), GUEST, 0.0)
    assert advertiser.due is None


def test_a_network_that_wants_none_is_silent() -> None:
    advertiser = Advertiser(network(subnet()), MAC, 0.0)
    advertiser.solicit(host(1), GUEST, 0.0)
    assert (advertiser.due, advertiser.take(1000.0)) == (None, [])
    advertiser.update(INTENT, 50.0)
    assert advertiser.due == 50.0


class TestRouters:
    """A router that intent names is advertised in its own name."""

    router = IPv6Address("fe80::1").packed

    def said(self, sent: list[tuple[float, Advertisement]]) -> list[tuple[float, int]]:
        """When the router was advertised, and its lifetime in seconds."""
        return [(when, int.from_bytes(each.message[6:8], "big")) for when, each in sent if each.source == self.router]

    def test_beside_netmends_own_and_to_who_asks(self) -> None:
        advertiser = Advertiser(INTENT, MAC, 0.0, frozenset((self.router,)))
        sent = advance(advertiser, 40.0)
        assert self.said(sent) == [(0.0, 1800), (16.0, 1800), (32.0, 1800)]
        assert len([each for _, each in sent if each.source is None]) == 3
        advertiser.solicit(host(7), GUEST, 50.0)
        own, routers = (each for _, each in advance(advertiser, 51.0))
        assert (own.source, routers.source) == (None, self.router)
        assert (routers.destination, routers.mac) == (host(7), GUEST)

    def test_it_holds_no_options_and_the_flags_of_the_network(self) -> None:
        for mode, flags in (("slaac", 0), ("dhcpv6-stateless", 0x40), ("dhcpv6-stateful", 0x80)):
            intent = network(subnet(ra_mode=mode))
            _, routers = Advertiser(intent, MAC, 0.0, frozenset((self.router,))).take(0.0)
            assert routers.message == bytes((134, 0, 0, 0, 0, flags, 7, 8)) + bytes(8)

    def test_one_that_goes_is_withdrawn_three_times(self) -> None:
        advertiser = Advertiser(INTENT, MAC, 0.0, frozenset((self.router,)))
        advance(advertiser, 100.0)
        advertiser.update(INTENT, 100.0)
        assert self.said(advance(advertiser, 100_000.0)) == [(100.0, 0), (116.0, 0), (132.0, 0)]

    def test_one_that_comes_is_said_soon(self) -> None:
        advertiser = Advertiser(INTENT, MAC, 0.0)
        advance(advertiser, 100.0)
        advertiser.update(INTENT, 100.0, frozenset((self.router,)))
        assert self.said(advance(advertiser, 140.0)) == [(100.0, 1800), (116.0, 1800), (132.0, 1800)]

    def test_one_that_speaks_for_itself_is_not_contradicted(self) -> None:
        advertiser = Advertiser(INTENT, MAC, 0.0, frozenset((self.router,)))
        advance(advertiser, 100.0)
        advertiser.update(replace(INTENT, subnets6=(subnet(),)), 100.0)
        assert self.said(advance(advertiser, 100_000.0)) == []


class AdvertiserModel(RuleBasedStateMachine):
    """Any row of solicitations, changes and time: limits hold, and every question is answered in time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.advertiser = Advertiser(INTENT, MAC, self.now)
        self.to_all: list[float] = []
        self.waiting: dict[bytes, float] = {}

    def advance(self, seconds: float) -> None:
        for when, each in advance(self.advertiser, self.now + seconds):
            if each.destination == ALL:
                self.to_all.append(when)
                self.waiting.clear()
            else:
                self.waiting.pop(each.destination, None)
        self.now += seconds

    @rule(seconds=st.sampled_from([0.01, 0.3, 3.0, 100.0, 1000.0]))
    def wait(self, seconds: float) -> None:
        self.advance(seconds)

    @rule(numbers=st.lists(st.integers(0, 200), max_size=100))
    def solicit(self, numbers: list[int]) -> None:
        for number in numbers:
            source = host(number) if number else bytes(16)
            self.advertiser.solicit(source, GUEST, self.now)
            self.waiting.setdefault(source, self.now)

    @rule(changes=st.sampled_from([{}, {"domain": "a"}, {"ra_mode": "dhcpv6-stateless"}]))
    def change(self, changes: dict[str, Any]) -> None:
        self.advertiser.update(network(subnet(**({"ra_mode": "slaac"} | changes))), self.now)

    @invariant()
    def limits_hold(self) -> None:
        gaps = [later - earlier for earlier, later in pairwise(self.to_all)]
        assert all(gap >= 2.999 for gap in gaps)
        assert all(self.now - since <= 3.5 for since in self.waiting.values())
        assert len(self.advertiser._pending) <= 64
        assert self.advertiser.due is not None and self.advertiser.due >= self.now - 1e-9


TestAdvertiserModel = AdvertiserModel.TestCase
TestAdvertiserModel.settings = settings(max_examples=60, stateful_step_count=30)
