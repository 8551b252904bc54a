"""What a reading gathers, in bounded memory and independent of the order in which logs are read.

Each collection starts exact. When it would outgrow its cap it becomes coarser by one step: time buckets twice as wide,
templates shorter, or half of the names left out (by hash). A step is a function of what is kept alone, and how many
are needed is a function of the whole input, so any order of the same lines ends in the same state.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from netmend.forensics.templates import coarser

REPEATS = 20_000
BUCKETS = 40_000
NAMES = 100_000


@dataclass(slots=True)
class Tally:
    """How often, from when to when (seconds since the epoch), and the earliest text."""

    count: int = 0
    first: float = float("inf")
    last: float = float("-inf")
    sample: str = ""
    file: str = ""

    def add(self, count: int, first: float, last: float, sample: str, file: str) -> None:
        if first < self.first or (first == self.first and (file, sample) < (self.file, self.sample)):
            self.sample, self.file = sample, file
        self.count += count
        if first < self.first:  # noqa: PLR1730 - a call of min() costs more
            self.first = first
        if last > self.last:  # noqa: PLR1730
            self.last = last

    def merge(self, other: Tally) -> None:
        self.add(other.count, other.first, other.last, other.sample, other.file)

    @property
    def seen(self) -> bool:
        """Whether any line with a stamp was counted."""
        return self.first <= self.last


class Repeats:
    """Messages by (level, actor, template)."""

    def __init__(self, cap: int = REPEATS) -> None:
        self.cap = cap
        self.coarseness = 0
        self.tallies: dict[tuple[str, str, str], Tally] = {}

    def add(self, level: str, actor: str, template: str, tally: Tally) -> None:
        key = (level, actor, coarser(template, self.coarseness))
        mine = self.tallies.get(key)
        if mine is None:
            mine = self.tallies[key] = Tally()
        mine.merge(tally)
        while len(self.tallies) > self.cap and self.coarseness < 5:
            self.coarseness += 1
            old, self.tallies = self.tallies, {}
            for (its_level, its_actor, text), other in sorted(old.items()):
                shorter = (its_level, its_actor, coarser(text, self.coarseness))
                self.tallies.setdefault(shorter, Tally()).merge(other)


class Occurrences:
    """When each event was seen: tallies by (event, actor, time bucket)."""

    def __init__(self, cap: int = BUCKETS) -> None:
        self.cap = cap
        self.width = 1
        """Seconds of a bucket."""
        self.buckets: dict[tuple[str, str, int], Tally] = {}
        self._by_event: dict[str, list[tuple[str, str, Tally]]] | None = None
        """`buckets` by event: made when they are asked for, void when one is added."""

    def add(self, event: str, actor: str, when: float, sample: str, file: str) -> None:
        self._by_event = None
        key = (event, actor, int(when // self.width))
        mine = self.buckets.get(key)
        if mine is None:
            mine = self.buckets[key] = Tally()
            if len(self.buckets) > self.cap:
                mine.add(1, when, when, sample, file)
                self._widen()
                return
        mine.add(1, when, when, sample, file)

    def _widen(self) -> None:
        while len(self.buckets) > self.cap and self.width < 1 << 36:
            self.width *= 2
            old, self.buckets = self.buckets, {}
            for (event, actor, bucket), tally in old.items():
                self.buckets.setdefault((event, actor, bucket // 2), Tally()).merge(tally)

    def of(self, events: Iterable[str]) -> list[tuple[str, str, Tally]]:
        """(event, actor, tally) of these events, by first time."""
        if self._by_event is None:
            self._by_event = {}
            for (event, actor, _), tally in self.buckets.items():
                self._by_event.setdefault(event, []).append((event, actor, tally))
        found = [one for event in set(events) for one in self._by_event.get(event, ())]
        return sorted(found, key=lambda x: (x[2].first, x[2].last, x[0], x[1]))


V = TypeVar("V")


class Names(Generic[V]):
    """A dictionary by name that keeps at most `cap` names: those with the most zeros at the end of their hash.

    `scale` is how many names each kept one stands for: 1 while it is exact.
    """

    def __init__(self, cap: int = NAMES) -> None:
        self.cap = cap
        self.scale = 1
        self.kept: dict[str, V] = {}

    def wants(self, name: str) -> bool:
        """Whether this name is among those kept."""
        return self.scale == 1 or zlib.crc32(name.encode("utf-8", "replace")) % self.scale == 0

    def put(self, name: str, value: V) -> None:
        """Keep a value for a name that is wanted."""
        self.kept[name] = value
        while len(self.kept) > self.cap and self.scale < 1 << 31:
            self.scale *= 2
            self.kept = {n: v for n, v in self.kept.items() if self.wants(n)}


@dataclass(slots=True)
class Device:
    """What logs say of one device: first and last creation, last deletion, for which network."""

    created: float = float("inf")
    created_last: float = float("-inf")
    deleted: float = float("-inf")
    creations: int = 0
    network: str = ""


@dataclass(slots=True)
class FileFacts:
    """What was understood of one file."""

    path: str
    size: int = 0
    lines: int = 0
    """Records: lines that were one before somebody cut them count once."""
    unknown: int = 0
    """Lines in no known format."""
    dated: int = 0
    """Lines with a stamp, and lines of tracebacks below them."""
    formats: dict[str, int] = field(default_factory=dict)
    first: float = float("inf")
    last: float = float("-inf")
    assumed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unread: bool = False
    """Nothing of it could be read; `notes` says why."""


class Gathered:
    """Everything read so far."""

    def __init__(self) -> None:
        self.repeats = Repeats()
        """Messages at level WARNING and above."""
        self.chatter = Repeats()
        """All others: however many they are, they must not make those above coarser."""
        self.occurrences = Occurrences()
        self.keyed: Names[dict[tuple[str, str], Tally]] = Names(20_000)
        """Per name (of a namespace or network): tallies by (event, actor)."""
        self.devices: Names[Device] = Names()
        self.ports: Names[dict[str, Tally]] = Names(20_000)
        """DHCP ports asked for, per network id: tallies by actor."""
        self.numbers: dict[str, float] = {}
        """The largest number that an event's `number` group read."""
        self.files: list[FileFacts] = []

    def repeated(self, level: str, actor: str, template: str, tally: Tally) -> None:
        """Lines of one message."""
        held = self.repeats if level in ("WARNING", "ERROR", "CRITICAL") else self.chatter
        held.add(level, actor, template, tally)

    def key(self, name: str, event: str, actor: str, when: float, file: str) -> None:
        """One event about one name."""
        if self.keyed.wants(name):
            held = self.keyed.kept.get(name)
            if held is None:
                held = {}
                self.keyed.put(name, held)
            tally = held.get((event, actor))
            if tally is None:
                tally = held[event, actor] = Tally()
            tally.add(1, when, when, "", file)

    def device(self, name: str, when: float, created: bool, network: str = "") -> None:
        """A device was created or deleted."""
        device = self.devices.kept.get(name)
        if device is None:
            if not self.devices.wants(name):
                return
            device = Device()
            self.devices.put(name, device)
        if created:
            device.creations += 1
            if when < device.created:  # noqa: PLR1730 - a call of min() costs more
                device.created = when
            if when > device.created_last:  # noqa: PLR1730
                device.created_last = when
        elif when > device.deleted:
            device.deleted = when
        if network and (not device.network or network < device.network):
            device.network = network
