"""The connection to a Neutron server: made, kept, and used to report that netmend lives and which ports are ready."""

import logging
import time
from collections.abc import Callable, Mapping
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

from netmend.ground.log import get_logger
from netmend.sources.neutron import reports
from netmend.sources.neutron.configuration import Configuration
from netmend.sources.neutron.readiness import Readiness

if TYPE_CHECKING:
    from netmend.sources.neutron.agent import Agent
    from netmend.sources.neutron.rpc import Server

RETRY: Final = 2.0  # seconds between tries to reach a broker, or to report to the server what it has not heard
_BETWEEN_BATCHES: Final = 0.01  # seconds: ports that become ready together are reported together
_LOST: Final = "Reconnected to AMQP server"  # oslo.messaging's driver says so in its log, and nowhere else
log = get_logger()


class ServerConnection:
    """Two threads: one connects and reports the state of the agents, the other reports which ports are ready."""

    def __init__(
        self, configuration: Configuration, agent: "Agent | None", readiness: Readiness, changed: Callable[[], None]
    ) -> None:
        """`agent` follows the server's networks; None: this is neutron-metadata-agent alone. `changed` is called, in
        any thread, when the server falls silent or answers again."""
        self._configuration, self._agent, self._readiness, self._changed = configuration, agent, readiness, changed
        self._stopping = Event()
        self._server: Server | None = None
        self._threads: list[Thread] = []
        self._stop_listening: Callable[[], None] = lambda: None
        self.answered_at: float | None = None  # seconds since the epoch
        self.problem: str | None = None  # why the server could not be reached, last time

    @property
    def calls_seconds(self) -> float:
        """Seconds spent in calls to the server."""
        return self._server.calls_seconds if self._server else 0.0

    def answering_server(self) -> "Server":
        """The server; raises ConnectionError while it is silent."""
        if self._server is None or self.problem is not None:
            raise ConnectionError(self.problem or "the server has not answered yet")
        return self._server

    def start(self) -> None:
        """Start the threads; what the server says then goes to the agent."""
        driver = logging.getLogger("oslo.messaging._drivers.impl_rabbit")
        driver.addHandler(_Reconnections(self._lost))
        driver.setLevel(logging.INFO)
        threads = {"reports": self._report_for_ever, "ready": self._report_ready}
        if self._agent is None:
            del threads["ready"]
        for name, target in threads.items():
            thread = Thread(target=target, name=f"netmend-neutron-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Let the threads end; calls under way are not waited for."""
        self._stopping.set()

    def _lost(self) -> None:
        """The connection to a broker was lost and is there again: notifications may have been lost with it."""
        self._sync_soon("the connection to the broker was lost")

    def _sync_soon(self, why: str) -> None:
        if self._agent is not None:
            self._agent.sync_soon(why)

    def _connect(self) -> "Server | None":
        """The server, once its notifications are listened to: none that follows the first question is missed."""
        from netmend.sources.neutron.rpc import Server  # loading oslo.messaging must not delay the first answer

        while not self._stopping.is_set():
            try:
                server = Server(self._configuration.conf, self._configuration.policy.host)
                if self._agent is not None:
                    self._stop_listening = server.listen(self._agent.hear)
            except Exception as error:  # whatever the driver finds wrong with transport_url, or cannot reach
                self._now_silent(f"{type(error).__name__}: {error}")
                self._stopping.wait(RETRY)
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
            verdict = None
            if self._agent is not None:
                state = reports.dhcp_agent(self._configuration, self._agent.counts)
                verdict = self._report(server, state, first, "dhcp", interval)
            if self._configuration.is_metadata_agent:
                as_metadata_agent = reports.metadata_agent(self._configuration)
                said = self._report(server, as_metadata_agent, first, "metadata", interval)
                verdict = said if self._agent is None else verdict
            if verdict is not None and self._agent is not None:
                if not connected:
                    self._agent.connected(server)  # only now does the server know this agent, and gives it networks
                    connected = True
                elif verdict == "revived":
                    self._agent.sync_soon("the server had taken us for dead")
            wait = interval if verdict is not None else min(RETRY, interval)
            self._stopping.wait(max(0.0, began + wait - time.monotonic()))

    def _report(
        self, server: "Server", state: Mapping[str, Any], first: dict[str, bool], agent: str, timeout: float
    ) -> str | None:
        """The state in which the server now sees the agent ("alive", "new", "revived"); None when it did not answer."""
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
        was_silent, self.problem = self.problem, None
        self.answered_at = time.time()
        if was_silent is not None:
            log.info("the Neutron server answers")
            self._sync_soon("the server did not answer for a while")
            self._changed()
        if self._agent is not None:
            self._agent.confirm()
        return verdict or "alive"

    def _now_silent(self, why: str) -> None:
        before, self.problem = self.problem, why
        if before is None:
            log.warning("the Neutron server does not answer; what was last known is served", why=why)
        self._changed()

    def _report_ready(self) -> None:
        from netmend.sources.neutron.rpc import ServerError

        while batch := self._readiness.next_batch():
            if self._server is None:
                self._readiness.put_back(batch)
                self._stopping.wait(RETRY / 10)
                continue
            try:
                self._server.ready_on_ports(batch)
            except ServerError as error:
                log.warning("the server was not told of ports that are ready", ports=len(batch), why=str(error))
                self._readiness.put_back(batch)
                self._stopping.wait(RETRY)
            else:
                self._readiness.told += len(batch)
                self._stopping.wait(_BETWEEN_BATCHES)


class _Reconnections(logging.Handler):
    """Calls when a connection that was lost is there again."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__(logging.INFO)
        self._call = call

    def emit(self, record: logging.LogRecord) -> None:
        if _LOST in str(record.msg):
            self._call()
