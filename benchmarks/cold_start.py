"""From nothing to all networks answering, beside what the kernel alone needs to make the objects.

python -m benchmarks cold_start [--quick]
"""

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import floor
from benchmarks.confined import confined
from benchmarks.guests import Guests
from benchmarks.networks import GUEST_MAC, device, guest_address, write_networks
from benchmarks.node_process import NodeProcess
from benchmarks.record import Figure, Record, Sample, ratio_at_most

from netmend.kernel import descriptors
from netmend.node.guests.serving import Serving
from netmend.node.settings import Settings
from netmend.reconcile.reconciler import Reconciler
from netmend.reconcile.reports import Listener
from netmend.sources.file import load

TITLE = "Cold start: from nothing to every network answering a DISCOVER"
SIZES = {10: 7, 100: 5, 1_000: 3}  # networks: rounds
QUICK = {10: 3, 100: 2}
FLOOR = "the bare kernel: a loop that makes as many namespaces, veth pairs and addresses by netlink, and no bridge"


def guests_of(count: int) -> Guests:
    """The known guest of each of the networks that `write_networks` writes."""
    numbers = range(count)
    return Guests([device(n) for n in numbers], [GUEST_MAC] * count, [guest_address(n) for n in numbers])


def whole_process(count: int) -> dict[str, float]:
    """Seconds from the start of `netmend run` to the first and to the last network's first offer."""
    with tempfile.TemporaryDirectory() as directory:
        room = Path(directory)
        write_networks(room / "intent.yaml", count)
        guests = guests_of(count)
        with NodeProcess(room / "intent.yaml", room) as node:
            answered = guests.until_answered(node.check)
            return {"first": min(answered) - node.started, "all": max(answered) - node.started}


def passes(count: int) -> float:
    """Seconds of the first pass in this process, with its sockets served, once intent is loaded."""
    with tempfile.TemporaryDirectory() as directory:
        room = Path(directory)
        write_networks(room / "intent.yaml", count)
        intent = load(room / "intent.yaml")
        descriptors.raise_open_files()
        serving = Serving(Settings(state=room), lambda _: None, lambda: None)
        reconciler = Reconciler(listener=Listener(serving.ready, serving.gone))
        start = time.perf_counter()
        report = reconciler.run(intent)
        took = time.perf_counter() - start
        assert len(report.right) == count, report
        guests_of(count).until_answered(lambda: None, patience=10.0)
        serving.close()
        reconciler.close()
        return took


def measure(*, quick: bool) -> Record:
    record = Record(TITLE)
    for count, rounds in (QUICK if quick else SIZES).items():
        found: list[dict[str, Any]] = []
        for _ in range(rounds):
            run: dict[str, float] = confined(whole_process, count)
            run["floor"] = confined(floor.make, count)
            run["passes"] = confined(passes, count)
            run["floor with bridges"] = confined(floor.make, count, with_bridge=True)
            found.append(run)

        def sample(key: str, scale: float = 1.0, found: list[dict[str, Any]] = found) -> Sample:
            return Sample.of([run[key] * scale for run in found])

        bare, bridged = sample("floor"), sample("floor with bridges")
        aim = ratio_at_most(2.0)
        record.figures += [
            Figure(f"{count:,} networks: process start to first answer", "s", sample("first")),
            Figure(f"{count:,} networks: process start to all answering", "s", sample("all"), bare, FLOOR, aim),
            Figure(f"{count:,} networks: the passes alone", "s", sample("passes"), bare, FLOOR, aim),
            Figure(
                f"{count:,} networks: the passes alone, floor with a bridge each",
                "s",
                sample("passes"),
                bridged,
                "the same with a bridge for each, as netmend makes",
            ),
            Figure(f"{count:,} networks: the passes, a network", "ms", sample("passes", 1000 / count)),
        ]
        record.details[str(count)] = found
    record.notes += [
        "A guest on every network asks until it is offered its own address; the time is that of the offer.",
        "The passes alone: intent loaded, to all made and their sockets served; then every network is asked.",
    ]
    return record
