"""The two agents that are compared, as processes of tools/neutron: started, ended, looked at from outside."""

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.neutron.agents import Netmend, start_neutrons, stop_neutrons
from tests.neutron.cloud import Resource, call
from tests.neutron.guests import run

from netmend.kernel import procfs

LIMIT = 600.0  # seconds for any one start; what takes longer is said so, and not waited for
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Neutrons:
    """neutron-dhcp-agent, with its privsep helpers and every dnsmasq."""

    name = "neutron-dhcp-agent"
    log = Path("/var/log/neutron/dhcp-agent.log")

    def start(self) -> None:
        self._log_at = self.log.stat().st_size if self.log.exists() else 0
        start_neutrons("dhcp")

    def stop(self) -> None:
        stop_neutrons("dhcp")

    def forget(self) -> None:
        for pid in self._dnsmasqs():
            os.kill(pid, 9)
        shutil.rmtree("/var/lib/neutron/dhcp", ignore_errors=True)

    def _dnsmasqs(self) -> list[int]:
        return [pid for pid in procfs.pids() if procfs.program(pid) == "dnsmasq"]

    def is_serving(self, networks: list[Resource]) -> bool:
        lines = " ".join(" ".join(procfs.arguments(pid)) for pid in self._dnsmasqs())
        return all(network["id"] in lines for network in networks)

    def is_in_step(self) -> bool:
        return self.resyncs() > 0

    def resyncs(self) -> int:
        """Since the start."""
        with self.log.open() as file:
            file.seek(self._log_at)
            return file.read().count("Synchronizing state complete")

    def processes(self) -> list[int]:
        leader = int(Path("/run/dhcp-agent.pid").read_text())
        return [pid for pid in procfs.pids() if _session(pid) == leader or procfs.program(pid) == "dnsmasq"]


class Netmends:
    """netmend agent: one process."""

    name = "netmend"

    def __init__(self) -> None:
        self._agent = Netmend(name="bench")

    def start(self) -> None:
        self._agent.start(wait=False)

    def stop(self) -> None:
        self._agent.end()

    def forget(self) -> None:
        shutil.rmtree(self._agent.state, ignore_errors=True)

    def status(self) -> dict[str, Any]:
        if self._agent.has_ended():
            sys.exit(f"netmend has ended:\n{self._agent.tail()}")
        return self._agent.status() or {}

    def is_serving(self, networks: list[Resource]) -> bool:
        served = {network["id"] for network in self.status().get("networks", ()) if network["state"] == "served"}
        return all(network["id"] in served for network in networks)

    def calls_seconds(self) -> float:
        """How long a call to the server was under way, since the start."""
        return float(self.status()["intent"]["server"].get("calls_seconds") or 0.0)

    def is_in_step(self) -> bool:
        status = self.status()
        return bool(status) and status["intent"]["synced"]

    def processes(self) -> list[int]:
        return [self._agent.pid]


Subject = Neutrons | Netmends


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _session(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[3]) if fields else 0


def cpu(pids: list[int]) -> float:
    """User and system seconds, of ended children too."""
    return sum(sum(map(int, fields[11:15])) for pid in pids if (fields := _stat(pid))) / _TICK


def resident(pids: list[int]) -> float:
    """MB."""
    return sum(int(fields[21]) for pid in pids if (fields := _stat(pid))) * _PAGE / 1e6


def clean(subject: Subject, networks: list[Resource]) -> None:
    """No trace of an agent, on the host or on the server."""
    subject.forget()
    for line in run("ip", "netns").splitlines():
        if line.startswith("qdhcp-"):
            run("ip", "netns", "del", line.split()[0], check=False)
    for network in networks:
        for port in call("GET", f"ports?network_id={network['id']}&device_owner=network:dhcp")["ports"]:
            own = f"tap{port['id'][:11]}"
            run("ovs-vsctl", "--no-wait", "--if-exists", "del-port", "br-int", own, timeout=LIMIT)
            call("DELETE", f"ports/{port['id']}")


def timed(start: Callable[[], None], until: Callable[[], bool]) -> float | str:
    """Seconds, or that it took longer than is waited for."""
    began = time.monotonic()
    start()
    while not until():
        if time.monotonic() - began > LIMIT:
            return f"> {LIMIT:.0f}"
        time.sleep(0.05)
    return time.monotonic() - began


def progress(subject: Subject, what: str) -> None:
    print(f"{time.strftime('%T')} {subject.name}: {what}", file=sys.stderr, flush=True)
