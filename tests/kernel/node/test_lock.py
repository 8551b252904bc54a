"""Two nodes in one network namespace: the second refuses, whatever their directories are."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.waiting import wait_for

from netmend.kernel import links
from netmend.kernel.netlink import RouteSocket
from netmend.node.http.status_client import NoNode, ask

INTENT = """
networks:
  - name: {name}
    subnets: [{{cidr: 10.0.0.0/24, gateway: 10.0.0.1}}]
"""


def command(name: str, *verb: str) -> list[str]:
    room = Path("/run") / name
    room.mkdir(exist_ok=True)
    (room / "intent.yaml").write_text(INTENT.format(name=name))
    words = ["-c", str(room / "intent.yaml"), "--runtime-dir", str(room / "runtime")]
    state = [] if verb[0] == "down" else ["--state-dir", str(room / "state")]
    return [sys.executable, "-m", "netmend.cli", *verb, *words, *state]


def is_healthy(name: str) -> bool:
    try:
        return bool(ask(Path("/run") / name / "runtime" / "netmend.sock")["node"]["healthy"])
    except NoNode:
        return False


def refused(words: list[str], *prefix: str) -> str:
    done = subprocess.run([*prefix, *words], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2, done
    return done.stderr


def devices() -> set[str]:
    with RouteSocket() as route:
        return {link.name for link in links.dump_links(route)}


def test_the_second_refuses_with_the_pid_of_the_first() -> None:
    first = subprocess.Popen(command("blue", "run"))
    try:
        wait_for(lambda: is_healthy("blue"), "the first node")
        before = devices()
        for verb in ("run", "down"):
            assert f"(pid {first.pid})" in refused(command("green", verb))
        assert devices() == before
        first.send_signal(signal.SIGTERM)
        assert first.wait(60) == 0
        assert subprocess.run(command("blue", "down"), check=False, timeout=120).returncode == 0
    finally:
        first.kill()
        first.wait()


def test_a_container_without_a_shared_directory_and_with_pids_of_its_own() -> None:
    """`/run` is another there, and the first node's pid cannot be seen."""
    first = subprocess.Popen(command("blue", "run"))
    try:
        wait_for(lambda: is_healthy("blue"), "the first node")
        words = command("green", "run")
        said = refused(words, "unshare", "--mount", "--pid", "--fork", "--mount-proc")
        assert "in another container" in said
    finally:
        first.kill()
        first.wait()


def test_a_killed_node_leaves_no_lock() -> None:
    first = subprocess.Popen(command("blue", "run"))
    try:
        wait_for(lambda: is_healthy("blue"), "the first node")
        first.kill()
        first.wait()
        first = subprocess.Popen(command("green", "run"))
        wait_for(lambda: is_healthy("green"), "the second node")
    finally:
        first.kill()
        first.wait()


def test_nodes_of_two_network_namespaces_do_not_meet() -> None:
    first = subprocess.Popen(command("blue", "run"))
    try:
        wait_for(lambda: is_healthy("blue"), "the first node")
        second = subprocess.Popen(["unshare", "--net", *command("green", "run"), "--netns-dir", "/run/others"])
        try:
            wait_for(lambda: is_healthy("green"), "the second node")
        finally:
            second.kill()
            second.wait()
    finally:
        first.kill()
        first.wait()


def test_another_user_cannot_keep_a_node_from_starting() -> None:
    """Whoever takes the name and is neither root nor us is named in the log; here we seem to be another ourselves."""
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setresuid(1, 1, 1)
        except OSError:
            os.write(told, b"n")
            os._exit(0)
        squatter = socket.socket(socket.AF_UNIX)
        squatter.bind("\0netmend/node")
        squatter.listen(1)
        os.write(told, b"y")
        signal.pause()
    try:
        if os.read(ready, 1) == b"n":  # one uid alone is mapped into this user namespace: there is no other user
            return
        first = subprocess.Popen(command("blue", "run"))
        try:
            wait_for(lambda: is_healthy("blue"), "a node beside a squatter")
        finally:
            first.kill()
            first.wait()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_where_no_pid_can_be_written_the_lock_holds() -> None:
    """`/run` is full: a node runs all the same, and is the only one."""
    words = command("blue", "run")
    runtime = Path("/run/blue/runtime")
    runtime.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(runtime)], check=True)
    with suppress(OSError):
        (runtime / "full").write_bytes(bytes(1 << 20))
    first = subprocess.Popen(words)
    try:
        wait_for(lambda: is_healthy("blue"), "a node without room")
        assert "netmend runs already on this host" in refused(words)
    finally:
        first.kill()
        first.wait()


def test_a_socket_that_cannot_be_made_is_a_reason_not_to_start() -> None:
    words = command("blue", "run")
    Path("/run/blue/runtime/netmend.sock/in-the-way").mkdir(parents=True)
    said = refused(words)
    assert "cannot listen at /run/blue/runtime/netmend.sock: " in said
    assert "fault" not in said
