"""A guest that asks for metadata with curl, over the way that DHCP tells."""

import subprocess
from ipaddress import IPv4Network

from tests.peers.clients import Udhcpc
from tests.peers.guests import run_in

from netmend.kernel.netns import Netns

BASE = "http://169.254.169.254"


def connect(guest: Netns) -> None:
    """Get a lease, and set the routes that come with it."""
    client = Udhcpc(guest)
    record = client.get()
    routes = client.routes(record)
    assert routes[IPv4Network("169.254.169.254/32")] == "10.20.0.2"
    for destination, nexthop in routes.items():
        run_in(guest, "busybox", "ip", "route", "add", str(destination), "via", nexthop)


def curl(guest: Netns, path: str, *arguments: str, base: str = BASE) -> tuple[int, str]:
    """Status and body."""
    command = ["curl", "-sS", "-m", "10", "-o", "-", "-w", "\n%{http_code}", *arguments, base + path]
    with guest.entered():
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body
