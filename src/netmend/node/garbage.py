"""Python's collector of cycles, for a process that lives for months and answers guests meanwhile.

A full collection comes by itself only after a million objects more were made than freed, and walks all of them. So what
is there for good is taken out of its sight (`keep`), and a full collection comes once a minute, while that is cheap:
else what libraries leave in cycles (asyncio's transports do) adds up for hours, and looks like a leak.
"""

import gc
import time
from typing import Final

_YOUNG: Final = 10_000  # objects made between two collections of the young, each 0.5 ms of work
_BETWEEN: Final = 60.0  # seconds between two full collections
_CHEAP: Final = 0.02  # seconds of processor time, for which guests may wait
_BETWEEN_DEAR: Final = 3600.0  # seconds after one that took longer


class Garbage:
    """The collector, tuned from here on."""

    def __init__(self) -> None:
        gc.set_threshold(_YOUNG)
        self._next = time.monotonic() + _BETWEEN

    def keep(self) -> None:
        """Take all objects that there are for permanent: the intent, and what serves it."""
        gc.freeze()

    def collect(self) -> None:
        """Collect all, if it is time."""
        if (now := time.monotonic()) < self._next:
            return
        began = time.thread_time()
        gc.collect()
        self._next = now + (_BETWEEN if time.thread_time() - began <= _CHEAP else _BETWEEN_DEAR)
