"""DNS queries a second, and time to an answer, with dnsperf: netmend, and dnsmasq in its place.

python -m benchmarks dns [--quick]

One network of 1,000 hosts. The node makes it, serves it, and is ended; then dnsmasq is started in the same namespace,
on the same device with the same address, for the same names: the path of a datagram is the same for both. What both
forward to is one more dnsmasq each, on the loopback of the namespace that they ask from.
"""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from benchmarks.confined import confined
from benchmarks.dhcp import client_namespace
from benchmarks.dnsperf import NoDnsperf, queries
from benchmarks.networks import network_id
from benchmarks.node_process import NodeProcess
from benchmarks.record import Figure, Record, Sample, ratio_at_least

from netmend.intent.names import dhcp_port_id, inner_name, namespace_name
from netmend.kernel import addresses, links, nsdir
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns

TITLE = "DNS: queries a second, and time to an answer, by dnsperf"
HOSTS = 1_000
SERVER, CLIENT, UPSTREAM = "10.0.255.252", "10.0.255.250", "127.0.0.53"
WORKLOADS = {
    "local": "names of the network's own hosts",
    "cached": "names of others, all in the cache",
    "mixed": "both, and one in ten that is not there",
}
DNSMASQ = "dnsmasq on the same device with the same names, cache-size=10000"


def write_intent(path: Path) -> None:
    lines = ["networks:", "  - name: load", f"    id: {network_id(1)}"]
    lines.append(f"    dns: {{domain: bench.example, forward_to: [{UPSTREAM}], guest_rate: 0}}")
    lines += ["    subnets:", "      - cidr: 10.0.0.0/8", f"        server_address: {SERVER}", "    ports:"]
    for n in range(HOSTS):
        lines.append(f"      - {{name: h{n}, fixed_ips: [{address(n)}], hostname: h{n}, mac: '{mac(n)}'}}")
    lines.append(f"      - {{name: clients, fixed_ips: [{CLIENT}], plug: {{netns: clients}}}}")
    path.write_text("\n".join(lines) + "\n")


def address(number: int) -> str:
    return f"10.1.{number >> 8}.{number & 255}"


def mac(number: int) -> str:
    return f"52:54:00:00:{number >> 8:02x}:{number & 255:02x}"


def write_names(room: Path) -> None:
    """Files for dnsperf, one a workload."""
    local = [f"h{n}.bench.example A" for n in range(HOSTS)]
    cached = [f"n{n}.example.org A" for n in range(HOSTS)]
    absent = [f"x{n}.bench.example A" for n in range(HOSTS // 5)]
    mixed = [name for n in range(HOSTS) for name in (local[n], cached[n], *absent[n // 5 : n // 5 + (n % 5 == 0)])]
    for workload, names in (("local", local), ("cached", cached), ("mixed", mixed)):
        (room / workload).write_text("\n".join(names) + "\n")


@contextmanager
def dnsmasq(namespace: Netns, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    program = shutil.which("dnsmasq")
    if program is None:
        raise NoDnsperf("there is no dnsmasq; make it with: tools/setup-programs peers")
    command = [program, "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file=", "--user=root"]
    command += ["--group=root", "--keep-in-foreground", *options]
    with namespace.entered():
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def upstream(namespace: Netns, room: Path) -> Any:
    """A server that knows every name below example.org."""
    hosts = room / "upstream"
    if not hosts.exists():
        hosts.write_text("".join(f"192.0.9.{n % 250 + 1} n{n}.example.org\n" for n in range(HOSTS)))
    options = [f"--listen-address={UPSTREAM}", "--bind-interfaces", f"--addn-hosts={hosts}", "--local-ttl=3600"]
    return dnsmasq(namespace, *options, "--local=/example.org/")


def configure(client: Netns) -> None:
    with client.entered(), RouteSocket() as route:
        while (device := links.find_link(route, "eth0")) is None or not device.up:
            time.sleep(0.02)
        addresses.add_address(route, device, IPv4Interface(f"{CLIENT}/8"))


def answered(client: Netns, room: Path, check: Callable[[], object]) -> None:
    """Wait until a name is answered, and have all names in the cache."""
    give_up = time.monotonic() + 30
    while True:
        check()
        try:
            if "NOERROR" in queries(client, SERVER, room / "local", 0.1, outstanding=1).codes:
                break
        except NoDnsperf:
            pass
        if time.monotonic() > give_up:
            raise TimeoutError("no answer in 30 s")
    for _ in range(2):
        queries(client, SERVER, room / "cached", 1.0, outstanding=20)


def measurements(seconds: float, rounds: int) -> list[dict[str, Any]]:
    """For each server and workload, `rounds` runs at full speed and as many with one query outstanding, turn about."""
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as directory:
        room = Path(directory)
        write_intent(room / "intent.yaml")
        write_names(room)
        client = client_namespace()
        with Netns.current() as here, NodeProcess(room / "intent.yaml", room), upstream(here, room):
            configure(client)
        device = inner_name(dhcp_port_id(network_id(1)))
        served = Netns.open(f"{nsdir.DEFAULT}/{namespace_name(network_id(1))}")
        hosts = room / "hosts"
        hosts.write_text("".join(f"{address(n)}\th{n}.bench.example h{n}\n" for n in range(HOSTS)))
        options = [f"--interface={device}", "--bind-dynamic", f"--addn-hosts={hosts}", "--local=/bench.example/"]
        options += [f"--server={UPSTREAM}", "--cache-size=10000", "--local-ttl=30", "--dns-forward-max=1000"]

        def run(name: str, check: Callable[[], object]) -> None:
            answered(client, room, check)
            for workload in WORKLOADS:
                full = queries(client, SERVER, room / workload, seconds)
                single = queries(client, SERVER, room / workload, seconds / 2, outstanding=1)
                found.append({"server": name, "workload": workload, "full": asdict(full), "single": asdict(single)})

        for _ in range(rounds):
            with Netns.current() as here, upstream(here, room), NodeProcess(room / "intent.yaml", room) as node:
                run("netmend", node.check)
            with upstream(served, room), dnsmasq(served, *options) as process:
                run("dnsmasq", process.poll)
    return found


def measure(*, quick: bool) -> Record:
    seconds, rounds = (1.0, 1) if quick else (3.0, 3)
    found = confined(measurements, seconds, rounds)

    def sample(server: str, workload: str, load: str, what: str) -> Sample:
        return Sample.of([run[load][what] for run in found if (run["server"], run["workload"]) == (server, workload)])

    record = Record(f"{TITLE}; {HOSTS:,} hosts")
    for workload, what in WORKLOADS.items():
        ours, theirs = (sample(server, workload, "full", "rate") for server in ("netmend", "dnsmasq"))
        record.figures.append(Figure(f"queries a second, {what}", "/s", ours, theirs, DNSMASQ, ratio_at_least(0.5)))
    for workload, what in WORKLOADS.items():
        ours, theirs = (sample(server, workload, "single", "average") for server in ("netmend", "dnsmasq"))
        record.figures.append(Figure(f"time to an answer, one query at a time, {what}", "ms", ours, theirs, DNSMASQ))
    lost = max(run["full"]["lost"] for run in found)
    record.notes += [
        f"At full speed 100 queries are outstanding from four sockets; at most {100 * lost:.2f} % were lost.",
        "dnsperf asks in the same words each time, as most resolvers do, and netmend answers those by one look-up; a "
        "query that differs from all before it (a DNS cookie) takes some 10 us more.",
        "dnsperf, the server and the kernel's part share the cores. The rate limit of a guest is off (guest_rate: 0).",
    ]
    record.details["runs"] = found
    return record
