"""Namespaces of guests, and intent for them."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyroute2 import IPRoute
from tests.waiting import wait_for

from netmend.kernel import links, netns, nsdir
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns

Document = dict[str, Any]


def make_guest(name: str) -> Netns:
    """A named namespace with its loopback up; it lives as long as the sandbox."""
    nsdir.prepare()
    with Netns.create(name) as guest, RouteSocket() as route:
        links.set_link(route, links.LOOPBACK, up=True)
    netns.pin(guest, f"{nsdir.DEFAULT}/{name}", "a guest of a test")
    return guest


def wait_for_device(guest: Netns, device: str = "eth0") -> links.Link:
    """The guest's device, once it is there and up."""

    def look() -> links.Link | None:
        with guest.entered(), RouteSocket() as route:
            found = links.find_link(route, device)
        return found if found and found.up else None

    return wait_for(look, f"{device} in {guest.label}")


def run_in(guest: Netns, *command: str) -> str:
    """Run a command in the namespace; its standard output. Raises CalledProcessError."""
    with guest.entered():
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def unreachable(guest: Netns, address: str, device: str = "eth0") -> Iterator[None]:
    """Let the guest believe, while the block runs, that `address` is at a MAC that nobody has."""
    entry = {"dst": address, "lladdr": "02:00:00:00:00:99", "state": "permanent"}
    with guest.entered(), IPRoute() as route:
        index = route.link_lookup(ifname=device)[0]
        route.neigh("replace", ifindex=index, **entry)
        try:
            yield
        finally:
            route.neigh("del", ifindex=index, **entry)


def port(name: str, mac: str, *addresses: str, **more: Any) -> Document:
    """A port of an intent file, plugged into the namespace that bears its name."""
    return {"name": name, "mac": mac, "fixed_ips": list(addresses), "plug": {"netns": name}, **more}


def network(name: str, *ports: Document, cidr: str = "10.20.0.0/24", **subnet: Any) -> Document:
    """A network of an intent file with one subnet; netmend itself is .2 in it."""
    base = cidr.rpartition(".")[0]
    fields = {"cidr": cidr, "gateway": f"{base}.1", "server_address": f"{base}.2", **subnet}
    return {"name": name, "subnets": [fields], "ports": list(ports)}
