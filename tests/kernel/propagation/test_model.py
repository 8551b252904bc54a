"""The model agrees with the kernel after every step of random sequences.

As many as fit in two minutes; NETMEND_SEQUENCES=10000 for the nightly size (docs/propagation.md).
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.kernel.propagation.sequences import operations, play, starts

SEQUENCES = int(os.environ.get("NETMEND_SEQUENCES", "1500"))


@pytest.mark.timeout(0)
def test_the_model_agrees_with_the_kernel() -> None:
    @settings(
        max_examples=SEQUENCES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        phases=[Phase.generate, Phase.shrink],
    )
    @given(starts, st.lists(operations, min_size=5, max_size=40))
    def sequences(start: tuple[Any, ...], rest: list[tuple[Any, ...]]) -> None:
        play([*start, *rest])

    sequences()


@pytest.mark.parametrize(
    "last",
    [
        ("bind", 0, "/run/w/a/a", "/run/w", False),
        ("bind", 0, "/run/w/a/a", "/run/w", True),
        ("bind", 0, "/run/w/a/a", "/run/w/b", False),
        ("move", 0, "/run/w/a/a", "/run/w/b"),
        ("mount_new", 0, "/run/w/a/a"),
    ],
)
def test_what_was_removed_after_it_was_mounted(last: tuple[Any, ...]) -> None:
    play([("bind", 0, "/run/w/a/b", "/run/w/a/a", False), ("remove", 0, "/run/w/a/b"), last])
