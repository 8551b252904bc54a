"""The curve: bounded, finer the younger, and no peak of a second is lost in a coarse sample."""

from hypothesis import given
from hypothesis import strategies as st

from netmend.node.device_history import RESOLUTIONS, DeviceCount, DeviceHistory, as_columns


def count(at: float, found: int, wanted: int = 10) -> DeviceCount:
    return DeviceCount(at, wanted, found, max(0, found - wanted), max(0, wanted - found), found + 3, 1)


def test_an_empty_history_is_empty() -> None:
    assert DeviceHistory().last is None
    assert DeviceHistory().since(900) == []
    assert as_columns([]) == {name: [] for name in ("at", "wanted", "found", "surplus", "missing", "host", "down")}


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=400), st.integers(1, 40))
def test_every_resolution_knows_the_highest_count_and_the_last_intent(found: list[int], step: int) -> None:
    history = DeviceHistory()
    for number, devices in enumerate(found):
        history.add(count(1e9 + number * step, devices, wanted=number))
    for seconds, size in RESOLUTIONS:
        kept = history.since(seconds * size)
        reach = seconds * size / step
        if len(found) < reach:
            assert max(sample.found for sample in kept) == max(found)
        assert kept[-1].wanted == len(found) - 1
        assert [sample.at for sample in kept] == sorted({sample.at for sample in kept})
        assert len(kept) <= size


def test_two_days_of_seconds_take_a_bounded_place() -> None:
    history = DeviceHistory()
    for second in range(200_000):
        history.add(count(1e9 + second, 10 + (second == 100_000)))
    assert len(history.since(900)) <= 901
    assert len(history.since(14_400)) <= 961
    coarse = history.since(172_800)
    assert len(coarse) <= 1440
    assert max(sample.found for sample in coarse) == 11  # one second, a day ago
    assert len(history.since(10)) <= 11


def test_a_clock_set_back_does_not_break_it() -> None:
    history = DeviceHistory()
    for at in (1000.0, 1001.0, 400.0, 401.0):
        history.add(count(at, 5))
    assert history.last is not None
    assert history.last.at == 401.0
