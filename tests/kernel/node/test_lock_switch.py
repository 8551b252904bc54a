"""Two nodes on one Open vSwitch, in different network namespaces: the second refuses, and leaves the first alone."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.kernel.vswitch import SOCKET, VSwitch
from tests.waiting import wait_for

from netmend.node.http.status_client import NoNode, ask

INTENT = """
networks:
  - name: {name}
    wiring: {wiring}
    subnets: [{{cidr: 10.0.0.0/24, gateway: 10.0.0.1}}]
"""
APART = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc")  # a container that has the socket alone


def command(name: str, wiring: str, remote: str = f"unix:{SOCKET}") -> list[str]:
    room = Path("/run") / name
    room.mkdir(exist_ok=True)
    (room / "intent.yaml").write_text(INTENT.format(name=name, wiring=wiring))
    words = [
        "-c",
        str(room / "intent.yaml"),
        "--runtime-dir",
        str(room / "runtime"),
        "--state-dir",
        str(room / "state"),
    ]
    return [sys.executable, "-m", "netmend.cli", "run", *words, "--ovsdb", remote, "--netns-dir", str(room / "netns")]


@contextmanager
def node(
    name: str, wiring: str = "ovs", *prefix: str, remote: str = f"unix:{SOCKET}"
) -> Iterator[subprocess.Popen[bytes]]:
    """A node, until the block ends."""
    process = subprocess.Popen([*prefix, *command(name, wiring, remote)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def status(name: str) -> dict[str, Any]:
    try:
        return ask(Path("/run") / name / "runtime" / "netmend.sock")
    except NoNode:
        return {}


def has_port(name: str, switch: VSwitch) -> bool:
    return len(switch.ports()) == 1 and any(one["name"] == name for one in status(name).get("networks", ()))


def reasons(name: str) -> str:
    return json.dumps(status(name).get("reasons"))


def test_the_second_refuses_with_the_pid_of_the_first() -> None:
    with VSwitch(vswitchd=False) as switch, node("blue") as first:
        wait_for(lambda: has_port("blue", switch), "the first node")
        before = switch.ports()
        second = subprocess.run(
            ["unshare", "--net", *command("green", "ovs")], capture_output=True, text=True, timeout=120, check=False
        )
        assert second.returncode == 2, second
        assert f"(pid {first.pid})" in second.stderr
        assert switch.ports() == before


def test_a_container_that_shares_the_socket_alone() -> None:
    with VSwitch(vswitchd=False) as switch, node("blue") as first:
        wait_for(lambda: has_port("blue", switch), "the first node")
        second = subprocess.run(
            [*APART, *command("green", "ovs")], capture_output=True, text=True, timeout=120, check=False
        )
        assert second.returncode == 2, second
        assert f"pid {first.pid} in another container" in second.stderr


def test_a_node_that_comes_to_the_switch_later_leaves_it_alone_and_says_so() -> None:
    """It began without the switch. It takes it over when the first has ended."""
    with VSwitch(vswitchd=False) as switch, node("blue") as first, node("green", "bridge", "unshare", "--net"):
        wait_for(lambda: has_port("blue", switch), "the first node")
        wait_for(lambda: bool(status("green")), "the second node")
        before = switch.ports()
        command("green", "ovs")
        wait_for(
            lambda: f"(pid {first.pid})" in reasons("green"), "a reason that names the first", lambda: reasons("green")
        )
        assert switch.ports() == before
        first.kill()
        first.wait()
        wait_for(lambda: bool(switch.ports() - before), "the second's port", switch.log)


def test_a_node_without_a_network_on_the_switch_leaves_the_ports_of_the_other() -> None:
    with VSwitch(vswitchd=False) as switch, node("blue"):
        wait_for(lambda: has_port("blue", switch), "the first node")
        before = switch.ports()
        with node("green", "bridge", "unshare", "--net"):
            wait_for(lambda: bool(status("green").get("node", {}).get("passes")), "a pass of the second")
            assert switch.ports() == before


def test_the_lock_is_had_again_when_the_database_was_started_again() -> None:
    with VSwitch(vswitchd=False) as switch, node("blue") as first:
        wait_for(lambda: has_port("blue", switch), "the first node")
        switch.kill("ovsdb-server")
        switch.start_database()
        name = switch.ports().pop()
        switch.vsctl("--no-wait", "del-port", name)
        wait_for(lambda: switch.ports() == {name}, "the port is back")
        assert f'"{first.pid}"' in switch.get("Open_vSwitch", ".", "external_ids:netmend-pid")


def test_over_tcp_the_lock_outlives_the_servers_probes() -> None:
    """The server gives up a connection that has not answered its question in time."""
    remote = "tcp:127.0.0.1:16640"
    with VSwitch(vswitchd=False) as switch:
        switch.vsctl("--no-wait", "set-manager", "ptcp:16640:127.0.0.1")
        switch.vsctl("--no-wait", "set", "Manager", ".", "inactivity_probe=2500")
        with node("blue", remote=remote) as first:
            wait_for(lambda: has_port("blue", switch), "the first node")
            time.sleep(7)  # two probes that are not answered, and then some
            second = subprocess.run(
                ["unshare", "--net", *command("green", "ovs")], capture_output=True, text=True, timeout=120, check=False
            )
            assert second.returncode == 2, second
            assert f"(pid {first.pid})" in second.stderr
