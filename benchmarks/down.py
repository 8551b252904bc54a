"""Removing all networks, beside the kernel removing the same objects one at a time, as `ip link del` does.

python -m benchmarks down [--quick]
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import floor
from benchmarks.cold_start import guests_of
from benchmarks.confined import confined
from benchmarks.networks import write_networks
from benchmarks.node_process import NodeProcess
from benchmarks.record import Figure, Record, Sample, ratio_at_most

from netmend.kernel import links, nsdir
from netmend.kernel.netlink import RouteSocket

TITLE = "Down: removing all networks"
REFERENCE = "the bare kernel: veth, bridge and namespace of each network deleted by netlink and umount, one by one"


def down(count: int, directory: str) -> float:
    """Seconds that `netmend down` takes for `count` networks, process and all."""
    room = Path(directory)
    write_networks(room / "intent.yaml", count)
    with NodeProcess(room / "intent.yaml", room) as node:
        guests_of(count).until_answered(node.check)
    command = [sys.executable, "-m", "netmend.cli", "down", "--config", str(room / "intent.yaml")]
    start = time.perf_counter()
    subprocess.run([*command, "--runtime-dir", str(room / "runtime")], check=True, stdout=subprocess.DEVNULL)
    took = time.perf_counter() - start
    with RouteSocket() as route:
        left = [link.name for link in links.dump_links(route) if link.name != "lo"]
    assert not left, left
    assert not nsdir.names(), nsdir.names()
    return took


def one_by_one(count: int) -> float:
    floor.make(count, with_bridge=True)
    return floor.remove(count)


def measure(*, quick: bool) -> Record:
    count, references, rounds = (50, 20, 1) if quick else (1_000, 200, 3)
    found: list[dict[str, Any]] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as directory:
            taken = confined(down, count, directory)
        found.append({"down": taken, "reference": confined(one_by_one, references)})
    record = Record(f"{TITLE}: {count:,} networks; the reference: {references}, scaled")
    ours = Sample.of([1000 * run["down"] / count for run in found])
    reference = Sample.of([1000 * run["reference"] / references for run in found])
    record.figures = [
        Figure("a network", "ms", ours, reference, REFERENCE, ratio_at_most(1.0)),
        Figure("all", "s", Sample.of([run["down"] for run in found])),
    ]
    record.details["runs"] = found
    return record
