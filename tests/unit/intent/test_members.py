"""Members is a set that forgets nothing: held against a counted one, over folds and between its versions."""

from collections import Counter
from ipaddress import IPv4Network, ip_network

from hypothesis import given, settings
from hypothesis import strategies as st

from netmend.intent.members import Members
from netmend.intent.security_group import Block

_BLOCKS = st.integers(0, 40).map(IPv4Network)
_STEP = st.lists(_BLOCKS, max_size=8) | st.integers(0, 600).map(
    lambda first: [IPv4Network(number) for number in range(first, first + 600)]
)


@settings(deadline=None)
@given(st.lists(st.tuples(_STEP, st.booleans()), max_size=8))
def test_every_version_is_the_set_it_stands_for(steps: list[tuple[list[Block], bool]]) -> None:
    model: Counter[Block] = Counter()
    members = Members()
    versions = [(members, frozenset[Block]())]
    for blocks, is_coming in steps:
        gone = [] if is_coming else [block for block in blocks if model[block] > 0]
        gone = list(dict.fromkeys(gone))
        come = blocks if is_coming else []
        members = members.evolve(come, gone)
        model.update(come)
        model.subtract(gone)
        versions.append((members, frozenset(+model)))
    for version, wanted in versions:
        assert set(version) == wanted
        assert version == wanted
        assert wanted == version
        assert len(version) == len(wanted)
        assert hash(version) == hash(Members(wanted))
    for one, one_model in versions:
        for other, other_model in versions:
            assert (one == other) == (one_model == other_model)
            differing = one.differing(other)
            assert differing is None or one_model ^ other_model <= differing


def test_a_port_that_has_the_address_of_another_changes_nothing_when_it_goes() -> None:
    block = ip_network("10.0.0.1")
    members = Members([block]).evolve([block], [])
    assert members.evolve([], [block]) == {block}
    assert members.evolve([], [block, block]) == frozenset()
    assert members.evolve([block], [block]) is members
