"""dhclient -6 and dhcpcd behind one face: each gets, renews, rebinds and releases an IPv6 address in its own way."""

import re
import shutil
import subprocess
from abc import ABC, abstractmethod
from ipaddress import IPv6Address
from pathlib import Path
from typing import ClassVar

from tests.peers.guests import run_in, wait_for_device
from tests.peers.node import HOME
from tests.waiting import wait_for

from netmend.kernel import mounts
from netmend.kernel.netns import Netns
from netmend.lab.demo.dhcp_client import Record, read_record

SCRIPT = Path(__file__).with_name("client6_script.sh")


class Client6(ABC):
    """A client on a guest's device."""

    name: ClassVar[str]
    names: ClassVar[dict[str, str]]  # of options, in the client's own spelling

    def __init__(self, guest: Netns, device: str = "eth0") -> None:
        self.guest, self.device = guest, device
        self.home = HOME / f"{self.name}6-{guest.label}"
        self.home.mkdir(parents=True)
        self.script = self.home / "script"
        shutil.copy(SCRIPT, self.script)
        self._process: subprocess.Popen[bytes] | None = None
        self.prepare()

    @abstractmethod
    def prepare(self) -> None:
        """Make what the client insists on."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command that runs it in the foreground."""

    @abstractmethod
    def release(self) -> None:
        """Make it give its address back."""

    def start(self) -> None:
        self._process = self.run(*self.command())

    def run(self, *command: str) -> "subprocess.Popen[bytes]":
        """Start a command in the guest's namespace, its output in the client's log."""
        with (self.home / "log").open("ab") as log, self.guest.entered():
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self) -> None:
        """End it so that it can tell nobody."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def records(self) -> list[Record]:
        return [read_record(path) for path in sorted(self.home.glob("*.environ"))]

    def wait(self, *events: str, after: int = 0) -> Record:
        """The first record of one of `events`, the first `after` records not counted."""
        return wait_for(
            lambda: next((record for record in self.records()[after:] if record.event in events), None),
            f"{self.name} says one of {events}",
            self.explain,
        )

    def get(self) -> Record:
        """Start it; the record of its address."""
        known = len(self.records())
        self.start()
        return self.wait("BOUND6", "REBOOT6", after=known)

    def explain(self) -> str:
        log = (self.home / "log").read_text(errors="replace") if (self.home / "log").exists() else "nothing"
        return f"{self.name} has said:\n{log}\nevents: {[record.event for record in self.records()]}"

    def value(self, record: Record, name: str) -> str:
        return record.variables.get(self.names[name], "")

    def address(self, record: Record) -> IPv6Address:
        return IPv6Address(self.value(record, "address"))


class Dhclient6(Client6):
    """ISC's client."""

    name = "dhclient"
    names = {
        "address": "new_ip6_address",
        "lifetime": "new_max_life",
        "dns": "new_dhcp6_name_servers",
        "domain": "new_dhcp6_domain_search",
        "ntp": "new_dhcp6_sntp_servers",
        "boot": "new_dhcp6_bootfile_url",
        "server": "new_dhcp6_server_id",
    }

    def prepare(self) -> None:
        (self.home / "configuration").write_text(
            "also request dhcp6.name-servers, dhcp6.domain-search, dhcp6.sntp-servers, dhcp6.bootfile-url;\n"
        )

    def command(self) -> list[str]:
        return [*self._common(), "-d", "-v", self.device]

    def _common(self) -> list[str]:
        files = ["-sf", self.script, "-lf", self.home / "leases", "-pf", self.home / "pid"]
        return ["dhclient", "-6", *map(str, files), "-cf", str(self.home / "configuration"), "-D", "LL"]

    def release(self) -> None:
        assert self.run(*self._common(), "-r", self.device).wait() == 0, self.explain()

    def inform(self) -> Record:
        """Ask for options only."""
        known = len(self.records())
        self._process = self.run(*self._common(), "-S", "-d", "-v", self.device)
        return self.wait("RENEW6", "INFORM6", "BOUND6", after=known)


class Dhcpcd6(Client6):
    """Roy Marples' client: it asks when a router advertisement says so, and looks for conflicts itself."""

    name = "dhcpcd"
    names = {
        "address": "new_dhcp6_ia_na1_ia_addr1",
        "lifetime": "new_dhcp6_ia_na1_ia_addr1_vltime",
        "dns": "new_dhcp6_name_servers",
        "domain": "new_dhcp6_domain_search",
        "ntp": "new_dhcp6_sntp_servers",
        "boot": "new_dhcp6_bootfile_url",
        "server": "new_dhcp6_server_id",
    }

    _configuration = """
duid ll
slaac hwaddr
option dhcp6_name_servers, dhcp6_domain_search, dhcp6_sntp_servers, dhcp6_bootfile_url
nodelay
timeout 30
"""

    def prepare(self) -> None:
        mounts.mount_tmpfs("/var/lib")
        for directory in ("/var/lib/dhcpcd", "/run/dhcpcd"):
            Path(directory).mkdir(exist_ok=True)
        (self.home / "configuration").write_text(self._configuration)

    def command(self) -> list[str]:
        return [*self._common(), "-B", "-d", self.device]

    def _common(self) -> list[str]:
        return ["dhcpcd", "-6", "--script", str(self.script), "--config", str(self.home / "configuration")]

    def release(self) -> None:
        assert self._process is not None
        assert self.run(*self._common(), "-k", self.device).wait() == 0, self.explain()


CLIENTS6: tuple[type[Client6], ...] = (Dhclient6, Dhcpcd6)


def wait_for_link(guest: Netns, device: str = "eth0") -> None:
    """Until a guest's device is up and its link-local address is no longer tentative (RFC 4862 section 5.4)."""
    wait_for_device(guest, device)

    def ready() -> bool:
        shown = run_in(guest, "busybox", "ip", "-6", "addr", "show", "dev", device)
        return bool(re.search(r"inet6 fe80\S+ scope link(?! tentative)", shown))

    wait_for(ready, f"a link-local address of {device} in {guest.label}")


def addresses_of(guest: Netns, device: str = "eth0") -> dict[IPv6Address, str]:
    """The IPv6 addresses of a guest's device that are not link-local, with the flags that busybox shows."""
    shown = run_in(guest, "busybox", "ip", "-6", "addr", "show", "dev", device)
    found = re.findall(r"inet6 ([0-9a-f:]+)/\d+ scope global(.*)", shown)
    return {IPv6Address(address): flags.strip() for address, flags in found}
