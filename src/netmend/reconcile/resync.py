"""Why a network has to be looked at again, and when: reasons kept until resolved, back-off exponential with jitter
and a cap (invariant I7)."""

import random
from collections.abc import Iterable
from threading import Lock

from msgspec import Struct

FIRST_DELAY = 0.5  # seconds
LONGEST_DELAY = 60.0


def back_off(failures: int, *, first: float = FIRST_DELAY, longest: float = LONGEST_DELAY) -> float:
    """Seconds to wait after the `failures`-th failure in a row: doubled each time, capped, from half to all of it."""
    delay = min(longest, first * 2.0 ** min(failures - 1, 30))
    return delay * random.uniform(0.5, 1.0)


class Problem(Struct, frozen=True):
    """What is wrong with a network, or with one port of it."""

    port_id: str | None  # None: with the network itself
    text: str
    serves: bool = False  # guests are answered all the same


class Reason(Struct, frozen=True):
    """Why a network, or one port of it, is not as intent says. Times are in seconds on the caller's clock."""

    network_id: str
    port_id: str | None  # None: the network itself
    text: str
    serves: bool  # guests are answered all the same
    since: float
    failures: int  # tries that ended with it, the first included
    next_try: float


class Resync:
    """The reasons of all networks. Thread-safe."""

    def __init__(self) -> None:
        self._reasons: dict[str, tuple[Reason, ...]] = {}
        self._lock = Lock()

    def report(self, network_id: str, problems: Iterable[Problem], now: float) -> list[Reason]:
        """Note what a pass found wrong with a network; no problem resolves its reasons.

        Returns the reasons that are new: the ones worth a line in the log.
        """
        found = {(problem.port_id, problem.text): problem for problem in problems}
        with self._lock:
            before = {(reason.port_id, reason.text): reason for reason in self._reasons.pop(network_id, ())}
            if not found:
                return []
            failures = 1 + max((reason.failures for reason in before.values()), default=0)
            next_try = now + back_off(failures)
            reasons, fresh = [], []
            for key, problem in found.items():
                known = before.get(key)
                since = known.since if known else now
                reason = Reason(network_id, *key, problem.serves, since, failures, next_try)
                reasons.append(reason)
                if known is None:
                    fresh.append(reason)
            self._reasons[network_id] = tuple(reasons)
            return fresh

    def forget(self, network_id: str) -> None:
        with self._lock:
            self._reasons.pop(network_id, None)

    def due(self, now: float) -> set[str]:
        """The networks that are to be tried again now."""
        with self._lock:
            return {network_id for network_id, reasons in self._reasons.items() if reasons[0].next_try <= now}

    def waiting(self, now: float) -> set[str]:
        """The networks that are not served and not to be tried again yet."""
        with self._lock:
            return {
                network_id
                for network_id, reasons in self._reasons.items()
                if reasons[0].next_try > now and not all(reason.serves for reason in reasons)
            }

    def next_try(self) -> float | None:
        """When the next network is due, if any has a reason."""
        with self._lock:
            return min((reasons[0].next_try for reasons in self._reasons.values()), default=None)

    def all(self) -> list[Reason]:
        with self._lock:
            return [reason for reasons in self._reasons.values() for reason in reasons]
