"""How fast `netmend timeline` reads, and in how much memory, next to what merely going over the same lines costs.

    python benchmarks/timeline.py [--megabytes 256] [--json FILE]

Writes logs shaped like those of a night of failure (seeded): Neutron agents at DEBUG with tracebacks, ovs-vswitchd,
dockerd by the journal, the kernel. Prints MB for each second of processor time (one process, one core), MB/s by the
clock, and peak resident memory. The references in the same run, by processor time: `grep -c` for a text that is not
there, a Python loop that reads the lines and does nothing, and one that matches two regular expressions against each.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 11, 23, 16, 10, tzinfo=UTC)

TRACE = """Traceback (most recent call last):
  File "/usr/lib/python3.11/site-packages/neutron/agent/dhcp/agent.py", line 290, in _call_driver
    rv = getattr(driver, action)(**action_kwargs)
         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/usr/lib/python3.11/site-packages/neutron/agent/linux/dhcp.py", line 325, in _enable
    interface_name = self.device_manager.setup(
                     ^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/usr/lib/python3.11/site-packages/neutron/agent/linux/dhcp.py", line 1853, in setup
    self.plug(network, port, interface_name)
  File "/usr/lib/python3.11/site-packages/neutron/agent/linux/interface.py", line 262, in plug
    self.plug_new(network_id, port_id, device_name, mac_address,
  File "/usr/lib/python3.11/site-packages/neutron/agent/linux/interface.py", line 430, in plug_new
    self._add_device_to_namespace(ip, ns_dev, namespace)
  File "/usr/lib/python3.11/site-packages/neutron/agent/linux/ip_lib.py", line 280, in add_device_to_namespace
    device.link.set_netns(self.namespace)
  File "/usr/lib/python3.11/site-packages/oslo_privsep/daemon.py", line 283, in remote_call
    raise exc_type(*result[2])
OSError: [Errno 22] failed to open netns
""".splitlines()


class Night:
    """Log lines of one failing night, from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = START
        self.networks = [self._uuid() for _ in range(120)]
        self.ports = 0

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def _step(self) -> datetime:
        self.now += timedelta(milliseconds=self.random.expovariate(1 / 20))
        return self.now

    def agent(self) -> Iterator[str]:
        """neutron-dhcp-agent.log at DEBUG."""
        logger = "neutron.agent.dhcp.agent"
        while True:
            stamp = self._step().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
            request = f"[None req-{self._uuid()} - - - - - -]"
            network, port = self.random.choice(self.networks), self._uuid()
            kind = self.random.random()
            if kind < 0.12:
                name = f"tap{port[:11]}"
                yield (
                    f"{stamp} 7 DEBUG neutron.agent.linux.dhcp {request} DHCP port dhcp{self._uuid()}-{network} "
                    f"on network {network} does not yet exist. Creating new one. setup_dhcp_port "
                    "/usr/lib/python3.11/site-packages/neutron/agent/linux/dhcp.py:1664"
                )
                yield (
                    f"{stamp} 7 WARNING neutron.agent.linux.interface {request} Failed to plug interface {name} into "
                    "bridge br-int, cleaning up: OSError: [Errno 22] failed to open netns"
                )
                yield (
                    f"{stamp} 7 ERROR {logger} {request} Unable to enable dhcp for {network}.: "
                    "OSError: [Errno 22] failed to open netns"
                )
                for line in TRACE:
                    yield f"{stamp} 7 ERROR {logger} {line}"
                yield f"{stamp} 7 ERROR {logger} "
            elif kind < 0.5:
                yield (
                    f'{stamp} 7 DEBUG oslo_concurrency.lockutils {request} Lock "dhcp-agent-network-lock-{network}" '
                    f'acquired by "neutron.agent.dhcp.agent.call_driver" :: waited {self.random.random():.3f}s inner '
                    "/usr/lib/python3.11/site-packages/oslo_concurrency/lockutils.py:404"
                )
            elif kind < 0.8:
                yield (
                    f"{stamp} 7 DEBUG oslo.privsep.daemon [-] privsep: reply[{self._uuid()}]: (4, [{{'index': "
                    f"{self.random.randrange(99999)}, 'family': 0, 'ifi_type': 1, 'flags': 69699, 'attrs': "
                    f"[['IFLA_IFNAME', 'tap{port[:11]}'], ['IFLA_MTU', 1450]]}}]) _call_back "
                    "/usr/lib/python3.11/site-packages/oslo_privsep/daemon.py:501"
                )
            else:
                yield f"{stamp} 7 INFO {logger} {request} Trigger reload_allocations for port admin_state_up=True, " + (
                    f"allowed_address_pairs=[], device_id={self._uuid()}, device_owner=compute:nova, id={port}, "
                    f"network_id={network}, status=DOWN on network {network}"
                )

    def switch(self) -> Iterator[str]:
        """ovs-vswitchd.log."""
        number = 0
        while True:
            stamp = self._step().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
            number += 1
            kind = self.random.random()
            if kind < 0.5:
                self.ports += 1
                name = f"tap{self._uuid()[:11]}"
                yield f"{stamp}Z|{number:05d}|bridge|INFO|bridge br-int: added interface {name} on port {self.ports}"
            elif kind < 0.8:
                took = self.random.randrange(1000, 9000)
                yield (
                    f"{stamp}Z|{number:05d}|timeval|WARN|Unreasonably long {took}ms poll interval "
                    "(900ms user, 300ms system)"
                )
            else:
                flows = self.random.randrange(90)
                yield (
                    f"{stamp}Z|{number:05d}|connmgr|INFO|br-int<->unix#{number}: "
                    f"{flows} flow_mods in the last 0 s ({flows} adds)"
                )

    def journal(self) -> Iterator[str]:
        """`journalctl -o short` of dockerd, containerd and the kernel."""
        while True:
            now = self._step()
            head = f"{now:%b %d %H:%M:%S} node1"
            stamp = f"{now:%Y-%m-%dT%H:%M:%S.%f}000Z"
            kind = self.random.random()
            if kind < 0.4:
                yield (
                    f'{head} dockerd[812]: time="{stamp}" level=error msg="Handler for POST /v1.43/containers/'
                    f'{self._uuid().replace("-", "")}/start returned error: cannot start a stopped process: unknown"'
                )
            elif kind < 0.7:
                yield (
                    f'{head} containerd[640]: time="{stamp}" level=info msg="shim disconnected" '
                    f"id={self._uuid().replace('-', '')} namespace=moby"
                )
            else:
                since = self.random.random() * 9e5
                yield f"{head} kernel: [{since:12.6f}] device tap{self._uuid()[:11]} entered promiscuous mode"


def write(path: Path, lines: Iterator[str], megabytes: float) -> None:
    """Write lines until the file has that size; a file named .gz is compressed."""
    size, limit = 0, int(megabytes * 1e6)
    with gzip.open(path, "wt", compresslevel=1) if path.suffix == ".gz" else path.open("w") as out:
        while size < limit:
            part = [next(lines) for _ in range(2000)]
            text = "\n".join(part) + "\n"
            out.write(text)
            size += len(text)


CHILD = """
import json, resource, sys, time
from netmend.forensics.report import read
from netmend.forensics.report_json import to_json
before, cpu = time.perf_counter(), time.process_time()
report = read(sys.argv[1:])
took, used = time.perf_counter() - before, time.process_time() - cpu
print(json.dumps({"seconds": took, "cpu": used, "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
  "bytes": sum(f.size for f in report.files), "lines": sum(f.lines for f in report.files),
  "verdict": [v.signature for v in report.verdicts]}))
"""

LOOP = """
import sys
for path in sys.argv[1:]:
    with open(path, "rb") as log:
        for line in log:
            pass
"""

REGEX = """
import re, sys
stamp = re.compile(rb"(\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d:\\d\\d)|([A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d)")
bad = re.compile(rb"ERROR|WARN|failed|refused|timeout|full")
for path in sys.argv[1:]:
    with open(path, "rb") as log:
        for line in log:
            stamp.match(line)
            bad.search(line)
"""


def _cpu(command: list[str]) -> float:
    """Processor seconds that a command takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=False, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(paths: list[Path]) -> dict[str, object]:
    """One reading in a process of its own, and both references over the same files."""
    names = [str(p) for p in paths]
    run = subprocess.run([sys.executable, "-c", CHILD, *names], check=True, capture_output=True, text=True)
    result: dict[str, object] = json.loads(run.stdout)
    size = float(str(result["bytes"]))
    result["mb_per_s"] = round(size / 1e6 / float(str(result["seconds"])), 1)
    result["mb_per_cpu_s"] = round(size / 1e6 / float(str(result["cpu"])), 1)
    if not any(p.suffix == ".gz" for p in paths):
        references = {
            "grep": ["grep", "-c", "no such text in there", *names],
            "line_loop": [sys.executable, "-c", LOOP, *names],
            "two_regexes": [sys.executable, "-c", REGEX, *names],
        }
        for reference, command in references.items():
            result[f"{reference}_mb_per_cpu_s"] = round(size / 1e6 / max(_cpu(command), 1e-3), 1)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--megabytes", type=float, default=256, help="size of the mixed logs (default 256)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    figures: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as directory:
        room = Path(directory)
        files = {
            "agent": room / "neutron-dhcp-agent.log",
            "switch": room / "ovs-vswitchd.log",
            "journal": room / "journal.log",
        }
        shares = {"agent": 0.6, "switch": 0.15, "journal": 0.25}
        for name, path in files.items():
            write(path, getattr(Night(options.seed), name)(), options.megabytes * shares[name])
        packed = room / "neutron-dhcp-agent.log.1.gz"
        write(packed, Night(options.seed + 1).agent(), options.megabytes * 0.25)
        cases = {"mixed": list(files.values()), **{n: [p] for n, p in files.items()}, "agent, gzipped": [packed]}
        for name, paths in cases.items():
            figures[name] = measure(paths)
            f = figures[name]
            print(
                f"{name:15} {f['mb_per_cpu_s']:>6} MB per CPU second ({f['mb_per_s']:>6} by the clock), "
                f"{float(str(f['rss_mb'])):.0f} MB resident; grep -c {f.get('grep_mb_per_cpu_s', '-')}, "
                f"empty line loop {f.get('line_loop_mb_per_cpu_s', '-')}, "
                f"two regexes a line {f.get('two_regexes_mb_per_cpu_s', '-')}; "
                f"{', '.join(v for v in f['verdict'])}"  # type: ignore[attr-defined]
            )
    if options.json:
        options.json.write_text(json.dumps({"python": sys.version, "figures": figures}, indent=2) + "\n")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak of all children: {peak:.0f} MB")


if __name__ == "__main__":
    main()
