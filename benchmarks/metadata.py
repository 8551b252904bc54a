"""Metadata: requests a second and their latency, embedded and by way of Nova, beside haproxy and Neutron's own proxy;
memory and descriptors of 1,000 networks. What it adds to a cold start is among what `services` measures.

python -m benchmarks metadata [--quick]
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.confined import confined
from benchmarks.memory import process_memory
from benchmarks.metadata_guests import Answered, ask_all
from benchmarks.metadata_peer import Haproxy, NeutronProxy, NoPeer
from benchmarks.networks import network_id, write_networks
from benchmarks.node_process import NodeProcess
from benchmarks.record import Figure, Record, Sample

from netmend.intent.names import namespace_name
from netmend.kernel import links, netns, nsdir
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.node.http.status_client import NoNode, ask

TITLE = "Metadata"
PEER = "haproxy in the namespace, Neutron's own proxy behind it, without its RPC"
EMBEDDED, PROXIED = 0, 1  # networks
SECRET, PROJECT, NOVA_PORT = "secret", "project", 8775
GUESTS = 240  # addresses of one guest, each a port, so that none comes to its own limit
SOURCES = [f"10.0.1.{number}" for number in range(1, GUESTS + 1)]
PATHS = {EMBEDDED: "/openstack/latest/meta_data.json", PROXIED: "/openstack/latest/meta_data.json"}
WANTED = b"instance-of-the-guest"


def document() -> dict[str, Any]:
    """Two networks of many ports; the first port of each is plugged into a guest that bears all their addresses."""
    networks = []
    for number, mode in ((EMBEDDED, "embedded"), (PROXIED, "proxy")):
        ports: list[dict[str, Any]] = [
            {
                "name": f"p{index}",
                "mac": f"52:54:00:00:{number:02x}:{index:02x}",
                "fixed_ips": [source],
                "device_id": "instance-of-the-guest",
                "project_id": PROJECT,
            }
            for index, source in enumerate(SOURCES)
        ]
        if number == EMBEDDED:
            for index, port in enumerate(ports):
                port["instance"] = {"id": f"instance-of-the-guest-{index}", "user_data": "x" * 1000}
                port["device_id"] = f"instance-of-the-guest-{index}"
        ports[0]["plug"] = {"netns": f"guest-{number}"}
        networks.append(
            {
                "name": f"net-{number}",
                "id": network_id(number),
                "metadata": mode,
                "subnets": [{"cidr": "10.0.0.0/16", "server_address": "10.0.255.252"}],
                "ports": ports,
            }
        )
    proxy = {"endpoints": [f"http://127.0.0.1:{NOVA_PORT}"], "shared_secret": SECRET}
    return {"networks": networks, "metadata_proxy": proxy}


@contextmanager
def nova() -> Any:
    """What stands in for Nova, on loopback of the sandbox."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.nova_stand_in", str(NOVA_PORT), SECRET])
    try:
        while socket.socket().connect_ex(("127.0.0.1", NOVA_PORT)):
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


def make_guest(number: int) -> Netns:
    nsdir.prepare()
    with Netns.create(f"guest-{number}") as guest, RouteSocket() as route:
        links.set_link(route, links.LOOPBACK, up=True)
    netns.pin(guest, f"{nsdir.DEFAULT}/guest-{number}", "a guest of a benchmark")
    return guest


def address_guest(guest: Netns) -> None:
    """All the addresses, and the way to metadata."""
    commands = [f"addr add {source}/16 dev eth0" for source in SOURCES]
    commands.append("route add 169.254.169.254 via 10.0.255.252")
    with guest.entered():
        subprocess.run(["ip", "-batch", "-"], input="\n".join(commands), check=True, text=True)


def until_served(room: Path, node: NodeProcess) -> None:
    """Wait until all is served."""
    while True:
        node.check()
        try:
            status = ask(room / "runtime" / "netmend.sock")
        except NoNode:
            status = {"networks": []}
        if status["networks"] and all(network["state"] == "served" for network in status["networks"]):
            return
        time.sleep(0.1)


def requests(seconds: float, directory: str) -> dict[str, Any]:
    """Requests a second at saturation and milliseconds at an easy pace: of netmend, then of the peer."""
    room = Path(directory)
    (room / "intent.json").write_text(json.dumps(document()))
    guests = {number: make_guest(number) for number in (EMBEDDED, PROXIED)}

    def rounds(number: int) -> dict[str, float]:
        def run(**options: Any) -> Answered:
            return ask_all(guests[number], SOURCES, PATHS[number], WANTED, **options)

        full = run(seconds=seconds, processes=4)
        easy = run(seconds=seconds, processes=1, pause=0.01)
        failed = float(full.failed + easy.failed)
        return {"rate": full.per_second, "p50": easy.percentile(50), "p99": easy.percentile(99), "failed": failed}

    found: dict[str, Any] = {}
    with nova():
        with NodeProcess(room / "intent.json", room) as node:
            until_served(room, node)
            for guest in guests.values():
                address_guest(guest)
            found["embedded"] = rounds(EMBEDDED)
            found["proxied"] = rounds(PROXIED)
        try:
            with ExitStack() as stack:
                proxy = stack.enter_context(NeutronProxy(room, WANTED.decode(), PROJECT, NOVA_PORT, SECRET))
                (room / "haproxy").mkdir()
                namespace = stack.enter_context(Netns.open(f"{nsdir.DEFAULT}/{namespace_name(network_id(PROXIED))}"))
                arguments = (namespace, network_id(PROXIED), room / "haproxy", proxy.socket)
                stack.enter_context(Haproxy(*arguments))
                time.sleep(1)
                found["peer"] = rounds(PROXIED)
        except NoPeer as error:
            found["no_peer"] = str(error)
    return found


def scale(mode: str, count: int, haproxies: int, directory: str) -> dict[str, Any]:
    """A node of `count` networks with metadata `mode`, at rest; then `haproxies` in some of its namespaces."""
    room = Path(directory)
    write_networks(room / "intent.yaml", count)
    text = (room / "intent.yaml").read_text().replace("    subnets:\n", f"    metadata: {mode}\n    subnets:\n")
    (room / "intent.yaml").write_text(text)
    with NodeProcess(room / "intent.yaml", room) as node:
        until_served(room, node)
        time.sleep(1)
        descriptors = len(os.listdir(f"/proc/{node.pid}/fd"))
        found: dict[str, Any] = {**process_memory(node.pid), "descriptors": descriptors}
    with ExitStack() as stack:
        running = []
        for number in range(haproxies):
            namespace = stack.enter_context(Netns.open(f"{nsdir.DEFAULT}/{namespace_name(network_id(number))}"))
            own = room / f"haproxy-{number}"
            own.mkdir()
            running.append(stack.enter_context(Haproxy(namespace, network_id(number), own, room / "nowhere")))
        time.sleep(2)
        each = [process_memory(server.pid) for server in running]
        if each:
            found["haproxy"] = {key: sum(sizes[key] for sizes in each) / haproxies for key in ("rss", "private")}
    return found


def measure(*, quick: bool) -> Record:
    seconds, rounds, count, haproxies = (2.0, 1, 100, 5) if quick else (6.0, 3, 1_000, 20)
    runs = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as directory:
            runs.append(confined(requests, seconds, directory))
    sizes: dict[str, Any] = {}
    for mode, others in (("off", 0), ("embedded", haproxies)):
        with tempfile.TemporaryDirectory() as directory:
            sizes[mode] = confined(scale, mode, count, others, directory)
    theirs = sizes["embedded"]["haproxy"]

    def sample(part: str, key: str) -> Sample:
        return Sample.of([run[part][key] for run in runs])

    peers = all("peer" in run for run in runs)

    def beside(what: str, unit: str, part: str, key: str) -> Figure:
        return Figure(what, unit, sample(part, key), sample("peer", key) if peers else None, PEER if peers else "")

    def one(value: float) -> Sample:
        return Sample.of([value])

    def grown(key: str) -> float:
        return float(sizes["embedded"][key] - sizes["off"][key]) / count

    record = Record(f"{TITLE}: a connection for each request; {count:,} networks at rest")
    record.figures = [
        Figure("embedded, saturated", "requests/s", sample("embedded", "rate")),
        Figure("embedded, median at an easy pace", "ms", sample("embedded", "p50")),
        Figure("embedded, 99th percentile at an easy pace", "ms", sample("embedded", "p99")),
        beside("by way of Nova, saturated", "requests/s", "proxied", "rate"),
        beside("by way of Nova, median at an easy pace", "ms", "proxied", "p50"),
        beside("by way of Nova, 99th percentile at an easy pace", "ms", "proxied", "p99"),
        Figure("resident, more a network than without metadata", "KiB", one(grown("rss")), one(theirs["rss"]),
               "a haproxy for each network"),
        Figure("private, more a network than without metadata", "KiB", one(grown("private")),
               one(theirs["private"]), "a haproxy for each network"),
        Figure("descriptors, more a network than without metadata", "", one(grown("descriptors"))),
    ]  # fmt: skip
    record.notes.append("Nova is stood in for by an aiohttp server that checks signatures and answers 1 KB.")
    record.notes += sorted({run["no_peer"] for run in runs if "no_peer" in run})
    failed = sum(run[part]["failed"] for run in runs for part in ("embedded", "proxied", "peer") if part in run)
    record.notes.append(f"{failed:.0f} requests were not answered well.")
    record.details.update({"requests": runs, "scale": sizes})
    return record
