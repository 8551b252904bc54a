"""Full DHCP exchanges a second, and how long an answer takes, with perfdhcp: netmend, and dnsmasq in its place.

python -m benchmarks dhcp [--quick]

One network of 1,000 reserved hosts. The node makes it, serves it, and is ended; then dnsmasq is started in the same
namespace, on the same device with the same address, for the same hosts: the path of a datagram is the same for both.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from benchmarks.confined import confined
from benchmarks.dnsmasq import Dnsmasq, Host
from benchmarks.networks import network_id
from benchmarks.node_process import NodeProcess
from benchmarks.perfdhcp import Clients, exchanges, saturation
from benchmarks.record import Figure, Record, Sample, ratio_at_least

from netmend.intent.names import dhcp_port_id, inner_name, namespace_name
from netmend.kernel import addresses, links, nsdir
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns, pin

TITLE = "DHCP: full exchanges a second, and time to an answer, by perfdhcp"
HOSTS = 1_000
SERVER, CLIENT = "10.0.255.252", "10.0.255.250"
BASE_MAC = "52:54:00:00:00:00"
FASTEST = "dnsmasq at its fastest: --leasefile-ro --quiet-dhcp --port=0, so that it writes nothing and does no DNS"
ON_DISK = "dnsmasq as Neutron starts it, its lease file on disk"


def hosts() -> list[Host]:
    return [Host(f"52:54:00:00:{n >> 8:02x}:{n & 255:02x}", f"10.1.{n >> 8}.{n & 255}") for n in range(HOSTS)]


def write_intent(path: Path) -> None:
    lines = ["networks:", "  - name: load", f"    id: {network_id(1)}", "    subnets:", "      - cidr: 10.0.0.0/8"]
    lines += ["        gateway: 10.0.255.253", f"        server_address: {SERVER}", "    ports:"]
    for number, host in enumerate(hosts()):
        lines.append(
            f"      - {{name: h{number}, mac: '{host.mac}', fixed_ips: [{host.address}], hostname: {host.name}}}"
        )
    lines.append(f"      - {{name: clients, fixed_ips: [{CLIENT}], plug: {{netns: clients}}}}")
    path.write_text("\n".join(lines) + "\n")


def served(clients: Clients, check: Callable[[], None]) -> None:
    """Wait until an exchange succeeds."""
    give_up = time.monotonic() + 30
    while exchanges(clients, 10, 1).completed == 0:
        check()
        if time.monotonic() > give_up:
            raise TimeoutError("no answer in 30 s")


def client_namespace() -> Netns:
    """A named namespace for the node to plug a port into."""
    with Netns.create("clients") as made:
        pass
    nsdir.prepare()
    pin(made, f"{nsdir.DEFAULT}/clients", "a guest's")
    return made


def configure(clients: Clients) -> None:
    """Give the client's side its address, once the node has plugged the port in."""
    with clients.namespace.entered(), RouteSocket() as route:
        while (device := links.find_link(route, clients.device)) is None or not device.up:
            time.sleep(0.02)
        addresses.add_address(route, device, IPv4Interface(f"{CLIENT}/8"))


def measurements(seconds: int, rounds: int) -> list[dict[str, Any]]:
    """For each server, `rounds` searches for saturation and the latency at half of it, turn about."""
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:  # on a disk
        room = Path(directory)
        config = room / "intent.yaml"
        write_intent(config)
        clients = Clients(client_namespace(), "eth0", SERVER, BASE_MAC, HOSTS)
        with NodeProcess(config, room) as node:
            configure(clients)
            served(clients, node.check)
        device = inner_name(dhcp_port_id(network_id(1)))
        namespace = Netns.open(f"{nsdir.DEFAULT}/{namespace_name(network_id(1))}")

        def dnsmasq(*, fastest: bool) -> Dnsmasq:
            own = Path(tempfile.mkdtemp(dir=room))
            return Dnsmasq(namespace, device, own, hosts(), "10.0.0.0", fastest=fastest)

        servers: dict[str, tuple[int, Callable[[], NodeProcess | Dnsmasq]]] = {
            "netmend": (2_000, lambda: NodeProcess(config, room)),
            "on disk": (200, lambda: dnsmasq(fastest=False)),
            "fastest": (1_500, lambda: dnsmasq(fastest=True)),
        }
        for _ in range(rounds):
            for name, (start, begin) in servers.items():
                with begin() as server:
                    served(clients, server.check)
                    best, made = saturation(lambda rate: exchanges(clients, rate, seconds), start)
                    half = exchanges(clients, int(best.completed / 2), seconds)
                    found.append(
                        {"server": name, "best": asdict(best), "half": asdict(half), "runs": list(map(asdict, made))}
                    )
    return found


def measure(*, quick: bool) -> Record:
    seconds, rounds = (1, 1) if quick else (2, 3)
    found = confined(measurements, seconds, rounds)

    def sample(server: str, where: str, what: str) -> Sample:
        return Sample.of([run[where][what] for run in found if run["server"] == server])

    record = Record(f"{TITLE}; {HOSTS:,} reserved hosts")
    sustained = "exchanges a second with less than 1 % lost"
    ours = sample("netmend", "best", "completed")
    record.figures = [
        Figure(sustained, "/s", ours, sample("fastest", "best", "completed"), FASTEST, ratio_at_least(2.0)),
        Figure(sustained, "/s", ours, sample("on disk", "best", "completed"), ON_DISK, ratio_at_least(15.0)),
    ]
    for part in ("p50", "p99"):
        title = f"{part} of the time to an answer, each at half of its own saturation"
        ours = sample("netmend", "half", part)
        record.figures += [
            Figure(title, "ms", ours, sample("fastest", "half", part), FASTEST),
            Figure(title, "ms", ours, sample("on disk", "half", part), ON_DISK),
        ]
    record.notes += [
        "An exchange is DISCOVER, OFFER, REQUEST, ACK; time to an answer is that to an OFFER or an ACK.",
        "perfdhcp speaks as a relay agent does, with unicast; it, the server and the kernel's part share the cores.",
    ]
    record.details["runs"] = found
    return record
