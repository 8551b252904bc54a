"""Waiting for what must happen: until a look at it says so, with a deadline that only a failure meets."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 60.0  # seconds: much longer than a busy machine takes, and less than pytest's own limit of a test

Found = TypeVar("Found")


def wait_for(
    look: Callable[[], Found | None],
    what: str,
    explain: Callable[[], object] = lambda: "",
    *,
    seconds: float = PATIENCE,
    every: float = 0.02,
) -> Found:
    """Return the first true answer of `look`, which is asked every so many seconds.

    Raises AssertionError, which says `what` did not happen and what `explain` then returns, when there is no such
    answer in time. Whatever `look` raises ends the wait.
    """
    deadline = time.monotonic() + seconds
    while True:
        late = time.monotonic() > deadline
        found = look()
        if found:
            return found
        if late:
            raise AssertionError(f"did not happen in {seconds:.0f} s: {what}\n{explain()}".rstrip())
        time.sleep(every)
