"""dnsperf, and what it says."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from netmend.kernel.netns import Netns

_RATE = re.compile(r"^\s*Queries per second:\s+(\S+)", re.MULTILINE)
_LOST = re.compile(r"^\s*Queries lost:\s+\d+ \((\S+)%\)", re.MULTILINE)
_LATENCY = re.compile(r"^\s*Average Latency \(s\):\s+(\S+) \(min (\S+), max (\S+)\)", re.MULTILINE)
_CODES = re.compile(r"^\s*Response codes:\s+(.+)$", re.MULTILINE)


class NoDnsperf(Exception):
    """dnsperf cannot be had, or says something else than expected; the text says what."""


@dataclass(frozen=True, slots=True)
class Load:
    """One run: answers a second, the part of the queries that was lost, milliseconds to an answer, and codes."""

    rate: float
    lost: float
    average: float
    worst: float
    codes: str


def queries(
    client: Netns, server: str, names: Path, seconds: float, *, outstanding: int = 100, tcp: bool = False
) -> Load:
    """Ask for the names of a file, over and over, as fast as answers come to so many at once; raises NoDnsperf."""
    program = shutil.which("dnsperf")
    if program is None:
        raise NoDnsperf("there is no dnsperf; make it with: tools/setup-programs names")
    command = [program, "-s", server, "-d", str(names), "-l", str(seconds), "-q", str(outstanding), "-t", "2"]
    command += ["-c", "4", *(["-m", "tcp"] if tcp else [])]
    with client.entered():
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
    return read(done.stdout)


def read(text: str) -> Load:
    """What dnsperf printed about a run; raises NoDnsperf."""
    rate, lost, latency, codes = (pattern.search(text) for pattern in (_RATE, _LOST, _LATENCY, _CODES))
    if not (rate and lost and latency):
        raise NoDnsperf(f"dnsperf said: {text.strip()[-500:]}")
    return Load(
        float(rate[1]),
        float(lost[1]) / 100,
        1000 * float(latency[1]),
        1000 * float(latency[3]),
        codes[1].strip() if codes else "",
    )
