"""A part that is broken takes away what it gives, and nothing else; status says so, until it is whole again."""

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.waiting import wait_for

STATE, INTENT, LOG = Path("/run/state"), Path("/run/intent.yaml"), Path("/run/node.log")
LEASES, METADATA = STATE / "leases.sqlite", STATE / "metadata.sqlite"
NETWORKS = """
networks:
  - name: pooled
    subnets: [{cidr: 192.0.2.0/24, dynamic: true}]
    ports: [{name: one, mac: "fa:16:3e:00:00:01"}]
  - name: fixed
    subnets: [{cidr: 198.51.100.0/24}]
    ports: [{name: two, mac: "fa:16:3e:00:00:02", fixed_ips: [198.51.100.9]}]
"""


@contextmanager
def node() -> Iterator[subprocess.Popen[bytes]]:
    with LOG.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "netmend.cli", "run", "-c", str(INTENT), "--state-dir", str(STATE)], stderr=log
        )
    try:
        yield process
        assert process.poll() is None, LOG.read_text()
    finally:
        process.terminate()
        process.wait(60)


def status() -> tuple[int, dict[str, Any]]:
    """Its exit code, and what it prints; exit code 2 and nothing while no node answers."""
    ran = subprocess.run(
        [sys.executable, "-m", "netmend.cli", "status", "--json"],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return ran.returncode, json.loads(ran.stdout) if ran.stdout else {}


def states(found: dict[str, Any]) -> dict[str, str]:
    return {network["name"]: network["state"] for network in found["networks"]}


def settled() -> dict[str, Any] | None:
    """Status once no network waits; None before."""
    code, found = status()
    if not found or "waiting" in states(found).values() or not found["node"]["passes"]:
        return None
    assert (code == 0) == found["node"]["healthy"]
    return found


def healthy() -> bool:
    return status()[0] == 0


def prepare(networks: str = NETWORKS) -> None:
    STATE.mkdir(mode=0o700)
    INTENT.write_text(networks)


def garbage() -> None:
    LEASES.write_bytes(b"this is no database at all" * 500)


def unusable() -> None:
    LEASES.mkdir()


@pytest.mark.parametrize("harm", [garbage, unusable])
def test_without_leases_fixed_ips_are_served(harm: Callable[[], None]) -> None:
    prepare()
    harm()
    with node():
        found = wait_for(settled, "served", LOG.read_text)
        assert states(found) == {"pooled": "served with reasons", "fixed": "served"}
        assert str(LEASES) in found["leases_problem"]
        (reason,) = found["reasons"]
        assert reason["name"] == "pooled"
        assert "fixed IPs are" in reason["reason"]
        assert reason["serves"]
        LEASES.rename(STATE / "away")
        wait_for(healthy, "the problem ends", LOG.read_text, every=1.0)
        found = status()[1]
        assert (found["leases_problem"], found["reasons"]) == (None, [])


def test_a_removed_file_is_noticed_and_made_anew() -> None:
    prepare()
    with node():
        wait_for(healthy, "served", LOG.read_text)
        LEASES.unlink()
        wait_for(LEASES.exists, "it is made anew", LOG.read_text)
        assert "the lease file is written anew from memory" in LOG.read_text()
        assert healthy()


def test_without_a_state_directory_fixed_ips_are_served() -> None:
    INTENT.write_text(NETWORKS)
    STATE.write_text("no directory")
    with node():
        found = wait_for(settled, "served", LOG.read_text)
        assert states(found) == {"pooled": "served with reasons", "fixed": "served"}
        STATE.unlink()
        wait_for(healthy, "the problem ends", LOG.read_text, every=1.0)
        assert STATE.stat().st_mode & 0o077 == 0


def test_a_damaged_metadata_database_costs_metadata_alone() -> None:
    prepare(NETWORKS.replace("- name: fixed", "- name: fixed\n    metadata: embedded"))
    METADATA.write_bytes(b"this is no database at all" * 500)

    def told() -> dict[str, Any] | None:
        found = settled()
        return found if found and found["reasons"] else None

    with node():
        found = wait_for(told, "the reason", LOG.read_text)
        assert states(found) == {"pooled": "served", "fixed": "served with reasons"}
        assert f"{METADATA}" in found["reasons"][0]["reason"]
        METADATA.rename(STATE / "away")
        wait_for(healthy, "the problem ends", LOG.read_text, every=1.0)


def test_metadata_under_a_running_node() -> None:
    """Removed, its file is written anew from memory; what cannot be written is a reason, until it can."""
    prepare(NETWORKS.replace("- name: fixed", "- name: fixed\n    metadata: embedded"))

    def told() -> dict[str, Any] | None:
        found = status()[1]
        return found if found["reasons"] else None

    with node():
        wait_for(healthy, "served", LOG.read_text, every=0.5)
        METADATA.unlink()
        wait_for(METADATA.exists, "it is made anew", LOG.read_text, every=0.5)
        assert "written anew from memory" in LOG.read_text()
        METADATA.unlink()
        METADATA.mkdir()
        found = wait_for(told, "the reason", LOG.read_text, every=0.5)
        assert states(found) == {"pooled": "served", "fixed": "served with reasons"}
        assert "passwords that guests post are not kept" in found["reasons"][0]["reason"]
        METADATA.rmdir()
        wait_for(healthy, "the problem ends", LOG.read_text, every=0.5)


MORE = "".join(f"""
  - name: more-{number}
    subnets: [{{cidr: 10.{number}.0.0/24}}]
    ports: [{{name: p, mac: "fa:16:3e:00:01:{number:02x}", fixed_ips: [10.{number}.0.9]}}]
""" for number in range(20))  # fmt: skip


def test_at_its_limit_of_descriptors_a_node_says_so_and_goes_on() -> None:
    prepare()
    with node() as process:
        wait_for(healthy, "served", LOG.read_text)
        before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        opened = len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (opened + 8, before[1]))
        INTENT.write_text(NETWORKS + MORE)
        wait_for(lambda: "a limit is reached" in LOG.read_text(), "the breaker opens", LOG.read_text)
        assert "LimitNOFILE" in LOG.read_text()
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)

        def all_served() -> bool:
            code, found = status()
            return code == 0 and len(found["networks"]) == 22

        wait_for(all_served, "all is served", LOG.read_text, every=1.0)
        assert "netmend's fault" not in LOG.read_text()
        assert "Traceback" not in LOG.read_text()
