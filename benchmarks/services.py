"""What the services beside DHCPv4 cost: names, metadata, DHCPv6 and router advertisements on every network.

python -m benchmarks services [--quick]
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.cold_start import guests_of
from benchmarks.confined import confined
from benchmarks.memory import available, process_memory
from benchmarks.networks import write_networks
from benchmarks.node_process import NodeProcess
from benchmarks.record import Figure, Record, Sample, ratio_at_most

from netmend.node.http.status_client import NoNode, ask

TITLE = "All services on every network, beside DHCPv4 alone"
ALONE = "DHCPv4 alone, the same networks"
_PATIENCE = 300.0  # seconds


def one_node(count: int, directory: str, *, all_services: bool) -> dict[str, Any]:
    """A cold start: seconds to the first lease of every network and to all of them served; descriptors; KiB."""
    room = Path(directory)
    write_networks(room / "intent.yaml", count, all_services=all_services)
    before = available()
    guests = guests_of(count)
    with NodeProcess(room / "intent.yaml", room) as node:
        answered = guests.until_answered(node.check)
        served = _until_served(node, room)
        time.sleep(1.0)
        return {
            "leases": max(answered) - node.started,
            "served": served - node.started,
            "descriptors": len(os.listdir(f"/proc/{node.pid}/fd")),
            "memory": process_memory(node.pid),
            "all_memory": before - available(),
        }


def _until_served(node: NodeProcess, room: Path) -> float:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        node.check()
        try:
            states = {network["state"] for network in ask(room / "runtime" / "netmend.sock")["networks"]}
        except NoNode:
            states = {"none yet"}
        if states == {"served"}:
            return time.monotonic()
        time.sleep(0.05)
    raise TimeoutError(f"not all networks are served: {states}")


def measure(*, quick: bool) -> Record:
    count, rounds = (100, 1) if quick else (1_000, 3)
    found: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for _ in range(rounds):
        for all_services, runs in found.items():
            with tempfile.TemporaryDirectory() as directory:
                runs.append(confined(one_node, count, directory, all_services=all_services))

    def figure(what: str, unit: str, value: Any, aim: Any = None) -> Figure:
        ours, reference = (Sample.of([value(run) for run in found[which]]) for which in (True, False))
        return Figure(what, unit, ours, reference, ALONE, aim)

    record = Record(f"{TITLE}: {count:,} networks")
    record.figures = [
        figure("process start to a lease on every network", "s", lambda run: run["leases"], ratio_at_most(1.3)),
        figure("process start to all services on every network", "s", lambda run: run["served"], ratio_at_most(1.3)),
        figure("descriptors, a network", "", lambda run: run["descriptors"] / count),
        figure("resident, a network", "KiB", lambda run: run["memory"]["rss"] / count),
        figure("missing from MemAvailable, a network", "KiB", lambda run: run["all_memory"] / count),
    ]
    record.notes.append(
        "Services: names over UDP and TCP, embedded metadata, DHCPv6 and router advertisements, on a subnet of each IP."
    )
    record.details["runs"] = {"all": found[True], "alone": found[False]}
    return record
