"""The API at 50,000 ports: creations and pages, and how soon a new port's guest is answered.

python -m benchmarks api [--quick]

Neutron's own server, measured by benchmarks/api_load.py on the same machine, is the reference where the variable
NEUTRON_FIGURES names a file that holds what that printed.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.api_load import PAGE, Client, load
from benchmarks.confined import confined
from benchmarks.guests import discover_frame, offer_in, packet_socket
from benchmarks.record import Aim, Figure, Record, Sample, at_most

from netmend.intent.names import dhcp_port_id, tap_name
from netmend.sources.store import Store, networks, ports, subnets
from netmend.sources.store.shapes.network import NetworkCreate
from netmend.sources.store.shapes.port import PortCreate
from netmend.sources.store.shapes.subnet import SubnetCreate
from netmend.sources.store.transaction import Document, Transaction

TITLE = "The API: creations, pages, and from `201 Created` to an offer"
URL = "http://127.0.0.1:9696"
RATE = 100  # ports made a second while guests boot
NEUTRON = "Neutron's server (2 processes of 4 threads, MariaDB), the same requests"
_ETHERTYPE_IPV4 = 0x0800
_AGAIN = 0.004  # seconds after which a guest that was not answered asks again


def fill(path: Path, counts: list[int]) -> list[str]:
    """A store with one network for each count, of so many ports; the networks' ids."""
    store = Store(path)

    def network(tx: Transaction) -> Document:
        made = networks.create(tx, NetworkCreate(name="filled").model_dump(by_alias=True), "")
        shape = SubnetCreate(network_id=made["id"], cidr="10.0.0.0/8", ip_version=4)
        subnets.create(tx, shape.model_dump(by_alias=True, exclude={"gateway_ip"}), "")
        return made

    made = [store.write(network).result()["id"] for _ in counts]
    for network_id, count in zip(made, counts, strict=True):
        for first in range(0, count, 1000):

            def some(tx: Transaction, network_id: str = network_id, number: int = min(1000, count - first)) -> None:
                for _ in range(number):
                    ports.create(tx, PortCreate(network_id=network_id).model_dump(by_alias=True), "")

            store.write(some).result()
    store.close()
    return made


class StoreNode:
    """`netmend run --store` as a process of its own."""

    def __init__(self, room: Path) -> None:
        command = [sys.executable, "-m", "netmend.cli", "run", "--store", "--api-no-tokens"]
        command += ["--state-dir", str(room / "state"), "--runtime-dir", str(room / "runtime")]
        with (room / "node.log").open("ab") as log:
            self.started = time.monotonic()
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + 120
        while not _answers():
            assert self._process.poll() is None, (room / "node.log").read_text()[-2000:]
            assert time.monotonic() < until, "the API does not answer"
            time.sleep(0.02)
        self.ready = time.monotonic() - self.started

    def __enter__(self) -> "StoreNode":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()


def _answers() -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", 9696, timeout=5)
    try:
        connection.request("GET", "/v2.0/agents")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


class Booting:
    """Guests that ask as soon as their port is there, all through one packet socket."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._socket = packet_socket()
        self._socket.settimeout(0.001)
        self._asking: dict[int, tuple[float, bytes, str]] = {}  # by transaction: since when, the frame, the address
        self._lock = threading.Lock()
        self._stop = False
        self.waits: list[float] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def boot(self, number: int, mac: str, address: str, created: float) -> None:
        frame = discover_frame(mac, number)
        with self._lock:
            self._asking[number] = created, frame, address
        self._socket.sendto(frame, (self._device, _ETHERTYPE_IPV4))

    def end(self, patience: float = 10.0) -> int:
        """How many had no answer at all."""
        until = time.monotonic() + patience
        while self._asking and time.monotonic() < until:
            time.sleep(0.01)
        self._stop = True
        self._thread.join()
        self._socket.close()
        return len(self._asking)

    def _run(self) -> None:
        again = time.monotonic() + _AGAIN
        while not self._stop:
            try:
                found = offer_in(self._socket.recv(2048))
            except TimeoutError:
                found = None
            now = time.monotonic()
            if found is not None and found[0] in self._asking:
                with self._lock:
                    since, _, address = self._asking.pop(found[0])
                assert address == found[1], f"{found[1]} was offered in place of {address}"
                self.waits.append(now - since)
            if now >= again:
                again = now + _AGAIN
                with self._lock:
                    waiting = [frame for since, frame, _ in self._asking.values() if now - since > _AGAIN]
                for frame in waiting:
                    self._socket.sendto(frame, (self._device, _ETHERTYPE_IPV4))


def boots(network_id: str, seconds: float) -> dict[str, Any]:
    """`RATE` ports made a second, singly; from each `201 Created` to its guest's offer."""
    guests = Booting(tap_name(dhcp_port_id(network_id)))
    clients = [Client(URL) for _ in range(4)]
    start, number, late = time.monotonic(), iter(range(1, 1 << 30)), [0.0]
    lock = threading.Lock()

    def make(client: Client) -> None:
        while True:
            with lock:
                mine = next(number)
            due = start + mine / RATE
            if due > start + seconds:
                return
            time.sleep(max(0.0, due - time.monotonic()))
            port = client.ask("POST", "/v2.0/ports", {"port": {"network_id": network_id}})["port"]
            created = time.monotonic()
            late[0] = max(late[0], created - due)
            guests.boot(mine, port["mac_address"], port["fixed_ips"][0]["ip_address"], created)

    threads = [threading.Thread(target=make, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    unanswered = guests.end()
    return {"waits": guests.waits, "unanswered": unanswered, "latest": late[0]}


def at_work(counts: list[int], seconds: float, directory: str) -> dict[str, Any]:
    room = Path(directory)
    (room / "state").mkdir()
    start = time.monotonic()
    made = fill(room / "state/store.sqlite", counts)
    filled = time.monotonic() - start
    with StoreNode(room) as node:
        while Client(URL).ask("GET", "/v2.0/ports?status=DOWN&limit=1")["ports"]:
            time.sleep(0.5)
        time.sleep(1.0)
        found = load(URL, seconds)
        time.sleep(1.0)
        return {**found, "boots": boots(made[0], 2 * seconds), "ready": node.ready, "fill": sum(counts) / filled}


def in_room(counts: list[int], seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        found: dict[str, Any] = confined(at_work, counts, seconds, directory)
        return found


def measure(*, quick: bool) -> Record:
    total, seconds, rounds = (5_000, 2.0, 1) if quick else (50_000, 5.0, 3)
    neutron = json.loads(Path(os.environ["NEUTRON_FIGURES"]).read_text()) if "NEUTRON_FIGURES" in os.environ else None
    one = [in_room([total], seconds) for _ in range(rounds)]
    many = [in_room([total // 1000] * 1000, seconds) for _ in range(rounds)]
    record = Record(f"{TITLE}; {total:,} ports")

    def figure(what: str, unit: str, name: str, aim: Aim | None, runs: list[dict[str, Any]]) -> Figure:
        ours = Sample.of([_value(run, name) for run in runs])
        reference = Sample.of([_value(neutron, name)]) if neutron else None
        return Figure(what, unit, ours, reference, NEUTRON if neutron else "", aim)

    for place, runs in (("one network", one), ("1,000 networks", many)):
        waits = [sorted(run["boots"]["waits"]) for run in runs]
        record.figures += [
            figure(f"{place}: ports made singly by one client", "a second", "single", Aim("ours", 200, False), runs),
            figure(f"{place}: ports made singly by four clients", "a second", "parallel", None, runs),
            figure(f"{place}: ports made in bulk, 100 a request", "a second", "bulk", Aim("ours", 1000, False), runs),
            figure(f"{place}: a page of {PAGE:,} ports", "s", "page", at_most(0.05), runs),
            figure(f"{place}: one port", "s", "show", None, runs),
            Figure(f"{place}: 201 to offer, {RATE} ports a second, median", "s", Sample.of([median(w) for w in waits])),
            Figure(f"{place}: the same, p99", "s", Sample.of([_p99(w) for w in waits]), aim=at_most(0.05)),
            Figure(f"{place}: start to the API's first answer", "s", Sample.of([run["ready"] for run in runs])),
        ]
    lost = sum(run["boots"]["unanswered"] for run in (*one, *many))
    record.notes.append(f"{lost} guests were never answered.")
    if neutron:
        record.notes.append(f"Neutron's server held {neutron['ports']} ports when it was asked.")
    record.details = {"one": one, "many": many, "neutron": neutron}
    return record


def _value(run: dict[str, Any], name: str) -> float:
    return median(run["pages"]) if name == "page" else float(run[name])


def _p99(waits: list[float]) -> float:
    return quantiles(waits, n=100)[98]
