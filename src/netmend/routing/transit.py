"""The link between a router and the host, where that is the router's way out: a pair of addresses for each router.

The block is the one that Neutron's routers use for the same purpose (neutron/agent/l3/dvr_fip_ns.py), inside the
link-local one (RFC 3927), which no host routes anywhere. A pair is a function of the router's id; only where two
collide, it depends on which other routers there are.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Final, NamedTuple
from zlib import crc32

BLOCK: Final = IPv4Network("169.254.64.0/18")
_PAIRS: Final = BLOCK.num_addresses // 2


class Transit(NamedTuple):
    """A link's two addresses (RFC 3021)."""

    host: IPv4Interface
    router: IPv4Interface


def transits(router_ids: Iterable[str]) -> dict[str, Transit]:
    """The pair of each router; none of those for which none is left."""
    taken: dict[int, str] = {}
    for router_id in sorted(set(router_ids))[:_PAIRS]:
        number = crc32(router_id.encode()) % _PAIRS
        while number in taken:
            number = (number + 1) % _PAIRS
        taken[number] = router_id
    return {router_id: _pair(number) for number, router_id in taken.items()}


def _pair(number: int) -> Transit:
    first = int(BLOCK.network_address) + 2 * number
    return Transit(IPv4Interface((IPv4Address(first), 31)), IPv4Interface((IPv4Address(first + 1), 31)))
