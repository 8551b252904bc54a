"""A guest that sends as fast as a flood does."""

import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from netmend.kernel.netns import Netns

RATE = 10_000  # packets a second


@contextmanager
def flood(guest: Netns, frames: Sequence[bytes], device: str = "eth0") -> Iterator[None]:
    """Send `frames` by turns from the guest's device while the block runs, from a process of its own."""
    with guest.entered():
        packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        packet.bind((device, 0))
    pid = os.fork()
    if pid == 0:
        try:
            began, sent = time.monotonic(), 0
            while True:
                due = int((time.monotonic() - began) * RATE)
                while sent < due:
                    packet.send(frames[sent % len(frames)])
                    sent += 1
                time.sleep(0.001)
        finally:
            os._exit(0)
    packet.close()
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
