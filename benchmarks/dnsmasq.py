"""dnsmasq as Neutron starts it (neutron/agent/linux/dhcp.py, _build_cmdline_callback and the files it writes)."""

import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from netmend.kernel.netns import Netns

LEASE_SECONDS = 86_400  # Neutron's default


class NoDnsmasq(Exception):
    """dnsmasq cannot be had or does not run; the text says why."""


@dataclass(frozen=True, slots=True)
class Host:
    """One reserved host."""

    mac: str
    address: str

    @property
    def name(self) -> str:
        return f"host-{self.address.replace('.', '-')}"


def write_hosts(room: Path, hosts: Iterable[Host]) -> None:
    """The files that Neutron writes again on every change."""
    known = list(hosts)
    (room / "host").write_text("".join(f"{h.mac},{h.name}.openstacklocal,{h.address}\n" for h in known))
    (room / "addn_hosts").write_text("".join(f"{h.address}\t{h.name}.openstacklocal {h.name}\n" for h in known))


class Dnsmasq:
    """One dnsmasq inside `namespace` on `device`; its files are in `room`, which it must have for itself."""

    def __init__(
        self,
        namespace: Netns,
        device: str,
        room: Path,
        hosts: Sequence[Host],
        network: str,
        *,
        fastest: bool = False,
    ) -> None:
        """`network` is the subnet's address. Leases are kept on disk, in a file that is primed as Neutron does it.

        With `fastest`, dnsmasq writes no leases, logs none and does no DNS, which makes it update its cache with each
        lease; nobody runs it so for Neutron. Raises NoDnsmasq.
        """
        program = shutil.which("dnsmasq")
        if program is None:
            raise NoDnsmasq("there is no dnsmasq; make it with: tools/setup-programs peers")
        write_hosts(room, hosts)
        (room / "opts").write_text("tag:subnet-1,option:router,10.0.255.253\n")
        leases = room / "leases"
        until = int(time.time()) + LEASE_SECONDS
        leases.write_text("".join(f"{until} {host.mac} {host.address} * *\n" for host in hosts) if not fastest else "")
        self.command = [
            program,
            "--no-hosts",
            "--no-resolv",
            f"--pid-file={room / 'pid'}",
            f"--dhcp-hostsfile={room / 'host'}",
            f"--addn-hosts={room / 'addn_hosts'}",
            f"--dhcp-optsfile={room / 'opts'}",
            f"--dhcp-leasefile={leases}",
            "--dhcp-match=set:ipxe,175",
            "--dhcp-userclass=set:ipxe6,iPXE",
            "--local-service",
            "--bind-dynamic",
            f"--interface={device}",
            f"--dhcp-range=set:subnet-1,{network},static,255.0.0.0,{LEASE_SECONDS}s",
            "--dhcp-option-force=option:mtu,1500",
            "--dhcp-lease-max=16777216",
            "--conf-file=/dev/null",
            "--domain=openstacklocal",
            *(["--leasefile-ro", "--quiet-dhcp", "--port=0"] if fastest else []),
            "--user=root",  # it would become one that may not exist here
            "--group=root",
            "--keep-in-foreground",
        ]
        self._log = room / "log"
        with namespace.entered(), self._log.open("wb") as log:
            self.started = time.monotonic()
            self._process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.pid = self._process.pid

    def check(self) -> None:
        """Raises NoDnsmasq when it has ended."""
        if self._process.poll() is not None:
            raise NoDnsmasq(f"dnsmasq ended with {self._process.returncode}: {self._log.read_text()[-500:]}")

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()

    def __enter__(self) -> "Dnsmasq":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
