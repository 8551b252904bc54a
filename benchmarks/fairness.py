"""How long a quiet network's guests wait while a guest of another network floods.

python -m benchmarks fairness [--quick]
"""

import os
import random
import signal
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.confined import confined
from benchmarks.guests import Guests, discover_frame
from benchmarks.networks import device, network_id
from benchmarks.node_process import NodeProcess
from benchmarks.record import Figure, Record, Sample, at_most

TITLE = "Fairness: a quiet network beside one that is flooded"
RATE = 10_000  # packets a second
GUESTS = 100  # on the quiet network, so that none is asked to wait by its own rate limit
QUIET, FLOODED = 0, 1
CALM = "the same guests without a flood"
FLOODS = {
    "no flood": "",
    "known": "DISCOVERs from a MAC that is a port",
    "strangers": "DISCOVERs from ever different MACs that are no ports",
    "garbage": "random bytes to the server's port",
}


def mac(network: int, guest: int) -> str:
    return f"52:54:00:00:{network:02x}:{guest:02x}"


def write_intent(path: Path) -> None:
    lines = ["networks:"]
    for network in (QUIET, FLOODED):
        lines += [
            f"  - name: net-{network}",
            f"    id: {network_id(network)}",
            "    subnets:",
            "      - cidr: 10.0.0.0/24",
        ]
        lines += ["        server_address: 10.0.0.254", "    ports:"]
        for guest in range(GUESTS):
            lines.append(f"      - {{name: g{guest}, mac: '{mac(network, guest)}', fixed_ips: [10.0.0.{guest + 1}]}}")
    path.write_text("\n".join(lines) + "\n")


def frames(kind: str) -> list[bytes]:
    """What the flood consists of, in turn."""
    choice = random.Random(1)
    if kind == "known":
        return [discover_frame(mac(FLOODED, 0), 0)]
    if kind == "strangers":
        return [discover_frame("52:54:01:" + choice.randbytes(3).hex(":"), 0) for _ in range(5_000)]
    frame = discover_frame(mac(FLOODED, 0), 0)
    return [frame[:42] + choice.randbytes(len(frame) - 42) for _ in range(5_000)]


def flood(kind: str, rate: int) -> int:
    """Start a process that floods the bridge of network FLOODED until it is killed; returns its pid."""
    made = frames(kind)
    pid = os.fork()
    if pid:
        return pid
    try:
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sender.bind((device(FLOODED), 0))
        start, sent = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - start) * rate)
            while sent < due:
                sender.send(made[sent % len(made)])
                sent += 1
            time.sleep(0.001)
    finally:
        os._exit(1)


def counted(device: str) -> int:
    """Frames that a device was given to send (/sys/class/net is the host's; /proc/net/dev is the namespace's)."""
    for line in Path("/proc/thread-self/net/dev").read_text().splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == device:
            return int(numbers.split()[9])
    raise FileNotFoundError(device)


def latencies(seconds: float) -> dict[str, Any]:
    """Milliseconds from DISCOVER to OFFER of the quiet network's guests, one after the other, some 150 a second."""
    numbers = range(GUESTS)
    guests = Guests([device(QUIET)] * GUESTS, [mac(QUIET, n) for n in numbers], [f"10.0.0.{n + 1}" for n in numbers])
    taken: list[float] = []
    lost = 0
    flooded_before, start = counted(device(FLOODED)), time.monotonic()
    choice = random.Random(2)
    while (now := time.monotonic()) < start + seconds:
        number = len(taken) % GUESTS
        guests.send(number)
        while (heard := guests.hear(now + 1.0)) not in {number, None}:
            pass
        if heard is None:
            lost += 1
        taken.append(1000 * (time.monotonic() - now))
        time.sleep(choice.uniform(0.002, 0.010))
    rate = (counted(device(FLOODED)) - flooded_before) / (time.monotonic() - start)
    guests.close()
    taken.sort()
    percentiles = {f"p{part}": taken[len(taken) * part // 100] for part in (50, 99)}
    return {**percentiles, "max": taken[-1], "asked": len(taken), "lost": lost, "flood_rate": rate}


def measurements(seconds: float, rounds: int, directory: str) -> dict[str, list[dict[str, Any]]]:
    room = Path(directory)
    write_intent(room / "intent.yaml")
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in FLOODS}
    with NodeProcess(room / "intent.yaml", room) as node:
        for network in (QUIET, FLOODED):
            Guests([device(network)], [mac(network, 1)], ["10.0.0.2"]).until_answered(node.check)
        for _ in range(rounds):
            for kind, what in FLOODS.items():
                flooder = flood(kind, RATE) if what else 0
                time.sleep(0.3)
                found[kind].append(latencies(seconds))
                if flooder:
                    os.kill(flooder, signal.SIGKILL)
                    os.waitpid(flooder, 0)
                node.check()
    return found


def measure(*, quick: bool) -> Record:
    seconds, rounds = (1.5, 1) if quick else (6.0, 3)
    with tempfile.TemporaryDirectory() as directory:
        found = confined(measurements, seconds, rounds, directory)
    record = Record(f"{TITLE} by {RATE:,} packets/s")
    for part in ("p50", "p99", "max"):
        calm = Sample.of([run[part] for run in found["no flood"]])
        for kind, what in FLOODS.items():
            if what:
                ours = Sample.of([run[part] for run in found[kind]])
                aim = at_most(20.0) if part == "p99" else None
                record.figures.append(
                    Figure(f"{part}, {what}", "ms", ours, calm, "the same guests without a flood", aim)
                )
    lost = sum(run["lost"] for kind in FLOODS for run in found[kind])
    rates = [run["flood_rate"] for kind, what in FLOODS.items() if what for run in found[kind]]
    record.notes.append(
        f"Sent by the flooding guest: {min(rates):,.0f} to {max(rates):,.0f} packets/s. Quiet guests without an answer "
        f"within a second: {lost}."
    )
    record.notes.append("Flooder, guests and node share the cores.")
    record.details = found
    return record
