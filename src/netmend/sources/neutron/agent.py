"""The agent: keeps what it knows of its networks in step with the server, and gives intents.

One thread (`neutron`) owns the cache and all decisions; what it does is in a queue of calls. Calls to the server are
made by a few workers beside it and come back as entries of the queue. Notifications only say where to look again.
"""

import queue
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Event, Thread
from typing import Any

from netmend.ground.log import get_logger
from netmend.intent import Intent
from netmend.sources.neutron.cache import NetworkCache
from netmend.sources.neutron.calls import Calls
from netmend.sources.neutron.configuration import Configuration
from netmend.sources.neutron.dhcp_scopes import DhcpScope, dhcp_scopes
from netmend.sources.neutron.intents import IntentBuilder
from netmend.sources.neutron.last_known import LastKnown
from netmend.sources.neutron.names import WITHOUT_DHCP, Raw
from netmend.sources.neutron.notices import (
    LEAST_PRIORITY,
    URGENT,
    AgentUpdated,
    LookAtNetwork,
    NetworkGone,
    Notice,
    PortGone,
    PortTold,
)
from netmend.sources.neutron.own_ports import is_to_ask
from netmend.sources.neutron.readiness import Readiness
from netmend.sources.neutron.riddles import riddle_of_network, riddle_of_port, sorted_out
from netmend.sources.neutron.rpc import NOT_FOUND, Server, ServerError
from netmend.sources.neutron.troubles import Troubles

_GATHER = 0.005  # seconds from a notification to what is done about it: they come in crowds
_SAVE_EVERY = 1.0  # seconds
_VERIFY_AFTER = 30.0  # seconds without news of a network after a notice of its ports, until it is asked for once
_REMIND_AFTER = 30.0  # seconds from telling of a network's ports to telling again of those that are still not ACTIVE
_IDLE = 60.0  # seconds
log = get_logger()


@dataclass(slots=True)
class Counters:
    """Since the start, for status."""

    notices: int = 0
    syncs: int = 0  # calls of get_active_networks_info
    fetches: int = 0  # calls of get_network_info


class Agent:
    """`publish` is called in the agent's thread, with the intent that is new or has ports to be told of; `readiness` is
    told of those first."""

    def __init__(
        self,
        configuration: Configuration,
        last_known: LastKnown,
        readiness: Readiness,
        publish: Callable[[Intent], None],
    ) -> None:
        self._configuration = configuration
        self._host = configuration.policy.host
        self._last_known = last_known
        self._readiness = readiness
        self._publish = publish
        self._actions: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stopping = False
        self._calls = Calls(self._host, configuration.conf.num_sync_threads, self)
        self._cache = NetworkCache()
        self._changed: set[str] = set()  # networks whose intent is to be made anew
        self._unsaved: set[str] = set()
        self._saved = 0.0
        self._dirty: dict[str, int] = {}  # networks to fetch, and how urgently
        self._fetching: set[str] = set()
        self._discard: set[str] = set()  # networks that went while they were fetched, or while all were
        self._verify: dict[str, float] = {}
        self._remind: dict[str, float] = {}
        self._sync_wanted = True
        self._syncing = False
        self._sync_at = 0.0
        self.synced = Event()  # once all networks have been described, at least once
        self.confirmed_at: float | None = None  # seconds since the epoch: when all was known to be so
        self.counts = self._cache.counts()
        self.counters = Counters()
        self.troubles = Troubles()
        self.builder = IntentBuilder(configuration.policy, configuration.metadata_proxy)
        self._thread = Thread(target=self._run, name="netmend-neutron", daemon=True)

    def recall(self) -> Intent | None:
        """The intent last known, from the disk; None without one. Call it before `start`."""
        networks, self.confirmed_at = self._last_known.read()
        for network_id, raw in networks.items():
            self._cache.fetched(network_id, raw)
            self.builder.put(network_id, raw)
        self.counts = self._cache.counts()
        return self.builder.build() if self.confirmed_at is not None else None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._actions.put(lambda: None)
        if self._thread.is_alive():
            self._thread.join()
        self._calls.stop()

    # --- from other threads ---------------------------------------------------------------------------------------

    def connected(self, server: Server) -> None:
        """There is a server to ask."""

        def use() -> None:
            self._calls.server = server

        self._actions.put(use)

    def hear(self, notice: Notice) -> None:
        self._actions.put(partial(self._hear, notice))

    def sync_soon(self, why: str) -> None:
        """Ask for all networks again: a notification may have been missed."""

        def want() -> None:
            log.info("all networks are asked for", why=why)
            self._sync_wanted, self._sync_at = True, 0.0

        self._actions.put(want)

    def all_told(self, known: list[str], networks: list[dict[str, Any]] | ServerError) -> None:
        self._actions.put(partial(self._all_told, known, networks))

    def one_told(self, network_id: str, answer: dict[str, Any] | ServerError | None) -> None:
        self._actions.put(partial(self._one_told, network_id, answer))

    def confirm(self) -> None:
        """The server has answered just now; if nothing is pending, all that we know is so."""
        self._actions.put(self._confirm)

    # --- in the agent's thread ------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            try:
                action = self._actions.get(timeout=max(0.0, self._next_due() - time.monotonic()))
            except queue.Empty:
                pass
            else:
                time.sleep(_GATHER)
                while True:
                    self._guarded(action)
                    try:
                        action = self._actions.get_nowait()
                    except queue.Empty:
                        break
            self._guarded(self._tell_again)
            self._guarded(self._make_intent)
            self._guarded(self._start_calls)
            self._guarded(self._save)

    def _guarded(self, action: Callable[[], None]) -> None:
        """A defect in the treatment of one thing must not end the treatment of all others."""
        try:
            action()
        except Exception as error:
            log.exception("defect in the Neutron agent")
            self.troubles.note("*", f"defect: {type(error).__name__}: {error}", time.monotonic())
            self._sync_wanted, self._sync_at = True, time.monotonic() + self._configuration.conf.resync_interval

    def _next_due(self) -> float:
        now = time.monotonic()
        due = [now + _IDLE, *self._verify.values(), *self._remind.values()]
        if self._sync_wanted and not self._syncing and self._calls.server:
            due.append(self._sync_at)
        if self._unsaved:
            due.append(self._saved + _SAVE_EVERY)
        retry = self.troubles.next_try()
        if retry is not None:
            due.append(retry)
        return min(due)

    def _hear(self, notice: Notice) -> None:
        self.counters.notices += 1
        now = time.monotonic()
        match notice:
            case AgentUpdated():
                self._sync_wanted, self._sync_at = True, 0.0
            case LookAtNetwork(priority, network_id, subnet_id):
                network_id = network_id or self._cache.network_of_subnet(subnet_id or "")
                if network_id:
                    self._look_at(network_id, priority)
            case NetworkGone(_, network_id):
                if network_id in self._fetching or self._syncing:
                    self._discard.add(network_id)
                self._forget(network_id)
            case PortTold() if riddle_of_port(notice.port) is None:
                self._port_told(notice, now)
            case PortTold():
                self._sync_wanted, self._sync_at = True, 0.0
            case PortGone(priority, port_id, network_id):
                raw = self._cache.port(network_id, port_id)
                if self._cache.port_gone(port_id, network_id, now):
                    self._changed.add(network_id)
                    self._verify[network_id] = now + _VERIFY_AFTER
                    if raw is not None and self._own_scope(network_id, raw):
                        self._look_at(network_id, priority)  # for another one

    def _port_told(self, notice: PortTold, now: float) -> None:
        port = notice.port
        network_id = port["network_id"]
        if notice.made and self._cache.clashes(port):
            self._look_at(network_id, notice.priority)
        if not self._cache.port_told(port, now):
            return
        self._changed.add(network_id)
        own = self._own_scope(network_id, port)
        if own is not None:  # as we asked, or somebody has changed it
            if {fixed["subnet_id"] for fixed in port["fixed_ips"]} != {subnet["id"] for subnet in own.served}:
                self._look_at(network_id, notice.priority)
        elif port.get("device_owner") not in WITHOUT_DHCP:
            self._verify[network_id] = now + _VERIFY_AFTER
            self._expect(network_id, [port["id"]], urgent=notice.priority <= URGENT)

    def _own_scope(self, network_id: str, port: Raw) -> DhcpScope | None:
        """The scope of the port, if it is ours."""
        found = (scope for scope in self.builder.scopes_of(network_id) if scope.device_id == port.get("device_id"))
        return next(found, None)

    def _look_at(self, network_id: str, priority: int) -> None:
        self._discard.discard(network_id)
        self._dirty[network_id] = min(priority, self._dirty.get(network_id, LEAST_PRIORITY))

    def _forget(self, network_id: str) -> None:
        """The network is not ours to serve any more: give our ports on it back."""
        self._dirty.pop(network_id, None)
        self._verify.pop(network_id, None)
        self._remind.pop(network_id, None)
        self.troubles.forget(network_id)
        if network_id in self._cache:
            self._cache.remove(network_id)
            self._changed.add(network_id)

    def _expect(self, network_id: str, port_ids: list[str], *, urgent: bool) -> None:
        for scope in self.builder.scopes_of(network_id) or dhcp_scopes(
            self._cache.get(network_id) or _NOTHING, self._host
        ):
            self._readiness.expect(scope.id, port_ids, urgent=urgent)

    def _expect_waiting(self, network_id: str) -> bool:
        """Whether any port of the network, as it is known now, is not ACTIVE."""
        known = self._cache.get(network_id) or _NOTHING
        waiting = [port["id"] for port in known["ports"] if port.get("status") != "ACTIVE"]
        self._expect(network_id, waiting, urgent=False)
        return bool(waiting)

    def _tell_again(self) -> None:
        """When two agents tell the server of a port at once, it may heed neither: each of its transactions still sees
        what the other was waited for (neutron/db/provisioning_blocks.py, provisioning_complete)."""
        now = time.monotonic()
        for network_id in [network_id for network_id, due in self._remind.items() if now >= due]:
            del self._remind[network_id]
            self._expect_waiting(network_id)

    # --- intent ---------------------------------------------------------------------------------------------------

    def _make_intent(self) -> None:
        if not (self._changed or self._readiness.expects()):
            return
        for network_id in self._changed:
            before = {scope.device_id for scope in self.builder.scopes_of(network_id)}
            self.builder.put(network_id, self._cache.get(network_id))
            for device_id in before - {scope.device_id for scope in self.builder.scopes_of(network_id)}:
                self._calls.release(network_id, device_id)
        self._unsaved |= self._changed
        self._changed = set()
        self.counts = self._cache.counts()
        if self.builder.build() is not None or self._readiness.expects():
            self._publish(self.builder.intent)

    def _save(self) -> None:
        now = time.monotonic()
        if self._unsaved and now >= self._saved + _SAVE_EVERY:
            networks = {network_id: self._cache.get(network_id) for network_id in self._unsaved}
            self._last_known.write(networks, self.confirmed_at)
            self._unsaved, self._saved = set(), now

    def _confirm(self) -> None:
        if self.synced.is_set() and not (self._sync_wanted or self._syncing or self._dirty or self._fetching):
            self.confirmed_at = time.time()
            self._last_known.write({}, self.confirmed_at)

    # --- calls ----------------------------------------------------------------------------------------------------

    def _start_calls(self) -> None:
        if self._calls.server is None:
            return
        now = time.monotonic()
        if self._sync_wanted and not self._syncing and now >= self._sync_at:
            self._sync_wanted, self._syncing = False, True
            self._discard.clear()
            known = self._cache.ids()
            for network_id in known:
                self._cache.fetch_begins(network_id)
            self.counters.syncs += 1
            self._calls.all(known)
        for network_id in [network_id for network_id, due in self._verify.items() if now >= due]:
            del self._verify[network_id]
            self._dirty.setdefault(network_id, LEAST_PRIORITY)
        for network_id in self.troubles.due(now):
            self._dirty.setdefault(network_id, LEAST_PRIORITY)
        room = self._configuration.conf.num_sync_threads - len(self._fetching)
        for network_id in sorted(self._dirty, key=self._dirty.__getitem__):
            if room <= 0:
                break
            if network_id not in self._fetching:
                del self._dirty[network_id]
                self._fetch(network_id, None)
                room -= 1

    def _fetch(self, network_id: str, raw: Raw | None) -> None:
        """Ask for a network (unless it is `raw`), and for a port of ours on it."""
        self._fetching.add(network_id)
        self._cache.fetch_begins(network_id)
        if raw is None:
            self.counters.fetches += 1
        self._calls.one(network_id, raw)

    def _all_told(self, known: list[str], networks: list[dict[str, Any]] | ServerError) -> None:
        self._syncing = False
        if isinstance(networks, ServerError):
            for network_id in known:
                self._cache.fetch_fails(network_id)
            self._sync_wanted = True
            self._sync_at = self.troubles.note("*", str(networks), time.monotonic())
            return
        self.troubles.forget("*")
        told, riddles = sorted_out(networks)
        for network_id, why in riddles.items():
            self.troubles.note(network_id, why, time.monotonic())
        for network_id in known:
            if network_id in riddles:
                self._cache.fetch_fails(network_id)
            elif network_id not in told:
                self._cache.fetch_fails(network_id)
                self._forget(network_id)
        without_port = []
        for network_id, raw in told.items():
            if network_id not in known:
                self._cache.fetch_begins(network_id)
            if network_id in self._discard:
                self._cache.fetch_fails(network_id)
                continue
            self._take(network_id, raw)
            if is_to_ask(raw, self._host):
                without_port.append(network_id)
        self._discard &= self._fetching
        self._make_intent()
        for network_id in without_port:
            if network_id not in self._fetching:
                self._fetch(network_id, told[network_id])
        log.info("all networks are known", networks=len(told), ports_to_ask_for=len(without_port))
        self.confirmed_at = time.time()
        self.synced.set()

    def _take(self, network_id: str, raw: Raw | None) -> None:
        self._cache.fetched(network_id, raw)
        self._changed.add(network_id)
        if self._expect_waiting(network_id):  # with ports that were told while this was on its way
            self._remind[network_id] = time.monotonic() + _REMIND_AFTER

    def _one_told(self, network_id: str, answer: dict[str, Any] | ServerError | None) -> None:
        self._fetching.discard(network_id)
        if isinstance(answer, ServerError):
            self._cache.fetch_fails(network_id)
            self.troubles.note(network_id, str(answer), time.monotonic())
            if answer.kind in NOT_FOUND:  # served by another agent, or deleted
                self._sync_wanted, self._sync_at = True, time.monotonic() + 1.0
            return
        if answer is not None and (why := riddle_of_network(answer)) is not None:
            self._cache.fetch_fails(network_id)
            self.troubles.note(network_id, f"what the server says of it makes no sense: {why}", time.monotonic())
            return
        self.troubles.forget(network_id)
        if network_id in self._discard:
            self._discard.discard(network_id)
            self._cache.fetch_fails(network_id)
            return
        self._take(network_id, answer)


_NOTHING: dict[str, Any] = {"admin_state_up": False, "ports": []}
