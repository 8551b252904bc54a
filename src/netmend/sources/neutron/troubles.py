"""Failed requests to the server, with reason and time of the next try: by network id, `*` for all."""

import random
from dataclasses import dataclass

_FIRST, _LAST = 1.0, 60.0  # seconds between tries


@dataclass(slots=True)
class Trouble:
    """`since` and `next_try` are of the clock that callers use."""

    text: str
    since: float
    failures: int
    next_try: float


class Troubles:
    """Back-off doubles, with jitter, up to a minute."""

    def __init__(self) -> None:
        self._found: dict[str, Trouble] = {}

    def note(self, network_id: str, text: str, now: float) -> float:
        """It failed (again); returns when to try again."""
        before = self._found.get(network_id)
        failures = before.failures + 1 if before else 1
        wait = min(_LAST, _FIRST * 2 ** min(failures - 1, 10)) * random.uniform(0.75, 1.25)
        trouble = Trouble(text, before.since if before else now, failures, now + wait)
        self._found[network_id] = trouble
        return trouble.next_try

    def forget(self, network_id: str) -> None:
        self._found.pop(network_id, None)

    def due(self, now: float) -> list[str]:
        """Networks to try again; each failure is logged once."""
        found = [key for key, trouble in self._found.items() if key != "*" and now >= trouble.next_try]
        for network_id in found:
            self._found[network_id].next_try = float("inf")
        return found

    def next_try(self) -> float | None:
        waits = [trouble.next_try for key, trouble in self._found.items() if key != "*"]
        return min(waits, default=None)

    def all(self) -> dict[str, Trouble]:
        return dict(self._found)
