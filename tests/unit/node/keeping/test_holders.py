"""Who holds sockets: a keeper that listens, else systemd that started us, else nobody."""

import os
import socket
from pathlib import Path

import pytest

from netmend.node.keeping.holders import SystemdHolder, find_holder


def test_without_a_keeper_and_systemd_there_is_none(tmp_path: Path) -> None:
    assert find_holder(tmp_path / "keeper.sock", "") is None


def test_systemd_without_a_store_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FDSTORE", "0")
    assert find_holder(tmp_path / "keeper.sock", str(tmp_path / "notify")) is None
    monkeypatch.setenv("FDSTORE", "10")
    holder = find_holder(tmp_path / "keeper.sock", str(tmp_path / "notify"))
    assert isinstance(holder, SystemdHolder)
    holder.close()


def test_systemd_is_sent_what_it_documents(tmp_path: Path) -> None:
    """sd_notify(3): FDSTORE=1, FDNAME=, FDPOLL=0; FDSTOREREMOVE=1; BARRIER=1 with a pipe that systemd closes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        holder = SystemdHolder(str(tmp_path / "notify"))
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            holder.keep("dns-udp.1", one)
            text, descriptors, _, _ = socket.recv_fds(manager, 1000, 2)
            assert text.decode().splitlines() == ["FDSTORE=1", "FDPOLL=0", "FDNAME=netmend.dns-udp.1"]
            with socket.socket(fileno=descriptors[0]) as got:
                assert got.getsockname() == one.getsockname()
        holder.drop("dns-udp.1")
        assert manager.recv(1000).decode().splitlines() == ["FDSTOREREMOVE=1", "FDNAME=netmend.dns-udp.1"]
        holder.close()


def test_what_systemd_passes_is_taken_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """sd_listen_fds(3): descriptors from 3 on; here they are moved there, in a child."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            one, other = socket.socket(), socket.socket()
            one.bind(("127.0.0.1", 0))
            name = one.getsockname()
            high = [os.dup2(each.fileno(), 60 + number) for number, each in enumerate((one, other))]
            os.closerange(3, 50)
            for number, descriptor in enumerate(high):
                os.dup2(descriptor, 3 + number)
            os.environ.update(LISTEN_FDS="2", LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="netmend.dns.1:others")
            found = SystemdHolder("/nowhere").inherited()
            code = 0 if list(found) == ["dns.1"] and found["dns.1"].getsockname() == name else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setenv("LISTEN_PID", "1")  # another process's
    assert SystemdHolder("/nowhere").inherited() == {}
