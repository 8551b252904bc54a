"""The loop of a node: intent in, passes over the kernel when something changed or is due, until SIGTERM or SIGINT.

One asyncio loop hears signals, files, links and the status socket; passes run in a thread beside it, DHCP in another.
An event never says what to do, only where to look again.
"""

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from netmend import __version__
from netmend.ground.listen import Listen
from netmend.ground.log import get_logger
from netmend.intent.network import Intent, Network
from netmend.kernel import descriptors
from netmend.node.device_counter import DeviceCounter
from netmend.node.garbage import Garbage
from netmend.node.guests.routed_metadata import RoutedServing
from netmend.node.guests.serving import Serving
from netmend.node.hints import EVERYTHING, Hints, changed_rules, same_devices
from netmend.node.intake.source import Source, first_intent, follow_on
from netmend.node.keeping.holders import find_holder
from netmend.node.keeping.kept import KeptSockets
from netmend.node.lock import claim_switch, hold_lock, hold_network_namespace, open_tcp
from netmend.node.mount_checks import diagnose_mounts, diagnose_name
from netmend.node.names_lock import hold_names
from netmend.node.own_directories import make_own_directories
from netmend.node.pass_log import log_pass
from netmend.node.router_hints import changed_routers
from netmend.node.sd_notify import Notifier, summary
from netmend.node.settings import Settings
from netmend.node.state import IntentState, NodeState
from netmend.node.takeover import TakeOver, log_foreign_namespaces
from netmend.node.watches import Watches
from netmend.reconcile.adoption import helper_namespaces
from netmend.reconcile.breaker import Breaker, BreakerState, exhaustion_fault
from netmend.reconcile.reconciler import Reconciler
from netmend.reconcile.reports import Listener, Ready
from netmend.reconcile.resync import Problem

if TYPE_CHECKING:
    from netmend.node.http.server import AddRoutes

_BEFORE_STATUS = 1.0  # seconds for first answers, before the status socket takes time to load its HTTP stack
_LEFT_FOR = 30.0  # seconds after the first pass, in which networks may still take up sockets of the node before
_SECOND_LOOK = 3.0  # seconds after the first pass, whose looks are brief since guests wait for it
_BETWEEN_MOUNT_CHECKS = 5.0  # seconds
_SETTLE = 0.02  # seconds between the first hint and the look it causes, so that one look serves many hints
log = get_logger()


class Node:
    """One node; `run` serves until SIGTERM or SIGINT. What was made stays when it ends."""

    def __init__(
        self,
        source: Source,
        settings: Settings,
        listen: Listen | None = None,
        routes: "Callable[[NodeState], Sequence[AddRoutes]]" = lambda state: (),
    ) -> None:
        """`listen`: of HTTP beside its unix socket; `routes`: what it answers, called after guests' first answers."""
        self._listen, self._routes = listen, routes
        self._tcp: tuple[Listen, socket.socket] | None = None
        self._source = source
        self._settings = settings
        self._breaker = Breaker(self._breaker_changed)
        self._dirty: set[str] = {EVERYTHING}
        self._looked_at: set[str] = set()  # networks of the pass that is under way
        self._overtaken: set[str] = set()  # of `_looked_at`: those with a newer intent since
        self._stopping = False
        self._mounts_changed = False
        self._mounts_checked = 0.0
        self._wake = asyncio.Event()
        self._take_over = TakeOver(settings)
        self._notifier = Notifier()
        self._garbage = Garbage()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT. Before it touches anything: SourceError, CannotStart."""
        self._loop = asyncio.get_running_loop()
        settings, started = self._settings, time.time()
        with hold_lock(settings.lock), hold_network_namespace(), contextlib.ExitStack() as stack:
            intent = IntentState(await first_intent(self._source, settings.socket), time.time())
            stack.enter_context(hold_names(settings.netns_directory, make=True))
            if self._listen is not None:
                self._tcp = self._listen, stack.enter_context(open_tcp(self._listen))
            descriptors.raise_open_files()
            self._garbage.keep()  # the intent stays; walking its values over and over would cost answers their time
            make_own_directories(settings)
            listener = Listener(self._ready, self._gone)
            reconciler = Reconciler(
                settings.netns_directory,
                listener,
                self._breaker,
                diagnose=diagnose_name,
                ovsdb=settings.ovsdb,
                ovsdb_tls=settings.ovsdb_tls,
                own_rules=True,
                take_over=self._take_over if settings.take_over else None,
                helpers=helper_namespaces if settings.take_over else tuple,
            )
            serving = Serving(
                settings,
                self._suspect,
                lambda: self.state.intent.intent.metadata_proxy,
                self._report_if_served,
                KeptSockets(find_holder(settings.keeper, self._notifier.path)),
                make_way=self._take_over.make_way,
            )
            self.state = NodeState(self._source, settings, started, intent, reconciler, serving)
            self.state.try_again = self._try_again
            if (routed := self._source.routed_metadata) is not None:
                self.state.routed = RoutedServing(routed, lambda: self.state.intent.intent.metadata_proxy)
            if self._source.uses_switch(intent.intent):
                await asyncio.to_thread(claim_switch, reconciler)
            owners = reconciler.owners
            self._hints = Hints(
                owners.network_of_device,
                owners.network_of_netnsid,
                reconciler.awaits,
                owners.device_of_index,
                owners.router_of_netnsid,
            )
            self._hints.intent_changed(intent.intent)
            try:
                with self._watches() as self._watching:
                    self._watch_switch(intent.intent)
                    await self._serve()
            finally:
                serving.close()
                reconciler.close()

    def _watches(self) -> Watches:
        def served() -> list[str]:
            networks = self.state.intent.intent.networks
            opened = (networks.get(network_id) for network_id in self.state.reconciler.open_namespaces)
            return [network.id for network in opened if network and self.state.serving.served_since(network)]

        return Watches(
            self._hints,
            self._settings.netns_directory,
            served=served,
            mounts_changed=self._hear_mounts,
            rules_ports=lambda: self.state.reconciler.rules_ports,
            wake=self._wake.set,
        )

    def _watch_switch(self, intent: Intent) -> None:
        if self._source.uses_switch(intent):
            reconciler = self.state.reconciler
            self._watching.watch_switch(reconciler.ovsdb, self._settings.ovsdb_tls, reconciler.tend_switch)

    async def _serve(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stop)
        self._loop.add_signal_handler(signal.SIGHUP, self._reload)
        log.info(
            "netmend serves",
            version=__version__,
            source=self._source.status(),
            networks=len(self.state.intent.intent.networks),
        )
        first = asyncio.create_task(self._pass())
        await asyncio.wait([first], timeout=_BEFORE_STATUS)
        async with self._notifier.alive(lambda: not self.state.passes), self._watched(), self._routed_metadata():
            following = asyncio.create_task(follow_on(self._source, self.take_intent, self._intent_problem))
            following.add_done_callback(self._follower_ended)
            try:
                await first
                self._notifier.ready(summary(self.state))
                self._garbage.keep()  # what serves the networks stays too
                self._loop.call_later(_LEFT_FOR, self.state.serving.kept.drop_left)
                owners = self.state.reconciler.owners
                self._loop.call_later(_SECOND_LOOK, lambda: self._suspect(*owners.looked_at_briefly))
                await self._check_mounts()
                if self._settings.take_over:
                    await asyncio.to_thread(
                        log_foreign_namespaces, self._settings, list(self.state.intent.intent.networks)
                    )
                await self._until_stopped()
            finally:
                self._notifier.stopping()
                following.cancel()
        log.info("netmend ends; what it made stays")

    def _reload(self) -> None:
        self._notifier.reloading()
        self._source.reload()
        self._notifier.ready(summary(self.state))

    @contextlib.asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        """Count devices, and answer over HTTP, in the block."""
        from netmend.node.http import health_routes, status_routes
        from netmend.node.http.server import HttpServer

        state = self.state
        routes: list[AddRoutes] = [
            lambda application: status_routes.attach(application, state),
            lambda application: health_routes.attach(application, state),
            *self._routes(state),
        ]
        server = HttpServer(self._settings.socket, self._tcp, routes, state.http)
        with DeviceCounter(state.history, state.reconciler.owners.wanted_names):
            async with server.serving():
                yield

    def _routed_metadata(self) -> contextlib.AbstractAsyncContextManager[None]:
        return self.state.routed.serving() if self.state.routed else contextlib.nullcontext()

    async def _until_stopped(self) -> None:
        while not self._stopping:
            await self._wait()
            if self._stopping:
                break
            await self._pass()
            self._garbage.collect()
            if self._mounts_changed and time.monotonic() - self._mounts_checked >= _BETWEEN_MOUNT_CHECKS:
                await self._check_mounts()

    async def _check_mounts(self) -> None:
        """Find what the host's mounts do to names; log each fault once, when it is new."""
        self._mounts_changed, self._mounts_checked = False, time.monotonic()
        networks = list(self.state.intent.intent.networks)
        found = await asyncio.to_thread(diagnose_mounts, self._settings.netns_directory, networks)
        known = {fault.summary for fault in self.state.mount_faults}
        self.state.mount_faults = found
        for fault in found:
            if fault.summary not in known:
                self.state.journal.mounts(fault)
                log.warning("mounts", **fault.as_log_fields())

    def _hear_mounts(self) -> None:
        self._mounts_changed = True
        self._wake.set()

    async def _wait(self) -> None:
        """Wait until there is something to do."""
        now = time.monotonic()
        due = [now + self._settings.full_look]
        if self._mounts_changed:
            due.append(self._mounts_checked + _BETWEEN_MOUNT_CHECKS)
        breaker, trouble = self._breaker.state, self.state.reconciler.pin_trouble
        retry = self.state.reconciler.resync.next_try()
        if breaker is not None:
            due.append(breaker.next_try)
        elif retry is not None:
            due.append(max(retry, trouble.next_try) if trouble else retry)
        if not (self._wake.is_set() or self._dirty):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(0.0, min(due) - now))
        await asyncio.sleep(_SETTLE)
        self._wake.clear()
        if time.monotonic() >= due[0]:
            self._dirty.add(EVERYTHING)

    async def _pass(self) -> None:
        """One pass over what is dirty, due, or under suspicion."""
        now, resync = time.monotonic(), self.state.reconciler.resync
        dirty = self._dirty | self._hints.take(resync.waiting(now)) | resync.due(now)
        self._dirty = set()
        probing = self._breaker.may_probe(time.monotonic())
        if not dirty and not probing:
            return
        scope = None if EVERYTHING in dirty or probing else dirty
        wrong, started = {reason.network_id for reason in resync.all()}, time.monotonic()
        self._looked_at = {EVERYTHING} if scope is None else scope
        try:
            report = await asyncio.to_thread(self.state.reconciler.run, self.state.intent.intent, scope)
        except (MemoryError, RuntimeError, OSError) as error:  # not even the thread of the pass can be had
            if (limit := exhaustion_fault(error)) is None:
                raise
            self._breaker.open(limit.diagnosis, time.monotonic())
            return
        finally:
            self._looked_at = set()
            self._catch_up()
        self.state.passes += 1
        self.state.journal.passed(report, time.monotonic() - started, report.right & wrong)
        log_pass(report, self.state.intent.intent)
        self._notifier.status(summary(self.state))

    def _breaker_changed(self, state: BreakerState | None) -> None:
        self.state.journal.breaker(state)
        if state is None:
            log.info("breaker closed: the host is sound again")
        else:
            log.error("breaker open: nothing is created", **state.diagnosis.as_log_fields())

    # --- called by the reconciler, in its threads -------------------------------------------------------------------

    def _ready(self, ready: Ready) -> list[Problem]:
        newest = self.state.intent.intent.networks.get(ready.network.id)
        if newest is not None and newest is not ready.network and same_devices(ready.network, newest):
            ready = replace(ready, network=newest)  # ports have come since the pass began, and are answered already
        if self._take_over.is_served_by_others(ready.network.id):
            self.state.serving.load(ready.network)  # so that guests wait for sockets alone, and for no module
        problems = self.state.serving.ready(ready)
        if self.state.first_answer_after is None:
            self.state.first_answer_after = time.time() - self.state.started_at
        self._report_if_served(ready.network)
        return problems

    def _report_if_served(self, network: Network) -> None:
        """Report to the source that guests of the network are answered by its newest intent, if they are. Everything
        that makes them so calls this, in any thread."""
        if self.state.serving.answers(network):
            self._source.served(network.id)

    def _gone(self, network_id: str) -> None:
        self.state.serving.gone(network_id)
        self._source.gone(network_id)

    def _suspect(self, *network_ids: str) -> None:
        def mark() -> None:
            self._dirty.update(network_ids)
            self._wake.set()

        self._loop.call_soon_threadsafe(mark)

    def _try_again(self, network_id: str | None) -> None:
        """Look at a network now, or at all, whatever their back-off says; probe the host where it has a fault."""
        self._breaker.hasten(time.monotonic())
        self._suspect(EVERYTHING if network_id is None else network_id)

    # --- intent ---------------------------------------------------------------------------------------------------

    def _intent_problem(self, problem: str | None) -> None:
        """Note why a newer intent cannot be used (None: it can again): it changes nothing, and status shows it."""
        if problem is not None and problem != self.state.intent.problem:
            log.error("a newer intent cannot be used; the one before it stays in force", problems=problem)
            self.state.journal.intent_problem(problem)
        self.state.intent.problem = problem

    def _follower_ended(self, following: asyncio.Task[None]) -> None:
        """Show the end of a source by a defect: the node would hear of no intent any more, and look well."""
        if not following.cancelled() and (error := following.exception()) is not None:
            self._intent_problem(f"defect: the source has ended: {error!r}; start netmend again")

    def take_intent(self, intent: Intent) -> None:
        """Put `intent` in force: answers follow at once, devices with the next pass over the networks that differ."""
        before = self.state.intent.intent
        old = before.networks
        self.state.intent = IntentState(intent, time.time(), self.state.intent.problem)
        changed = {network_id for network_id, network in intent.networks.items() if old.get(network_id) is not network}
        changed.update(old.keys() - intent.networks.keys())
        self.state.serving.networks_changed(intent.networks[key] for key in changed if key in intent.networks)
        self._hints.intent_changed(intent)
        self._watch_switch(intent)
        self._dirty |= changed - self._right_already(old, intent, changed)
        moved = changed_routers(before.routers, intent.routers)
        if self.state.reconciler.has_groups:
            moved |= changed_rules(before, intent)
        self._dirty |= moved
        changed |= moved
        if changed:
            log.info("intent changed", networks=len(changed))
            self.state.journal.intent(len(changed))
            self._wake.set()

    def _right_already(self, old: Mapping[str, Network], intent: Intent, changed: set[str]) -> set[str]:
        """The networks that need no look at the kernel: guests are answered by the new intent, and it asks for the same
        devices. Ports come and go by the hundred a second, and each look costs a dump of all links."""
        wrong = self._dirty | {reason.network_id for reason in self.state.reconciler.resync.all()}
        if EVERYTHING in wrong:
            return set()
        right = set()
        for network_id in changed - wrong:
            before, network = old.get(network_id), intent.networks.get(network_id)
            if before and network and same_devices(before, network) and self.state.serving.follows_at_once(network):
                right.add(network_id)
                if self._looked_at & {network_id, EVERYTHING}:
                    self._overtaken.add(network_id)
                else:
                    self._report_if_served(network)
        return right

    def _catch_up(self) -> None:
        """After a pass, which has put the intent in force that it began with: put newer intents in force again."""
        overtaken, self._overtaken = self._overtaken, set()
        networks = [self.state.intent.intent.networks.get(network_id) for network_id in overtaken]
        for network in networks:
            if network is None:
                continue  # gone meanwhile, and dirty for that
            self.state.serving.networks_changed((network,))
            if self.state.serving.follows_at_once(network):
                self._report_if_served(network)
            else:
                self._dirty.add(network.id)

    def _stop(self) -> None:
        self._stopping = True
        self._wake.set()
