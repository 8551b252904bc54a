"""A node that is killed and started again, while a guest goes on asking: with a keeper, no question stays unanswered.

Each question of DHCP and DNS is sent once. A connection of metadata that the dead node had taken is asked again, as
cloud-init does.
"""

import contextlib
import http.client
import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from ipaddress import ip_interface
from pathlib import Path

import pytest
from tests.waiting import wait_for

from netmend.kernel import addresses, links, netns, nsdir
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns

RUN, INTENT, LOG = Path("/run/netmend"), Path("/run/intent.yaml"), Path("/run/node.log")
MAC, GUEST, SERVER, METADATA = "fa:16:3e:00:00:01", "10.0.0.11", "10.0.0.2", "169.254.169.254"
NETWORKS = f"""
networks:
  - name: blue
    dns: true
    metadata: embedded
    subnets: [{{cidr: 10.0.0.0/24, gateway: 10.0.0.1}}]
    ports: [{{name: one, mac: "{MAC}", fixed_ips: [{GUEST}], plug: {{netns: guest}}}}]
"""
KILLS, EVERY = 2, 0.25  # seconds between a guest's questions: a port may ask 100 at once, and the machine may be slow


@contextmanager
def process(*module: str) -> Iterator[subprocess.Popen[bytes]]:
    with LOG.open("ab") as log:
        started = subprocess.Popen([sys.executable, "-m", *module], stderr=log)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def node() -> AbstractContextManager[subprocess.Popen[bytes]]:
    return process("netmend.cli", "run", "-c", str(INTENT), "--state-dir", "/run/state")


def healthy() -> bool:
    command = [sys.executable, "-m", "netmend.cli", "status", "--json"]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    return ran.returncode == 0 and json.loads(ran.stdout)["networks"][0]["state"] == "served"


def configure(guest: Netns) -> None:
    with guest.entered(), RouteSocket() as route:
        for name in ("lo", "eth0"):
            found = links.find_link(route, name)
            assert found
            links.set_link(route, found, up=True)
            if name == "eth0":
                addresses.add_address(route, found, ip_interface(f"{GUEST}/24"))
        command = ["ip", "route", "add", f"{METADATA}/32", "dev", "eth0"]
        subprocess.run(command, check=True, timeout=60)


def renewal(number: int) -> bytes:
    """DHCPREQUEST of a guest that renews (RFC 2131 section 4.3.2), with `number` as xid."""
    fixed = struct.pack("!4BIHH4s12s", 1, 1, 6, 0, number, 0, 0, socket.inet_aton(GUEST), bytes(12))
    return fixed + bytes.fromhex(MAC.replace(":", "")) + bytes(10 + 192) + bytes.fromhex("63825363 350103 ff")


def question(number: int) -> bytes:
    """A DNS query for an A record of one.openstacklocal (RFC 1035 section 4), with `number` as id."""
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + b"\x03one\x0eopenstacklocal\0\0\x01\0\x01"


class Asker:
    """Asks by UDP, again and again; counts what is answered."""

    def __init__(self, guest: Netns, port: int, own: int, make: Callable[[int], bytes], number_at: slice) -> None:
        with guest.entered():
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind((GUEST, own))
        self._to, self._make, self._at = (SERVER, port), make, number_at
        self.asked, self.answered = 0, set[int]()

    def ask(self) -> None:
        self.asked += 1
        self._socket.sendto(self._make(self.asked), self._to)
        self.listen()

    def listen(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):  # nothing more; "nobody is there"
            while True:
                answer = self._socket.recv(4096, socket.MSG_DONTWAIT)
                self.answered.add(int.from_bytes(answer[self._at], "big"))

    def is_answered(self) -> bool:
        self.listen()
        return len(self.answered) == self.asked

    def close(self) -> None:
        self._socket.close()


def fetch(guest: Netns, refused: list[str]) -> None:
    """Ask for metadata once; what went wrong is entered, and asked again."""
    for _ in range(3):
        connection = http.client.HTTPConnection(METADATA, timeout=60)
        try:
            with guest.entered():
                connection.connect()
            connection.request("GET", "/openstack")
            assert connection.getresponse().status == 200
            return
        except OSError as error:
            refused.append(type(error).__name__)
        except http.client.HTTPException as error:
            refused.append(type(error).__name__)
        finally:
            connection.close()
    raise AssertionError(f"metadata is not there: {refused}")


@contextmanager
def prepared() -> Iterator[Netns]:
    """The intent file, and the guest's namespace."""
    nsdir.prepare()
    Path("/run/state").mkdir(mode=0o700)
    RUN.mkdir(mode=0o700, exist_ok=True)
    INTENT.write_text(NETWORKS)
    with Netns.create("guest") as guest:
        netns.pin(guest, "/run/netns/guest", "somebody")
        yield guest


@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "asked to end"])
def test_no_question_stays_unanswered(ended_by: signal.Signals) -> None:
    with prepared() as guest, process("netmend.node.keeping.keeper", str(RUN)):
        wait_for((RUN / "keeper.sock").exists, "the keeper listens", LOG.read_text)
        with node():
            wait_for(healthy, "served", LOG.read_text)
        configure(guest)
        askers = [Asker(guest, 67, 68, renewal, slice(4, 8)), Asker(guest, 53, 40053, question, slice(0, 2))]
        refused: list[str] = []
        fetched = [0]
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                for asker in askers:
                    asker.ask()
                time.sleep(EVERY)

        def get() -> None:
            while not stop.is_set():
                fetch(guest, refused)
                fetched[0] += 1
                time.sleep(EVERY)

        threads = [threading.Thread(target=ask), threading.Thread(target=get)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(KILLS):
                with node() as running:
                    wait_for(healthy, "served", LOG.read_text)
                    running.send_signal(ended_by)
                    running.wait(60)
            with node():
                wait_for(healthy, "served", LOG.read_text)
                stop.set()
                for thread in threads:
                    thread.join(180)
                for asker in askers:
                    wait_for(asker.is_answered, "all is answered", lambda: f"{[len(one.answered) for one in askers]} "
                             f"of {[one.asked for one in askers]}\n{LOG.read_text()}")  # fmt: skip
        finally:
            stop.set()
            for thread in threads:
                thread.join(180)
            for asker in askers:
                asker.close()
        assert min(asker.asked for asker in askers) >= 4 * KILLS
        assert fetched[0] > KILLS
        assert "ConnectionRefusedError" not in refused
        assert len(refused) <= KILLS, "a connection that a dead node had taken, at most one a node"


def test_what_a_network_that_is_gone_had_is_let_go() -> None:
    """Else its namespace would stay for as long as the keeper runs."""
    with prepared(), process("netmend.node.keeping.keeper", str(RUN)) as keeper:
        wait_for((RUN / "keeper.sock").exists, "the keeper listens", LOG.read_text)

        def kept() -> int:
            held = Path(f"/proc/{keeper.pid}/fd").iterdir()
            return sum(str(each.readlink()).startswith("socket:") for each in held)

        with node():
            wait_for(healthy, "served", LOG.read_text)
            assert kept() >= 2 + 1 + 2 + 1, "listener and connection; DHCP, DNS by UDP and TCP, metadata"
            INTENT.write_text("networks: []\n")
            wait_for(lambda: kept() == 2, "nothing of the network is kept", LOG.read_text)
