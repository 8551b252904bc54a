"""What a start costs: of verbs that probes and people call, and of a node until its first answer.

python -m benchmarks start [--quick]

Processor time, user and system, for that is what starts of many processes share; the least of several runs, for
whatever else runs on the machine only adds to it.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.cold_start import guests_of
from benchmarks.confined import confined
from benchmarks.networks import write_networks
from benchmarks.node_process import NodeProcess
from benchmarks.record import Figure, Record, Sample, at_most

TITLE = "Start: processor time"
CALLS = (("--version",), ("--help",), ("status",), ("status", "--json"), ("health",))


def processor_time(words: tuple[str, ...], runtime: Path) -> float:
    """Seconds that `netmend WORDS` uses, beside the node whose runtime directory is `runtime`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "NETMEND_RUNTIME_DIR": str(runtime)}
    command = [sys.executable, "-m", "netmend.cli", *words]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_answer(runs: int) -> dict[str, float]:
    """Seconds from the start of a node of one network to its first answer, and its processor time by then; and of each
    call beside that node the least processor time of `runs`."""
    with tempfile.TemporaryDirectory() as directory:
        room = Path(directory)
        write_networks(room / "intent.yaml", 1)
        guests = guests_of(1)
        with NodeProcess(room / "intent.yaml", room) as node:
            answered = guests.until_answered(node.check, patience=60.0)[0]
            fields = Path(f"/proc/{node.pid}/stat").read_text().rpartition(")")[2].split()  # proc_pid_stat(5), from 3
            used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            found = {"first": answered - node.started, "used": used}
            if runs:
                subprocess.run(  # the status socket comes after the first answer
                    [sys.executable, "-c", _UNTIL_STATUS, str(room / "runtime" / "netmend.sock")], check=True
                )
            for words in CALLS if runs else ():
                found[" ".join(words)] = min(processor_time(words, room / "runtime") for _ in range(runs))
        return found


_UNTIL_STATUS = """
import pathlib, sys, time
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.05)
"""


def measure(*, quick: bool) -> Record:
    rounds, runs = (3, 3) if quick else (10, 10)
    found = [confined(first_answer, 0) for _ in range(rounds)]
    calls = confined(first_answer, runs)
    record = Record(TITLE)
    least = min(run["used"] for run in found)
    record.figures = [
        Figure("a node of one network: processor time to its first answer", "s", Sample.of([least]), aim=at_most(0.2)),
        Figure("a node of one network: start to first answer", "s", Sample.of([run["first"] for run in found])),
    ]
    for words in CALLS:
        text = " ".join(words)
        aim = at_most(0.12) if text == "status" else None
        record.figures.append(Figure(f"netmend {text}", "s", Sample.of([calls[text]]), aim=aim))
    record.details["runs"] = found
    record.notes.append("The processor times are the least of the runs; the kernel counts a node's in steps of 10 ms.")
    return record
