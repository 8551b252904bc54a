"""Where inotify has nothing left to give, a node runs all the same, finds a changed file, and names the sysctl."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.waiting import wait_for

from netmend.node.http.status_client import NoNode, ask

INTENT = Path("/run/intent.yaml")


def write(name: str) -> None:
    INTENT.write_text(f"networks: [{{name: {name}, subnets: [{{cidr: 10.0.0.0/24, gateway: 10.0.0.1}}]}}]")


def status() -> dict[str, Any]:
    try:
        found: dict[str, Any] = ask(Path("/run/netmend/netmend.sock"))
    except NoNode:
        return {"networks": [], "intent": {}}
    return found


def is_served(name: str) -> bool:
    return [(one["name"], one["state"]) for one in status()["networks"]] == [(name, "served")]


@pytest.mark.parametrize("limit", ["instances", "watches"])
def test_a_changed_file_is_found_without_inotify(limit: str) -> None:
    """The limits are those of the sandbox's own user namespace (namespaces(7), /proc/sys/user)."""
    try:
        Path(f"/proc/sys/user/max_inotify_{limit}").write_text("0")
    except OSError as error:
        pytest.skip(f"this sandbox may not lower the limit: {error}")
    write("blue")
    node = subprocess.Popen(
        [sys.executable, "-m", "netmend.cli", "run", "-c", str(INTENT), "--state-dir", "/run/state"],
        stderr=subprocess.PIPE,
    )
    try:
        wait_for(lambda: is_served("blue"), "the first network")
        write("green")
        wait_for(lambda: is_served("green"), "the changed file")
        assert f"fs.inotify.max_user_{limit}" in status()["intent"]["watch_problem"]
    finally:
        node.kill()
        node.wait()
    assert node.stderr is not None
    assert f"fs.inotify.max_user_{limit}".encode() in node.stderr.read()
