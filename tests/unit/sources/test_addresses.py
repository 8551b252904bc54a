"""Which address is netmend's and which are handed out, against a model that looks at every one of a small subnet."""

from ipaddress import IPv4Address, IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from netmend.intent import Pool
from netmend.sources.addresses import choose_server_address, default_pools, without

CIDR = IPv4Network("192.0.2.0/28")
HOSTS = [int(address) for address in CIDR.hosts()]


def members(pools: tuple[Pool, ...]) -> list[int]:
    return [number for pool in pools for number in range(int(pool.first), int(pool.last) + 1)]


@st.composite
def disjoint_pools(draw: st.DrawFn) -> tuple[Pool, ...]:
    bounds = sorted(draw(st.sets(st.sampled_from(HOSTS), max_size=6)))
    pools = [Pool(IPv4Address(a), IPv4Address(b)) for a, b in zip(bounds[::2], bounds[1::2], strict=False)]
    return tuple(draw(st.permutations(pools)))


@given(st.none() | st.sampled_from(HOSTS), disjoint_pools(), st.sets(st.sampled_from(HOSTS)))
def test_the_server_address(gateway: int | None, pools: tuple[Pool, ...], fixed: set[int]) -> None:
    free = [number for number in HOSTS if number != gateway and number not in fixed]
    outside = [number for number in free if number not in members(pools)]
    expected = min(outside) if outside else max(free, default=None)
    chosen = choose_server_address(CIDR, None if gateway is None else IPv4Address(gateway), pools, fixed)
    assert chosen == (None if expected is None else IPv4Address(expected))


def test_the_server_address_of_a_large_subnet_that_is_all_pool() -> None:
    cidr = IPv4Network("10.0.0.0/8")
    pool = Pool(cidr.network_address + 1, cidr.broadcast_address - 1)
    assert choose_server_address(cidr, None, (pool,), set()) == IPv4Address("10.255.255.254")


@given(disjoint_pools(), st.sampled_from(HOSTS))
def test_taking_an_address_out_of_pools(pools: tuple[Pool, ...], number: int) -> None:
    left = without(pools, IPv4Address(number))
    assert members(left) == [other for other in members(pools) if other != number]
    assert all(pool.first <= pool.last for pool in left)


@given(st.sets(st.sampled_from(HOSTS), max_size=3))
def test_default_pools_are_all_the_rest(reserved: set[int]) -> None:
    pools = default_pools(CIDR, [IPv4Address(number) for number in reserved])
    assert members(pools) == [number for number in HOSTS if number not in reserved]
