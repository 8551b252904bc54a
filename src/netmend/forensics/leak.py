"""How fast devices pile up, by the lines that show a device or a port being made and deleted."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from itertools import accumulate

from netmend.forensics.entries import PORT_ASKED
from netmend.forensics.gathered import Gathered

NETWORKS = 50
FEW_PORTS = 3
"""Times a network may ask for a new DHCP port; a healthy one asks once (the port is kept and found again)."""

MANY_DEVICES = 50
"""Devices made and not deleted from which on they may pile up, if almost none is ever deleted. A host that starts or
is given others' guests makes as many and no more, so that alone is no leak."""

POINTS = 500
"""Of the curve of what remains."""

STEADY = 2 * 3600.0
"""Seconds over which devices must be made, as fast at the end as before, to pile up without any failure beside them."""

FAILURES = 4
"""A failure beside the making of devices is one for every so many of them."""


@dataclass(frozen=True)
class NetworkLeak:
    """One network's share."""

    network: str
    devices: int
    ports_asked: int
    first: float
    last: float
    per_minute: float


@dataclass(frozen=True)
class Leak:
    """Devices made, deleted and remaining, by name; `exact` is False where they were sampled."""

    created: int
    deleted: int
    remaining: int
    ports_asked: int
    first: float | None
    last: float | None
    per_minute: float
    peak_per_minute: int
    leaking: bool
    because: str
    networks: tuple[NetworkLeak, ...]
    curve: tuple[tuple[float, int], ...]
    """(time, devices remaining), about POINTS of them."""
    exact: bool


def rate(count: int, first: float, last: float) -> float:
    """Per minute from the first to the last; a single burst counts as one minute."""
    return round(count / max((last - first) / 60, 1.0), 2)


def measure(gathered: Gathered, failures: Collection[str] = ()) -> Leak:
    """The leak that the logs show; all zero where none of them speaks of devices. `failures`: names of such events."""
    scale = gathered.devices.scale
    devices = gathered.devices.kept
    made = [d for d in devices.values() if d.creations]
    gone = sorted(d.deleted for d in made if d.deleted >= d.created_last)
    created, deleted = len(made) * scale, len(gone) * scale
    asked = _asked(gathered)
    ports = sum(n.ports_asked for n in asked.values())
    times = sorted([d.created for d in made])
    spans = [(n.first, n.last) for n in asked.values()] if not times else []
    first = times[0] if times else min((s[0] for s in spans), default=None)
    last = max((d.created_last for d in made), default=None) if times else max((s[1] for s in spans), default=None)
    networks = _per_network(gathered, asked)
    repeated = [n for n in networks if n.ports_asked >= FEW_PORTS]
    remaining = created - deleted
    because = ""
    if repeated:
        worst = max(repeated, key=lambda n: n.ports_asked)
        asking = "a network" if len(repeated) == 1 else f"{len(repeated)} networks"
        because = f"{asking} asked for a new DHCP port again and again, up to {worst.ports_asked} times"
    elif remaining >= MANY_DEVICES and deleted * 10 < created:
        failed = _failures(gathered, times[0], times[-1], failures)
        if failed * FAILURES >= remaining:
            because = f"{remaining} devices were made and not deleted, while {failed} times something failed"
        elif _steady(times):
            because = f"{remaining} devices were made and not deleted, on and on"
    return Leak(
        created=created,
        deleted=deleted,
        remaining=remaining,
        ports_asked=ports,
        first=first,
        last=last,
        per_minute=rate(created or ports, first, last) if first is not None and last is not None else 0.0,
        peak_per_minute=max(Counter(int(t // 60) for t in times).values(), default=0) * scale,
        leaking=bool(because),
        because=because,
        networks=tuple(networks[:NETWORKS]),
        curve=_curve(gathered, times, gone),
        exact=scale == 1 and gathered.ports.scale == 1,
    )


def _failures(gathered: Gathered, first: float, last: float, failures: Collection[str]) -> int:
    """How often the most frequent failure was seen while devices were made, or in the minute after."""
    counts: Counter[str] = Counter()
    for event, _, tally in gathered.occurrences.of(failures):
        if first - 60 <= tally.first <= last + 60:
            counts[event] += tally.count
    return max(counts.values(), default=0)


def _steady(times: list[float]) -> bool:
    """Whether devices were made over hours, in their last third as fast as in the first two."""
    span = times[-1] - times[0]
    late = len(times) - bisect_right(times, times[0] + span * 2 / 3)
    return span >= STEADY and late * 4 >= len(times)


def _asked(gathered: Gathered) -> dict[str, NetworkLeak]:
    found = {}
    for network, by_actor in gathered.ports.kept.items():
        count = sum(t.count for t in by_actor.values())
        first = min(t.first for t in by_actor.values())
        last = max(t.last for t in by_actor.values())
        found[network] = NetworkLeak(network, 0, count, first, last, rate(count, first, last))
    return found


def _per_network(gathered: Gathered, asked: dict[str, NetworkLeak]) -> list[NetworkLeak]:
    scale = gathered.devices.scale
    found = dict(asked)
    by_network: dict[str, list[float]] = {}
    for device in gathered.devices.kept.values():
        if device.network and device.creations:
            by_network.setdefault(device.network, []).extend((device.created, device.created_last))
    for network, times in by_network.items():
        count = len(times) // 2 * scale
        before = asked.get(network)
        first, last = min(times), max(times)
        ports = before.ports_asked if before else 0
        found[network] = NetworkLeak(network, count, ports, first, last, rate(max(count, ports), first, last))
    return sorted(found.values(), key=lambda n: (-max(n.devices, n.ports_asked), n.network))


def _curve(gathered: Gathered, times: list[float], gone: list[float]) -> tuple[tuple[float, int], ...]:
    """How many remained at about POINTS times, from the sorted times of creations and deletions."""
    scale = gathered.devices.scale
    if not times:
        return _curve_of_ports(gathered)
    changes = sorted(times + gone)
    step = max(1, len(changes) // POINTS)
    chosen = changes[::step]
    if (len(changes) - 1) % step:
        chosen.append(changes[-1])
    return tuple((when, (bisect_right(times, when) - bisect_right(gone, when)) * scale) for when in chosen)


def _curve_of_ports(gathered: Gathered) -> tuple[tuple[float, int], ...]:
    """The same for DHCP ports that were asked for, where no log speaks of devices."""
    tallies = gathered.occurrences.of([PORT_ASKED])
    step = max(1, len(tallies) // POINTS)
    levels = accumulate(tally.count for _, _, tally in tallies)
    points = [(tally.first, level) for (_, _, tally), level in zip(tallies, levels, strict=True)]
    return tuple(point for i, point in enumerate(points) if i % step == 0 or i == len(points) - 1)
