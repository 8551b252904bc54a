"""Kea's perfdhcp, and what it says."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from netmend.kernel.netns import Netns

_SENT = re.compile(r"^sent packets: (\d+)", re.MULTILINE)
_RECEIVED = re.compile(r"^received packets: (\d+)", re.MULTILINE)
_TIMES = re.compile(r"^sent / received: (\S+) / (\S+)", re.MULTILINE)


class NoPerfdhcp(Exception):
    """perfdhcp cannot be had, or says something else than expected; the text says what."""


@dataclass(frozen=True, slots=True)
class Load:
    """One run: full exchanges (DISCOVER, OFFER, REQUEST, ACK) a second over whole `seconds` at the offered `rate`.

    `lost` is the part of the exchanges begun that were not finished. Latencies, in milliseconds, are of answers: from
    a DISCOVER to its OFFER, or from a REQUEST to its ACK.
    """

    rate: int
    completed: float
    lost: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Clients:
    """Where perfdhcp runs (as a relay agent would), whom it asks, and the `count` MACs from `base_mac` on it has."""

    namespace: Netns
    device: str
    server: str
    base_mac: str
    count: int


def exchanges(clients: Clients, rate: int, seconds: int) -> Load:
    """Offer `rate` exchanges a second for `seconds`; raises NoPerfdhcp."""
    program = shutil.which("perfdhcp")
    if program is None:
        raise NoPerfdhcp("there is no perfdhcp; make it with: tools/setup-programs peers")
    command = [program, "-4", "-l", clients.device, "-r", str(rate), "-p", str(seconds), "-R", str(clients.count)]
    command += ["-b", f"mac={clients.base_mac}", "-W", "500000", "-x", "t", clients.server]
    with clients.namespace.entered():
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
    return read(done.stdout, rate, seconds)


def read(text: str, rate: int, seconds: int) -> Load:
    """What perfdhcp printed (with `-x t`) about a run; raises NoPerfdhcp."""
    begun, finished = _SENT.findall(text), _RECEIVED.findall(text)
    if len(begun) != 2 or len(finished) != 2:
        raise NoPerfdhcp(f"perfdhcp said: {_TIMES.sub('', text).strip()[-500:]}")
    times = sorted(1000 * (float(received) - float(sent)) for sent, received in _TIMES.findall(text))
    p50, p99 = (times[int(len(times) * part)] if times else float("inf") for part in (0.50, 0.99))
    sent, completed = int(begun[0]), int(finished[1])
    return Load(rate, completed / seconds, 1 - completed / sent if sent else 1.0, p50, p99)


def saturation(offer: Callable[[int], Load], start: int, *, precision: float = 0.04) -> tuple[Load, list[Load]]:
    """The most that is served with less than 1 % lost in one of two tries, and every run made to find it."""
    made: list[Load] = []
    best: Load | None = None
    low, high, rate = 0, 0, start
    while True:
        for _ in range(2):  # a hiccup of the machine is not the server's limit
            load = offer(rate)
            made.append(load)
            sustained = load.lost < 0.01 and load.completed >= 0.95 * rate
            if sustained:
                break
        if sustained:
            low = rate
            if best is None or load.completed > best.completed:
                best = load
        else:
            high = rate
        if not high:
            rate *= 2
        elif not low:
            rate //= 2
            if rate < 10:
                raise NoPerfdhcp(f"nothing is served even at {rate} exchanges a second: {made}")
        elif high - low <= precision * low:
            assert best is not None
            return best, made
        else:
            rate = (low + high) // 2
