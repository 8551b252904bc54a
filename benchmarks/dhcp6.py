"""Full DHCPv6 exchanges a second, and how long an answer takes, with perfdhcp -6: netmend, and dnsmasq in its place.

python -m benchmarks dhcp6 [--quick]

One network of 1,000 clients that are known by their DUIDs, on a veth between two namespaces. perfdhcp sends for all of
them from one MAC, which a node would take for one guest that asks too often: so netmend's part here is its responder
and its sockets, in a process of their own, with the limits put up. dnsmasq writes no leases, as fast as it can be.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from ipaddress import IPv6Address, IPv6Interface, IPv6Network
from pathlib import Path
from typing import Any

from benchmarks.confined import confined
from benchmarks.perfdhcp import Load, NoPerfdhcp, read, saturation
from benchmarks.record import Figure, Record, Sample, ratio_at_least

from netmend.intent import Network, Port, Subnet6
from netmend.intent.eui64 import link_local_address
from netmend.kernel import addresses, links
from netmend.kernel.links import VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.sockets6 import open_groups, open_questions
from netmend.services.dhcp6 import Dhcp6Responder
from netmend.services.dhcp6.io.server import Dhcp6Server
from netmend.services.shared.sender_limits import Limits

TITLE = "DHCPv6: full exchanges a second, and time to an answer, by perfdhcp"
HOSTS = 1_000
BASE_DUID = bytes.fromhex("00030001000c01020304")  # the first of perfdhcp's clients, whose MACs start so
CIDR = IPv6Network("2001:db8:1::/64")
NETWORK = "0b6ee5f2-3c1c-4f5e-9d2b-6a1f4c0e7d11"
OURS, THEIRS = "fa:16:3e:00:00:02", "fa:16:3e:00:00:01"
DEVICE = "ns-0"
FASTEST = "dnsmasq with --leasefile-ro --quiet-dhcp6 --port=0, so that it writes nothing and does no DNS"
UNLIMITED = Limits(1e6, 1 << 20, 1e6, 1 << 20)


def duid(number: int) -> bytes:
    return (int.from_bytes(BASE_DUID, "big") + number).to_bytes(len(BASE_DUID), "big")


def address(number: int) -> IPv6Address:
    return CIDR[0x10000 + number]


def network() -> Network:
    subnet = Subnet6("subnet", "subnet", CIDR, CIDR[2], address_mode="dhcpv6-stateful")
    ports = {
        f"{n}": Port(f"{n}", f"h{n}", "02:" + n.to_bytes(5, "big").hex(":"), duid=duid(n), fixed_ips6=(address(n),))
        for n in range(HOSTS)
    }
    return Network(NETWORK, "load", subnets6=(subnet,), ports=ports)


@contextmanager
def netmend(namespace: Netns, _: Path) -> Iterator[None]:
    """The responder and its sockets, in a process of their own."""
    pid = os.fork()
    if pid == 0:
        try:
            groups, packet = open_groups(namespace, DEVICE), open_questions(namespace, DEVICE)
            sockets = Dhcp6Server(lambda *_: None, limits=UNLIMITED)
            mac = bytes.fromhex(OURS.replace(":", ""))
            sockets.add(Dhcp6Responder(network()), packet, groups, mac, link_local_address(OURS))
            signal.pause()
        finally:
            os._exit(1)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@contextmanager
def dnsmasq(namespace: Netns, room: Path) -> Iterator[None]:
    program = shutil.which("dnsmasq")
    if program is None:
        raise NoPerfdhcp("there is no dnsmasq; make it with: tools/setup-programs peers")
    (room / "hosts").write_text("".join(f"id:{duid(n).hex(':')},[{address(n)}]\n" for n in range(HOSTS)))
    command = [program, "--no-hosts", "--no-resolv", "--port=0", f"--pid-file={room / 'pid'}"]
    command += [f"--dhcp-hostsfile={room / 'hosts'}", f"--dhcp-leasefile={room / 'leases'}", "--leasefile-ro"]
    command += ["--bind-dynamic", f"--interface={DEVICE}", f"--dhcp-range={CIDR.network_address},static,64,86400s"]
    command += ["--dhcp-lease-max=16777216", "--conf-file=/dev/null", "--quiet-dhcp6", "--dhcp-authoritative"]
    command += ["--user=root", "--group=root", "--keep-in-foreground"]
    with namespace.entered(), (room / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def exchanges(clients: Netns, rate: int, seconds: int) -> Load:
    """Offer `rate` exchanges (Solicit, Advertise, Request, Reply) a second; raises NoPerfdhcp."""
    program = shutil.which("perfdhcp")
    if program is None:
        raise NoPerfdhcp("there is no perfdhcp; make it with: tools/setup-programs peers")
    command = [program, "-6", "-l", "eth0", "-r", str(rate), "-p", str(seconds), "-R", str(HOSTS)]
    command += ["-b", f"duid={BASE_DUID.hex()}", "-W", "500000", "-x", "t"]
    with clients.entered():
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return read(done.stdout + done.stderr, rate, seconds)


def segment() -> tuple[Netns, Netns]:
    """The namespaces of the clients and of the server, joined, with their addresses."""
    with Netns.create("clients") as clients, Netns.create("server") as server:
        pass
    with clients.entered(), RouteSocket() as route:
        links.create_veth(route, VethEnd("eth0", 1500, 0, THEIRS), VethEnd(DEVICE, 1500, 0, OURS), server)
    for namespace, name in ((clients, "eth0"), (server, DEVICE)):
        with namespace.entered(), RouteSocket() as route:
            device = links.find_link(route, name)
            assert device
            links.set_link(route, device, up=True)
            if namespace is server:
                addresses.add_address(route, device, IPv6Interface(f"{CIDR[2]}/64"))
    time.sleep(3)  # until no address is tentative any more (RFC 4862 section 5.4)
    return clients, server


def measurements(seconds: int, rounds: int) -> list[dict[str, Any]]:
    """For each server, `rounds` searches for saturation and the latency at half of it, turn about."""
    clients, server = segment()
    found: list[dict[str, Any]] = []
    servers: dict[str, Callable[[Netns, Path], Any]] = {"netmend": netmend, "dnsmasq": dnsmasq}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        for _ in range(rounds):
            for name, begin in servers.items():
                with begin(server, Path(tempfile.mkdtemp(dir=directory))):
                    give_up = time.monotonic() + 30
                    while exchanges(clients, 10, 1).completed == 0:
                        if time.monotonic() > give_up:
                            raise TimeoutError(f"no answer of {name} in 30 s")
                    best, made = saturation(lambda rate: exchanges(clients, rate, seconds), 1_000)
                    half = exchanges(clients, int(best.completed / 2), seconds)
                    runs = list(map(asdict, made))
                    found.append({"server": name, "best": asdict(best), "half": asdict(half), "runs": runs})
    return found


def measure(*, quick: bool) -> Record:
    seconds, rounds = (1, 1) if quick else (2, 3)
    found = confined(measurements, seconds, rounds)

    def sample(server: str, where: str, what: str) -> Sample:
        return Sample.of([run[where][what] for run in found if run["server"] == server])

    record = Record(f"{TITLE}; {HOSTS:,} clients known by DUID")
    ours, theirs = sample("netmend", "best", "completed"), sample("dnsmasq", "best", "completed")
    what = "exchanges a second with less than 1 % lost"
    record.figures = [Figure(what, "/s", ours, theirs, FASTEST, ratio_at_least(1.0))]
    for part in ("p50", "p99"):
        title = f"{part} of the time to an answer, each at half of its own saturation"
        record.figures.append(Figure(title, "ms", sample("netmend", "half", part), sample("dnsmasq", "half", part)))
    record.notes += ["An exchange is Solicit, Advertise, Request, Reply; perfdhcp and the server share the cores."]
    record.details["runs"] = found
    return record
