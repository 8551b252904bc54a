"""What the node's HTTP server answered."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Final

BOUNDS: Final = (0.005, 0.025, 0.1, 0.5, 2.5)
"""Upper bounds of the times of answers, in seconds."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(slots=True)
class HttpCounts:
    """Answers by (method, first part of the path, status); for each part their seconds, and how many were within a
    bound."""

    answered: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    within: Counter[tuple[str, float]] = field(default_factory=Counter)

    def note(self, method: str, part: str, status: int, seconds: float) -> None:
        """`part` is of a route that exists, so that nobody can make any number of them."""
        self.answered[method if method in _METHODS else "other", part, status] += 1
        self.seconds[part] += seconds
        for bound in BOUNDS:
            if seconds <= bound:
                self.within[part, bound] += 1
