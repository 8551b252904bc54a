"""Sums that Prometheus can take the rate of: they never go down, whatever networks come, go or count anew."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from netmend.node.views.guest_totals import Totals, counters_in

statuses = st.dictionaries(
    st.sampled_from(["one", "two", "three"]),
    st.fixed_dictionaries({"dhcp4": st.fixed_dictionaries({"sent": st.integers(0, 100)})}),
)


def test_whole_numbers_of_any_shape_are_counted_and_nothing_else() -> None:
    status: dict[str, Any] = {
        "messages": {"received": {"discover": 3}, "sent": {}},
        "sockets": {"received": 5, "errors": {"ENETDOWN": 1}},
        "answered": 7,
        "open": True,
        "since": 12.5,
        "problem": "text",
        "list": [1, 2],
    }
    assert dict(counters_in("dhcp4", status)) == {
        ("dhcp4", "messages_received", "discover"): 3,
        ("dhcp4", "sockets", "received"): 5,
        ("dhcp4", "sockets_errors", "ENETDOWN"): 1,
        ("dhcp4", "answered", ""): 7,
    }


@given(st.lists(statuses, min_size=1, max_size=12))
def test_sums_never_go_down_and_miss_nothing_that_was_seen(looks: list[dict[str, Any]]) -> None:
    totals, before = Totals(), 0
    expected, last = 0, dict[str, int]()
    for look in looks:
        now = {network: services["dhcp4"]["sent"] for network, services in look.items()}
        for network, sent in now.items():
            known = last.get(network, 0)
            expected += sent - known if sent >= known else sent
        last = now
        found = sum(totals.add(look).values())
        assert found >= before
        assert found == expected
        before = found


def test_what_is_of_this_moment_or_of_the_whole_node_is_no_counter() -> None:
    totals = Totals()
    dns = {"under_way": 3, "received": 5}
    metadata = {"connections": 2, "nova": {"asked": 9}, "requests": 4}
    found = totals.add({"a": {"dns": dns, "metadata": metadata}, "b": {"dns": {"under_way": 1, "received": 1}}})
    assert found == {("dns", "received", ""): 6, ("metadata", "requests", ""): 4}
    assert totals.now == {("dns", "under_way"): 4, ("metadata", "connections"): 2}
    totals.add({"b": {"dns": {"under_way": 0, "received": 2}}})
    assert totals.now == {("dns", "under_way"): 0}
