"""Rows by the page: what of many rows is shown, in which order, and what is no query."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmend.node.views.listing import MOST, Page, network_page
from netmend.node.views.read_models import _page
from netmend.node.views.shapes import STATES

rows = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.uuids().map(str),
            "name": st.text("abcXYZ-<>", min_size=1, max_size=5),
            "state": st.sampled_from(STATES),
            "subnets": st.just(["10.0.0.0/24"]),
            "ports_count": st.integers(0, 5),
            "served_since": st.none() | st.floats(0, 10),
        }
    ),
    max_size=40,
)


@given(rows, st.integers(1, 7), st.sampled_from(["", "state", "-state", "name", "-ports", "since"]))
def test_pages_laid_end_to_end_are_the_whole_list(given_rows: list[dict[str, Any]], limit: int, sort: str) -> None:
    whole = network_page(given_rows, Page(0, MOST, "", sort))
    assert whole["total"] == len(given_rows)
    parts = [network_page(given_rows, Page(offset, limit, "", sort))["rows"] for offset in range(0, 45, limit)]
    assert [row for part in parts for row in part] == list(whole["rows"])


@given(rows)
def test_the_worst_come_first(given_rows: list[dict[str, Any]]) -> None:
    found = [STATES.index(row["state"]) for row in network_page(given_rows, Page(limit=MOST))["rows"]]
    assert found == sorted(found)


@given(rows, st.sampled_from(["a", "X", "10.0", "zz"]), st.sampled_from(["", *STATES]))
def test_what_is_looked_for_is_found(given_rows: list[dict[str, Any]], text: str, state: str) -> None:
    found = network_page(given_rows, Page(limit=MOST, text=text, state=state))["rows"]
    for row in given_rows:
        fits = text.lower() in row["name"].lower() or text.lower() in row["id"] or text in "10.0.0.0/24"
        assert (row in found) == (fits and state in {"", row["state"]})


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"offset": "-1"}, "offset: expected a whole number"),
        ({"offset": "x" * 500}, "offset: expected a whole number"),
        ({"limit": "0"}, "limit: expected a whole number from 1 to 500"),
        ({"limit": "1000000"}, "limit: expected a whole number from 1 to 500"),
        ({"limit": "²"}, "limit: expected"),
        ({"state": "asleep"}, "state: no state 'asleep'; there are: not served"),
    ],
)
def test_what_is_no_query_is_said_in_a_sentence(query: Mapping[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        _page(query)


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="sort: no column colour; there are name, ports, since, state"):
        network_page([], Page(sort="-colour"))
