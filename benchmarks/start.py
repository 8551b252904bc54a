"""What a start costs: of verbs that probes and people call, and of a node until its first answer.

python -m benchmarks start [--quick]

Processor time, user and system, for that is what starts of many processes share; the least of several runs, for
whatever else runs on the machine only adds to it. With EARLIER=COMMIT in the environment, the netmend of that commit is
measured in turns with this one, as the reference.
"""

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.cold_start import guests_of
from benchmarks.confined import confined
from benchmarks.earlier import EARLIER, earlier_source, environment_of
from benchmarks.networks import write_networks
from benchmarks.node_process import NodeProcess
from benchmarks.record import Aim, Figure, Record, Sample, at_most

TITLE = "Start: processor time"
CALLS = (("--version",), ("--help",), ("status",), ("status", "--json"), ("health",))


def processor_time(words: tuple[str, ...], runtime: Path, source: Path | None) -> float:
    """Seconds that `netmend WORDS` uses, beside the node whose runtime directory is `runtime`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**environment_of(source), "NETMEND_RUNTIME_DIR": str(runtime)}
    command = [sys.executable, "-m", "netmend.cli", *words]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_answer(source: str | None) -> dict[str, float]:
    """Seconds from the start of a node of one network to its first answer, its processor time by then, and that of each
    call beside that node. `source` as of NodeProcess."""
    earlier = Path(source) if source else None
    with tempfile.TemporaryDirectory() as directory:
        room = Path(directory)
        write_networks(room / "intent.yaml", 1)
        guests = guests_of(1)
        with NodeProcess(room / "intent.yaml", room, source=earlier) as node:
            answered = guests.until_answered(node.check, patience=60.0)[0]
            fields = Path(f"/proc/{node.pid}/stat").read_text().rpartition(")")[2].split()  # proc_pid_stat(5), from 3
            used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            found = {"first": answered - node.started, "used": used}
            subprocess.run(  # the status socket comes after the first answer
                [sys.executable, "-c", _UNTIL_STATUS, str(room / "runtime" / "netmend.sock")], check=True
            )
            for words in CALLS:
                found[" ".join(words)] = processor_time(words, room / "runtime", earlier)
        return found


_UNTIL_STATUS = """
import pathlib, sys, time
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.05)
"""


def measure(*, quick: bool) -> Record:
    rounds = 3 if quick else 10
    ours: list[dict[str, float]] = []
    reference: list[dict[str, float]] = []
    with earlier_source(EARLIER) if EARLIER else contextlib.nullcontext() as source:
        for _ in range(rounds):
            ours.append(confined(first_answer, None))
            if source is not None:
                reference.append(confined(first_answer, str(source)))

    def figure(what: str, key: str, aim: Aim | None = None, *, all_runs: bool = False) -> Figure:
        def sample(found: list[dict[str, float]]) -> Sample:
            runs = [run[key] for run in found]
            return Sample.of(runs if all_runs else [min(runs)])

        beside = sample(reference) if reference else None
        return Figure(what, "s", sample(ours), beside, f"netmend at commit {EARLIER}" if EARLIER else "", aim)

    record = Record(TITLE)
    record.figures = [
        figure("a node of one network: processor time to its first answer", "used", at_most(0.2)),
        figure("a node of one network: start to first answer", "first", all_runs=True),
    ]
    for words in CALLS:
        text = " ".join(words)
        record.figures.append(figure(f"netmend {text}", text, at_most(0.12) if text == "status" else None))
    record.details["runs"] = {"ours": ours, "reference": reference}
    record.notes.append("The processor times are the least of the runs; the kernel counts a node's in steps of 10 ms.")
    return record
