"""Guests answered by a child without capabilities (`answerer_node`), beside today's node: exchanges a second, memory.

python -m benchmarks answerer [--quick]

Both are started turn about from the same intent: one network of 1,000 reserved hosts for DHCPv4 and DNS at full speed,
with a pool beside them, and many networks for memory. Memory is proportional (PSS, proc(5)), node and child
together.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import dhcp
from benchmarks.cold_start import guests_of
from benchmarks.confined import confined
from benchmarks.dnsperf import queries
from benchmarks.memory import process_memory
from benchmarks.networks import network_id, write_networks
from benchmarks.node_process import NodeProcess
from benchmarks.perfdhcp import Clients, exchanges, saturation
from benchmarks.record import Aim, Figure, Record, Sample, at_most, ratio_at_least

TITLE = "Guests answered by a child process without capabilities, beside today's node"
TODAY = "today: in threads of the node"
_CALM, _STRANGERS = 500, 20  # exchanges a second; strangers are limited by the node
_MODULES = {"today": "netmend.cli", "child": "benchmarks.answerer_node"}


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def memory_of(pid: int) -> dict[str, float]:
    """MiB of a process and its children."""
    node, children = process_memory(pid)["pss"], [process_memory(child)["pss"] for child in children_of(pid)]
    return {"all": (node + sum(children)) / 1024, "children": sum(children) / 1024}


def capabilities(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1], 16) for line in lines if line.startswith(("CapEff", "CapPrm")))


def write_intent(path: Path) -> None:
    """The network of `dhcp` with names, and a pool beside its reserved hosts."""
    dhcp.write_intent(path)
    lines = path.read_text().splitlines()
    at = lines.index(f"    id: {network_id(1)}")
    lines.insert(at + 1, "    dns: {domain: bench.example, forward: false, guest_rate: 0}")
    at = next(number for number, line in enumerate(lines) if "cidr" in line)
    lines[at + 1 : at + 1] = ["        dynamic: true", "        pools: [10.2.0.0 - 10.2.255.255]"]
    path.write_text("\n".join(lines) + "\n")


def speeds(seconds: int, rounds: int) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {how: [] for how in _MODULES}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        room = Path(directory)
        write_intent(room / "intent.yaml")
        (room / "local").write_text("".join(f"{host.name}.bench.example A\n" for host in dhcp.hosts()))
        reserved = Clients(dhcp.client_namespace(), "eth0", dhcp.SERVER, dhcp.BASE_MAC, dhcp.HOSTS)
        dynamic = Clients(reserved.namespace, "eth0", dhcp.SERVER, "02:00:00:00:00:00", 20_000)
        for number in range(rounds):
            for how, module in _MODULES.items():
                with NodeProcess(room / "intent.yaml", room, module) as node:
                    if number == 0 and how == "today":
                        dhcp.configure(reserved)
                    dhcp.served(reserved, node.check)
                    run: dict[str, Any] = {"capabilities": [capabilities(child) for child in children_of(node.pid)]}
                    best, _ = saturation(lambda rate: exchanges(reserved, rate, seconds), 1_500)
                    run["reserved"] = best.completed
                    run["reserved p50"] = exchanges(reserved, _CALM, seconds).p50
                    run["dynamic p50"] = exchanges(dynamic, _STRANGERS, 2 * seconds).p50
                    names = queries(reserved.namespace, dhcp.SERVER, room / "local", 2 * seconds)
                    assert "NOERROR" in names.codes, names
                    run["names"] = names.rate
                    node.check()
                found[how].append(run)
    return found


def memory(count: int, directory: str) -> dict[str, dict[str, float]]:
    room = Path(directory)
    write_networks(room / "intent.yaml", count)
    text = (room / "intent.yaml").read_text()
    (room / "intent.yaml").write_text(text.replace("    subnets:", "    dns: true\n    subnets:"))
    found = {}
    for how, module in _MODULES.items():
        with NodeProcess(room / "intent.yaml", room, module) as node:
            guests = guests_of(count)
            answered = max(guests.until_answered(node.check)) - node.started
            guests.close()
            time.sleep(5.0)  # DNS follows
            found[how] = {**memory_of(node.pid), "start": answered}
    return found


def measure(*, quick: bool) -> Record:
    seconds, rounds, sizes = (1, 1, (10, 100)) if quick else (2, 3, (10, 100, 1_000))
    fast = confined(speeds, seconds, rounds)
    record = Record(TITLE)

    def speed(what: str, unit: str, key: str, aim: Aim | None) -> Figure:
        ours, today = (Sample.of([run[key] for run in fast[how]]) for how in ("child", "today"))
        return Figure(what, unit, ours, today, TODAY, aim)

    record.figures = [
        speed("DHCPv4 exchanges a second with less than 1 % lost", "/s", "reserved", ratio_at_least(0.9)),
        speed(f"p50 of an answer of DHCPv4, at {_CALM} exchanges a second", "ms", "reserved p50", None),
        speed("p50 of an answer of DHCPv4 to a stranger, its lease stored", "ms", "dynamic p50", None),
        speed("DNS answers a second, the network's own names", "/s", "names", ratio_at_least(0.9)),
    ]
    for count in sizes:
        with tempfile.TemporaryDirectory() as directory:
            runs = [confined(memory, count, directory) for _ in range(rounds)]

        def sample(how: str, key: str, runs: list[Any] = runs) -> Sample:
            return Sample.of([run[how][key] for run in runs])

        more = Sample.of([run["child"]["all"] - run["today"]["all"] for run in runs])
        record.figures += [
            Figure(f"{count:,} networks: {what}", unit, sample("child", key), sample("today", key), TODAY)
            for what, unit, key in (
                ("memory (PSS) of all processes", "MiB", "all"),
                ("process start to all leases", "s", "start"),
            )
        ]
        record.figures.append(Figure(f"{count:,} networks: memory, more", "MiB", more, aim=at_most(5.0)))
    held = {number for run in fast["child"] for number in run["capabilities"]}
    record.notes.append(f"Capabilities in force or permitted in the child, as a number: {sorted(held)}.")
    record.details = {"speeds": fast}
    return record
