"""Giving up privileges for good: what is gone is gone for children too, and what is needed still works."""

import os
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from netmend.kernel import privileges, syscalls
from netmend.kernel.errors import KernelError
from netmend.kernel.netns import Netns


def in_child(body: Callable[[], None]) -> None:
    """Call `body` in a child, which gives up what it likes; raises what it raised."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            body()
        except BaseException as error:
            os.write(write, repr(error).encode() or b"?")
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().decode()
    assert said == ""


def capabilities(field: str) -> int:
    for line in Path("/proc/thread-self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1], 16)
    raise AssertionError(field)


def test_only_what_is_named_is_kept_everywhere() -> None:
    def body() -> None:
        privileges.keep_only({"CAP_NET_ADMIN", "CAP_SYS_ADMIN"})
        assert privileges.held() == {"CAP_NET_ADMIN", "CAP_SYS_ADMIN"}
        wanted = 1 << 12 | 1 << 21
        assert {capabilities(field) for field in ("CapEff", "CapPrm", "CapBnd")} == {wanted}
        assert {capabilities(field) for field in ("CapInh", "CapAmb")} == {0}
        assert "NoNewPrivs:\t1" in Path("/proc/self/status").read_text()
        seen: list[frozenset[str]] = []
        thread = threading.Thread(target=lambda: seen.append(privileges.held()))
        thread.start()
        thread.join()
        assert seen == [privileges.held()]

    in_child(body)


def test_a_program_that_is_started_gains_nothing() -> None:
    def body() -> None:
        privileges.keep_only({"CAP_NET_ADMIN"})
        status = subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True, check=True).stdout
        assert f"CapEff:\t{1 << 12:016x}" in status

    in_child(body)


def test_what_is_kept_works_and_what_is_not_is_refused() -> None:
    def body() -> None:
        privileges.keep_only({"CAP_SYS_ADMIN"})
        with Netns.create("test") as namespace, namespace.entered():
            pass
        Path("/run/there").mkdir()
        syscalls.mount("tmpfs", "/run/there", "tmpfs", 0)
        with pytest.raises(PermissionError):
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW)

    in_child(body)


def test_forbidden_calls_are_refused_and_others_are_made() -> None:
    def body() -> None:
        privileges.keep_only({"CAP_SYS_ADMIN"})
        if not privileges.forbid_system_calls():
            return  # this machine has no such filter, and the node says so
        with pytest.raises(PermissionError):
            os.execv("/bin/true", ["true"])
        with pytest.raises(PermissionError):
            os.chroot("/")
        with pytest.raises(PermissionError):
            os.setuid(0)
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
        with Netns.create("test") as namespace, namespace.entered():
            pass
        assert "Seccomp:\t2" in Path("/proc/self/status").read_text()

    in_child(body)


def test_without_no_new_privs_and_capabilities_there_is_no_filter() -> None:
    def body() -> None:
        try:
            privileges.keep_only(())
        except KernelError as error:
            raise AssertionError(str(error)) from error
        assert privileges.held() == frozenset()
        privileges.keep_only(())  # again: nothing is left to give up

    in_child(body)


def test_files_of_others_need_an_override() -> None:
    room = Path("/run/room")
    room.mkdir()
    file = room / "networks.yaml"
    file.touch()
    assert not privileges.needs_override([file], [room])
    assert not privileges.needs_override([], [room / "not" / "there"])
    try:
        os.chown(file, 1, 1)
        os.chown(room, 1, 1)
    except OSError:
        pytest.skip("one uid alone is mapped into this user namespace")
    for mode, of_room, wanted in ((0o644, 0o755, False), (0o600, 0o755, True), (0o644, 0o700, True)):
        file.chmod(mode)
        room.chmod(of_room)
        assert privileges.needs_override([file], []) == wanted, (mode, of_room)
    room.chmod(0o755)
    assert privileges.needs_override([], [room])
