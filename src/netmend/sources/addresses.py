"""Which addresses of a subnet are netmend's own, and which its pools hand out, where a person did not say."""

from collections.abc import Iterable, Sequence, Set
from ipaddress import IPv4Address, IPv4Network

from netmend.intent import Pool


def choose_server_address(
    cidr: IPv4Network, gateway: IPv4Address | None, pools: Sequence[Pool], fixed: Set[int]
) -> IPv4Address | None:
    """netmend's own address in a subnet: a function of the subnet, so that it stays over restarts.

    The first usable address that is not the gateway, in no pool and not `fixed` (ports' addresses, as integers); if
    there is none, the highest address of a pool that is not fixed (`without` then takes it out of the pool). None when
    every address is taken.
    """
    broadcast = cidr.broadcast_address
    by_first = sorted(pools, key=lambda pool: pool.first)
    candidate = cidr.network_address + 1
    while candidate < broadcast:
        pool = next((pool for pool in by_first if candidate in pool), None)
        if pool is not None:
            candidate = pool.last + 1
        elif candidate == gateway or int(candidate) in fixed:
            candidate += 1
        else:
            return candidate
    for pool in reversed(by_first):
        candidate = min(pool.last, broadcast - 1)
        while candidate in pool:
            if candidate != gateway and int(candidate) not in fixed:
                return candidate
            candidate -= 1
    return None


def default_pools(cidr: IPv4Network, reserved: Iterable[IPv4Address]) -> tuple[Pool, ...]:
    """All of a subnet but its network and broadcast addresses and `reserved`, in order."""
    pools: tuple[Pool, ...] = (Pool(cidr.network_address + 1, cidr.broadcast_address - 1),)
    for address in reserved:
        pools = without(pools, address)
    return pools


def without(pools: Iterable[Pool], address: IPv4Address) -> tuple[Pool, ...]:
    """`pools` with `address` taken out, which can split one or make one vanish."""
    result: list[Pool] = []
    for pool in pools:
        if address not in pool:
            result.append(pool)
            continue
        if pool.first < address:
            result.append(Pool(pool.first, address - 1))
        if address < pool.last:
            result.append(Pool(address + 1, pool.last))
    return tuple(result)
