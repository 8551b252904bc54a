"""VLAN tags: one for each network, the same again after a loss of everything, and nobody else's."""

from hypothesis import given
from hypothesis import strategies as st

from netmend.intent.names import id_from_name
from netmend.reconcile.vlan_tags import FIRST, LAST, choose_tags, first_choice

networks = st.integers(0, 300).map(lambda number: id_from_name("network", str(number)))
tags = st.integers(-1, LAST + 2)


@given(st.sets(networks, max_size=40), st.dictionaries(networks, tags, max_size=40), st.sets(tags, max_size=60))
def test_every_network_has_one_of_its_own_and_keeps_it(asking: set[str], has: dict[str, int], used: set[int]) -> None:
    chosen = choose_tags(asking, has, used)
    assert set(chosen) == asking
    assert len(set(chosen.values())) == len(chosen)
    assert all(FIRST <= tag <= LAST for tag in chosen.values())
    for network_id, tag in chosen.items():
        assert tag == has.get(network_id) or tag not in used
    assert choose_tags(asking, chosen, used | set(chosen.values())) == chosen


@given(st.sets(networks, min_size=1, max_size=20))
def test_it_follows_from_the_id_where_that_is_free(asking: set[str]) -> None:
    chosen = choose_tags(asking, {}, set())
    first = min(asking)
    assert chosen[first] == first_choice(first)
    assert choose_tags(asking, {}, set()) == chosen


def test_when_none_is_left_the_last_have_none() -> None:
    asking = [id_from_name("network", str(number)) for number in range(3)]
    chosen = choose_tags(asking, {}, set(range(FIRST, LAST)))
    assert chosen == {min(asking): LAST}
