"""A token bucket, against one that counts tokens."""

from hypothesis import given
from hypothesis import strategies as st

from netmend.services.shared.rate_limit import RateLimit


def test_a_burst_then_the_rate() -> None:
    limit = RateLimit(rate=10, burst=3)
    assert [limit.allow("a", 0.0) for _ in range(5)] == [True, True, True, False, False]
    assert [limit.allow("a", 0.125) for _ in range(2)] == [True, False]
    assert limit.allow("b", 0.125)


@given(
    st.sampled_from([1, 4, 64]),
    st.integers(1, 8),
    st.lists(st.integers(0, 256), max_size=60),
)
def test_like_a_bucket_of_tokens(rate: int, burst: int, gaps: list[int]) -> None:
    limit, tokens, now = RateLimit(rate, burst), float(burst), 0.0
    for gap in gaps:  # in 1/64 s, so that every number here is exact
        now += gap / 64
        tokens = min(float(burst), tokens + rate * gap / 64)
        allowed = tokens >= 1
        assert limit.allow("a", now) == allowed
        tokens -= allowed


def test_keys_that_are_quiet_are_forgotten() -> None:
    limit = RateLimit(rate=10, burst=3)
    for n in range(10_000):
        limit.allow(n, n / 10)
    assert len(limit._full_at) <= 1100
