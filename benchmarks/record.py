"""What a benchmark found, as values that become JSON: figures beside their references, the machine, the command."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Sample:
    """Repeated measurements of one thing: their median, the lowest and the highest, and all of them in order."""

    median: float
    low: float
    high: float
    runs: tuple[float, ...]

    @classmethod
    def of(cls, runs: Sequence[float]) -> "Sample":
        return cls(median(runs), min(runs), max(runs), tuple(runs))


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should be: `limit` of `ours` (or of `ratio`), `at_most` or at least."""

    of: str  # "ours" | "ratio"
    limit: float
    at_most: bool

    def met(self, ours: float, ratio: float | None) -> bool | None:
        value = ours if self.of == "ours" else ratio
        if value is None:
            return None
        return value <= self.limit if self.at_most else value >= self.limit


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a result: ours, the reference's measured in the same run, and ours divided by the reference's.

    With as many runs of the one as of the other, the ratio is the median of the ratios round by round: both of a
    round were measured one after the other, so what the machine was busy with falls on both.
    """

    what: str
    unit: str
    ours: Sample
    reference: Sample | None = None
    reference_is: str = ""
    aim: Aim | None = None

    @property
    def ratio(self) -> float | None:
        if self.reference is None:
            return None
        ours, reference = self.ours.runs, self.reference.runs
        if len(ours) == len(reference):
            return median(a / b for a, b in zip(ours, reference, strict=True))
        return self.ours.median / self.reference.median

    @property
    def met(self) -> bool | None:
        return self.aim.met(self.ours.median, self.ratio) if self.aim else None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


@dataclass(slots=True)
class Record:
    """One benchmark's findings. `text` holds what a benchmark printed that has a form of its own."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    text: str = ""


def at_most(limit: float) -> Aim:
    return Aim("ours", limit, True)


def ratio_at_most(limit: float) -> Aim:
    return Aim("ratio", limit, True)


def ratio_at_least(limit: float) -> Aim:
    return Aim("ratio", limit, False)


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    with Path("/proc/cpuinfo").open() as lines:
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    memory = int(Path("/proc/meminfo").read_text().split(maxsplit=2)[1])
    return {
        "cpu": model or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**20, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "user": "root" if os.geteuid() == 0 else "an ordinary user, in a user namespace",
        "load_before": round(os.getloadavg()[0], 2),
    }


def write(name: str, record: Record, command: str, facts: dict[str, Any], seconds: float, *, quick: bool) -> Path:
    """Write a record as `results/<name>.json`; returns the path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    found = {
        "name": name,
        "title": record.title,
        "command": command,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "took_seconds": round(seconds, 1),
        "quick": quick,
        "machine": facts,
        "figures": [figure.as_json() for figure in record.figures],
        "notes": record.notes,
        "details": record.details,
        "text": record.text,
    }
    path.write_text(json.dumps(found, indent=1) + "\n")
    return path
