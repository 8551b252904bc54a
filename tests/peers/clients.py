"""udhcpc, dhclient and dhcpcd behind one face: each gets, renews, rebinds and releases a lease in its own way."""

import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path
from typing import ClassVar

from tests.peers.node import HOME
from tests.waiting import wait_for

from netmend.kernel import mounts
from netmend.kernel.netns import Netns
from netmend.lab.demo.dhcp_client import Record, read_record

SCRIPT = Path(__file__).with_name("client_script.sh")


class PeerClient(ABC):
    """A client on a guest's device. `finds_conflicts`: it asks by ARP whether somebody has its address already."""

    name: ClassVar[str]
    bound: ClassVar[frozenset[str]]  # the events that its script is told of
    renewed: ClassVar[frozenset[str]]
    rebound: ClassVar[frozenset[str]]
    sets_up_device: ClassVar[bool] = True
    shortest_lease: ClassVar[int]  # seconds: it takes shorter ones for longer

    def __init__(self, guest: Netns, device: str = "eth0", *, finds_conflicts: bool = False) -> None:
        self.guest, self.device, self.finds_conflicts = guest, device, finds_conflicts
        self.home = HOME / f"{self.name}-{guest.label}"
        self.home.mkdir(parents=True)
        self.script = self.home / "script"
        # by its full path: dhclient gives its script a PATH of its own
        self.script.write_text(SCRIPT.read_text().replace("@BUSYBOX@", shutil.which("busybox") or "busybox"))
        self.script.chmod(0o755)
        if self.sets_up_device:
            (self.home / "sets-up-the-device").touch()
        if finds_conflicts:
            (self.home / "looks-for-conflicts").touch()
        self._process: subprocess.Popen[bytes] | None = None
        self.prepare()

    def prepare(self) -> None:  # noqa: B027 - udhcpc needs nothing
        """Make what the client insists on."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command that runs it in the foreground."""

    def start(self) -> None:
        self._process = self.run(*self.command())

    def run(self, *command: str) -> "subprocess.Popen[bytes]":
        """Start a command in the guest's namespace, its output in the client's log."""
        with (self.home / "log").open("ab") as log, self.guest.entered():
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it so that it can tell nobody."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    @abstractmethod
    def release(self) -> None:
        """Make it give its lease back."""

    def records(self) -> list[Record]:
        return [read_record(path) for path in sorted(self.home.glob("*.environ"))]

    def wait(self, events: frozenset[str], after: int = 0) -> Record:
        """The first record of one of `events`, the first `after` records not counted."""
        return wait_for(
            lambda: next((record for record in self.records()[after:] if record.event in events), None),
            f"{self.name} says one of {sorted(events)}",
            self.explain,
        )

    def get(self) -> Record:
        """Start it; the record of its lease."""
        known = len(self.records())
        self.start()
        return self.wait(self.bound, known)

    def explain(self) -> str:
        log = (self.home / "log").read_text(errors="replace") if (self.home / "log").exists() else "nothing"
        return f"{self.name} has said:\n{log}\nevents: {[record.event for record in self.records()]}"

    @abstractmethod
    def routes(self, record: Record) -> dict[IPv4Network, str]:
        """The classless routes of a record: destination to next hop."""

    def value(self, record: Record, name: str) -> str:
        """The value of one of `facts`, in the client's own spelling of its name."""
        return record.variables.get(self.spelling(name), "")

    @abstractmethod
    def spelling(self, name: str) -> str: ...


def address(record: Record) -> IPv4Interface:
    lease = record.lease()
    assert lease is not None, record
    return lease.address


def _pairs(text: str) -> dict[IPv4Network, str]:
    words = text.split()
    return {IPv4Network(words[at]): words[at + 1] for at in range(0, len(words), 2)}


class Udhcpc(PeerClient):
    """BusyBox's client: renews on SIGUSR1, releases on SIGUSR2."""

    name = "udhcpc"
    bound = frozenset({"bound"})
    renewed = rebound = frozenset({"renew"})
    shortest_lease = 16

    arguments: tuple[str, ...] = ()

    def command(self) -> list[str]:
        command = ["udhcpc", "-f", "-i", self.device, "-s", str(self.script), "-t", "5", "-T", "1", "-A", "1"]
        for option in ("mtu", "ntpsrv", "staticroutes", "hostname", "domain", "tftp", "bootfile"):
            command += ["-O", option]
        return [*command, *(["-a"] if self.finds_conflicts else []), *self.arguments]

    def release(self) -> None:
        self.signal(signal.SIGUSR2)

    def routes(self, record: Record) -> dict[IPv4Network, str]:
        return _pairs(record.variables.get("staticroutes", ""))

    def spelling(self, name: str) -> str:
        return {
            "dns": "dns", "domain": "domain", "hostname": "hostname", "mtu": "mtu", "ntp": "ntpsrv", "router": "router",
            "lease time": "lease", "server": "serverid",
        }[name]  # fmt: skip


class Dhclient(PeerClient):
    """ISC's client: renews and rebinds when the times come that the lease names."""

    name = "dhclient"
    bound = frozenset({"BOUND", "REBOOT"})
    renewed = frozenset({"RENEW"})
    rebound = frozenset({"REBIND", "RENEW"})  # it asks everybody from T2 on, and says REBIND from the next timer on
    shortest_lease = 16  # from T2 to its end 2 s, in which it asks every second or so

    _configuration = """
option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;
request subnet-mask, broadcast-address, routers, domain-name, domain-name-servers, host-name, interface-mtu,
  ntp-servers, rfc3442-classless-static-routes;
timeout 20; retry 1; select-timeout 0; initial-interval 1; backoff-cutoff 1; reboot 3;
"""

    def prepare(self) -> None:
        (self.home / "configuration").write_text(self._configuration)

    @property
    def leases(self) -> Path:
        return self.home / "leases"

    def command(self) -> list[str]:
        return [*self._common(), "-d", self.device]

    def _common(self) -> list[str]:
        files = ["-sf", self.script, "-lf", self.leases, "-pf", self.home / "pid", "-cf", self.home / "configuration"]
        return ["dhclient", "-4", *map(str, files)]

    def release(self) -> None:
        assert self.run(*self._common(), "-r", self.device).wait() == 0, self.explain()

    def routes(self, record: Record) -> dict[IPv4Network, str]:
        numbers = list(map(int, record.variables.get("new_rfc3442_classless_static_routes", "").split()))
        found = {}
        while numbers:  # RFC 3442: length, as many octets of the destination as it needs, router
            length, size = numbers[0], (numbers[0] + 7) // 8
            destination = bytes(numbers[1 : 1 + size]).ljust(4, b"\0")
            router = numbers[1 + size : 5 + size]
            found[IPv4Network((destination, length))] = ".".join(map(str, router))
            del numbers[: 5 + size]
        return found

    def spelling(self, name: str) -> str:
        return {
            "dns": "new_domain_name_servers", "domain": "new_domain_name", "hostname": "new_host_name",
            "mtu": "new_interface_mtu", "ntp": "new_ntp_servers", "router": "new_routers",
            "lease time": "new_dhcp_lease_time", "server": "new_dhcp_server_identifier",
        }[name]  # fmt: skip


class Dhcpcd(PeerClient):
    """Roy Marples' client, which sets up the device itself and keeps its files where it was compiled to."""

    name = "dhcpcd"
    bound = frozenset({"BOUND", "REBOOT"})
    renewed = frozenset({"RENEW"})
    rebound = frozenset({"REBIND"})
    shortest_lease = 20
    sets_up_device = False

    _configuration = """
duid ll
option subnet_mask, routers, domain_name_servers, domain_name, host_name, interface_mtu, ntp_servers
option classless_static_routes
timeout 30
reboot 3
noipv4ll
nodelay
"""

    def prepare(self) -> None:
        mounts.mount_tmpfs("/var/lib")
        for directory in ("/var/lib/dhcpcd", "/run/dhcpcd"):
            Path(directory).mkdir(exist_ok=True)
        text = self._configuration + ("" if self.finds_conflicts else "noarp\n")
        (self.home / "configuration").write_text(text)

    def command(self) -> list[str]:
        return [*self._common(), "-B", "-d", self.device]

    def _common(self) -> list[str]:
        return ["dhcpcd", "-4", "--script", str(self.script), "--config", str(self.home / "configuration")]

    def release(self) -> None:
        assert self.run(*self._common(), "-k", self.device).wait() == 0, self.explain()

    def routes(self, record: Record) -> dict[IPv4Network, str]:
        return _pairs(record.variables.get("new_classless_static_routes", ""))

    def spelling(self, name: str) -> str:
        return {
            "dns": "new_domain_name_servers", "domain": "new_domain_name", "hostname": "new_host_name",
            "mtu": "new_interface_mtu", "ntp": "new_ntp_servers", "router": "new_routers",
            "lease time": "new_dhcp_lease_time", "server": "new_dhcp_server_identifier",
        }[name]  # fmt: skip


CLIENTS: tuple[type[PeerClient], ...] = (Udhcpc, Dhclient, Dhcpcd)
