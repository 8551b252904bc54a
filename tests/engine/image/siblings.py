"""Networks as Neutron's agent in a container of Kolla's leaves them: each dnsmasq and haproxy is a sibling container.

The wrappers that start these are Kolla's own scripts, in an image with the programs of Debian, on an engine whose
socket they find as on a node.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid4, uuid5

from tests.engine.conftest import CHECKOUT, Engine
from tests.unit.sources.neutron.payloads import network as recorded

from netmend.intent.names import DEVICE_GROUP, Mark

HOST = "node1"
KOLLA_IMAGE = "neutron-dhcp-agent:of-kolla"
HOME = "/var/lib/neutron/kolla"
_AT_ONCE = 4  # wrappers that start containers at the same time


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

    @property
    def guest(self) -> dict[str, str]:
        """What `tests.engine.image.asking` is told of the guest."""
        return {
            "inside": f"guest{self.number}",
            "mac": self.port("compute:nova")["mac_address"],
            "address": str(self.cidr[10]),
            "server": str(self.cidr[2]),
            "name": f"host-{self.number}.cloud.test",
            "network": self.id,
        }


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
        port["device_id"] = str(uuid4())
        if own:
            port["device_id"] = f"dhcp{uuid5(NAMESPACE_DNS, HOST)}-{raw['id']}"
    by_owner = {port["device_owner"]: port for port in raw["ports"]}
    raw["ports"] = [by_owner["network:dhcp"], by_owner["compute:nova"]]
    return made


def _libraries(program: Path, where: str) -> list[Path]:
    listed = subprocess.run(
        ["ldd", str(program)], env={"LD_LIBRARY_PATH": where}, capture_output=True, text=True, check=True
    )
    return [Path(word) for word in listed.stdout.split() if word.startswith("/")]


def build_kollas(engine: Engine, context: Path, scripts: Path) -> None:
    """An image as Kolla's of the agent: the programs, docker's client, and the wrappers."""
    command = [str(CHECKOUT / "tools" / "kolla"), "programs"]
    root = Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    machine = f"{os.uname().machine}-linux-gnu"
    where = f"{root}/usr/lib/{machine}:{root}/lib/{machine}"
    (context / "lib").mkdir()
    docker = shutil.which("docker", path=engine.environment["PATH"]) or ""
    for program in (root / "usr/sbin/dnsmasq", root / "usr/sbin/haproxy", Path(docker)):
        shutil.copy(program, context)
        for library in _libraries(program, where):
            shutil.copy(library, context / "lib")
    shutil.copytree(scripts / "neutron" / "neutron-base", context / "wrappers")
    (context / "Dockerfile").write_text(
        "FROM netmend-base\nCOPY lib /usr/lib/of-kolla/\nCOPY dnsmasq haproxy /usr/sbin/\nCOPY docker /usr/bin/\n"
        "COPY wrappers /usr/local/lib/neutron-wrappers/\nRUN mkdir -p /usr/local/etc/neutron-wrappers && "
        "chmod +x /usr/local/lib/neutron-wrappers/* && useradd -r dnsmasq; rm -f /usr/lib/of-kolla/ld-linux* "
        "/usr/lib/of-kolla/libc.so*\nENV LD_LIBRARY_PATH=/usr/lib/of-kolla\n"
    )
    engine.docker("build", "-q", "--network", "none", "-t", KOLLA_IMAGE, str(context))


def make_devices(network: Network) -> list[str]:
    """Commands that make a namespace and devices as the agent leaves them, and a guest beside them."""
    own, guest = network.port("network:dhcp"), network.port("compute:nova")
    name, device, bridge = f"qdhcp-{network.id}", own["id"][:11], f"brq{network.id[:11]}"
    address, inside = own["fixed_ips"][0]["ip_address"], f"guest{network.number}"
    return [
        # A bridge of netmend's, since Open vSwitch is not here, and Neutron has no agent for bridges any more.
        f"ip netns add {name}; ip link add {bridge} type bridge",
        f"ip link set {bridge} up mtu 1450 alias '{Mark('bridge', network.id)}' group {DEVICE_GROUP}",
        f"ip link add tap{device} type veth peer name ns-{device} address {own['mac_address']} netns {name}",
        f"ip link set tap{device} master {bridge} mtu 1450 up; ip -n {name} link set lo up",
        f"ip -n {name} link set ns-{device} mtu 1450 up",
        f"ip -n {name} address add {address}/24 brd + dev ns-{device}",
        f"ip -n {name} address add 169.254.169.254/32 brd + dev ns-{device}",
        f"ip netns add {inside}",
        f"ip link add g{network.number} type veth peer name eth0 address {guest['mac_address']} netns {inside}",
        f"ip link set g{network.number} master {bridge} up; ip -n {inside} link set eth0 up",
        f"ip -n {inside} link set lo up",
        f"ip -n {inside} address add {guest['fixed_ips'][0]['ip_address']}/24 dev eth0",
        f"ip -n {inside} route add 169.254.169.254 via {address}",
    ]


def make_files(volume: Path, network: Network) -> None:
    """What the agent writes for dnsmasq and haproxy, where `volume` is its state."""
    guest = network.guest
    home = volume / "dhcp" / network.id
    home.mkdir(parents=True)
    (home / "host").write_text(f"{guest['mac']},{guest['name']},{guest['address']}\n")
    (home / "addn_hosts").write_text(f"{guest['address']}\t{guest['name']} {guest['name'].partition('.')[0]}\n")
    (volume / "ns-metadata-proxy").mkdir(exist_ok=True)
    (volume / "ns-metadata-proxy" / f"{network.id}.conf").write_text(
        "global\n    user root\n    group root\n    maxconn 1024\n    daemon\n"
        "defaults\n    mode http\n    option http-server-close\n    option forwardfor\n    retries 3\n"
        "    timeout http-request 30s\n    timeout connect 30s\n    timeout client 32s\n    timeout server 32s\n"
        "    timeout http-keep-alive 30s\n"
        f"listen listener\n    bind 169.254.169.254:80\n    server metadata {HOME}/metadata_proxy\n"
        f"    http-request set-header X-Neutron-Network-ID {network.id}\n"
    )


def commands_of_agent(network: Network) -> list[str]:
    """What Neutron's agent calls for a network, as Kolla's wrappers understand it."""
    name, device = f"qdhcp-{network.id}", network.port("network:dhcp")["id"][:11]
    home = f"{HOME}/dhcp/{network.id}"
    dnsmasq = (
        f"--no-hosts --no-resolv --pid-file={home}/pid --dhcp-hostsfile={home}/host --addn-hosts={home}/addn_hosts "
        f"--dhcp-leasefile={home}/leases --interface=ns-{device} --except-interface=lo --bind-dynamic "
        f"--dhcp-range=set:s,{network.cidr[0]},static,255.255.255.0,86400s --user=root --no-ping"
    )
    haproxy = f"-f {HOME}/ns-metadata-proxy/{network.id}.conf"
    return [
        f"ip netns exec {name} /usr/local/bin/dnsmasq {dnsmasq}",
        f"ip netns exec {name} /usr/local/bin/haproxy {haproxy}",
    ]


def as_agent(engine: Engine, calls: Sequence[str], name: str = "neutron_dhcp_agent") -> None:
    """Call these in a container as the agent's is, of this name."""
    script = "/usr/local/lib/neutron-wrappers/copy-wrappers; " + "; ".join(calls)
    words = ["--privileged", "--network", "host", "--pid", "host", "-v", "/run/netns:/run/netns:shared"]
    words += ["-v", "/run/docker.sock:/var/run/docker.sock", "-e", f"KOLLA_IMAGE={KOLLA_IMAGE}"]
    words += ["-e", f"KOLLA_NAME={name}", "-e", "KOLLA_SERVICE_NAME=neutron-dhcp-agent"]
    engine.docker("run", "--rm", *words, KOLLA_IMAGE, "bash", "-c", script)


def leave(engine: Engine, volume: Path, networks: Sequence[Network]) -> None:
    """Namespaces, devices, dnsmasqs and haproxies as the agent of Kolla's image leaves them, and guests beside them."""
    engine.host("bash", "-es", text="\n".join(line for network in networks for line in make_devices(network)))
    for network in networks:
        make_files(volume, network)
    shares = [share for n in range(_AT_ONCE) if (share := networks[n::_AT_ONCE])]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        calls = [[call for network in share for call in commands_of_agent(network)] for share in shares]
        list(pool.map(lambda some: as_agent(engine, some), calls))


def siblings(engine: Engine) -> list[str]:
    """Names of the containers that Kolla's wrappers started."""
    return engine.docker("ps", "-a", "--filter", "name=neutron_dhcp_agent_", "--format", "{{.Names}}").split()


def start_asking(
    engine: Engine, networks: Sequence[Network], seconds: float, every: float, file: Path
) -> subprocess.Popen[str]:
    """Guests that ask; see `tests.engine.image.asking`, to which `file` hands them."""
    file.write_text(json.dumps([network.guest for network in networks]))
    command = [str(CHECKOUT / "tools" / "engine"), "sh", sys.executable, "-m", "tests.engine.image.asking"]
    command += [str(seconds), str(every), str(file)]
    environment = engine.environment | {"PYTHONPATH": str(CHECKOUT)}
    return subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True)


METADATA_AGENT = """
import asyncio, os
PATH = "/var/lib/neutron/kolla/metadata_proxy"
async def answer(reader, writer):
    lines = (await reader.readuntil(b"\\r\\n\\r\\n")).decode().split("\\r\\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    body = f"{headers['x-neutron-network-id']} {headers['x-forwarded-for']}".encode()
    writer.write(b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
    await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_unix_server(answer, PATH, backlog=1024)
    os.chmod(PATH, 0o666)
    await server.serve_forever()
asyncio.run(main())
"""


def start_metadata_agent(engine: Engine) -> None:
    """A container that answers at the socket of Neutron's metadata agent, with the network and address it is told."""
    words = ["-d", "--name", "metadata-agent", "--network", "none", "-v", f"neutron_metadata_socket:{HOME}"]
    engine.docker("run", *words, KOLLA_IMAGE, "python3", "-c", METADATA_AGENT)
