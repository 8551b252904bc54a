"""Hosts of a cloud with ML2/OVN: ovn-controller, Open vSwitch (userspace datapath), and Geneve between two of them."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.neutron.agents import ETC, LOGS, Netmend
from tests.neutron.cloud import Resource, wait_until
from tests.neutron.guests import end, run

from netmend.kernel import procfs

FILES = (ETC / "neutron.conf", ETC / "neutron_ovn_metadata_agent.ini")
REMOTE = "tcp:10.99.0.1:6642"
_UNDERLAY = "br-underlay"
_IDS = ("ovn-remote", "ovn-encap-type", "ovn-encap-ip", "ovn-bridge-datapath-type", "hostname")


@dataclass(frozen=True)
class Chassis:
    """A host; `host` are the words that enter it."""

    name: str
    number: int
    host: tuple[str, ...] = ()

    def run(self, *command: str, check: bool = True) -> str:
        return run(*self.host, *command, check=check)

    def namespaces(self) -> set[str]:
        """Those that an agent has made for networks."""
        names = (line.split()[0] for line in self.run("ip", "netns").splitlines())
        return {name for name in names if name.startswith("ovnmeta-")}

    def taps(self) -> set[str]:
        """Ports of the switch that an agent has made for networks."""
        return {name for name in self.run("ovs-vsctl", "list-ports", "br-int").split() if name.startswith("tap")}

    def interface(self, name: str, column: str) -> str:
        return self.run("ovs-vsctl", "get", "Interface", name, column).strip()

    def wait_until_clean(self, network: Resource) -> None:
        """Until nothing is left of what was made for networks, of which this one was the last."""

        def left() -> list[str]:
            devices = self.run("ip", "-o", "link").splitlines()
            return [*self.namespaces(), *self.taps(), *(line for line in devices if f"tap{network['id'][:10]}" in line)]

        wait_until(lambda: not left(), f"nothing to be left on {self.name}", explain=left)

    def start_controller(self) -> None:
        ids = {
            "ovn-remote": REMOTE,
            "ovn-encap-type": "geneve",
            "ovn-encap-ip": f"10.98.0.{self.number}",
            "ovn-bridge-datapath-type": "netdev",
            "hostname": self.name,
        }
        words = [f'external_ids:{key}="{value}"' for key, value in ids.items()]
        self.run("ovs-vsctl", "set", "Open_vSwitch", ".", f"external_ids:system-id={self.name}", *words)
        log = LOGS / f"ovn-controller-{self.name}.log"
        self.run("ovn-controller", "--pidfile", "--detach", f"--log-file={log}", "-vconsole:off")

    def stop_controller(self) -> None:
        """It takes its chassis away as it ends."""
        self.run("ovn-appctl", "-t", "ovn-controller", "exit")

    def netmend(self, *options: str) -> "NetmendThere":
        return NetmendThere(self, *options)

    @contextmanager
    def neutrons_agent(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Neutron's own, and the programs that it starts for networks."""
        files = [word for file in FILES for word in ("--config-file", str(file))]
        log = LOGS / f"neutron-ovn-metadata-agent-{self.name}.log"
        with log.open("ab") as said:
            command = [*self.host, "neutron-ovn-metadata-agent", *files, "--log-file", str(log)]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            yield process
        finally:
            end(process)
            for pid in haproxies():
                os.kill(pid, signal.SIGKILL)
            for name in self.namespaces():  # of a test that failed before netmend took over
                self.run("ip", "netns", "del", name)
            for name in self.taps():
                self.run("ovs-vsctl", "del-port", "br-int", name)


def haproxies() -> list[int]:
    """Those of Neutron's agent, on any host."""
    return [pid for pid in procfs.pids() if procfs.arguments(pid)[:1] == ["haproxy"]]


class NetmendThere(Netmend):
    """netmend in the place of the metadata agent of a chassis."""

    def __init__(self, chassis: Chassis, *options: str) -> None:
        super().__init__(*options, name=f"ovn-{chassis.name}", files=FILES)
        self._chassis = chassis

    def start(self, *, wait: bool = True, prefix: Sequence[str] = ()) -> None:
        super().start(wait=wait, prefix=(*prefix, *self._chassis.host))

    def wait_until_serves(self, *networks: str) -> None:
        """Exactly these."""

        def right(status: dict[str, object]) -> bool:
            listed: list[dict[str, str]] = status["networks"]  # type: ignore[assignment]
            return {one["id"]: one["state"] for one in listed} == dict.fromkeys(networks, "served")

        self.wait_until(f"{len(networks)} networks to be served", right)


def _underlay(chassis: Chassis, device: str) -> None:
    """The bridge over which Geneve leaves a host of the userspace datapath."""
    chassis.run(
        "ovs-vsctl", "--may-exist", "add-br", _UNDERLAY, "--", "set", "Bridge", _UNDERLAY, "datapath_type=netdev", "--",
        "--may-exist", "add-port", _UNDERLAY, device,
    )  # fmt: skip
    chassis.run("ip", "link", "set", device, "up")
    chassis.run("ip", "addr", "add", f"10.98.0.{chassis.number}/24", "dev", _UNDERLAY)
    chassis.run("ip", "link", "set", _UNDERLAY, "up")


@contextmanager
def first_chassis() -> Iterator[Chassis]:
    """The sandbox's own host, node1."""
    chassis = Chassis("node1", 1)
    run("ovs-vsctl", "--if-exists", "del-br", "br-int", "--", "--if-exists", "del-br", "br-tun")
    run("ip", "link", "add", "underlay1", "type", "veth", "peer", "name", "underlay2")
    try:
        _underlay(chassis, "underlay1")
        chassis.start_controller()
        yield chassis
        chassis.stop_controller()
    finally:
        run("ovs-vsctl", "--if-exists", "del-br", "br-int", "--", "--if-exists", "del-br", _UNDERLAY, check=False)
        run("ovs-vsctl", "remove", "Open_vSwitch", ".", "external_ids", *_IDS, check=False)
        run("ip", "link", "del", "underlay1", check=False)


_SWITCH = """
mkdir -p /run/openvswitch /run/ovn
umount -l /run/netns
for directory in netns openvswitch ovn; do mount -t tmpfs tmpfs /run/$directory; done
ovsdb-tool create /run/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server /run/openvswitch/conf.db --remote=punix:/run/openvswitch/db.sock --pidfile --detach \
  --log-file=/var/log/sandbox/ovsdb-server-node2.log -vconsole:off
ovs-vsctl --no-wait init
ovs-vswitchd --pidfile --detach --log-file=/var/log/sandbox/ovs-vswitchd-node2.log -vconsole:off
touch /run/openvswitch/ready
exec sleep infinity
"""


@contextmanager
def second_chassis() -> Iterator[Chassis]:
    """node2: network and mount namespaces with a switch and an ovn-controller of their own, on the management bridge;
    Geneve goes over a veth to node1."""
    with ExitStack() as stack:
        run("ip", "netns", "add", "node2")
        stack.callback(run, "ip", "netns", "del", "node2", check=False)
        stack.callback(run, "ip", "link", "del", "mgmt2", check=False)
        run("ip", "link", "add", "mgmt2", "type", "veth", "peer", "name", "eth0", "netns", "node2")
        run("ip", "link", "set", "mgmt2", "master", "mgmt0", "up")
        run("ip", "link", "set", "underlay2", "netns", "node2")
        run("ip", "-n", "node2", "addr", "add", "10.99.0.2/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            run("ip", "-n", "node2", "link", "set", device, "up")
        holder = subprocess.Popen(["ip", "netns", "exec", "node2", "sh", "-c", _SWITCH], stdin=subprocess.DEVNULL)
        stack.callback(end, holder)
        ready = Path(f"/proc/{holder.pid}/root/run/openvswitch/ready")
        wait_until(ready.exists, "the switch of node2")
        place = (
            f"--target={holder.pid}",
            "--mount",
            "--net",
            f"--root=/proc/{holder.pid}/root",
            f"--wd=/proc/{holder.pid}/root",
        )
        chassis = Chassis("node2", 2, ("nsenter", *place))
        stack.callback(chassis.run, "sh", "-c", "kill $(cat /run/openvswitch/*.pid /run/ovn/*.pid)", check=False)
        _underlay(chassis, "underlay2")
        chassis.start_controller()
        yield chassis
        chassis.stop_controller()
