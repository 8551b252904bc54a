"""Neutron as a node's source of intent: the agent, its connection, its reports, and what status says of them."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

import structlog

from netmend.intent import Intent
from netmend.sources.neutron import reports
from netmend.sources.neutron.agent import Agent
from netmend.sources.neutron.configuration import Configuration
from netmend.sources.neutron.last_known import LastKnown
from netmend.sources.neutron.readiness import Readiness
from netmend.sources.neutron.routed_metadata import RoutedMetadata

if TYPE_CHECKING:
    from netmend.sources.neutron.rpc import Server

_RETRY = 2.0  # seconds between tries to reach a broker, or to tell the server what it was not told
_BETWEEN_BATCHES = 0.01  # seconds: ports that become ready together are told together
_LOST = "Reconnected to AMQP server"  # oslo.messaging's driver says so to its log, and to nobody else
log = structlog.get_logger()


class NeutronSource:
    """A Source (netmend.node.intake.source). `state` is the directory where what was last known is kept."""

    def __init__(self, configuration: Configuration, state: Path) -> None:
        self._configuration = configuration
        self._state = state
        self._lock = Lock()
        self._newest: Intent | None = None
        self._given: Intent | None = None
        self._from_disk = False
        self._wake: Callable[[], None] = lambda: None
        self._stopping = Event()
        self._readiness = Readiness()
        self._server: Server | None = None
        self._answered_at: float | None = None
        self._silent: str | None = None  # why the server could not be reached, last time
        self._threads: list[Thread] = []
        self._stop_listening: Callable[[], None] = lambda: None

    @property
    def routed_metadata(self) -> RoutedMetadata | None:
        """For guests behind the L3 agent's routers, where we are the metadata agent."""
        return RoutedMetadata(self._configuration, self._whom_to_ask) if self._configuration.is_metadata_agent else None

    def _whom_to_ask(self) -> "Server":
        if self._server is None or self._silent is not None:
            raise ConnectionError(self._silent or "the server has not answered yet")
        return self._server

    def first(self) -> Intent:
        """What was last known, at once; where nothing is, what the server says, as soon as it does."""
        configuration = self._configuration
        for sentence in configuration.moot:
            log.info("an option has no effect", option=sentence)
        for sentence in configuration.not_honoured:
            log.warning("an option is not honoured", option=sentence)
        self._last_known = LastKnown(self._state / "neutron.sqlite", configuration.policy.host)
        self._agent = Agent(configuration, self._last_known, self._readiness, self._published)
        recalled = self._agent.recall()
        self._begin()
        if recalled is not None:
            self._from_disk = True
            log.info("the last known networks are served", networks=len(recalled.networks), age=self._age())
            self._given = recalled
            return recalled
        if not self._agent.synced.wait(_RETRY):
            log.info("waiting for the server: no networks are known yet", why=self._silent)
            self._agent.synced.wait()
        with self._lock:
            self._given = self._newest or Intent(metadata_proxy=configuration.metadata_proxy)
            expected = self._readiness.take_expected()
        self._readiness.arm(expected, self._given)
        return self._given

    async def follow(self, take: Callable[[Intent], None], problem: Callable[[str | None], None]) -> None:
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(changed.set)

        self._wake = wake
        if self._given is not None:
            self._readiness.arm({}, self._given)
        try:
            while True:
                with self._lock:
                    newest, expected = self._newest, self._readiness.take_expected()
                if newest is not None and newest is not self._given:
                    self._given = newest
                    take(newest)
                if self._given is not None:
                    self._readiness.arm(expected, self._given)
                problem(self._problem())
                await changed.wait()
                changed.clear()
        finally:
            self._end()

    def reload(self) -> None:
        self._agent.sync_soon("netmend was told to look again")

    def served(self, network_id: str) -> None:
        self._readiness.served(network_id)

    def gone(self, network_id: str) -> None:
        self._readiness.gone(network_id)

    def status(self) -> dict[str, Any]:
        agent = self._agent
        now = time.monotonic()
        return {
            "kind": "neutron",
            "host": self._configuration.policy.host,
            "files": [str(file) for file in self._configuration.files],
            "synced": agent.synced.is_set(),
            "age_seconds": self._age(),
            "confirmed_at": agent.confirmed_at,
            "from_disk": self._from_disk and not agent.synced.is_set(),
            "server": {
                "answered_at": self._answered_at,
                "problem": self._silent,
                "calls_seconds": round(self._server.calls_seconds, 3) if self._server else 0.0,
            },
            "counts": dict(agent.counts),
            "notices": agent.counters.notices,
            "syncs": agent.counters.syncs,
            "fetches": agent.counters.fetches,
            "ports_told_ready": self._readiness.told,
            "ports_to_tell": self._readiness.waiting(),
            "memory_problem": self._last_known.problem,
            "troubles": [
                {
                    "network": network_id,
                    "why": trouble.text,
                    "for_seconds": round(now - trouble.since, 3),
                    "failures": trouble.failures,
                }
                for network_id, trouble in agent.troubles.all().items()
            ],
            "networks_not_understood": dict(agent.builder.problems),
            "options_not_sent": {
                port_id: sentence
                for ports in list(agent.builder.options_not_sent.values())
                for port_id, sentence in ports.items()
            },
        }

    def _age(self) -> float | None:
        """Seconds since the server last said that all is as we know it."""
        confirmed = self._agent.confirmed_at
        return None if confirmed is None else round(max(0.0, time.time() - confirmed), 3)

    def _problem(self) -> str | None:
        if self._silent is None:
            return None
        confirmed = self._agent.confirmed_at
        when = "" if confirmed is None else datetime.fromtimestamp(confirmed, UTC).strftime("%Y-%m-%d %H:%M:%S")
        since = f"; what is served is as it was at {when} UTC" if when else ""
        return f"the Neutron server does not answer ({self._silent}){since}"

    def _published(self, intent: Intent) -> None:
        with self._lock:
            self._newest = intent
        self._wake()

    # --- the connection -------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._agent.start()
        logging.getLogger("oslo.messaging._drivers.impl_rabbit").addHandler(_Reconnections(self._lost))
        logging.getLogger("oslo.messaging._drivers.impl_rabbit").setLevel(logging.INFO)
        for name, target in (("reports", self._report_for_ever), ("ready", self._tell_ready)):
            thread = Thread(target=target, name=f"neutron-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _end(self) -> None:
        self._wake = lambda: None
        self._stopping.set()
        self._readiness.close()
        self._agent.stop()
        self._last_known.close()

    def _lost(self) -> None:
        """The connection to a broker was lost and is there again: notifications may have been lost with it."""
        self._agent.sync_soon("the connection to the broker was lost")

    def _connect(self) -> "Server | None":
        """The server, once we listen: nothing that it says after our first question is missed."""
        from netmend.sources.neutron.rpc import Server  # loading oslo.messaging must not delay the first answer

        while not self._stopping.is_set():
            try:
                server = Server(self._configuration.conf, self._configuration.policy.host)
                self._stop_listening = server.listen(self._agent.hear)
            except Exception as error:  # whatever the driver finds wrong with transport_url, or cannot reach
                self._now_silent(f"{type(error).__name__}: {error}")
                self._stopping.wait(_RETRY)
            else:
                self._server = server
                return server
        return None

    def _report_for_ever(self) -> None:
        server = self._connect()
        if server is None:
            return
        interval = self._configuration.conf.AGENT.report_interval or 30.0
        self._agent_reports(server, interval)

    def _agent_reports(self, server: "Server", interval: float) -> None:
        first = {"dhcp": True, "metadata": True}
        connected = False
        while not self._stopping.is_set():
            began = time.monotonic()
            state = reports.dhcp_agent(self._configuration, self._agent.counts)
            verdict = self._report(server, state, first, "dhcp", interval)
            if self._configuration.is_metadata_agent:
                self._report(server, reports.metadata_agent(self._configuration), first, "metadata", interval)
            if verdict is not None:
                if not connected:
                    self._agent.connected(server)  # only now does the server know whom to give networks to
                    connected = True
                elif verdict == "revived":
                    self._agent.sync_soon("the server had taken us for dead")
            wait = interval if verdict is not None else min(_RETRY, interval)
            self._stopping.wait(max(0.0, began + wait - time.monotonic()))

    def _report(
        self, server: "Server", state: Mapping[str, Any], first: dict[str, bool], agent: str, timeout: float
    ) -> str | None:
        """What the server takes us for, None when it did not answer."""
        from netmend.sources.neutron.rpc import ServerError

        try:
            verdict = server.report_state({**state, "start_flag": True} if first[agent] else state, timeout)
        except ServerError as error:
            self._now_silent(str(error))
            return None
        except Exception as error:  # a defect must not end the reports: the server would take us for dead
            self._now_silent(f"defect: {type(error).__name__}: {error}")
            return None
        first[agent] = False
        was_silent, self._silent = self._silent, None
        self._answered_at = time.time()
        if was_silent is not None:
            log.info("the Neutron server answers")
            self._agent.sync_soon("the server did not answer for a while")
            self._wake()
        self._agent.confirm()
        return verdict or "alive"

    def _now_silent(self, why: str) -> None:
        before, self._silent = self._silent, why
        if before is None:
            log.warning("the Neutron server does not answer; what was last known is served", why=why)
        self._wake()

    def _tell_ready(self) -> None:
        from netmend.sources.neutron.rpc import ServerError

        while batch := self._readiness.next_batch():
            if self._server is None:
                self._readiness.put_back(batch)
                self._stopping.wait(_RETRY / 10)
                continue
            try:
                self._server.ready_on_ports(batch)
            except ServerError as error:
                log.warning("the server was not told of ports that are ready", ports=len(batch), why=str(error))
                self._readiness.put_back(batch)
                self._stopping.wait(_RETRY)
            else:
                self._readiness.told += len(batch)
                self._stopping.wait(_BETWEEN_BATCHES)


class _Reconnections(logging.Handler):
    """Hears of connections that were lost and are there again."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__(logging.INFO)
        self._call = call

    def emit(self, record: logging.LogRecord) -> None:
        if _LOST in str(record.msg):
            self._call()
