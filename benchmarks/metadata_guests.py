"""Guests that ask for metadata, many from one process: each request by a connection of its own, as cloud-init asks."""

import os
import pickle
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from netmend.kernel.netns import Netns

ADDRESS = ("169.254.169.254", 80)
_READ = 65_536


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of the requests of one measurement."""

    seconds: float
    taken: tuple[float, ...]  # seconds of each that was answered well, sorted
    failed: int

    @property
    def per_second(self) -> float:
        return len(self.taken) / self.seconds

    def percentile(self, part: int) -> float:
        """In milliseconds."""
        return 1000 * self.taken[min(len(self.taken) - 1, len(self.taken) * part // 100)]


def ask_all(
    guest: Netns,
    sources: Sequence[str],
    path: str,
    wanted: bytes,
    *,
    seconds: float,
    processes: int,
    pause: float = 0.0,
) -> Answered:
    """Ask for `path` from one of `sources` after the other, in so many processes, one request at a time in each.

    An answer is good when it has status 200 and holds `wanted`. `pause` is in seconds, between two requests.
    """
    children = []
    for number in range(processes):
        read, write = os.pipe()
        with guest.entered():
            pid = os.fork()
            if pid == 0:
                os.close(read)
                try:
                    found = _ask(sources[number::processes], path, wanted, seconds, pause)
                    with os.fdopen(write, "wb") as pipe:
                        pickle.dump(found, pipe)
                finally:
                    os._exit(0)
        os.close(write)
        children.append((pid, read))
    taken: list[float] = []
    failed = 0
    for pid, read in children:
        with os.fdopen(read, "rb") as pipe:
            own, own_failed = pickle.load(pipe)
        os.waitpid(pid, 0)
        taken += own
        failed += own_failed
    return Answered(seconds, tuple(sorted(taken)), failed)


def _ask(sources: Sequence[str], path: str, wanted: bytes, seconds: float, pause: float) -> tuple[list[float], int]:
    request = f"GET {path} HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n\r\n".encode()
    taken: list[float] = []
    failed = number = 0
    end = time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        number += 1
        try:
            with socket.create_connection(ADDRESS, 10, (sources[number % len(sources)], 0)) as asking:
                asking.sendall(request)
                answer = b""
                while chunk := asking.recv(_READ):
                    answer += chunk
        except OSError:
            answer = b""
        if answer.startswith(b"HTTP/1.1 200 ") and wanted in answer:
            taken.append(time.monotonic() - began)
        else:
            failed += 1
        if pause:
            time.sleep(pause)
    return taken, failed
