"""Memory a network: of the node, of the kernel, and of a dnsmasq for each network in the node's place.

python -m benchmarks memory [--quick]
"""

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.cold_start import guests_of
from benchmarks.confined import confined
from benchmarks.dnsmasq import Dnsmasq, Host
from benchmarks.networks import GUEST_MAC, guest_address, network_id, write_networks
from benchmarks.node_process import NodeProcess
from benchmarks.record import Figure, Record, Sample

from netmend.intent.names import dhcp_port_id, inner_name, namespace_name
from netmend.kernel import nsdir
from netmend.kernel.netns import Netns

TITLE = "Memory a network"
DNSMASQS = "a dnsmasq for each network, as Neutron starts it"


def process_memory(pid: int) -> dict[str, float]:
    """Resident, proportional and private memory of a process in KiB (/proc/pid/smaps_rollup, proc(5))."""
    lines = (line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    sizes = {line[0].rstrip(":"): float(line[1]) for line in lines}
    return {"rss": sizes["Rss"], "pss": sizes["Pss"], "private": sizes["Private_Clean"] + sizes["Private_Dirty"]}


def available() -> float:
    """MemAvailable in KiB: what is free or could be, so that page cache does not count."""
    time.sleep(1.0)  # what was freed just now
    lines = Path("/proc/meminfo").read_text().splitlines()
    return float(next(line for line in lines if line.startswith("MemAvailable")).split()[1])


def measurements(count: int, references: int, directory: str) -> dict[str, Any]:
    """All in KiB: a node with one network, then with `count`; the kernel's part; then `references` dnsmasqs."""
    room = Path(directory)
    write_networks(room / "one.yaml", 1)
    with NodeProcess(room / "one.yaml", room) as node:
        guests_of(1).until_answered(node.check)
        found: dict[str, Any] = {"networks": count, "references": references, "one": process_memory(node.pid)}
    write_networks(room / "intent.yaml", count)
    before = available()
    with NodeProcess(room / "intent.yaml", room) as node:
        guests_of(count).until_answered(node.check)
        found["node"] = process_memory(node.pid)
        found["with_node"] = before - available()
    without = available()
    found["kernel"] = before - without
    with ExitStack() as stack:
        running = []
        for number in range(references):
            own = room / f"dnsmasq-{number}"
            own.mkdir()
            namespace = stack.enter_context(Netns.open(f"{nsdir.DEFAULT}/{namespace_name(network_id(number))}"))
            device = inner_name(dhcp_port_id(network_id(number)))
            hosts = [Host(GUEST_MAC, guest_address(number))]
            running.append(stack.enter_context(Dnsmasq(namespace, device, own, hosts, "10.0.0.0")))
        guests_of(references).until_answered(lambda: None)
        each = [process_memory(server.pid) for server in running]
        found["dnsmasqs"] = {key: sum(sizes[key] for sizes in each) for key in ("rss", "pss", "private")}
        found["with_dnsmasqs"] = without - available()
    return found


def measure(*, quick: bool) -> Record:
    count, references, rounds = (100, 20, 1) if quick else (1_000, 200, 3)
    found = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as directory:
            found.append(confined(measurements, count, references, directory))

    def sample(part: str, key: str, among: int) -> Sample:
        return Sample.of([run[part][key] / among for run in found])

    def beside(what: str, key: str) -> Figure:
        return Figure(what, "KiB", sample("node", key, count), sample("dnsmasqs", key, references), DNSMASQS)

    kernel = Sample.of([run["kernel"] / count for run in found])
    all_ours = Sample.of([run["with_node"] / count for run in found])
    all_theirs = Sample.of([run["with_dnsmasqs"] / references + run["kernel"] / count for run in found])
    record = Record(f"{TITLE}: {count:,} networks; {references} dnsmasqs, scaled")
    record.figures = [
        Figure(
            "resident, a network", "KiB", sample("node", "rss", count), sample("dnsmasqs", "rss", references), DNSMASQS
        ),
        Figure(
            "proportional (shared pages divided)",
            "KiB",
            sample("node", "pss", count),
            sample("dnsmasqs", "pss", references),
            DNSMASQS,
        ),
        Figure("the kernel's, a network: namespace, veth, bridge", "KiB", kernel),
        Figure("all that is missing from MemAvailable, a network", "KiB", all_ours, all_theirs, DNSMASQS),
        Figure("resident, the whole node", "MiB", Sample.of([run["node"]["rss"] / 1024 for run in found])),
        Figure("resident, a node with one network", "MiB", Sample.of([run["one"]["rss"] / 1024 for run in found])),
    ]
    record.notes.append("The kernel's part is the same for both: dnsmasq runs in the namespaces that the node made.")
    record.details["runs"] = found
    return record
