"""Defaults of a subnet's addresses: netmend's own, and those of its pools.

Addresses are reckoned with as numbers, for IPv4 and IPv6 alike.
"""

from collections.abc import Iterable, Sequence, Set
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from netmend.intent import Pool, Pool6

Range = tuple[int, int]  # first and last, inclusive

_LINK_LOCAL = int(IPv4Address("169.254.0.0"))
_UNIQUE_LOCAL = int(IPv6Address("fd6e:6574:6d65:6e64::"))


def choose_server_address(
    cidr: IPv4Network, gateway: IPv4Address | None, pools: Sequence[Pool], fixed: Set[int]
) -> IPv4Address | None:
    """The address of netmend in a subnet: a function of the subnet, so that it stays over restarts.

    The first usable address that is not the gateway, in no pool and not `fixed` (ports' addresses, as integers); if
    there is none, the highest address of a pool that is not fixed (`without` then takes it out of the pool). None when
    every address is taken. A block of one address leaves it to its guest: netmend's is a link-local one (RFC 3927) that
    the block's follows.
    """
    if cidr.num_addresses == 1:
        only = int(cidr.network_address)
        host = 1 + only % 254
        made = _LINK_LOCAL + (1 + (only >> 8) % 160 << 8) + host  # metadata, and Neutron's own, are above these
        return IPv4Address(made + 1 - 254 * (host == 254) if gateway and made == int(gateway) else made)
    taken = fixed if gateway is None else {int(gateway), *fixed}
    number = _choose(_usable(cidr), [(int(pool.first), int(pool.last)) for pool in pools], taken)
    return None if number is None else IPv4Address(number)


def choose_server_address6(
    cidr: IPv6Network, gateway: IPv6Address | None, pools: Sequence[Pool6], fixed: Set[int]
) -> IPv6Address | None:
    """The same for an IPv6 subnet; of a block of one address, netmend's own is a unique-local one (RFC 4193)."""
    if cidr.num_addresses == 1:
        only = int(cidr.network_address)
        return IPv6Address(_UNIQUE_LOCAL + ((only >> 64) ^ only & 0xFFFF_FFFF_FFFF_FFFF))
    taken = fixed if gateway is None else {int(gateway), *fixed}
    number = _choose(_usable(cidr), [(int(pool.first), int(pool.last)) for pool in pools], taken)
    return None if number is None else IPv6Address(number)


def default_pools(cidr: IPv4Network, reserved: Iterable[IPv4Address]) -> tuple[Pool, ...]:
    """All of a subnet but its network and broadcast addresses and `reserved`, in order."""
    first, last = _usable(cidr)
    pools: tuple[Pool, ...] = (Pool(IPv4Address(first), IPv4Address(last)),)
    for address in reserved:
        pools = without(pools, address)
    return pools


def default_pools6(cidr: IPv6Network, reserved: Iterable[IPv6Address]) -> tuple[Pool6, ...]:
    """All of a subnet but the routers' anycast address (RFC 4291 section 2.6.1) and `reserved`, in order."""
    first, last = _usable(cidr)
    pools: tuple[Pool6, ...] = (Pool6(IPv6Address(first), IPv6Address(last)),)
    for address in reserved:
        pools = without6(pools, address)
    return pools


def without(pools: Iterable[Pool], address: IPv4Address) -> tuple[Pool, ...]:
    """`pools` with `address` taken out, which can split one or make one vanish."""
    ranges = _without([(int(pool.first), int(pool.last)) for pool in pools], int(address))
    return tuple(Pool(IPv4Address(first), IPv4Address(last)) for first, last in ranges)


def without6(pools: Iterable[Pool6], address: IPv6Address) -> tuple[Pool6, ...]:
    """The same for IPv6."""
    ranges = _without([(int(pool.first), int(pool.last)) for pool in pools], int(address))
    return tuple(Pool6(IPv6Address(first), IPv6Address(last)) for first, last in ranges)


def _usable(cidr: IPv4Network | IPv6Network) -> Range:
    """The addresses that hosts can have; the last of an IPv6 block is one like any other, and so are both of a block
    of two (RFC 3021, RFC 6164)."""
    ends = cidr.num_addresses > 2
    return int(cidr.network_address) + ends, int(cidr.broadcast_address) - (ends and cidr.version == 4)


def _choose(usable: Range, pools: Iterable[Range], taken: Set[int]) -> int | None:
    by_first = sorted(pools)
    candidate, last_usable = usable
    while candidate <= last_usable:
        pool = next((pool for pool in by_first if pool[0] <= candidate <= pool[1]), None)
        if pool is not None:
            candidate = pool[1] + 1
        elif candidate in taken:
            candidate += 1
        else:
            return candidate
    for first, last in reversed(by_first):
        candidate = min(last, last_usable)
        while candidate >= first:
            if candidate not in taken:
                return candidate
            candidate -= 1
    return None


def _without(ranges: Iterable[Range], number: int) -> list[Range]:
    result: list[Range] = []
    for first, last in ranges:
        if not first <= number <= last:
            result.append((first, last))
            continue
        if first < number:
            result.append((first, number - 1))
        if number < last:
            result.append((number + 1, last))
    return result
