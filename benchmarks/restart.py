"""A new node over 1,000 networks that are in place, after the old one was killed or told to end.

python -m benchmarks restart [--quick]
"""

import signal
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.cold_start import guests_of
from benchmarks.confined import confined
from benchmarks.networks import write_networks
from benchmarks.node_process import NodeProcess
from benchmarks.record import Aim, Figure, Record, Sample, at_most

TITLE = "Restart with all networks in place"
ENDS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM}


def restarts(count: int, rounds: int) -> list[dict[str, Any]]:
    """Start, then end and start again, each way `rounds` times; seconds from the start of the new process."""
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as directory:
        room = Path(directory)
        write_networks(room / "intent.yaml", count)
        node = NodeProcess(room / "intent.yaml", room)
        try:
            guests_of(count).until_answered(node.check)
            for _ in range(rounds):
                for end, number in ENDS.items():
                    node.end(number)
                    guests = guests_of(count)
                    node = NodeProcess(room / "intent.yaml", room)
                    answered = guests.until_answered(node.check)
                    guests.close()
                    first, last = min(answered) - node.started, max(answered) - node.started
                    found.append({"end": end, "first": first, "all": last})
        finally:
            node.end()
    return found


def figures(found: list[dict[str, Any]], title: str, aims: tuple[Aim | None, Aim | None]) -> list[Figure]:
    """First and all, for each way to end."""
    made = []
    for end in ENDS:
        for key, what, aim in (("first", "first answer", aims[0]), ("all", "all answering", aims[1])):
            sample = Sample.of([run[key] for run in found if run["end"] == end])
            made.append(Figure(f"{title}after {end}: process start to {what}", "s", sample, aim=aim))
    return made


def measure(*, quick: bool) -> Record:
    count, rounds = (100, 2) if quick else (1_000, 5)
    found = confined(restarts, count, rounds)
    record = Record(f"{TITLE}: {count:,} networks", figures(found, "", (at_most(1.0), at_most(3.0))))
    record.details["runs"] = found
    record.notes.append(
        "Neutron's dhcp agent, with 50 networks in place, took 23.5 s on such a machine (measured apart)."
    )
    return record
