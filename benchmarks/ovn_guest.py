"""A guest that boots beside an agent of OVN's: its first metadata, and the requests after it.

The switch has no datapath here, so the guest's device is made on that of its network's metadata port, where the switch
would have brought its packets.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

from tests.ovn.agent import get
from tests.ovn.central import Guest, network_id
from tests.waiting import wait_for

from netmend.kernel import links
from netmend.kernel.addresses import add_address
from netmend.kernel.errors import KernelError
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.routes import add_route

REQUESTS = 60
PATIENCE = 120.0  # seconds
_DEVICE = "eth0"


@contextmanager
def nova() -> Iterator[None]:
    """In Nova's place, where both agents look for it, in a process of its own."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.nova_stand_in", "8775", "secret"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def until_answered(guest: Guest, began: float) -> tuple[float, float]:
    """Seconds from `began`, when its port was bound, until the guest has its metadata; and those that as many requests
    take as a guest sends while it boots, one after the other, each by a connection of its own."""
    with Netns.create("booting") as made:  # in which this thread is, until the end of the block
        place = made.duplicate()
    with place:
        wait_for(lambda: _connect(guest, place), "the device of the metadata port", seconds=PATIENCE, every=0.005)
        wait_for(lambda: _asked(place), "metadata", seconds=PATIENCE, every=0.005)
        first = time.monotonic() - began
        began = time.monotonic()
        for _ in range(REQUESTS):
            status, _ = get(place)
            if status != 200:
                raise RuntimeError(f"the guest was answered {status}")
        return first, time.monotonic() - began


def _connect(guest: Guest, place: Netns) -> bool:
    """Whether the guest's device could be made, with its address and the route that OVN's DHCP would give it."""
    with RouteSocket() as route:
        parent = links.find_link(route, f"tap{network_id(guest.network)[:10]}0")
        if parent is None:
            return False
        try:
            links.create_macvlan(route, _DEVICE, parent, place, mac=guest.mac, mtu=1400)
        except KernelError:  # the agent has taken it away meanwhile
            return False
    with place.entered(), RouteSocket() as inside:
        device = links.find_link(inside, _DEVICE)
        if device is None:
            return False
        links.set_link(inside, device, up=True)
        # Unlike a guest, which waits for a second before it asks again, so that the agent is measured, and not that.
        Path(f"/proc/sys/net/ipv4/neigh/{_DEVICE}/retrans_time_ms").write_text("10")
        add_address(inside, device, IPv4Interface(f"{guest.ips[0]}/24"))
        add_route(inside, device, IPv4Network("169.254.169.254/32"), IPv4Address("10.0.0.2"))
    return True


def _asked(place: Netns) -> bool:
    """Whether there is metadata; what nobody takes up at once is not waited for."""
    try:
        with place.entered():
            connection = socket.create_connection(("169.254.169.254", 80), 0.02)
        with connection:
            connection.settimeout(PATIENCE)
            connection.sendall(b"GET /openstack/latest/meta_data.json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return connection.recv(16).split()[1:2] == [b"200"]
    except OSError:
        return False
