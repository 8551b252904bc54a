"""Nodes in different network namespaces that share a directory of names: as containers with a network each, and
`/run/netns` of the host."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.waiting import wait_for

from netmend.intent.names import namespace_name
from netmend.kernel.netns import Netns
from netmend.node.http.status_client import NoNode, ask
from netmend.sources.file import load

NAMES = Path("/run/netns")
NETWORK = "  - name: {}\n    subnets: [{{cidr: 10.0.0.0/24, gateway: 10.0.0.1}}]\n"
ROUTER = "routers:\n  - {{name: {0}, networks: [{0}]}}\n"


def intent(name: str, *networks: str, router: str | None = None) -> Path:
    room = Path("/run") / name
    room.mkdir(exist_ok=True)
    text = "networks:\n" + "".join(map(NETWORK.format, networks)) + (ROUTER.format(router) if router else "")
    (room / "intent.yaml").write_text(text)
    return room


def command(room: Path, verb: str) -> list[str]:
    words = ["-c", str(room / "intent.yaml"), "--runtime-dir", str(room / "runtime")]
    return [sys.executable, "-m", "netmend.cli", verb, *words, *(["--state-dir", str(room)] if verb == "run" else [])]


def status(room: Path) -> dict[str, Any]:
    try:
        return dict(ask(room / "runtime" / "netmend.sock"))
    except NoNode:
        return {"node": {"healthy": False}, "networks": []}


def states(room: Path) -> dict[str, str]:
    return {network["name"]: network["state"] for network in status(room)["networks"]}


def reasons(room: Path) -> str:
    return str(status(room))


@contextmanager
def running(room: Path, *prefix: str) -> "Iterator[subprocess.Popen[bytes]]":
    with (room / "log").open("ab") as log:
        node = subprocess.Popen([*prefix, *command(room, "run")], stderr=log)
    try:
        yield node
    finally:
        node.kill()
        node.wait()


@contextmanager
def container_network() -> "Iterator[subprocess.Popen[bytes]]":
    """A network namespace that lives as long as the process, whatever else ends in it."""
    holder = subprocess.Popen(["unshare", "--net", "sleep", "1000"])
    wait_for(lambda: network_of(holder.pid) != network_of(os.getpid()), "a network namespace")
    try:
        yield holder
    finally:
        holder.kill()
        holder.wait()


def inside(holder: "subprocess.Popen[bytes]") -> tuple[str, ...]:
    return "nsenter", f"--net=/proc/{holder.pid}/ns/net"


def network_of(pid: int) -> int:
    return Path(f"/proc/{pid}/ns/net").stat().st_ino


def inode(name: str) -> int:
    with Netns.open(f"{NAMES}/{name}") as found:
        return found.inode


def refused(room: Path, verb: str, *prefix: str) -> str:
    done = subprocess.run([*prefix, *command(room, verb)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2, done
    return done.stderr


def test_the_second_refuses_and_says_where_the_first_is() -> None:
    blue, green = intent("blue", "blue"), intent("green", "green")
    with container_network() as other, running(blue) as first:
        wait_for(lambda: states(blue) == {"blue": "served"}, "the first node", lambda: reasons(blue))
        before = {name: inode(name) for name in os.listdir(NAMES)}
        namespace = network_of(os.getpid())
        for verb in ("run", "down"):
            said = refused(green, verb, *inside(other))
            assert f"pid {first.pid}, in network namespace {namespace}" in said, said
            assert "--netns-dir" in said
        apart = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc")
        assert f"in another container, where its pid is {first.pid}" in refused(green, "run", *apart)
        assert {name: inode(name) for name in os.listdir(NAMES)} == before


def test_ip_netns_does_not_wait_for_a_node() -> None:
    """It locks the same directory, by flock(2) (iproute2, ip/ipnetns.c)."""
    blue = intent("blue", "blue")
    with running(blue):
        wait_for(lambda: states(blue) == {"blue": "served"}, "the node", lambda: reasons(blue))
        descriptor = os.open(NAMES, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(descriptor)


def test_what_a_node_elsewhere_has_made_stays_its_own() -> None:
    """It was ended, and its network namespace lives on, with its bridges and guests."""
    blue, both = intent("blue", "blue", "red", router="red"), intent("both", "blue", "green")
    networks = {network.name: network.id for network in load(blue / "intent.yaml").networks.values()}
    blues, reds = namespace_name(networks["blue"]), namespace_name(networks["red"])
    with container_network() as other:
        with running(blue, *inside(other)):
            wait_for(lambda: set(states(blue).values()) == {"served"}, "the first node", lambda: reasons(blue))
        before = {name: inode(name) for name in os.listdir(NAMES)}
        assert len(before) == 3
        with running(both):
            wait_for(lambda: states(both).get("green") == "served", "the second node", lambda: reasons(both))
            said = reasons(both)
            where = f"in network namespace {network_of(other.pid)}, which process {other.pid} is"
            assert "is taken by that of another node of netmend" in said
            assert where in said
            assert before.items() <= {name: inode(name) for name in os.listdir(NAMES)}.items()
            assert states(both)["blue"] != "served"
        assert subprocess.run(command(both, "down"), check=False, timeout=120).returncode == 0
        assert {name: inode(name) for name in os.listdir(NAMES)} == before
        with running(blue, *inside(other)):  # and finds all in its place
            wait_for(lambda: set(states(blue).values()) == {"served"}, "the first again", lambda: reasons(blue))
            assert {name: inode(name) for name in os.listdir(NAMES)} == before
    with running(both):  # that namespace is gone, and its devices with it
        wait_for(lambda: set(states(both).values()) == {"served"}, "all networks", lambda: reasons(both))
        wait_for(lambda: reds not in os.listdir(NAMES), "the other's leftovers to go", lambda: str(os.listdir(NAMES)))
        assert blues in os.listdir(NAMES)
