"""Waiting for what must happen, with a deadline that only a failure meets."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 60.0  # seconds
_POLL = 0.02

T = TypeVar("T")


def wait_for(look: Callable[[], T | None], what: str, explain: Callable[[], object] = lambda: "") -> T:
    """The first answer of `look` that is true; raises AssertionError with `what` was waited for and `explain()`."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen in {PATIENCE:.0f} s: {what}\n{explain()}")
        time.sleep(_POLL)
