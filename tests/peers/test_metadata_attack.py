"""A guest that attacks metadata at full speed is not felt on another network."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle

import pytest
from tests.peers.guests import make_guest, network, port, run_in, wait_for_device
from tests.peers.node import Node

from netmend.kernel.descriptors import readable
from netmend.kernel.netns import Netns

ADDRESS = ("169.254.169.254", 80)
GET = b"GET /latest/meta-data/instance-id HTTP/1.1\r\nHost: x\r\n\r\n"
SAMPLES = 150
ROUNDS = 4  # of which the best counts: what else this machine does makes no round faster
BOUND = 0.020  # seconds, of the 99th percentile, on a machine that does nothing else


def connects() -> None:
    """Connections that ask once and are made anew."""
    while True:
        with suppress(OSError), socket.create_connection(ADDRESS, timeout=0.2) as guest:
            guest.sendall(GET)
            guest.recv(4096)


def pipelines() -> None:
    """As many requests as go into a connection, on as many of them as there may be."""
    guests: list[socket.socket] = []
    while True:
        with suppress(OSError):
            if len(guests) < 64:
                guests.append(socket.create_connection(ADDRESS, timeout=0.2))
                guests[-1].setblocking(False)
        for guest in list(guests):
            try:
                guest.send(GET * 100)
                guest.recv(1 << 20)
            except BlockingIOError:
                pass
            except OSError:
                guests.remove(guest)
                guest.close()


def headers() -> None:
    """Headers as long as they are heard, half of them never ending."""
    line = b"X-Header: " + b"y" * 2000 + b"\r\n"
    while True:
        with suppress(OSError), socket.create_connection(ADDRESS, timeout=0.2) as guest:
            guest.sendall(b"GET / HTTP/1.1\r\n")
            for _ in range(200):
                guest.sendall(line)


def slow() -> None:
    """Connections that are held open, a byte at a time."""
    guests: list[socket.socket] = []
    while True:
        with suppress(OSError):
            guests.append(socket.create_connection(ADDRESS, timeout=0.01))
        for guest in list(guests):
            try:
                guest.send(b"x")
            except OSError:
                guests.remove(guest)
                guest.close()


def strangers() -> None:
    """What is no HTTP, from addresses that are no port's."""
    for number in cycle(range(100)):
        with suppress(OSError), socket.socket() as guest:
            guest.bind((f"10.20.0.{100 + number}", 0))
            guest.settimeout(0.2)
            guest.connect(ADDRESS)
            guest.sendall(os.urandom(1000))
            guest.recv(4096)


@contextmanager
def attack(guest: Netns, how: Callable[[], None]) -> Iterator[None]:
    """Attack from a process of its own in the guest, while the block runs."""
    with guest.entered():
        pid = os.fork()
        if pid == 0:
            try:
                how()
            finally:
                os._exit(0)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def settle(guest: Netns, address: str) -> None:
    """Give the guest an address and the way to metadata, without asking DHCP."""
    wait_for_device(guest)
    run_in(guest, "busybox", "ip", "addr", "add", f"{address}/24", "dev", "eth0")
    run_in(guest, "busybox", "ip", "route", "add", "169.254.169.254", "via", "10.20.0.2")


def latencies(guest: Netns) -> list[float]:
    """Seconds from connecting to the whole answer; some 60 a second, each checked."""
    taken = []
    for _ in range(SAMPLES):
        with guest.entered():
            began = time.monotonic()
            with socket.create_connection(ADDRESS, timeout=5) as asking:
                asking.sendall(GET)
                assert b"i-quiet" in asking.recv(4096)
            taken.append(time.monotonic() - began)
        time.sleep(0.015)
    return taken


@pytest.mark.parametrize("how", [connects, pipelines, headers, slow, strangers], ids=lambda how: how.__name__)
def test_an_attack_is_not_felt_elsewhere(how: Callable[[], None]) -> None:
    attacker, victim = make_guest("attacker"), make_guest("quiet")
    networks = [
        {
            **network(name, port(name, "fa:16:3e:00:34:11", "10.20.0.11", instance={"id": f"i-{name}"})),
            "metadata": "embedded",
            "port_security": False,  # else what the attacker sends from addresses that are not its own is dropped
        }
        for name in ("attacker", "quiet")
    ]
    with Node(*networks) as node:
        node.wait_until_right()
        for guest in (attacker, victim):
            settle(guest, "10.20.0.11")
        for number in range(100):
            run_in(attacker, "busybox", "ip", "addr", "add", f"10.20.0.{100 + number}/24", "dev", "eth0")
        with attack(attacker, how):
            time.sleep(1)
            excess = [excess_over_the_machine(victim) for _ in range(ROUNDS)]
        refused = node.status("attacker")["services"]["metadata"]["refused"]
        assert sum(refused.values()) > 100, "it was an attack"
        assert min(excess) < BOUND, excess
        assert sum(node.status("quiet")["services"]["metadata"]["refused"].values()) == 0
        assert node.status()["node"]["healthy"]


def excess_over_the_machine(victim: Netns) -> float:
    """The 99th percentile of a guest's latencies, less what this machine lets any process wait meanwhile: a request is
    waited for three times, by the server twice and by the guest."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        late = []
        while not readable(read, seconds=0.003):
            began = time.monotonic()
            time.sleep(0.003)
            late.append(time.monotonic() - began - 0.003)
        os.read(read, 1)
        os.write(write, f"{percentile(late)}\n".encode())
        os._exit(0)
    taken = latencies(victim)
    os.write(write, b"x")
    os.waitpid(pid, 0)
    return percentile(taken) - 3 * float(os.read(read, 100))


def percentile(taken: list[float]) -> float:
    return sorted(taken)[len(taken) * 99 // 100]
