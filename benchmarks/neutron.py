"""netmend beside neutron-dhcp-agent of the same release: same server, same networks, one run.

Runs inside tools/neutron: `make bench-neutron [ARGS='--networks 10 100 --strays 1000 --json FILE']`. Every figure is of
both, netmend last, with the ratio. What each is:

- cold: from the agent's start, without a trace of it on host or server, until all networks are served;
- restart: the same with all in place, until the agent says that it is in step (Neutron's log:
  `Synchronizing state complete`);
- cpu: user and system seconds of the agent and its helpers in a cold start;
- rpc: how long netmend had a call to the server under way in its cold start; `net` figures are less this, for both;
- answer: from `POST /ports` to the first DHCP offer for that port, alone, and while ports come 50 at a time; `api` is
  when the server had answered the request, and `after_api` what of it came later, 0 where the offer was the sooner;
- memory: resident, and processes, of the agent and its helpers, with all networks served;
- strays: a cold start beside so many tap ports on the switch that nobody wants;
- incident: ports of the switch, and devices of the host, beyond one a network after so many resyncs of Neutron's, where
  the namespace of one network is a name without a namespace, and whether that one is served; netmend has as long.
"""

import argparse
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from threading import Thread
from typing import Any

from tests.neutron.agents import Netmend, is_running, start_neutrons, stop_neutrons
from tests.neutron.cloud import Cloud, Resource, call
from tests.neutron.guests import Guest, run
from tests.neutron.waiting import wait_for

from netmend.kernel import procfs
from netmend.kernel.netns import Netns

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
        with self.log.open() as file:
            file.seek(self._log_at)
            return "Synchronizing state complete" in file.read()

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


def measure_starts(subject: Subject, networks: list[Resource]) -> dict[str, Any]:
    clean(subject, networks)
    progress(subject, f"start without a trace, {len(networks)} networks")
    found: dict[str, Any] = {"cold_s": timed(subject.start, lambda: subject.is_serving(networks))}
    found["cpu_s"] = cpu(subject.processes())
    wait_for(subject.is_in_step, "the agent to be in step", seconds=LIMIT)
    if isinstance(subject, Netmends):
        found["cold_rpc_s"] = subject.calls_seconds()
    pids = subject.processes()
    found["processes"], found["resident_mb"] = len(pids), resident(pids)
    subject.stop()
    progress(subject, f"restart with all in place, {len(networks)} networks")
    found["restart_s"] = timed(subject.start, lambda: subject.is_serving(networks) and subject.is_in_step())
    if isinstance(subject, Netmends):
        found["restart_rpc_s"] = subject.calls_seconds()
    return found


# --- from POST /ports to an offer -------------------------------------------------------------------------------------


def discover(source: bytes, mac: bytes) -> bytes:
    """A DHCPDISCOVER of client `mac`, with the broadcast flag; the frame is from `source`, as the switch wants it."""
    xid = int.from_bytes(mac[2:], "big")
    bootp = struct.pack("!4BIHH16x6s10x192x4s", 1, 1, 6, 0, xid, 0, 0x8000, mac, b"\x63\x82\x53\x63")
    payload = bootp + bytes((53, 1, 1, 255))
    udp = struct.pack("!4H", 68, 67, 8 + len(payload), 0)
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
    words = sum(struct.unpack("!10H", header))
    words = (words & 0xFFFF) + (words >> 16)
    header = header[:10] + struct.pack("!H", ~words & 0xFFFF) + header[12:]
    return b"\xff" * 6 + source + b"\x08\x00" + header + udp + payload


class Prober:
    """Asks, from a guest's device, for ports that come to be, and notes when each is first offered an address."""

    def __init__(self, guest: Guest) -> None:
        with Netns.open(f"/run/netns/{guest.name}") as namespace, namespace.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self._socket.bind((guest.device, 0x0800))
        self._socket.settimeout(0.005)
        self._source = bytes.fromhex(guest.port["mac_address"].replace(":", ""))
        self._wanted: dict[bytes, bytes] = {}
        self.offered: dict[bytes, float] = {}
        self._ended = False
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def want(self, mac: str) -> bytes:
        packed = bytes.fromhex(mac.replace(":", ""))
        self._wanted[packed] = discover(self._source, packed)
        return packed

    def _run(self) -> None:
        asked = 0.0
        while not self._ended:
            if time.monotonic() - asked >= 0.01:
                asked = time.monotonic()
                for mac, frame in list(self._wanted.items()):
                    if mac not in self.offered:
                        self._socket.send(frame)
            try:
                frame = self._socket.recv(2048)
            except TimeoutError:
                continue
            if frame[23:24] == b"\x11" and frame[36:38] == b"\x00\x44" and len(frame) > 76:
                mac = frame[70:76]
                if mac in self._wanted:
                    self.offered.setdefault(mac, time.monotonic())

    def close(self) -> None:
        self._ended = True
        self._thread.join()
        self._socket.close()


@contextmanager
def prober(cloud: Cloud, network: Resource) -> Iterator[Prober]:
    port = cloud.port(network)
    with Guest(port) as guest:
        cloud.wait_until_active(port, seconds=60)
        wait_for(lambda: guest.dhcp(tries=3), "the probe's own lease", seconds=60)
        made = Prober(guest)
        try:
            yield made
        finally:
            made.close()


def measure_answers(cloud: Cloud, network: Resource, *, alone: int, together: int) -> dict[str, Any]:
    with prober(cloud, network) as probe:
        singles, api, later = [], [], []
        for number in range(alone):
            mac = f"fa:16:3e:a0:{os.getpid() & 0xFF:02x}:{number:02x}"
            packed, began = probe.want(mac), time.monotonic()
            port = call("POST", "ports", {"port": {"network_id": network["id"], "mac_address": mac}})["port"]
            api.append(time.monotonic() - began)
            wait_for(partial(probe.offered.get, packed), "an offer", seconds=120, every=0.002)
            singles.append(probe.offered[packed] - began)
            later.append(max(0.0, singles[-1] - api[-1]))
            call("DELETE", f"ports/{port['id']}")
        macs = [f"fa:16:3e:b0:{os.getpid() & 0xFF:02x}:{number:02x}" for number in range(together)]
        wanted, began = [probe.want(mac) for mac in macs], time.monotonic()
        body = [{"network_id": network["id"], "mac_address": mac} for mac in macs]
        ports = call("POST", "ports", {"ports": body})["ports"]
        answered = time.monotonic()
        wait_for(lambda: all(mac in probe.offered for mac in wanted), "all offers", seconds=300, every=0.01)
        crowd = [max(0.0, probe.offered[mac] - answered) for mac in wanted]
        for port in ports:
            call("DELETE", f"ports/{port['id']}")
    return {
        "answer_alone_s": median(singles),
        "answer_alone_api_s": median(api),
        "answer_alone_after_api_s": median(later),
        "answer_last_of_crowd_s": max(crowd),
        "api_for_crowd_s": answered - began,
    }


# --- in the incident's state --------------------------------------------------------------------------------


@contextmanager
def strays(count: int) -> Iterator[None]:
    """Ports of the switch that nobody wants, in transactions of a hundred. The switch has made them all in the block,
    and deleted them all behind it."""
    names = [f"tap{number:08x}-00" for number in range(0xBAD00000, 0xBAD00000 + count)]
    for verb in ("add-port", "del-port"):
        if verb == "del-port":
            yield
        for start in range(0, count, 100):
            words: list[str] = []
            for name in names[start : start + 100]:
                words += ["--", verb, "br-int", name]
                if verb == "add-port":
                    words += ["--", "set", "Interface", name, "type=internal"]
            run("ovs-vsctl", "--no-wait", *words, timeout=LIMIT)
        run("ovs-vsctl", "set", "Open_vSwitch", ".", f"external_ids:bench={verb}", timeout=3 * LIMIT)  # waits for it


def measure_incident(subject: Subject, networks: list[Resource], rounds: int, seconds: float) -> dict[str, Any]:
    """What is there beyond one port a network, where the name of one leads nowhere, after so many resyncs of Neutron's
    agent, or, for netmend, as many seconds as these took."""
    network = networks[0]
    clean(subject, networks)
    progress(subject, "in the incident's state")
    before = devices()
    Path(f"/run/netns/qdhcp-{network['id']}").touch()
    began = time.monotonic()
    subject.start()
    while time.monotonic() - began < (LIMIT if isinstance(subject, Neutrons) else seconds):
        if isinstance(subject, Neutrons) and subject.resyncs() >= rounds:
            break
        time.sleep(0.5)
    seconds = time.monotonic() - began
    after = devices()
    served = subject.is_serving([network])
    resyncs = subject.resyncs() if isinstance(subject, Neutrons) else subject.status()["intent"]["syncs"]
    subject.stop()
    run("ip", "netns", "del", f"qdhcp-{network['id']}", check=False)
    Path(f"/run/netns/qdhcp-{network['id']}").unlink(missing_ok=True)
    return {
        "incident_s": f"{seconds:.0f}",
        "incident_resyncs": resyncs,
        "incident_surplus": max(0, len(after - before) - len(networks)),
        "incident_served": served,
    }


def devices() -> set[str]:
    """Ports of the switch and devices of the host, by name."""
    links = {line.split()[1].rstrip(":") for line in run("ip", "-o", "link").splitlines()}
    return links | set(run("ovs-vsctl", "list-ports", "br-int").split())


def make_networks(cloud: Cloud, networks: list[Resource], count: int) -> None:
    """Up to `count` networks, given to this host: the server gives them to an agent that it knows to be alive."""
    switch = "agents?agent_type=Open%20vSwitch%20agent&alive=true"
    wait_for(lambda: call("GET", switch)["agents"], "Neutron's agent for the switch", seconds=60)
    agent = Netmends()
    agent.start()
    wait_for(agent.is_in_step, "an agent to be there", seconds=60)
    while len(networks) < count:
        networks.append(cloud.network())
        cloud.subnet(networks[-1], f"10.{100 + len(networks) // 256}.{len(networks) % 256}.0/24")
    wait_for(lambda: agent.is_serving(networks), "the networks to be given to this host", seconds=LIMIT)
    agent.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--networks", type=int, nargs="+", default=[10])
    parser.add_argument("--strays", type=int, nargs="*", default=[])
    parser.add_argument("--incident", type=int, default=50, metavar="RESYNCS")
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    for name in ("dhcp", "netmend", "metadata"):
        stop_neutrons(name)
    if not is_running("ovs"):
        start_neutrons("ovs")
    figures: dict[str, dict[str, Any]] = {}
    with Cloud() as cloud:
        networks: list[Resource] = []
        for count in sorted(wanted.networks):
            make_networks(cloud, networks, count)
            for subject in (Neutrons(), Netmends()):
                figures.setdefault(subject.name, {})[f"{count} networks"] = found = measure_starts(subject, networks)
                if count == min(wanted.networks):
                    progress(subject, "from POST /ports to the first offer")
                    found |= measure_answers(cloud, networks[0], alone=5, together=50)
                subject.stop()
                clean(subject, networks)
            if count == min(wanted.networks) and wanted.incident:
                seconds = 0.0
                for subject in (Neutrons(), Netmends()):
                    found = measure_incident(subject, networks, wanted.incident, seconds)
                    figures[subject.name][f"{count} networks"] |= found
                    seconds = float(found["incident_s"])
                    clean(subject, networks)
            for stray in wanted.strays if count == min(wanted.networks) else ():
                with strays(stray):
                    for subject in (Neutrons(), Netmends()):
                        progress(subject, f"start beside {stray} stray taps")
                        found = {
                            f"beside_{stray}_strays_s": timed(subject.start, partial(subject.is_serving, networks))
                        }
                        figures[subject.name][f"{count} networks"] |= found
                        subject.stop()
                        clean(subject, networks)
    show(figures)
    if wanted.json:
        wanted.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def show(figures: dict[str, dict[str, Any]]) -> None:
    theirs, ours = figures[Neutrons.name], figures[Netmends.name]
    for count, found in theirs.items():
        for key, value in list(found.items()):
            own = ours[count].get(key)
            ratio = ""
            if key != "answer_alone_api_s" and isinstance(value, float) and isinstance(own, float) and own:
                ratio = f"{value / own:8.1f} x"
                if key in ("cold_s", "restart_s"):
                    rpc = ours[count][key.replace("_s", "_rpc_s")]
                    net = max(own - rpc, 0.001)
                    ratio += f"   net of rpc: {value - rpc:.2f} / {net:.2f} = {(value - rpc) / net:.1f} x"
            print(f"{count:14} {key:28} {_text(value):>10} {_text(own):>10} {ratio}")
        for key in ours[count].keys() - found.keys():
            print(f"{count:14} {key:28} {'':>10} {_text(ours[count][key]):>10}")
    print(f"{'':14} {'':28} {'Neutron':>10} {'netmend':>10}")


def _text(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    if not shutil.which("agents-up"):
        sys.exit("runs inside the sandbox: make bench-neutron")
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(str(error))
