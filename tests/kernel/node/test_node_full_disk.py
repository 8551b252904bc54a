"""A disk that is full, fills, or is read-only: a node tells it at once, and no more when it has ended."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.guests import dhcp_frame, offer_in, packet_socket
from tests.waiting import wait_for

from netmend.intent.names import dhcp_port_id, id_from_name, tap_name
from netmend.node.http.status_client import NoNode, ask

STATE, INTENT, LOG = Path("/run/state"), Path("/run/intent.yaml"), Path("/run/node.log")
XID = 77
NETMEND, SOCKET = (sys.executable, "-m", "netmend.cli"), Path("/run/netmend/netmend.sock")
DEVICE = tap_name(
    dhcp_port_id(id_from_name("network", "pooled"))
)  # its host end: what is sent here comes to the server
NETWORKS = """
networks:
  - name: pooled
    subnets: [{cidr: 192.0.2.0/24, dynamic: true}]
    ports: [{name: one, mac: "fa:16:3e:00:00:01", fixed_ips: [192.0.2.9]}]
"""


@contextlib.contextmanager
def small_disk() -> Iterator[None]:
    """The state directory is a file system of its own."""
    STATE.mkdir(mode=0o700)
    mount("-t", "tmpfs", "-o", "size=512k,mode=700", "tmpfs", str(STATE))
    INTENT.write_text(NETWORKS)
    yield


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def fill() -> None:
    with (STATE / "ballast").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


@contextlib.contextmanager
def node() -> Iterator[None]:
    with LOG.open("ab") as log:
        process = subprocess.Popen([*NETMEND, "run", "-c", str(INTENT), "--state-dir", str(STATE)], stderr=log)
    try:
        yield
        assert process.poll() is None, LOG.read_text()
    finally:
        process.terminate()
        process.wait(60)


def status() -> dict[str, Any]:
    try:
        return ask(SOCKET)
    except NoNode:
        return {}


def healthy() -> bool:
    found = status()
    return bool(found and found["node"]["passes"] and found["node"]["healthy"])


def told() -> dict[str, Any] | None:
    found = status()
    return found if found and found["node"]["passes"] and found["leases_problem"] and found["reasons"] else None


def answer(packets: socket.socket, frame: bytes, kind: int) -> tuple[bytes, bytes] | None:
    """The address in the answer of that kind, and the server's; None when there is none in two seconds."""
    packets.sendto(frame, (DEVICE, 0x0800))
    with contextlib.suppress(TimeoutError):
        while True:
            heard = packets.recv(2048)
            if (found := offer_in(heard, kind)) is not None and found[0] == XID:
                return socket.inet_aton(found[1]), heard[26:30]
    return None


def lease(mac: str) -> bool:
    """Whether a stranger gets a lease."""
    with packet_socket() as packets:
        packets.settimeout(2.0)
        offer = answer(packets, dhcp_frame(mac, XID, 1), 2)
        if offer is None:
            return False
        options = bytes((50, 4)) + offer[0] + bytes((54, 4)) + offer[1]
        return answer(packets, dhcp_frame(mac, XID, 3, options), 5) is not None


def test_a_disk_that_is_full_at_the_start() -> None:
    with small_disk():
        fill()
        with node():
            found = wait_for(told, "the problem is told", LOG.read_text, every=0.5)
            assert found["networks"][0]["state"] == "served with reasons"
            assert not found["node"]["healthy"]
            assert subprocess.run([*NETMEND, "status"], check=False, capture_output=True, timeout=120).returncode == 1
            (STATE / "ballast").unlink()
            wait_for(healthy, "the problem ends", LOG.read_text, every=0.5)
            wait_for(lambda: lease("02:00:00:00:00:01"), "a lease", LOG.read_text)


def test_a_disk_that_fills_under_the_node() -> None:
    with small_disk(), node():
        wait_for(healthy, "served", LOG.read_text, every=0.5)
        wait_for(lambda: lease("02:00:00:00:00:01"), "a lease", LOG.read_text)
        fill()
        before = LOG.read_text()
        numbers = iter(range(2, 200))

        def told_since() -> dict[str, Any] | None:
            lease(f"02:00:00:00:00:{next(numbers):02x}")
            return told()

        wait_for(told_since, "the first commit that fails is told", LOG.read_text, every=0.5)
        assert "leases not stored" in LOG.read_text().removeprefix(before)
        (STATE / "ballast").unlink()
        wait_for(healthy, "the problem ends", LOG.read_text, every=0.5)
        wait_for(lambda: lease("02:00:00:00:01:01"), "a lease again", LOG.read_text)


def test_a_state_directory_that_is_read_only() -> None:
    """Leases that it has stay as they are; the file can be read, and not written."""
    with small_disk():
        with node():
            wait_for(healthy, "served", LOG.read_text, every=0.5)
            wait_for(lambda: lease("02:00:00:00:00:01"), "a lease", LOG.read_text)
        mount("--bind", str(STATE), str(STATE))
        mount("-o", "remount,ro,bind", str(STATE))
        with node():
            found = wait_for(told, "the problem is told", LOG.read_text, every=0.5)
            assert found["networks"][0]["state"] == "served with reasons"
            subprocess.run(["umount", str(STATE)], check=True)
            wait_for(healthy, "the problem ends", LOG.read_text, every=0.5)
