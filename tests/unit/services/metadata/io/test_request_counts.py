"""Requests of a guest are counted as haproxy does: by a window that slides."""

from ipaddress import ip_address

from netmend.intent import RequestRates
from netmend.services.metadata.io.request_counts import RequestCounts

ONE, SIX = ip_address("192.0.2.1"), ip_address("2001:db8::1")
TEN = RequestRates(((10, 10),))


def admitted(counts: RequestCounts, at: float, requests: int = 20) -> int:
    return sum(counts.admits(ONE, at, TEN) for _ in range(requests))


def test_a_window() -> None:
    assert admitted(RequestCounts(), 5.0) == 10


def test_the_window_before_counts_as_far_as_it_is_less_than_a_window_ago() -> None:
    counts = RequestCounts()
    assert admitted(counts, 0.0, 10) == 10
    assert admitted(counts, 15.0) == 5
    assert admitted(counts, 35.0) == 10, "and no window before that"


def test_what_is_refused_counts() -> None:
    counts = RequestCounts()
    assert admitted(counts, 0.0, 30) == 10
    assert admitted(counts, 15.0) == 0


def test_all_windows_have_to_admit_it() -> None:
    rates, counts = RequestRates(((10, 10), (2, 1))), RequestCounts()
    assert [counts.admits(ONE, 0.0, rates) for _ in range(3)] == [True, True, False]
    assert counts.admits(ONE, 2.5, rates)


def test_addresses_of_the_other_version_are_not_counted_nor_any_without_rates() -> None:
    counts = RequestCounts()
    assert all(counts.admits(SIX, 0.0, TEN) for _ in range(50))
    assert all(counts.admits(ONE, 0.0, None) for _ in range(50))


def test_no_more_guests_are_counted_than_there_is_room_for() -> None:
    counts = RequestCounts()
    for number in range(20_000):
        counts.admits(ip_address(number), 0.0, TEN)
    assert len(counts._counts) == 10_240
