"""The demo: isolated networks, guests with real DHCP clients and the real node, in a sandbox.

`prepare` looks at what the machine has, outside; `run` does the rest, inside, and calls a `Show` at each step.
"""

import errno
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from netmend.intent.names import DEVICE_GROUPS, Mark
from netmend.intent.network import Intent, Network
from netmend.intent.port import NoPlug
from netmend.kernel import links, mounts, nsdir, sandbox
from netmend.kernel.errors import KernelError
from netmend.kernel.netlink import RouteSocket
from netmend.lab.demo import isolation
from netmend.lab.demo.dhcp_client import Client, NoClient, find_client
from netmend.lab.demo.guest import Guest, guests_of, make_guests, start_client, wait_until
from netmend.lab.demo.isolation import Finding
from netmend.lab.demo.node_process import NodeFailed, NodeProcess
from netmend.lab.demo.outside import HostPids, Outside, listen_on_loopback
from netmend.lab.demo.services import NOTHING, NoProgram, Programs, Services, ask_for_services, find_programs
from netmend.lab.demo.world import World
from netmend.lab.demo.world import look as look_at_routing
from netmend.node.http.status_client import NoNode
from netmend.sources.file import load

EXAMPLE = Path(str(files("netmend.lab.demo") / "routed-networks.yaml"))
_DIRECTORY = Path("/run/netmend-demo")  # in the sandbox's own tmpfs
_SERVING = 30.0  # seconds for the node to serve every network
_PLUGGED = 30.0  # seconds for the node to plug every guest
_LEASED = 30.0  # seconds for every guest to have a lease


class CannotRun(Exception):
    """The demo cannot run on this machine, or with this file; the text is one sentence that says what to change."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was found before the sandbox was entered."""

    config: Path
    intent: Intent
    client: Client
    programs: Programs


@dataclass(frozen=True, slots=True)
class Served:
    """What became of one guest."""

    guest: Guest
    seconds: float | None  # from its client's start to its lease; None: it has none
    problem: str | None  # None: it got what the file says
    services: Services = NOTHING


@dataclass(frozen=True, slots=True)
class Devices:
    """How many devices a network has on the sandbox's host."""

    wanted: int  # by intent
    found: int  # that bear netmend's mark


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that the demo found."""

    prepared: Prepared
    status: dict[str, Any]
    served: tuple[Served, ...]
    findings: tuple[Finding, ...]
    devices: Mapping[str, Devices]  # by network id, as `count_devices` gives them
    routing: tuple[Finding, ...] = ()  # of what routers are for

    @property
    def held(self) -> bool:
        """Whether isolation held, in all that was tried."""
        return bool(self.findings) and all(finding.held for finding in self.findings)

    @property
    def ok(self) -> bool:
        """Whether every guest was served, isolation held, and there are exactly the devices that intent asks for."""
        served = all(served.problem is None for served in self.served)
        routed = all(finding.held for finding in self.routing)
        return served and self.held and routed and all(found.wanted == found.found for found in self.devices.values())


class Show(Protocol):
    """Shows what happens, as it happens."""

    def node_serves(self, prepared: Prepared, status: dict[str, Any]) -> None: ...

    def guests_served(self, served: Sequence[Served]) -> None: ...

    def isolation(self, findings: Sequence[Finding]) -> None: ...

    def routing(self, findings: Sequence[Finding]) -> None:
        """Who reaches whom by way of routers; not called without one."""

    def finished(self, outcome: Outcome) -> None: ...

    def failed(self, why: str) -> None: ...

    def things_to_try(self, things: Sequence[tuple[str, str]]) -> None:
        """What can be tried from another terminal, and the line for it; not called with `once`."""

    def live(self, node: NodeProcess, intent: Intent) -> None:
        """Show what the node does until KeyboardInterrupt; not called with `once`."""

    def ended(self) -> None:
        """The sandbox is gone, whatever has ended it; called outside."""


def prepare(config: Path | None) -> Prepared:
    """Read the intent file and find a DHCP client; raises IntentError, CannotRun."""
    path = (config or EXAMPLE).resolve()
    intent = load(path)
    if not guests_of(intent):
        raise CannotRun(
            f"{config}: no port is plugged into a namespace by name (plug: {{netns: NAME}}), so no guest can be"
        )
    if path.is_relative_to("/run") or path.is_relative_to("/proc"):
        raise CannotRun(
            f"{config}: the sandbox has a /run and a /proc of its own; copy the file elsewhere, to /tmp say"
        )
    try:
        networks = [network for network, _, _ in guests_of(intent)]
        return Prepared(path, intent, find_client(), find_programs(networks))
    except (NoClient, NoProgram) as error:
        raise CannotRun(str(error)) from None


def run(prepared: Prepared, show: Show, *, once: bool) -> int:
    """Run the demo in a sandbox of its own; 0 when all is well, else 1. Raises CannotRun.

    The process must have one thread. Nothing of the sandbox outlives this process, however it ends.
    """
    signal.signal(signal.SIGTERM, _terminated)
    outside = None if once else Outside(HostPids(), listen_on_loopback())
    try:
        return sandbox.run(lambda: _inside(prepared, show, outside))
    except sandbox.SandboxUnavailable as error:
        raise CannotRun(str(error)) from None
    finally:
        if outside is not None:
            outside.close()
        show.ended()


def _terminated(number: int, _: FrameType | None) -> None:
    """End as by `exit`, so that the terminal is put right; the sandbox ends with this process."""
    raise SystemExit(128 + number)


def _inside(prepared: Prepared, show: Show, outside: Outside | None) -> int:
    try:
        _protect_files()
        with ExitStack() as stack:
            outcome = _serve(prepared, show, stack, outside)
    except (KernelError, NodeFailed, NoNode) as error:
        show.failed(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0 if outcome.ok else 1


def _protect_files() -> None:
    """Make the host's files read-only in the sandbox, where the kernel can (Linux 5.12)."""
    try:
        mounts.make_read_only("/", except_for=("/run", "/proc"))
    except KernelError as error:
        if error.code != errno.ENOSYS:
            raise


def _serve(prepared: Prepared, show: Show, stack: ExitStack, outside: Outside | None) -> Outcome:
    page_port = outside.page_port if outside else None
    nsdir.prepare(nsdir.DEFAULT)
    world = World(prepared.intent, nsdir.DEFAULT) if prepared.intent.routers else None
    if world is not None:
        stack.callback(world.close)
    node = stack.enter_context(NodeProcess(prepared.config, _DIRECTORY / "node", nsdir.DEFAULT, page_port))
    show.node_serves(prepared, node.wait_until_serving(_SERVING))
    guests = make_guests(prepared.intent, nsdir.DEFAULT)
    for guest in guests:
        stack.callback(guest.close)
    served = _lease(guests, prepared.client, prepared.programs, node)
    show.guests_served(served)
    findings = tuple(isolation.look(guests)) if any(guest.lease for guest in guests) else ()
    show.isolation(findings)
    routing = tuple(look_at_routing(world, guests)) if world is not None else ()
    if world is not None:
        show.routing(routing)
    outcome = Outcome(prepared, node.status(), served, findings, count_devices(prepared.intent), routing)
    show.finished(outcome)
    if outside is not None:
        show.things_to_try(outside.things_to_try(guests, nsdir.DEFAULT))
        with suppress(KeyboardInterrupt):
            show.live(node, prepared.intent)
    return outcome


def _lease(guests: Sequence[Guest], client: Client, programs: Programs, node: NodeProcess) -> tuple[Served, ...]:
    """Start every guest's client once its device is there, wait for the leases, and ask for what there is beside."""
    waiting = list(guests)

    def start_plugged() -> bool:
        for guest in [guest for guest in waiting if guest.is_plugged()]:
            start_client(guest, client, _DIRECTORY / "guests")
            waiting.remove(guest)
        return not waiting

    wait_until(start_plugged, _PLUGGED)
    wait_until(lambda: all(guest.lease for guest in guests if guest.client and guest.may_have_lease), _LEASED)
    served = tuple(_served(guest, node) for guest in guests)
    with ThreadPoolExecutor(len(guests)) as pool:
        return tuple(pool.map(lambda found: _with_services(found, programs), served))


def _with_services(found: Served, programs: Programs) -> Served:
    if found.seconds is None:
        return found
    services = ask_for_services(found.guest, programs)
    return replace(found, services=services, problem="; ".join(services.problems) or None)


def _served(guest: Guest, node: NodeProcess) -> Served:
    if guest.client is None:
        reasons = node.status(guest.network.id)["reasons"]
        why = next((reason["reason"] for reason in reasons if reason["port"] == guest.port.id), "no reason is given")
        return Served(guest, None, f"the node did not plug it: {why}")
    lease = guest.lease
    if lease is None and not guest.may_have_lease:
        return Served(guest, None, None)
    if lease is None:
        return Served(guest, None, f"its client got no lease and said: {guest.client.last_words()}")
    if not guest.may_have_lease or (guest.port.fixed_ips and lease.address.ip not in guest.port.fixed_ips):
        wanted = ", ".join(map(str, guest.port.fixed_ips)) or "none"
        return Served(guest, None, f"it was given {lease.address.ip}, and intent says {wanted}")
    return Served(guest, max(0.0, lease.at - guest.started), None)


def count_devices(intent: Intent) -> dict[str, Devices]:
    """Count devices on the host by network id, those of ours that are no network's, such as ends of routers' uplinks,
    under ""; raises KernelError."""
    with RouteSocket() as route:
        found = links.dump_chosen_links(route, DEVICE_GROUPS, ())
    marks = (Mark.parse(link.alias) for link in found)
    by_network = Counter(mark.network_id if mark and mark.network_id in intent.networks else "" for mark in marks)
    counted = {network.id: Devices(_wanted(network), by_network[network.id]) for network in intent.networks.values()}
    uplinks = sum(router.uplink is not None for router in intent.routers.values())
    return counted | {"": Devices(uplinks, by_network[""])}


def _wanted(network: Network) -> int:
    """A bridge, netmend's own port where there is a subnet, and one for each port that it plugs, routers' too."""
    plugged = sum(not isinstance(port.plug, NoPlug) for port in network.ports.values())
    return 1 + network.is_served + len(network.router_ports) + plugged
