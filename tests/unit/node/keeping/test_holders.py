"""Who holds sockets: a keeper that listens, else systemd that started us, else nobody."""

import os
import socket
import subprocess
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
            label = SystemdHolder("/nowhere").label("dns.1")
            code = 0 if list(found) == [label] and found[label].getsockname() == name else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setenv("LISTEN_PID", "1")  # another process's
    assert SystemdHolder("/nowhere").inherited() == {}


def test_all_names_fit_into_one_variable_of_the_environment(tmp_path: Path) -> None:
    """Or execve(2) refuses the next start (E2BIG), again and again. Here are as many as 1,500 networks with all
    services have; the last are not held, and what has a name is found again and let go by it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, socket.socket() as one:
        manager.bind(str(tmp_path / "notify"))
        holder = SystemdHolder(str(tmp_path / "notify"))
        keys = [f"dns-udp.20010db8{number:024x}.4026532345.{number}" for number in range(13_500)]
        names: dict[str, str] = {}
        manager.setblocking(False)
        for key in keys:
            holder.keep(key, one)
            try:
                text, descriptors, _, _ = socket.recv_fds(manager, 1000, 2)
            except BlockingIOError:
                continue
            for descriptor in descriptors:
                os.close(descriptor)
            names[key] = text.decode().rpartition("FDNAME=")[2]
        assert 9_000 < len(names) < len(keys)
        assert len(set(names.values())) == len(names)
        assert names[keys[0]] == f"netmend.{keys[0]}", "a netmend of before reads it"
        subprocess.run(["true"], env={**os.environ, "LISTEN_FDNAMES": ":".join(names.values())}, check=True, timeout=60)
        last = list(names)[-1]
        holder.drop(holder.label(last))
        assert manager.recv(1000).decode() == f"FDSTOREREMOVE=1\nFDNAME={names[last]}"
        holder.keep(keys[-1], one)  # there is room for one again
        assert b"FDSTORE=1" in manager.recv(1000)
        holder.close()


def test_a_digest_is_found_by_its_key() -> None:
    label = SystemdHolder("/nowhere").label("dns.1")
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            one = socket.socket()
            descriptor = os.dup2(one.fileno(), 60)
            os.closerange(3, 50)
            os.dup2(descriptor, 3)
            os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=f"n.{label}")
            code = 0 if list(SystemdHolder("/nowhere").inherited()) == [label] else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
