"""Counts the answers of the node's HTTP servers. Loads no HTTP stack: a node has it before its first answers."""

from collections import Counter, defaultdict
from typing import Final

from msgspec import Struct, field

BOUNDS: Final = (0.005, 0.025, 0.1, 0.5, 2.5)
"""Upper bounds of the times of answers, in seconds."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class HttpCounts(Struct):
    """Answers by route; a route is the first part of its path, such as `status` or `v2.0`."""

    answered: Counter[tuple[str, str, int]] = field(default_factory=Counter)  # by (method, route, status)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))  # by route: spent, in sum
    within: Counter[tuple[str, float]] = field(default_factory=Counter)  # by (route, bound): no slower than it

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer; `route` exists, so that clients cannot make up any number of them."""
        self.answered[method if method in _METHODS else "other", route, status] += 1
        self.seconds[route] += seconds
        for bound in BOUNDS:
            if seconds <= bound:
                self.within[route, bound] += 1
