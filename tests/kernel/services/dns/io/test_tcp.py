"""TCP towards guests (RFC 7766): pipelining, and what no guest can hold."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dns.message
import dns.query
from tests.kernel.services.dns.io.world import GUEST, SERVER, Upstream, World, good, patience
from tests.unit.services.dns.asker import data
from tests.waiting import PATIENCE, wait_for

from netmend.services.dns.io import Limits

UP = "127.0.0.53"


@contextmanager
def connected(world: World, source: str = GUEST) -> Iterator[socket.socket]:
    with world.guest.entered():
        opened = socket.create_connection((SERVER, 53), timeout=PATIENCE, source_address=(source, 0))
    with opened:
        yield opened


def framed(name: str, rdtype: str = "A", **fields: Any) -> bytes:
    message = dns.message.make_query(name, rdtype, **fields).to_wire()
    return len(message).to_bytes(2, "big") + message


def receive(opened: socket.socket) -> dns.message.Message:
    return dns.query.receive_tcp(opened)[0]


def ended(opened: socket.socket) -> bool:
    """Whether the other side has closed; waits for that."""
    try:
        return opened.recv(1) == b""
    except ConnectionResetError:
        return True


def test_queries_are_pipelined_and_answered_as_answers_come() -> None:
    others_are_answered = threading.Event()

    def slow(query: dns.message.Message) -> list[bytes]:
        assert others_are_answered.wait(PATIENCE)
        return [good(query, "60 A 192.0.9.1").to_wire()]

    with Upstream(UP, slow), patience(PATIENCE), World(UP) as world, connected(world) as opened:
        opened.sendall(framed("www.example.org", id=1) + b"".join(framed("web.", id=n) for n in range(2, 100)))
        ids = [receive(opened).id for _ in range(98)]
        others_are_answered.set()
        ids.append(receive(opened).id)
        assert sorted(ids) == list(range(1, 100))
        assert ids[-1] == 1, "the slow one is last, though asked first"


def test_a_message_may_come_octet_by_octet_if_it_is_quick() -> None:
    with World() as world, connected(world) as opened:
        for octet in framed("web."):
            opened.sendall(bytes((octet,)))
        assert data(receive(opened)) == ["10.0.0.10"]


def test_half_closed_connections_get_their_answers() -> None:
    upstream = Upstream(UP, lambda query: [good(query, "60 A 192.0.9.1").to_wire()])
    with upstream, World(UP) as world, connected(world) as opened:
        opened.sendall(framed("www.example.org") + framed("web."))
        opened.shutdown(socket.SHUT_WR)
        assert {data(receive(opened))[0] for _ in range(2)} == {"192.0.9.1", "10.0.0.10"}
        assert ended(opened)


def test_a_slow_loris_is_cut_off_and_nobody_waits_for_it() -> None:
    with World(limits=Limits(message=1.0)) as world, connected(world) as opened:
        began = time.monotonic()
        try:
            for octet in framed("web."):
                opened.sendall(bytes((octet,)))
                assert data(world.ask("web.", tcp=True)) == ["10.0.0.10"]
                time.sleep(0.2)
        except OSError:
            pass
        assert ended(opened)
        assert time.monotonic() - began > 0.9
        assert world.status()["connections_cut"] == 1


def test_an_idle_connection_is_closed() -> None:
    with World(limits=Limits(idle=1.0, message=1.0)) as world, connected(world) as opened:
        opened.sendall(framed("web."))
        receive(opened)
        assert ended(opened)
        assert world.status()["connections_cut"] == 0
        assert world.status()["connections_open"] == 0


def test_a_guest_has_so_many_connections() -> None:
    with World(limits=Limits(connections_of_guest=2)) as world, connected(world) as first, connected(world) as second:
        with connected(world) as third:
            assert ended(third)
        for opened in (first, second):
            opened.sendall(framed("web."))
            assert data(receive(opened)) == ["10.0.0.10"]
        assert world.status()["connections_refused"] == 1
        first.close()
        wait_for(lambda: world.status()["connections_open"] == 1, "it is forgotten")
        assert data(world.ask("web.", tcp=True)) == ["10.0.0.10"]


def test_in_a_full_network_the_idle_make_room() -> None:
    with World(limits=Limits(connections_of_network=2)) as world, connected(world) as first, connected(world) as second:
        wait_for(lambda: world.status()["connections_open"] == 2, "both are there")
        assert data(world.ask("web.", tcp=True)) == ["10.0.0.10"]
        assert ended(first)
        second.sendall(framed("web."))
        assert data(receive(second)) == ["10.0.0.10"]


def test_a_guest_that_takes_no_answers_is_not_read_from() -> None:
    with World(limits=Limits(unsent=10_000, idle=1.0, message=1.0)) as world, connected(world) as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.setblocking(False)
        sent = 0
        while sent < 200_000:
            try:
                sent += opened.send(framed("web.") * 100)
            except BlockingIOError:
                time.sleep(0.05)
                if world.status()["connections_cut"]:
                    break
            except OSError:
                break
        wait_for(lambda: world.status()["connections_open"] == 0, "it is closed, for it takes nothing")
        assert data(world.ask("web.")) == ["10.0.0.10"]


def test_rubbish_ends_the_connection() -> None:
    for octets in (b"\0\0", b"\0\5abcde", b"\xff\xff" + b"x" * 100, b"GET / HTTP/1.1\r\n\r\n"):
        with World() as world, connected(world) as opened:
            opened.sendall(octets)
            assert ended(opened)


def test_who_hangs_up_in_the_midst_is_forgotten() -> None:
    with Upstream(UP, lambda query: []), World(UP) as world:
        with connected(world) as opened:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            opened.sendall(b"".join(framed(f"{n}.example.org") for n in range(40)))
            wait_for(lambda: world.status()["under_way"] == 32, "they are under way")
        wait_for(lambda: world.status()["connections_open"] == 0, "it is forgotten")
        began = time.thread_time()
        wait_for(lambda: world.status()["under_way"] == 0, "they end")
        assert time.thread_time() - began < 3
        assert world.status()["exceptions"] == 0
