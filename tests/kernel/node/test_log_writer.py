"""A node goes on whatever becomes of its log: intent is followed, devices are mended, status answers, SIGTERM ends."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.waiting import wait_for

from netmend.kernel import links
from netmend.kernel.netlink import RouteSocket
from netmend.node.http.status_client import ask

RUNTIME = Path("/run/netmend/netmend.sock")
INTENT = Path("/run/intent.yaml")


def write(host: int) -> None:
    INTENT.write_text(f"""
networks:
  - name: blue
    subnets: [{{cidr: 10.0.0.0/24, gateway: 10.0.0.1}}]
    ports: [{{name: one, mac: "fa:16:3e:00:00:01", fixed_ips: [10.0.0.{host}]}}]
""")


def until(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    def look() -> bool:
        assert process.poll() is None, "the node has ended"
        return condition()

    wait_for(look, "what the node's status should say", status, seconds=120)


def status() -> dict[str, Any]:
    try:
        found: dict[str, Any] = ask(RUNTIME)
    except Exception:
        return {}
    return found


def bridges() -> set[str]:
    with RouteSocket() as route:
        return {link.name for link in links.dump_links(route) if link.name.startswith("brq")}


def exercise(process: subprocess.Popen[bytes]) -> None:
    """What a node must do: said lines fill a pipe of 4 KiB many times over."""
    until(lambda: status().get("node", {}).get("healthy", False), process)
    for round_ in range(40):
        INTENT.write_text("networks: [")  # each is an error in the log
        until(lambda: status()["intent"]["problem"] is not None, process)
        write(10 + round_)
        until(lambda: status()["intent"]["problem"] is None, process)
    (bridge,) = bridges()
    with RouteSocket() as route:
        link = links.find_link(route, bridge)
        assert link is not None
        links.delete_link(route, link)
    until(lambda: bridges() == {bridge}, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def start(stderr: int | None, *, shell: str = "") -> subprocess.Popen[bytes]:
    write(9)
    command = [sys.executable, "-m", "netmend.cli", "run", "-c", str(INTENT), "--state-dir", "/run/state"]
    if shell:
        return subprocess.Popen(["bash", "-c", f'exec "$@" {shell}', "bash", *command], stderr=stderr)
    return subprocess.Popen(command, stderr=stderr)


def test_nobody_reads_standard_error() -> None:
    _read, written = os.pipe()
    fcntl.fcntl(written, fcntl.F_SETPIPE_SZ, 4096)
    process = start(written)
    try:
        exercise(process)
    finally:
        process.kill()
        process.wait()


def test_the_reader_of_standard_error_is_gone() -> None:
    read, written = os.pipe()
    process = start(written)
    os.close(written)
    try:
        assert json.loads(os.read(read, 1 << 16).splitlines()[0])["event"] == "netmend serves"
        os.close(read)
        exercise(process)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("streams", ["2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_standard_error_is_closed_or_full(streams: str) -> None:
    process = start(None, shell=streams)
    try:
        exercise(process)
    finally:
        process.kill()
        process.wait()


def test_status_and_metrics_say_how_many_lines_are_lost() -> None:
    process = start(None, shell="2>/dev/full")
    try:
        until(lambda: status().get("node", {}).get("log_lines_lost", 0) > 0, process)
    finally:
        process.kill()
        process.wait()
