"""Addresses between routers and the host."""

from hypothesis import given
from hypothesis import strategies as st

from netmend.routing.transit import BLOCK, transits

IDS = st.uuids().map(str)


@given(st.lists(IDS, unique=True, max_size=50))
def test_each_router_has_a_pair_of_its_own(ids: list[str]) -> None:
    found = transits(ids)
    assert set(found) == set(ids)
    every = [address.ip for pair in found.values() for address in pair]
    assert len(set(every)) == len(every)
    assert all(address in BLOCK for address in every)
    assert all(pair.host.network == pair.router.network for pair in found.values())


@given(st.lists(IDS, unique=True, max_size=20), IDS)
def test_the_order_does_not_matter_and_a_lonely_one_keeps_its_pair(ids: list[str], another: str) -> None:
    assert transits(ids) == transits(reversed(ids))
    assert transits([another]) == transits([another, another])


def test_no_pair_is_left_for_too_many() -> None:
    ids = [f"{number:08d}" for number in range(BLOCK.num_addresses // 2 + 1)]
    found = transits(ids)
    assert len(found) == BLOCK.num_addresses // 2
    assert ids[-1] not in found
