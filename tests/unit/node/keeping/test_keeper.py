"""The keeper: what it holds outlives the node that gave it; what is no message of a node ends the connection."""

import array
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from tests.waiting import wait_for

from netmend.node.keeping.holders import KeeperHolder
from netmend.node.keeping.keeper import KEY_MAX, Keeper, listen


@contextmanager
def keeper(path: Path, grace: float = 60) -> Iterator[Keeper]:
    read, write = os.pipe()
    with listen(str(path)) as listener:
        kept = Keeper(listener, grace)
        thread = Thread(target=kept.serve, args=(read,))
        thread.start()
        try:
            yield kept
        finally:
            os.write(write, b"x")
            thread.join()
            os.close(read)
            os.close(write)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_datagram_sent_while_no_node_runs_is_read_by_the_next(tmp_path: Path) -> None:
    with keeper(tmp_path / "k") as _, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        node = KeeperHolder(tmp_path / "k")
        assert node.inherited() == {}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as service:
            service.bind(("127.0.0.1", 0))
            address = service.getsockname()
            node.keep("dns.1", service)
        node.close()
        sender.sendto(b"question", address)
        later = KeeperHolder(tmp_path / "k")
        left = later.inherited()
        assert list(left) == ["dns.1"]
        with left["dns.1"] as service:
            service.settimeout(10)
            assert service.recv(100) == b"question"
        later.drop("dns.1")
        assert later.fetch("dns.1") is None
        assert later.inherited() == {}
        later.close()


def test_a_key_holds_one_descriptor_and_a_fetched_one_is_the_same_socket(tmp_path: Path) -> None:
    with keeper(tmp_path / "k"):
        node = KeeperHolder(tmp_path / "k")
        with socket.socket() as first, socket.socket() as second:
            for one in (first, second):
                one.bind(("127.0.0.1", 0))
                node.keep("a", one)
            found = node.fetch("a")
            assert found is not None
            with found:
                assert found.getsockname() == second.getsockname()
        assert len(node.inherited()) == 1
        node.close()


def test_what_nobody_comes_for_is_closed(tmp_path: Path) -> None:
    with keeper(tmp_path / "k", grace=0.05):
        before = open_files()
        node = KeeperHolder(tmp_path / "k")
        with socket.socketpair()[0] as one:
            node.keep("a", one)
            assert len(node.inherited()) == 1
        node.close()
        wait_for(lambda: open_files() <= before, "the keeper has closed what it held")


@pytest.mark.parametrize(
    "message",
    [b"?", b"K" + b"x" * (KEY_MAX + 1), b"Q" + b"key"],
    ids=["unknown", "long key", "unknown key"],
)
def test_what_is_no_message_ends_the_connection_and_leaks_nothing(tmp_path: Path, message: bytes) -> None:
    with keeper(tmp_path / "k"):
        before = open_files()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as node, socket.socket() as one:
            node.connect(str(tmp_path / "k"))
            node.settimeout(10)
            node.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [one.fileno()]))])
            assert node.recv(100) == b""
        wait_for(lambda: open_files() <= before, "no descriptor is left open")
        with socket.socket() as kept:
            node = KeeperHolder(tmp_path / "k")  # type: ignore[assignment]
            node.keep("a", kept)  # type: ignore[attr-defined]
            assert len(node.inherited()) == 1  # type: ignore[attr-defined]
            node.close()


def test_one_keeper_a_path_and_a_dead_ones_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "k"
    with keeper(path):
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(OSError, match="in use"):
            listen(str(path))
    with keeper(path):
        KeeperHolder(path).close()
