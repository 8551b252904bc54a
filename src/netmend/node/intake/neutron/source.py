"""Neutron as a node's source of intent: first what was last known, then what the server says."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from netmend.ground.log import get_logger
from netmend.intent import Intent
from netmend.intent.network import OvsWiring
from netmend.node.intake.neutron.connection import RETRY, ServerConnection
from netmend.node.intake.source import ServerSilent, Source
from netmend.sources.neutron.agent import Agent
from netmend.sources.neutron.configuration import Configuration
from netmend.sources.neutron.last_known import LastKnown
from netmend.sources.neutron.readiness import Readiness
from netmend.sources.neutron.routed_metadata import RoutedMetadata

log = get_logger()


class NeutronSource(Source):
    """Follows the Neutron server that `configuration` names."""

    def __init__(self, configuration: Configuration, state: Path) -> None:
        """`state` is the directory that keeps what was last known."""
        self._configuration = configuration
        self._state = state
        self._lock = Lock()
        self._newest: Intent | None = None
        self._given: Intent | None = None
        self._from_disk = False
        self._wake: Callable[[], None] = lambda: None
        self._readiness = Readiness()
        self._asks = False  # the server is asked

    @property
    def routed_metadata(self) -> RoutedMetadata | None:
        """For guests behind the L3 agent's routers, where netmend is the metadata agent. Known from `first` on."""
        if not self._configuration.is_metadata_agent:
            return None
        return RoutedMetadata(self._configuration, self._connection.answering_server)

    def uses_switch(self, intent: Intent) -> bool:
        return isinstance(self._configuration.policy.wiring, OvsWiring)

    def first(self) -> Intent:
        """What was last known, at once; where nothing is, what the server says, as soon as it does."""
        configuration = self._configuration
        for sentence in configuration.moot:
            log.info("an option has no effect", option=sentence)
        for sentence in configuration.not_honoured:
            log.warning("an option is not honoured", option=sentence)
        self._last_known = LastKnown(self._state / "neutron.sqlite", configuration.policy.host)
        self._agent = Agent(configuration, self._last_known, self._readiness, self._published)
        self._connection = ServerConnection(configuration, self._agent, self._readiness, self._server_changed)
        recalled = self._agent.recall()
        self._agent.start()
        self._connection.start()
        self._asks = True
        if recalled is not None:
            self._from_disk = True
            log.info("the last known networks are served", networks=len(recalled.networks), age=self._age())
            self._given = recalled
            return recalled
        if not self._agent.synced.wait(RETRY):
            log.info("waiting for the server: no networks are known yet", why=self._connection.problem)
            self._agent.synced.wait()
        with self._lock:
            self._given = self._newest or Intent(metadata_proxy=configuration.metadata_proxy)
            expected = self._readiness.take_expected()
        self._readiness.arm(expected, self._given)
        return self._given

    def why_waiting(self) -> str | None:
        return self._connection.problem if self._asks else None

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
            self._wake = lambda: None
            self._connection.stop()
            self._readiness.close()
            self._agent.stop()
            self._last_known.close()

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
                "answered_at": self._connection.answered_at,
                "problem": self._connection.problem,
                "calls_seconds": round(self._connection.calls_seconds, 3),
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

    def faults(self) -> list[str]:
        found = [f"network {network_id}: {why}" for network_id, why in dict(self._agent.builder.problems).items()]
        if self._connection.problem is None:  # what the server does not answer is missing while it is away
            found += [f"network {network_id}: {one.text}" for network_id, one in self._agent.troubles.all().items()]
        return [self._last_known.problem, *found] if self._last_known.problem else found

    def _age(self) -> float | None:
        """Seconds since the server last said that what netmend knows is right."""
        confirmed = self._agent.confirmed_at
        return None if confirmed is None else round(max(0.0, time.time() - confirmed), 3)

    def _problem(self) -> ServerSilent | None:
        silent = self._connection.problem
        if silent is None:
            return None
        confirmed = self._agent.confirmed_at
        when = "" if confirmed is None else datetime.fromtimestamp(confirmed, UTC).strftime("%Y-%m-%d %H:%M:%S")
        since = f"; what is served is as it was at {when} UTC" if when else ""
        return ServerSilent(f"the Neutron server does not answer ({silent}){since}")

    def _server_changed(self) -> None:
        self._wake()

    def _published(self, intent: Intent) -> None:
        with self._lock:
            self._newest = intent
        self._wake()
