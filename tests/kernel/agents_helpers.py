"""dnsmasqs as Neutron's agents start them, in a sandbox."""

import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

from tests.kernel.doctor.hosts import ip, share_run

DNSMASQ = shutil.which("dnsmasq")


class Helpers:
    """dnsmasqs as Neutron's agent starts them, until the sandbox ends."""

    def __init__(self) -> None:
        share_run()
        self.started: list[subprocess.Popen[str]] = []

    def network(self, *, port: bool) -> str:
        """A namespace called after an id, with an address on its loopback, and a port of its own or none."""
        owner = str(uuid4())
        ip("netns", "add", f"qdhcp-{owner}")
        ip("-n", f"qdhcp-{owner}", "link", "set", "lo", "up")
        if port:
            ip("-n", f"qdhcp-{owner}", "link", "add", "ns-1", "type", "bridge")
            ip("-n", f"qdhcp-{owner}", "link", "set", "ns-1", "up")
        return owner

    def serve(self, owner: str) -> int:
        """Start a dnsmasq for the network; returns its pid once it serves."""
        home = Path("/run/dhcp", owner)
        home.mkdir(parents=True, exist_ok=True)
        words = ["ip", "netns", "exec", f"qdhcp-{owner}", str(DNSMASQ), "--no-daemon", f"--pid-file={home}/pid"]
        words += ["--interface=lo", "--bind-dynamic", "--dhcp-range=127.0.0.2,127.0.0.9", "--no-resolv", "--no-hosts"]
        words += [f"--dhcp-leasefile={home}/leases", "--conf-file=/dev/null", "--port=0"]
        made = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.started.append(made)
        assert made.stderr is not None
        said = iter(made.stderr.readline, "")
        assert any("DHCP, IP range" in line for line in said), "dnsmasq ended"
        return made.pid
