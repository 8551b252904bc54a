"""Chooses the VLAN tag that keeps a network apart on a bridge that it shares, where no other agent gives it one.

The tag follows from the id of the network, so that it is the same after a loss of everything; where that tag is taken,
it is the next free one. A network that has a tag keeps it.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

FIRST, LAST = 1, 4094  # IEEE 802.1Q: 0 and 4095 name no VLAN
_COUNT: Final = LAST - FIRST + 1


def first_choice(network_id: str) -> int:
    """The tag that a network has unless it is taken."""
    return FIRST + int(network_id.replace("-", ""), 16) % _COUNT


def choose_tags(asking: Iterable[str], has: Mapping[str, int], used: Collection[int]) -> dict[str, int]:
    """The tag of each of the networks `asking`: the one it `has`, unless another has that too or it is no VLAN; else a
    free one that is not among those in use (`used`). A network for which no tag is left is not in the answer."""
    chosen: dict[str, int] = {}
    taken = set(used)
    ordered = sorted(set(asking))
    kept: set[int] = set()
    for network_id in ordered:
        tag = has.get(network_id)
        if tag is not None and FIRST <= tag <= LAST and tag not in kept:
            chosen[network_id] = tag
            kept.add(tag)
    taken |= kept
    for network_id in ordered:
        if network_id in chosen:
            continue
        first = first_choice(network_id)
        for step in range(_COUNT):
            tag = FIRST + (first - FIRST + step) % _COUNT
            if tag not in taken:
                chosen[network_id] = tag
                taken.add(tag)
                break
    return chosen
