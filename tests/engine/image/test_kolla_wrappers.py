"""Kolla's wrappers: each dnsmasq is a container of its own that outlives the agent's; netmend takes over from them.

The wrappers are Kolla's own scripts, on an engine whose socket they find as on a node.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid4, uuid5

import pytest
from tests.engine.conftest import CHECKOUT, Engine
from tests.engine.image.conftest import Kolla
from tests.engine.image.test_kolla import scripts
from tests.unit.sources.neutron.payloads import network as recorded
from tests.waiting import wait_for

from netmend.intent.names import DEVICE_GROUP, Mark
from netmend.sources.neutron.last_known import LastKnown

NETWORKS = int(os.environ.get("NETMEND_SIBLINGS", "3"))
HOST = "node1"
KOLLA_IMAGE = "neutron-dhcp-agent:of-kolla"
DNSMASQ = "/usr/sbin/dnsmasq"
pytestmark = pytest.mark.timeout(0)  # the first test that asks for the image builds it


@dataclass(frozen=True)
class Network:
    """One network as Neutron's agent has left it, and a guest on it."""

    raw: dict[str, Any]
    number: int

    @property
    def id(self) -> str:
        return str(self.raw["id"])

    @property
    def cidr(self) -> IPv4Network:
        return IPv4Network(f"10.{100 + self.number // 200}.{self.number % 200}.0/24")

    def port(self, owner: str) -> dict[str, Any]:
        return next(port for port in self.raw["ports"] if port["device_owner"] == owner)


def make_network(number: int) -> Network:
    """A network with a guest's port and the agent's own, as a real server described one."""
    raw = recorded("dual stack")
    text = json.dumps(raw)
    for found in {raw["id"], *(port["id"] for port in raw["ports"]), *(one["id"] for one in raw["subnets"])}:
        text = text.replace(found, str(uuid4()))
    raw = json.loads(text)
    made = Network(raw, number)
    four = [one for one in raw["subnets"] if one["ip_version"] == 4]
    four[0] |= {"cidr": str(made.cidr), "gateway_ip": str(made.cidr[1]), "allocation_pools": []}
    raw["subnets"] = four
    raw["non_local_subnets"] = []
    for port in raw["ports"]:
        own = port["device_owner"] == "network:dhcp"
        address = str(made.cidr[2 if own else 10])
        port["fixed_ips"] = [{"subnet_id": four[0]["id"], "ip_address": address}]
        port["dns_assignment"] = [
            {"fqdn": f"host-{number}.cloud.test.", "hostname": f"host-{number}", "ip_address": address}
        ]
        port["extra_dhcp_opts"] = []
        if own:
            port["device_id"] = f"dhcp{uuid5(NAMESPACE_DNS, HOST)}-{raw['id']}"
    by_owner = {port["device_owner"]: port for port in raw["ports"]}
    raw["ports"] = [by_owner["network:dhcp"], by_owner["compute:nova"]]
    return made


def libraries(program: Path, where: str) -> list[Path]:
    found = {"LD_LIBRARY_PATH": where}
    listed = subprocess.run(["ldd", str(program)], env=found, capture_output=True, text=True, check=True)
    return [Path(word) for word in listed.stdout.split() if word.startswith("/")]


@pytest.fixture(scope="session")
def kollas(built: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image as Kolla's of the agent: the programs, docker's client, and the wrappers."""
    context = tmp_path_factory.mktemp("of-kolla")
    root = CHECKOUT / ".tools" / "root"
    where = f"{root}/usr/lib/{os.uname().machine}-linux-gnu:{root}/lib/{os.uname().machine}-linux-gnu"
    (context / "lib").mkdir()
    docker = shutil.which("docker", path=built.environment["PATH"]) or ""
    for program in (Path(f"{root}{DNSMASQ}"), Path(docker)):
        shutil.copy(program, context)
        for library in libraries(program, where):
            shutil.copy(library, context / "lib")
    shutil.copytree(scripts() / "neutron" / "neutron-base", context / "wrappers")
    (context / "Dockerfile").write_text(
        "FROM netmend-base\nCOPY lib /usr/lib/of-kolla/\nCOPY dnsmasq /usr/sbin/\nCOPY docker /usr/bin/\n"
        "COPY wrappers /usr/local/lib/neutron-wrappers/\nRUN mkdir -p /usr/local/etc/neutron-wrappers && "
        "chmod +x /usr/local/lib/neutron-wrappers/* && useradd -r dnsmasq; rm -f /usr/lib/of-kolla/ld-linux* "
        "/usr/lib/of-kolla/libc.so*\nENV LD_LIBRARY_PATH=/usr/lib/of-kolla\n"
    )
    built.docker("build", "-q", "--network", "none", "-t", KOLLA_IMAGE, str(context))
    return KOLLA_IMAGE


def leave(engine: Engine, volume: Path, networks: list[Network]) -> None:
    """Namespaces, devices and dnsmasqs as the agent of Kolla's image leaves them, and guests beside them."""
    lines, calls = [], []
    for network in networks:
        own, guest = network.port("network:dhcp"), network.port("compute:nova")
        name, device, bridge = f"qdhcp-{network.id}", own["id"][:11], f"brq{network.id[:11]}"
        address, inside = own["fixed_ips"][0]["ip_address"], f"guest{network.number}"
        lines += [
            # A bridge of netmend's, since Open vSwitch is not here, and Neutron has no agent for bridges any more.
            f"ip netns add {name}; ip link add {bridge} type bridge",
            f"ip link set {bridge} up mtu 1450 alias '{Mark('bridge', network.id)}' group {DEVICE_GROUP}",
            f"ip link add tap{device} type veth peer name ns-{device} address {own['mac_address']} netns {name}",
            f"ip link set tap{device} master {bridge} mtu 1450 up; ip -n {name} link set lo up",
            f"ip -n {name} link set ns-{device} mtu 1450 up",
            f"ip -n {name} address add {address}/24 brd + dev ns-{device}",
            f"ip netns add {inside}",
            f"ip link add g{network.number} type veth peer name eth0 address {guest['mac_address']} netns {inside}",
            f"ip link set g{network.number} master {bridge} up; ip -n {inside} link set eth0 up",
            f"ip -n {inside} address add {guest['fixed_ips'][0]['ip_address']}/24 dev eth0",
        ]
        home = f"/var/lib/neutron/kolla/dhcp/{network.id}"
        (volume / "dhcp" / network.id).mkdir(parents=True)
        entry = f"{guest['mac_address']},host-{network.number}.cloud.test,{guest['fixed_ips'][0]['ip_address']}\n"
        (volume / "dhcp" / network.id / "host").write_text(entry)
        calls.append(
            f"ip netns exec {name} /usr/local/bin/dnsmasq --no-hosts --no-resolv --pid-file={home}/pid "
            f"--dhcp-hostsfile={home}/host --dhcp-leasefile={home}/leases --interface=ns-{device} "
            f"--except-interface=lo --bind-dynamic --dhcp-range=set:s,{network.cidr[0]},static,255.255.255.0,86400s "
            "--user=root --no-ping"
        )
    engine.host("bash", "-ec", "\n".join(lines))
    script = "/usr/local/lib/neutron-wrappers/copy-wrappers; " + "; ".join(calls)
    words = ["--privileged", "--network", "host", "--pid", "host", "-v", "/run/netns:/run/netns:shared"]
    words += ["-v", "/run/docker.sock:/var/run/docker.sock", "-e", f"KOLLA_IMAGE={KOLLA_IMAGE}"]
    words += ["-e", "KOLLA_NAME=neutron_dhcp_agent", "-e", "KOLLA_SERVICE_NAME=neutron-dhcp-agent"]
    engine.docker("run", "--rm", *words, KOLLA_IMAGE, "bash", "-c", script)


CLIENT = """
import subprocess, sys, time
guests, seconds = int(sys.argv[1]), float(sys.argv[2])
def start(n):
    inside = ["ip", "netns", "exec", f"guest{n}", "busybox"]
    udhcpc = ["udhcpc", "-f", "-q", "-n", "-i", "eth0", "-s", "/bin/true", "-t", "8", "-T", "1"]
    return subprocess.Popen([*inside, *udhcpc], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
end, asked, lost, under_way = time.monotonic() + seconds, 0, 0, {n: start(n) for n in range(guests)}
while under_way:
    time.sleep(0.02)
    for n, one in list(under_way.items()):
        if one.poll() is not None:
            asked += 1
            lost += one.returncode != 0
            if time.monotonic() < end:
                under_way[n] = start(n)
            else:
                del under_way[n]
print(asked, lost)
"""


def siblings(engine: Engine) -> list[str]:
    return engine.docker("ps", "-a", "--filter", "name=neutron_dhcp_agent_", "--format", "{{.Names}}").split()


def test_networks_are_taken_over_from_sibling_containers(kolla: Kolla, kollas: str) -> None:
    engine = kolla.engine
    engine.docker("volume", "create", "neutron_metadata_socket")
    volume = Path(engine.docker("volume", "inspect", "-f", "{{.Mountpoint}}", "neutron_metadata_socket"))
    networks = [make_network(number) for number in range(NETWORKS)]
    leave(engine, volume, networks)
    assert len(siblings(engine)) == NETWORKS
    wrong = f"did not start: {engine.host('bash', '-c', 'ps ax | grep dnsmasq').stdout}"
    assert len(engine.host("pgrep", "-f", "/usr/sbin/dnsmasq -k", check=False).stdout.split()) >= NETWORKS, wrong
    known = LastKnown(volume / "netmend" / "neutron.sqlite", HOST)
    known.write({network.id: network.raw for network in networks}, time.time())
    known.close()
    for name, line in (("neutron.conf", f"host = {HOST}"), ("dhcp_agent.ini", "interface_driver = linuxbridge")):
        path = kolla.etc / "neutron-dhcp-agent" / name
        path.write_text(path.read_text().replace("[DEFAULT]\n", f"[DEFAULT]\n{line}\n", 1))
    inside = [str(CHECKOUT / "tools" / "engine"), "sh", "ip", "netns", "exec"]
    pings = []
    for network in networks[:3]:
        once = ["busybox", "ping", "-q", "-i", "0.02", "-w", "30", str(network.cidr[2])]
        words = [*inside, f"guest{network.number}", *once]
        pings.append(subprocess.Popen(words, env=engine.environment, stdout=subprocess.PIPE, text=True))
    command = [str(CHECKOUT / "tools" / "engine"), "sh", sys.executable, "-c", CLIENT, str(NETWORKS), "20"]
    client = subprocess.Popen(command, env=engine.environment, stdout=subprocess.PIPE, text=True)
    agent = kolla.start("neutron-dhcp-agent")

    def log() -> str:
        return engine.in_container(agent, "cat", "/var/log/kolla/neutron/neutron-dhcp-agent.log", check=False).stdout

    wait_for(lambda: log().count("] ended ") >= NETWORKS, "every dnsmasq is ended", log, seconds=120, every=0.5)
    wait_for(lambda: not siblings(engine), "the engine removes their containers", seconds=120, every=0.5)
    asked, lost = map(int, client.communicate()[0].split())
    print(f"{NETWORKS} networks: {asked} DHCP exchanges, {lost} lost")
    for ping in pings:
        said = ping.communicate()[0]
        assert " 0% packet loss" in said, said
    assert lost == 0 and asked >= NETWORKS
    status = json.loads(engine.in_container(agent, "netmend", "status", "--json", check=False).stdout)
    assert {one["state"] for one in status["networks"]} == {"served"}, status["reasons"]
