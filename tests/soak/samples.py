"""What a process holds, looked at now and then, and how fast that grows."""

import os
import statistics
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sample:
    """A process at one moment."""

    at: float  # seconds since the process started
    resident: int  # KiB
    private: int  # KiB that no other process shares
    descriptors: int
    threads: int


def sample(pid: int, at: float) -> Sample:
    """Look at a process (smaps_rollup, proc(5)); raises OSError when it is gone."""
    process = Path(f"/proc/{pid}")
    lines = (line.split() for line in (process / "smaps_rollup").read_text().splitlines()[1:])
    sizes = {line[0].rstrip(":"): int(line[1]) for line in lines}
    return Sample(
        at,
        sizes["Rss"],
        sizes["Private_Clean"] + sizes["Private_Dirty"],
        len(os.listdir(process / "fd")),
        len(os.listdir(process / "task")),
    )


def slope_an_hour(points: list[tuple[float, float]]) -> float:
    """How much the second value grows while the first grows by 3,600: the median of the slopes between all pairs of
    points (Theil and Sen's), which single peaks do not move."""
    slopes = [(b - a) / (then - now) for (now, a), (then, b) in combinations(points, 2) if then > now]
    return statistics.median(slopes) * 3600 if slopes else 0.0
