"""A new node over 1,000 networks that are in place, after the old one was killed or told to end.

python -m benchmarks restart [--quick]
"""

import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.cold_start import guests_of
from benchmarks.confined import confined
from benchmarks.networks import write_networks
from benchmarks.node_process import NodeProcess
from benchmarks.record import Aim, Figure, Record, Sample, at_most

TITLE = "Restart with all networks in place"
ENDS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM}


def restarts(count: int, rounds: int, ends: Sequence[str] = tuple(ENDS)) -> dict[str, Any]:
    """Start from nothing (`cold`), then end and start again, in each of the ways `rounds` times (`restarts`); seconds
    from the start of the new process to the first and to the last network's first offer."""
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as directory:
        room = Path(directory)
        write_networks(room / "intent.yaml", count)
        node = NodeProcess(room / "intent.yaml", room)
        try:
            cold = max(guests_of(count).until_answered(node.check)) - node.started
            for _ in range(rounds):
                for end in ends:
                    node.end(ENDS[end])
                    guests = guests_of(count)
                    node = NodeProcess(room / "intent.yaml", room)
                    answered = guests.until_answered(node.check)
                    guests.close()
                    first, last = min(answered) - node.started, max(answered) - node.started
                    found.append({"end": end, "first": first, "all": last})
        finally:
            node.end()
    return {"cold": cold, "restarts": found}


def figures(found: list[dict[str, Any]], aims: tuple[Aim | None, Aim | None]) -> list[Figure]:
    """First and all, for each way to end."""
    made = []
    for end in ENDS:
        for key, what, aim in (("first", "first answer", aims[0]), ("all", "all answering", aims[1])):
            sample = Sample.of([run[key] for run in found if run["end"] == end])
            made.append(Figure(f"after {end}: process start to {what}", "s", sample, aim=aim))
    return made


def measure(*, quick: bool) -> Record:
    count, rounds = (100, 2) if quick else (1_000, 5)
    found = confined(restarts, count, rounds)["restarts"]
    record = Record(f"{TITLE}: {count:,} networks", figures(found, (at_most(1.0), at_most(3.0))))
    record.details["runs"] = found
    record.notes.append(
        "Neutron's dhcp agent, with 50 networks in place, took 23.5 s on such a machine (measured apart)."
    )
    return record
