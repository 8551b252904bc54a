"""Counts the devices of the host once a second, in a thread of its own, and keeps the curve."""

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from threading import Event, Thread

from netmend.intent.names import DEVICE_GROUPS
from netmend.kernel.errors import KernelError
from netmend.kernel.link_census import LinkCensus
from netmend.node.device_history import DeviceCount, DeviceHistory

_EVERY = 1.0  # seconds


class DeviceCounter:
    """Counts, while entered, the devices of the network namespace in which it was entered."""

    def __init__(self, history: DeviceHistory, wanted: Callable[[], Collection[str]]) -> None:
        """`wanted` gives the names of the devices that intent asks for on the host; the same object while unchanged."""
        self._history = history
        self._wanted = wanted
        self._seen: Collection[str] | None = None
        self._stop = Event()

    def __enter__(self) -> "DeviceCounter":
        self._thread = Thread(target=self._run, name="netmend-device-counter", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with suppress(KernelError):  # a host that lists no links to us opens the breaker elsewhere
            census = LinkCensus(DEVICE_GROUPS)
            try:
                while True:
                    self._sample(census)
                    if self._stop.wait(_EVERY):
                        return
            finally:
                census.close()

    def _sample(self, census: LinkCensus) -> None:
        wanted, last = self._wanted(), self._history.last
        changed = census.update()
        if last is not None and not changed and wanted is self._seen:
            self._history.add(DeviceCount(time.time(), *_counts(last)))
            return
        self._seen = wanted
        names, chosen = census.names, census.chosen
        missing = sum(1 for name in wanted if name not in names)
        ours = len(chosen) + sum(1 for name in wanted if name in names and name not in chosen)
        surplus = sum(1 for name in chosen if name not in wanted)
        self._history.add(DeviceCount(time.time(), len(wanted), ours, surplus, missing, census.total, census.down))


def _counts(count: DeviceCount) -> tuple[int, int, int, int, int, int]:
    return count.wanted, count.found, count.surplus, count.missing, count.host, count.down
