"""Guests for a lab: each a network namespace with a name, into which a node plugs a port."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from netmend.intent.network import Intent, Network
from netmend.intent.port import NetnsPlug, Port
from netmend.kernel import links, netns, nsdir
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.lab.demo.dhcp_client import Client, Lease, RunningClient

_MARK = "a guest of netmend's lab"
_POLL = 0.005  # seconds between two looks


@dataclass(slots=True)
class Guest:
    """One guest: a port, and the namespace that it is plugged into."""

    network: Network
    port: Port
    device: str  # its name in the namespace
    namespace: Netns
    started: float = 0.0  # when its client was, in seconds since the epoch
    client: RunningClient | None = field(default=None, repr=False)  # None: not started yet

    @property
    def lease(self) -> Lease | None:
        return self.client.lease() if self.client else None

    @property
    def may_have_lease(self) -> bool:
        """Whether intent gives it an address. Where not, silence is the right answer to its client."""
        return bool(self.port.fixed_ips) or any(subnet.dynamic for subnet in self.network.subnets)

    def is_plugged(self) -> bool:
        """Whether the node has put the guest's device into its namespace, and up; raises KernelError."""
        with self.namespace.entered(), RouteSocket() as route:
            link = links.find_link(route, self.device)
        return link is not None and link.up

    def close(self) -> None:
        if self.client:
            self.client.close()
        self.namespace.close()


def guests_of(intent: Intent) -> list[tuple[Network, Port, NetnsPlug]]:
    """The ports that can have guests here: those plugged into a namespace by name."""
    return [
        (network, port, port.plug)
        for network in intent.networks.values()
        for port in network.ports.values()
        if isinstance(port.plug, NetnsPlug)
    ]


def make_guests(intent: Intent, directory: str) -> list[Guest]:
    """A namespace, pinned in `directory`, for each name that a port is plugged into; raises KernelError."""
    nsdir.prepare(directory)
    made: dict[str, Netns] = {}
    guests = []
    for network, port, plug in guests_of(intent):
        if plug.netns in made:
            namespace = made[plug.netns].duplicate()
        else:
            with Netns.create(plug.netns) as namespace, RouteSocket() as route:
                links.set_link(route, links.LOOPBACK, up=True)
            netns.pin(namespace, f"{directory}/{plug.netns}", _MARK)
            made[plug.netns] = namespace
        guests.append(Guest(network, port, plug.device, namespace))
    return guests


def start_client(guest: Guest, client: Client, directory: Path) -> None:
    """Start `client` on the guest's device, with its files under `directory`."""
    guest.started = time.time()
    guest.client = RunningClient(client, guest.namespace, guest.device, directory / guest.port.id)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Look until `condition` holds, for at most so long; whether it does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True
