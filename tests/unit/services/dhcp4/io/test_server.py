"""The thread that serves the sockets, over real ones on loopback; in the place of packet sockets, UDP sockets too."""

import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from scapy.layers.dhcp import BOOTP
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from tests.unit.services.dhcp4.guest import ACK, DISCOVER, MAC, REQUEST, STRANGER, message, network, port, read, subnet
from tests.waiting import wait_for

from netmend.services.dhcp4 import Dhcp4Responder, Reply
from netmend.services.dhcp4.io.server import Dhcp4Server
from netmend.services.leases.io.commits import LeaseCommits
from netmend.services.leases.io.store import LeaseStore, LeaseStoreError
from netmend.services.shared.sender_limits import Limits

DEVICE_MAC = bytes.fromhex("fa163e000001")
PATIENCE = 20.0  # seconds until a test gives up
INTENT = network(subnet(), ports=[port(MAC, "192.0.2.10")])
DYNAMIC = network(subnet(dynamic=True), ports=[port(MAC, "192.0.2.10")])


def udp_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.settimeout(PATIENCE)
    return made


class Wire:
    """What is plugged into networks: a guest's end, and where all frames arrive."""

    def __init__(self, sockets: Dhcp4Server) -> None:
        self.sockets = sockets
        self.guest = udp_socket()
        self.frames = udp_socket()
        self.to: dict[str, Any] = {}

    def plug(self, name: str, responder: Dhcp4Responder) -> None:
        udp, packet = udp_socket(), udp_socket()
        packet.connect(self.frames.getsockname())
        self.to[name] = udp.getsockname()
        self.sockets.add(name, responder, udp, packet, DEVICE_MAC)

    def send(self, name: str, datagram: bytes) -> None:
        self.guest.sendto(datagram, self.to[name])

    def frame(self) -> Ether:
        return Ether(self.frames.recv(4096))

    def xids(self, count: int) -> list[int]:
        return [self.frame()[BOOTP].xid for _ in range(count)]

    def nothing_waits(self) -> bool:
        self.frames.setblocking(False)
        try:
            self.frames.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self.frames.settimeout(PATIENCE)
        return False

    def close(self) -> None:
        self.guest.close()
        self.frames.close()


class Errors:
    """What is reported."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str]] = []
        self.store: list[str] = []
        self.told = Event()

    def of_network(self, network_id: str, operation: str, error: OSError) -> None:
        self.seen.append((network_id, operation, type(error).__name__))
        self.told.set()

    def of_store(self, problem: str | None) -> None:
        self.store.append(str(problem))
        self.told.set()


@pytest.fixture
def errors() -> Errors:
    return Errors()


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
def wire(errors: Errors, limits: Limits) -> Iterator[Wire]:
    sockets = Dhcp4Server(errors.of_network, limits=limits)
    wire = Wire(sockets)
    yield wire
    sockets.close()
    wire.close()


def test_a_guest_without_an_address_gets_a_frame(wire: Wire) -> None:
    wire.plug("a", Dhcp4Responder(INTENT))
    wire.send("a", message(DISCOVER))
    frame = wire.frame()
    assert (frame.src, frame.dst) == (DEVICE_MAC.hex(":"), MAC)
    assert (frame[IP].src, frame[IP].dst) == ("192.0.2.2", "192.0.2.10")
    assert (frame[UDP].sport, frame[UDP].dport) == (67, 68)
    seen = read(Reply(bytes(frame[UDP].payload), ("", 0), None, b""))
    assert seen.yiaddr == "192.0.2.10"


def test_a_broadcast_carries_the_servers_address_of_the_clients_subnet(wire: Wire) -> None:
    intent = network(subnet(), subnet("198.51.100.0/24"), ports=[port(MAC, "198.51.100.10")])
    wire.plug("a", Dhcp4Responder(intent))
    wire.send("a", message(DISCOVER, broadcast=True))
    frame = wire.frame()
    assert (frame.dst, frame[IP].src, frame[IP].dst) == ("ff:ff:ff:ff:ff:ff", "198.51.100.2", "255.255.255.255")


def test_every_network_is_answered_from_its_own_intent(wire: Wire) -> None:
    for n in range(20):
        wire.plug(str(n), Dhcp4Responder(network(subnet(), ports=[port(MAC, f"192.0.2.{10 + n}")])))
    for n in range(20):
        wire.send(str(n), message(DISCOVER, xid=n))
    answers = {frame[BOOTP].xid: frame[BOOTP].yiaddr for frame in (wire.frame() for _ in range(20))}
    assert answers == {n: f"192.0.2.{10 + n}" for n in range(20)}


def test_a_removed_network_is_silent_and_its_sockets_are_closed(wire: Wire) -> None:
    wire.plug("a", Dhcp4Responder(INTENT))
    wire.plug("b", Dhcp4Responder(INTENT))
    wire.sockets.remove("a")
    wire.sockets.remove("a")  # no error
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(wire.to["a"])
    assert wire.sockets.counters("a") is None
    wire.send("b", message(DISCOVER))
    assert wire.frame()[BOOTP].yiaddr == "192.0.2.10"


def test_a_network_added_again_is_served_by_the_new_sockets(wire: Wire) -> None:
    wire.plug("a", Dhcp4Responder(INTENT))
    wire.plug("a", Dhcp4Responder(network(subnet(), ports=[port(MAC, "192.0.2.20")])))
    wire.send("a", message(DISCOVER))
    assert wire.frame()[BOOTP].yiaddr == "192.0.2.20"


class TestLimits:
    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(port_rate=1e-6, port_burst=5, strangers_rate=1e-6, strangers_burst=3)

    def test_a_port_that_asks_too_often_is_not_heard_and_others_are(self, wire: Wire) -> None:
        other = "02:00:00:00:00:02"
        wire.plug("a", Dhcp4Responder(network(subnet(), ports=[port(MAC, "192.0.2.10"), port(other, "192.0.2.11")])))
        for n in range(20):
            wire.send("a", message(DISCOVER, xid=n))
        wire.send("a", message(DISCOVER, xid=99, mac=other))
        assert wire.xids(6) == [0, 1, 2, 3, 4, 99]
        counters = wire.sockets.counters("a")
        assert counters is not None
        assert (counters.received, counters.limited_ports) == (21, 15)

    def test_strangers_share_one_allowance_and_ports_keep_theirs(self, wire: Wire) -> None:
        wire.plug("a", Dhcp4Responder(DYNAMIC))
        for n in range(10):
            wire.send("a", message(DISCOVER, xid=n, mac=f"02:00:00:00:ff:{n:02x}"))
        wire.send("a", b"short")
        wire.send("a", message(DISCOVER, xid=99))
        assert wire.xids(4) == [0, 1, 2, 99]
        counters = wire.sockets.counters("a")
        assert counters is not None
        assert counters.limited_strangers == 8


class Gate(Dhcp4Responder):
    """Holds up the thread until it is opened."""

    def __init__(self) -> None:
        super().__init__(INTENT)
        self.reached, self.open = Event(), Event()

    def handle(self, datagram: bytes, source: tuple[str, int] | None, now: float) -> Reply | None:
        self.reached.set()
        assert self.open.wait(PATIENCE)
        return super().handle(datagram, source, now)


def test_a_flooded_network_takes_turns_with_the_others(wire: Wire) -> None:
    gate = Gate()
    wire.plug("gate", gate)
    wire.plug("flooded", Dhcp4Responder(INTENT))
    wire.plug("quiet", Dhcp4Responder(INTENT))
    wire.send("gate", message(DISCOVER, xid=1000))
    assert gate.reached.wait(PATIENCE)
    for n in range(90):  # all of it waits, and the quiet guest comes last
        wire.send("flooded", message(DISCOVER, xid=n))
    wire.send("quiet", message(DISCOVER, xid=999))
    gate.open.set()
    order = wire.xids(92)
    assert order.index(999) <= 1 + 2 * Limits().turn


class Failing(Dhcp4Responder):
    def handle(self, datagram: bytes, source: tuple[str, int] | None, now: float) -> Reply | None:
        raise RuntimeError("a defect")


def test_a_defect_costs_its_own_network_only(wire: Wire) -> None:
    wire.plug("a", Failing(INTENT))
    wire.plug("b", Dhcp4Responder(INTENT))
    for _ in range(3):
        wire.send("a", message(DISCOVER))
    counters = wire.sockets.counters("a")
    assert counters is not None
    wait_for(lambda: counters.exceptions == 3, "three defects are counted", lambda: counters)
    wire.send("b", message(DISCOVER, xid=7))
    assert wire.xids(1) == [7]


def test_an_error_in_sending_is_counted_and_reported_once(wire: Wire, errors: Errors) -> None:
    nowhere = udp_socket()
    packet = udp_socket()
    packet.connect(nowhere.getsockname())
    nowhere.close()
    udp = udp_socket()
    wire.to["a"] = udp.getsockname()
    wire.sockets.add("a", Dhcp4Responder(INTENT), udp, packet, DEVICE_MAC)
    counters = wire.sockets.counters("a")
    assert counters is not None
    for sent in range(1, 9):  # every other one meets the refusal of the one before
        wire.send("a", message(DISCOVER))
        wait_for(lambda sent=sent: counters.received == sent, "it is received", lambda: counters)  # type: ignore[misc]
    wait_for(lambda: counters.sent + sum(counters.errors.values()) == 8, "all are answered", lambda: counters)
    assert counters.errors["send ECONNREFUSED"] > 1
    assert errors.seen == [("a", "send", "ConnectionRefusedError")]
    wire.plug("b", Dhcp4Responder(INTENT))
    wire.send("b", message(DISCOVER, xid=7))
    assert wire.xids(1) == [7]


def test_an_error_in_reading_is_reported_and_the_network_is_served_again(wire: Wire, errors: Errors) -> None:
    peer, udp, packet = udp_socket(), udp_socket(), udp_socket()
    address, own = peer.getsockname(), udp.getsockname()
    packet.connect(wire.frames.getsockname())
    udp.connect(address)
    peer.close()
    wire.sockets.add("a", Dhcp4Responder(INTENT), udp, packet, DEVICE_MAC)
    udp.send(b"to nobody")
    assert errors.told.wait(PATIENCE)
    assert errors.seen == [("a", "receive", "ConnectionRefusedError")]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back:
        back.bind(address)
        back.sendto(message(DISCOVER, xid=7), own)
        assert wire.xids(1) == [7]


class TestStorage:
    """A client is told of a lease when it is on disk, and not before."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "leases.sqlite"

    def test_the_acknowledgement_waits_for_the_disk_and_nobody_else_does(self, path: Path, errors: Errors) -> None:
        store = SlowStore(path, 0.0)
        sockets = Dhcp4Server(errors.of_network, commits := LeaseCommits(path, open_store=lambda *_: store))
        wire = Wire(sockets)
        wire.plug("a", Dhcp4Responder(DYNAMIC))
        wire.send("a", message(REQUEST, xid=1, mac=STRANGER, server="192.0.2.2", requested="192.0.2.105"))
        assert store.reached.wait(PATIENCE)
        wire.send("a", message(DISCOVER, xid=2))
        assert wire.xids(1) == [2]
        assert wire.nothing_waits()
        store.open.set()
        frame = wire.frame()
        assert (frame[BOOTP].xid, frame[BOOTP].yiaddr) == (1, "192.0.2.105")
        (lease,) = store.load("a")
        assert lease.hardware == bytes.fromhex(STRANGER.replace(":", ""))
        sockets.close()
        wire.close()
        commits.close()
        store.close()

    def test_no_acknowledgement_when_it_cannot_be_stored(self, path: Path, errors: Errors) -> None:
        store = FullStore(path, 0.0)
        commits = LeaseCommits(
            path, open_store=lambda *_: store, changed=lambda: errors.of_store(commits.problem), look_again=3600
        )
        sockets = Dhcp4Server(errors.of_network, commits)
        wire = Wire(sockets)
        wire.plug("a", Dhcp4Responder(DYNAMIC))
        wire.send("a", message(REQUEST, xid=1, mac=STRANGER, server="192.0.2.2", requested="192.0.2.105"))
        assert errors.told.wait(PATIENCE)
        assert errors.store[0] == "no room"
        assert wire.nothing_waits()
        store.full = False
        other = "02:00:00:00:ff:02"
        wire.send("a", message(REQUEST, xid=2, mac=other, server="192.0.2.2", requested="192.0.2.106"))
        assert wire.xids(1) == [2]
        assert {lease.address & 0xFF for lease in store.load("a")} == {105, 106}  # the first was not forgotten
        sockets.close()
        wire.close()
        commits.close()
        store.close()

    def test_what_is_under_way_is_stored_when_the_service_stops(self, path: Path, errors: Errors) -> None:
        store = SlowStore(path, 0.0)
        sockets = Dhcp4Server(errors.of_network, commits := LeaseCommits(path, open_store=lambda *_: store))
        wire = Wire(sockets)
        wire.plug("a", Dhcp4Responder(DYNAMIC))
        wire.send("a", message(REQUEST, mac=STRANGER, server="192.0.2.2", requested="192.0.2.105"))
        assert store.reached.wait(PATIENCE)
        store.open.set()
        sockets.close()
        assert len(store.load("a")) == 1
        assert read(Reply(bytes(wire.frame()[UDP].payload), ("", 0), None, b"")).kind == ACK
        wire.close()
        commits.close()
        store.close()


class SlowStore(LeaseStore):
    """A disk that takes its time."""

    def __init__(self, path: Path, now: float) -> None:
        super().__init__(path, now)
        self.reached, self.open = Event(), Event()

    def commit(self, changes: Any) -> None:
        self.reached.set()
        assert self.open.wait(PATIENCE)
        super().commit(changes)


class FullStore(LeaseStore):
    """A disk without room, for a while."""

    full = True

    def commit(self, changes: Any) -> None:
        if self.full:
            raise LeaseStoreError("no room")
        super().commit(changes)
