"""netmend beside neutron-ovn-metadata-agent, on the same southbound database: start, restart, cost, a new binding, and
a guest that boots.

python -m benchmarks.ovn [NETWORKS...] [--bindings N] [--client-only]

Without root, in sandboxes. Both see a real southbound database with ovn-northd, and an Open vSwitch that has no
datapath behind its bridge, so that what is measured is the agents' own. A network is served once a request in its
namespace has an answer, whatever it says. Then the clients alone: what it costs to follow one chassis in a database of
`--bindings` bindings, for netmend's monitor and for the library of Neutron's agent (the IDL of `ovs`, all of
Port_Binding).
"""

import argparse
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.ovn_guest import nova, until_answered
from tests.ovn.agent import HOME, Agent
from tests.ovn.central import CHASSIS, Central, Guest, network_id
from tests.ovn.real_agent import real_agent
from tests.ovn.southbound import Database, chassis, chassis_row, insert, watched

from netmend.kernel.errors import KernelError
from netmend.kernel.netns import Netns
from netmend.kernel.sandbox import run

PATIENCE = 600.0  # seconds
BOOTING = 7  # guests, one after the other, of which the median counts


@dataclass
class Cost:
    """Of a process and all below it: seconds of processor time, MB of memory (proportional set size), processes."""

    seconds: float
    megabytes: float
    processes: int


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("networks", nargs="*", type=int, default=[10, 100])
    parser.add_argument("--bindings", type=int, default=10_000)
    parser.add_argument("--client-only", action="store_true")
    parser.add_argument("--netmend-only", action="store_true")
    options = parser.parse_args()
    if not options.client_only:
        print(f"{'':<34}{'netmend':>12}{'Neutron':>12}{'ratio':>8}")
        for count in options.networks:
            found = {
                name: _in_sandbox(name, count)
                for name in ("netmend", "neutron")
                if name == "netmend" or not options.netmend_only
            }
            _table(count, found)
    _clients(options.bindings)


def _in_sandbox(name: str, count: int) -> dict[str, float]:
    read, write = os.pipe()

    def body() -> int:
        os.close(read)
        with os.fdopen(write, "w") as out:
            for key, value in _measure(name, count).items():
                print(f"{key}={value}", file=out)
        return 0

    code = run(body)
    os.close(write)
    with os.fdopen(read) as lines:
        pairs = [line.rstrip("\n").split("=") for line in lines]
    if code:
        sys.exit(f"the sandbox of {name} ended with code {code}")
    return {key: float(value) for key, value in pairs}


def _table(count: int, found: dict[str, dict[str, float]]) -> None:
    for key, ours in found["netmend"].items():
        theirs = found.get("neutron", {}).get(key)
        ratio = f"{theirs / ours:.1f}" if theirs and ours else ""
        print(f"{count:>4} networks, {key:<20}{ours:>12.2f}{'' if theirs is None else f'{theirs:.2f}':>12}{ratio:>8}")


def _measure(name: str, count: int) -> dict[str, float]:
    start = {"netmend": _netmend, "neutron": real_agent}[name]
    numbers = range(1, count + 1)
    with nova(), Central(controller=False) as central:
        central.sbctl("chassis-add", CHASSIS, "geneve", "127.0.0.1")
        central.sbctl("create", "Chassis_Private", f"name={CHASSIS}")
        # Of a bridge of the userspace datapath, Neutron's agent would have iptables compute checksums.
        central.switch.vsctl("--no-wait", "set", "Bridge", "br-int", "datapath_type=system")
        last = count + 1 + BOOTING
        for begin in range(1, last + 1, 50):
            chosen = range(begin, min(begin + 50, last + 1))
            central.add_networks(chosen)
            central.add_ports(*(_guest(number) for number in chosen))
        central.nbctl("--wait=sb", "sync")
        bindings = [word for number in numbers for word in ("--", "lsp-bind", _guest(number).id, CHASSIS)]
        central.sbctl(*bindings[1:])
        found: dict[str, float] = {}
        with start() as process:
            found["start, s"] = until_all(numbers)
            used = cost(process.pid)
            found |= {"start, CPU s": used.seconds, "memory, MB": used.megabytes, "processes": used.processes}
            began = time.monotonic()
            central.sbctl("lsp-bind", _guest(count + 1).id, CHASSIS)
            found["a new binding, s"] = until_all([count + 1], began)
            taken: list[tuple[float, float]] = []
            for number in range(count + 2, count + 2 + BOOTING):
                began = time.monotonic()
                central.sbctl("lsp-bind", _guest(number).id, CHASSIS)
                taken.append(until_answered(_guest(number), began))
            first, requests = (median(values) for values in zip(*taken, strict=True))
            found |= {"binding to guest, s": first, "60 requests, ms": 1000 * requests}
            process.send_signal(signal.SIGKILL)
            process.wait()
        if name == "netmend":  # its sockets died with it; of Neutron's agent, the haproxies answer on
            with start():
                found["again after kill, s"] = until_all(numbers)
    return found


def _guest(number: int) -> Guest:
    """Of IPv4 alone: of guests with IPv6, Neutron's agent may fail on the link-local address that the kernel makes."""
    return Guest(number, 5, ("10.0.0.5",))


@contextmanager
def _netmend() -> Iterator[subprocess.Popen[bytes]]:
    with Agent() as agent:
        yield agent.process


def until_all(numbers: Sequence[int], began: float | None = None) -> float:
    """Seconds until each of the networks answers in its namespace."""
    began = time.monotonic() if began is None else began
    waiting = list(numbers)
    while waiting:
        if time.monotonic() - began > PATIENCE:
            log = (HOME / "neutron.log").read_text()[-3000:] if (HOME / "neutron.log").exists() else ""
            raise TimeoutError(f"{len(waiting)} of {len(numbers)} networks are not served\n{log}")
        waiting = [number for number in waiting if not _answers(network_id(number))]
        if waiting:
            time.sleep(0.05)
    return time.monotonic() - began


def _answers(network: str) -> bool:
    try:
        with Netns.open(f"/run/netns/ovnmeta-{network}") as place, place.entered():
            connection = socket.create_connection(("169.254.169.254", 80), 2)
    except (KernelError, OSError):
        return False
    with connection:
        try:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n\r\n")
            return connection.recv(16).startswith(b"HTTP/1")
        except OSError:
            return False


def cost(pid: int) -> Cost:
    """All processes of the sandbox but the databases and this one: Neutron's helpers are nobody's children."""
    seconds = megabytes = 0.0
    processes = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            program = " ".join(word.decode() for word in words)
            if int(entry.name) != pid and not any(name in program for name in ("haproxy", "neutron-", "privsep")):
                continue
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            rollup = (entry / "smaps_rollup").read_text()
        except OSError:
            continue
        megabytes += next((int(line.split()[1]) / 1024 for line in rollup.splitlines() if line.startswith("Pss:")), 0.0)
        processes += 1
    return Cost(seconds, megabytes, processes)


# --- the clients alone ------------------------------------------------------------------------------------------------

_IDL = """
import resource, sys, time
import ovs.db.idl, ovs.poller
from ovsdbapp.backend.ovs_idl import idlutils
remote, chassis = sys.argv[1:]
base = resource.getrusage(resource.RUSAGE_SELF)
helper = idlutils.get_schema_helper(remote, "OVN_Southbound")
for table in ("Encap", "Port_Binding", "Datapath_Binding", "SB_Global", "Chassis", "Chassis_Private"):
    helper.register_table(table)
idl = ovs.db.idl.Idl(remote, helper)
began = time.monotonic()
while not idl.has_ever_connected() or not idl.tables["Port_Binding"].rows:
    idl.run()
    poller = ovs.poller.Poller()
    idl.wait(poller)
    poller.timer_wait(100)
    poller.block()
used = resource.getrusage(resource.RUSAGE_SELF)
cpu = used.ru_utime + used.ru_stime - base.ru_utime - base.ru_stime
print(time.monotonic() - began, cpu, (used.ru_maxrss - base.ru_maxrss) / 1024)
"""


def _clients(bindings: int) -> None:
    def body() -> int:
        with Database().create() as database:
            database.transact(insert("SB_Global", {"nb_cfg": 1}), *chassis(CHASSIS), *chassis("elsewhere"))
            here, there = chassis_row(database, CHASSIS), chassis_row(database, "elsewhere")
            for first in range(0, bindings, 500):
                _fill(database, range(first, min(first + 500, bindings)), here if first == 0 else there, there)
            print(f"one chassis with 20 guests, of {bindings:,} bindings; until all rows are there:")
            for name, measure in (("netmend's monitor", _ours), ("the IDL of ovs", _theirs)):
                seconds, cpu, megabytes = measure(database)
                print(f"  {name:<20}{seconds:8.3f} s{cpu:8.3f} s of CPU{megabytes:8.1f} MB")
        return 0

    run(body)


def _fill(database: Database, numbers: range, place: str, other: str) -> None:
    """A datapath of ten ports each; the first twenty ports are of `place`."""
    operations = []
    for number in numbers:
        if number % 10 == 0:
            ids = ["map", [["name", f"neutron-{network_id(number)}"]]]
            operations.append(
                insert("Datapath_Binding", {"tunnel_key": number // 10 + 1, "external_ids": ids}, f"d{number // 10}")
            )
        ids = [
            "map",
            [
                [f"neutron:{key}", network_id(number)]
                for key in ("device_id", "project_id", "cidrs", "revision_number", "port_name")
            ],
        ]
        row = {
            "logical_port": f"p{number}", "datapath": ["named-uuid", f"d{number // 10}"], "tunnel_key": number % 10 + 1,
            "mac": f"fa:16:3e:00:00:01 10.0.0.{number % 10}", "external_ids": ids,
        }  # fmt: skip
        owner = ["map", [["neutron:device_owner", "network:distributed"], *ids[1]]]
        row |= (
            {"type": "localport", "external_ids": owner}
            if number % 10 == 0
            else {"chassis": ["uuid", place if number < 20 else other]}
        )
        operations.append(insert("Port_Binding", row))
    database.transact(*operations)


def _ours(database: Database) -> tuple[float, float, float]:
    base = resource.getrusage(resource.RUSAGE_SELF)
    began = time.monotonic()
    with watched([database.remote], name=CHASSIS) as seen:
        while len(seen.ports()) < 20:
            time.sleep(0.001)
        seconds = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime - base.ru_utime - base.ru_stime
    return seconds, cpu, (used.ru_maxrss - base.ru_maxrss) / 1024


def _theirs(database: Database) -> tuple[float, float, float]:
    command = [sys.executable, "-c", _IDL, database.remote, CHASSIS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, cpu, megabytes = map(float, done.stdout.split())
    return seconds, cpu, megabytes


if __name__ == "__main__":
    main()
