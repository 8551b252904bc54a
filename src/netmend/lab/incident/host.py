"""One of the two hosts of the incident: a process that has the containers, counts devices, and does as it is told.

Both hosts are set up alike and told the same; one has the stand-in for the old agent where the other has netmend.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Literal, TypedDict

from netmend.intent.names import bridge_name, mac_from_id, namespace_name
from netmend.kernel import links
from netmend.kernel.descriptors import readable
from netmend.kernel.errors import KernelError
from netmend.kernel.netlink import RouteSocket
from netmend.lab.engines.world import EngineMissing, Refused
from netmend.lab.incident import agents
from netmend.lab.incident.containers import Place, place_of
from netmend.lab.incident.device_count import Change, DeviceCount
from netmend.lab.incident.old_agent_log import sudo_line
from netmend.lab.incident.process import Body, Channel, Ended, Process, start_inside
from netmend.lab.incident.setup import Setup, intent_text, netns_path, network, scenario_of
from netmend.lab.scenario.scenario import HOST
from netmend.node.http.status_client import NoNode, ask

SideName = Literal["old_agent", "netmend"]
_SETTLED = 20.0  # seconds for netmend to serve, or to say why it does not
_LOOK = 0.02  # seconds between looks while waiting


class Told(TypedDict):
    """A host's answer: devices now, those that were not there when the last round was over, each change since the last
    answer, what failed, and log lines by container."""

    devices: int
    new: int
    changes: list[Change]
    lost: bool
    failed: str | None
    lines: dict[str, list[str]]
    state: dict[str, Any]


class Side(ABC):
    """A host with its containers; the parts that differ are the agent's."""

    def __init__(self, setup: Setup, place: Place) -> None:
        self.setup = setup
        self.place = place
        self.world = place.world
        self.network = network()
        self.name = namespace_name(self.network.id)
        self.count = DeviceCount()
        self.processes: dict[str, Process] = {}
        self.lines: dict[str, list[str]] = {}
        self.failed: str | None = None

    def begin(self) -> None:
        """What is there before, all containers, whoever makes the name, and the agent; raises Refused, KernelError."""
        if self.setup.before != "none":
            self.world.add(HOST, self.name)
        if self.setup.before == "file":
            self.world.umount(HOST, netns_path(self.name), lazy=False)
        for container in self.setup.propagation:
            self.world.start(container)
        if self.setup.made_by == HOST:
            self._make_on_host()
        for container in sorted(self.setup.propagation, key=lambda name: name == self.setup.used_by):
            self._start_in(container)  # the user last
        self.settle()

    def _make_on_host(self) -> None:
        try:
            self.world.add(HOST, self.name)
            self._log(HOST, [sudo_line(f"/usr/sbin/ip netns add {self.name}")])
        except FileExistsError:
            pass
        except KernelError as error:
            raise Refused(f"ip netns add {self.name} on the host: {error}") from error

    def _start_in(self, container: str) -> None:
        if container == self.setup.used_by:
            body = self.agent()
        elif container == self.setup.made_by:
            body = agents.maker(self.network)
        else:
            return
        process = start_inside(self.place.entrance(container), body, self.keep)
        self.processes[container] = process
        if container != self.setup.used_by:
            self._log(container, process.channel.ask("log")["lines"])

    def restart(self, container: str) -> None:
        """As `docker restart -t 0`; raises Refused."""
        process = self.processes.pop(container, None)
        if process:
            process.kill()
        self.world.restart(container)
        self._start_in(container)

    def end(self) -> None:
        for process in self.processes.values():
            process.kill()

    def told(self) -> Told:
        devices = self.count.look()
        failed, self.failed = self.failed, None
        lines, self.lines = self.lines, {}
        return {
            "devices": devices,
            "new": self.count.new(),
            "changes": self.count.take(),
            "lost": self.count.lost,
            "failed": failed,
            "lines": lines,
            "state": self.state(),
        }

    def _log(self, container: str, lines: list[str]) -> None:
        self.lines.setdefault(container, []).extend(lines)

    keep: tuple[int, ...] = ()  # descriptors that the agent keeps

    @abstractmethod
    def agent(self) -> Body: ...

    @abstractmethod
    def round(self) -> None:
        """One resync interval is over."""

    @abstractmethod
    def settle(self) -> None:
        """Wait until the agent has done what it does after its start."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What the agent says of itself."""


class OldAgentSide(Side):
    """With the stand-in. The bridge is there already: in Neutron another agent makes it."""

    def __init__(self, setup: Setup, place: Place) -> None:
        super().__init__(setup, place)
        self._port: str | None = None
        with RouteSocket() as route:
            links.create_bridge(route, bridge_name(self.network.id), self.network.mtu, 0, mac_from_id(self.network.id))

    def agent(self) -> Body:
        return agents.old_agent(self.network, self._port)

    def round(self) -> None:
        report = self.processes[self.setup.used_by].channel.ask("resync")
        self._port = report["port"]
        self.failed = report["failed"]
        self._log(self.setup.used_by, report["lines"])

    def settle(self) -> None:
        """The first synchronisation; that of a restart belongs to its round."""
        self.round()

    def state(self) -> dict[str, Any]:
        return {}


class NetmendSide(Side):
    """With netmend, which needs no telling: it hears of changes, and looks again by itself."""

    def __init__(self, setup: Setup, place: Place, log: int) -> None:
        super().__init__(setup, place)
        self.keep = (log,)
        self._intent = intent_text()

    def agent(self) -> Body:
        return agents.netmend(self._intent, self.keep[0])

    def round(self) -> None: ...

    def settle(self) -> None:
        deadline = time.monotonic() + _SETTLED
        while not self._is_settled() and time.monotonic() < deadline:
            self.count.hear()
            time.sleep(_LOOK)

    def _is_settled(self) -> bool:
        return bool(self.state().get("settled"))

    def state(self) -> dict[str, Any]:
        process = self.processes.get(self.setup.used_by)
        if process is None:
            return {}
        try:
            status = ask(self.place.root_of(process.pid) / "run/netmend/netmend.sock")
        except NoNode as error:
            return {"settled": False, "state": "not up", "why": str(error)}
        state = status["networks"][0]["state"]
        breaker, reasons = status["breaker"], [reason["reason"] for reason in status["reasons"]]
        said = {"state": state, "reasons": reasons, "settled": state != "waiting" or breaker["open"]}
        if breaker["open"]:
            said |= {"state": "stopped by a fault of the host", **{k: breaker[k] for k in ("fault", "cause", "mend")}}
        return said


def serve(setup: Setup, side: SideName, log: int, channel: Channel) -> None:
    """The life of a host: one answer a message, links heard between. Ends with the channel.

    Messages: ``begin``, ``round``, ``settle``, ``["restart", container]``, ``end``. An answer is a Told, or a text that
    says why it cannot be done.
    """
    try:
        with place_of(scenario_of(setup, "incident")) as place:
            host = OldAgentSide(setup, place) if side == "old_agent" else NetmendSide(setup, place, log)
            try:
                _answer(host, channel)
            finally:
                host.end()
    except (EngineMissing, Refused, KernelError) as error:
        channel.send(str(error))


def _answer(host: Side, channel: Channel) -> None:
    actions: dict[str, Callable[[], None]] = {"begin": host.begin, "round": host.round, "settle": host.settle}
    while True:
        ready = readable(channel.fileno(), host.count.fileno())
        if host.count.fileno() in ready:
            host.count.hear()
        if channel.fileno() not in ready:
            continue
        message = channel.receive()
        if message == "end":
            return
        try:
            if isinstance(message, list):
                host.restart(message[1])
            else:
                actions[message]()
        except Ended:
            channel.send("an agent of the incident ended by itself; what it said last is above")
            return
        channel.send(host.told())
