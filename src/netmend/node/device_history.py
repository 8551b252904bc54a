"""How many devices there were, and how many intent asked for: bounded, finer the younger it is."""

from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict, replace

RESOLUTIONS: Final = ((1, 900), (15, 960), (120, 1440))
"""Seconds a sample, and how many are kept: a quarter of an hour, four hours, two days."""


class DeviceCount(Struct, frozen=True):
    """The devices of the host at one moment."""

    at: float  # seconds since the epoch
    wanted: int  # that intent asks for
    found: int  # with netmend's mark
    surplus: int  # of `found`: not wanted
    missing: int  # wanted, and not there
    host: int  # all but loopback, netmend's and others'
    down: int  # of `host`: not up

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class DeviceHistory:
    """Samples at several resolutions. A coarse sample holds the worst of its span: a peak of a second is not lost."""

    def __init__(self) -> None:
        self._rings: list[deque[DeviceCount]] = [deque(maxlen=size) for _, size in RESOLUTIONS]

    @property
    def last(self) -> DeviceCount | None:
        return self._rings[0][-1] if self._rings[0] else None

    def add(self, count: DeviceCount) -> None:
        """Take a sample; `at` never goes back by more than the clock is set."""
        for (seconds, _), ring in zip(RESOLUTIONS, self._rings, strict=True):
            if ring and count.at // seconds == ring[-1].at // seconds:
                ring[-1] = _worst(ring[-1], count)
            else:
                ring.append(count)

    def since(self, span: float) -> list[DeviceCount]:
        """The samples of the last `span` seconds, at the finest resolution that reaches so far back."""
        last = self.last
        if last is None:
            return []
        for (seconds, size), ring in zip(RESOLUTIONS, self._rings, strict=True):
            if seconds * size >= span:
                return [count for count in ring if count.at >= last.at - span]
        return list(self._rings[-1])


def _worst(one: DeviceCount, other: DeviceCount) -> DeviceCount:
    """The worse count of two samples, field by field, at the time of the first."""
    most = {
        name: max(getattr(one, name), getattr(other, name)) for name in ("found", "surplus", "missing", "host", "down")
    }
    return replace(other, at=one.at, **most)


def as_columns(counts: Iterable[DeviceCount]) -> dict[str, list[float]]:
    """The samples as one list a field, so that a long history is a short text."""
    rows = list(counts)
    names = ("at", "wanted", "found", "surplus", "missing", "host", "down")
    return {name: [getattr(row, name) for row in rows] for name in names}
