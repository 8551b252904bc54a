"""OVN as a node's source of intent: first what was last known, then what the southbound database says."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event, Lock
from typing import Any, Final

from netmend.ground.log import get_logger
from netmend.intent import Intent
from netmend.kernel.errors import KernelError
from netmend.kernel.ovsdb.connection import Connection
from netmend.kernel.ovsdb.local import local_switch
from netmend.node.intake.ovn.southbound import Southbound
from netmend.node.intake.source import ServerSilent, Source
from netmend.node.settings import Settings
from netmend.reconcile.switch import DEFAULT
from netmend.sources.neutron.last_known import LastKnown
from netmend.sources.ovn.configuration import OvnConfiguration
from netmend.sources.ovn.intents import Builder, Place
from netmend.sources.ovn.memory import Memory
from netmend.sources.ovn.reports import Kind
from netmend.sources.ovn.rows import Tables, chassis_uuid

_RETRY: Final = 2.0  # seconds between looks at a local switch that does not answer
_CONFIRM: Final = 30.0  # seconds between notes, on disk, that what is known is right
_ANEW: Final = 15.0  # seconds in which ovn-controller, started anew, should have bound its guests' ports again
_DEFAULT_BRIDGE: Final = "br-int"
log = get_logger()


class OvnSource(Source):
    """Follows the southbound database that `configuration` names."""

    def __init__(self, configuration: OvnConfiguration, settings: Settings, kind: Kind) -> None:
        self._configuration, self._settings, self._kind = configuration, settings, kind
        self._lock = Lock()
        self._newest: Intent | None = None
        self._given: Intent | None = None
        self._from_disk = False
        self._confirmed_at: float | None = None
        self._noted_at = 0.0
        self._synced = Event()
        self._unregistered = False  # the database has no chassis of our name
        self._row: str | None = None  # the UUID of the chassis's row, which ovn-controller makes anew as it starts
        self._anew_until = 0.0  # time.monotonic(): until then, networks without a guest are kept
        self._built: Intent | None = None  # by the rows alone
        self._why_no_place: str | None = None  # while the local switch does not say which chassis this is
        self._asks = False  # the southbound database is asked
        self._wake: Callable[[], None] = lambda: None

    def first(self) -> Intent:
        """What was last known, at once; where nothing is, what the database says, as soon as it does."""
        for sentence in self._configuration.moot:
            log.info("an option has no effect", option=sentence)
        self._memory = Memory(LastKnown(self._settings.state / "ovn.sqlite", "ovn"))
        recalled = self._memory.read()
        place = self._place(None if recalled is None else recalled.place)
        if recalled is not None and recalled.place.chassis != place.chassis:
            recalled = None
        self._chassis = place
        self._builder = Builder(place, self._configuration.metadata_proxy)
        self._southbound = Southbound(
            self._configuration.southbound, place, self._kind, self._took, self._database_changed
        )
        if recalled is not None:
            self._from_disk, self._confirmed_at = True, recalled.confirmed_at
            self._given = self._builder.build(recalled.tables)
            log.info("the last known networks are served", networks=len(self._given.networks), age=self._age())
        self._southbound.start()
        self._asks = True
        if self._given is None:
            if not self._synced.wait(_RETRY):
                log.info("waiting for the southbound database: no networks are known yet", why=self._why_silent())
                self._synced.wait()
            with self._lock:
                self._given = self._newest
        return self._given or Intent(metadata_proxy=self._configuration.metadata_proxy)

    def why_waiting(self) -> str | None:
        return self._why_no_place or (self._why_silent() if self._asks else None)

    def _place(self, known: Place | None) -> Place:
        """What the local switch says of this host; while it does not answer: what it last said."""
        with Connection(self._settings.ovsdb or DEFAULT, tls=self._settings.ovsdb_tls) as connection:
            said = ""
            while True:
                try:
                    found = local_switch(connection)
                    chassis = found.ids.get("system-id")
                    if chassis:
                        bridge = found.ids.get(f"ovn-bridge-{chassis}") or found.ids.get("ovn-bridge")
                        bridge = bridge or _DEFAULT_BRIDGE
                        netdev = found.bridges.get(bridge) == "netdev"
                        self._why_no_place = None
                        return Place(chassis, bridge, "netdev" if netdev else None)
                    why = "Open vSwitch has no external_ids:system-id: is ovn-controller set up on this host?"
                except KernelError as error:
                    why = str(error)
                if known is not None:
                    log.warning("the local switch does not say which chassis this is; the last known is taken", why=why)
                    return known
                self._why_no_place = f"the local switch does not say which chassis this is: {why}"
                if why != said:
                    log.warning("waiting for the local switch to say which chassis this is", why=why)
                    said = why
                time.sleep(_RETRY)

    async def follow(self, take: Callable[[Intent], None], problem: Callable[[str | None], None]) -> None:
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(changed.set)

        self._wake = wake
        try:
            while True:
                self._let_go()
                with self._lock:
                    newest = self._newest
                if newest is not None and newest is not self._given:
                    self._given = newest
                    take(newest)
                problem(self._problem())
                left = self._anew_until - time.monotonic()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), left if 0 < left < _CONFIRM else _CONFIRM)
                changed.clear()
                self._confirm()
        finally:
            self._wake = lambda: None
            self._southbound.stop()
            self._confirm(now=True)
            self._memory.close()

    def reload(self) -> None:
        self._southbound.look_again()

    def served(self, network_id: str) -> None:
        """Nothing: OVN waits for no agent before a guest may run."""

    def gone(self, network_id: str) -> None:
        """Nothing, likewise."""

    def status(self) -> dict[str, Any]:
        southbound = self._southbound
        return {
            "kind": "ovn",
            "chassis": self._chassis.chassis,
            "bridge": self._chassis.bridge,
            "files": [str(file) for file in self._configuration.files],
            "synced": self._synced.is_set(),
            "age_seconds": self._age(),
            "from_disk": self._from_disk and not self._synced.is_set(),
            "database": {
                "remotes": list(self._configuration.southbound.remotes),
                "remote": southbound.remote,
                "problem": southbound.problem,
                "answered_at": southbound.answered_at,
                "full_loads": southbound.full_loads,
                "resumed": southbound.resumed,
            },
            "networks_not_served": dict(self._builder.problems),
            "memory_problem": self._memory.problem,
        }

    def faults(self) -> list[str]:
        return [self._memory.problem] if self._memory.problem else []

    # --- the monitor's thread -----------------------------------------------------------------------------------------

    def _took(self, tables: Tables) -> None:
        """Take over what the database says; while it has no chassis of this name, it says nothing of its guests."""
        self._unregistered = chassis_uuid(tables, self._chassis.chassis) is None
        if self._unregistered and (self._given is not None and self._given.networks):
            self._wake()
            return
        row = chassis_uuid(tables, self._chassis.chassis)
        if self._row is not None and row != self._row:
            self._anew_until = time.monotonic() + _ANEW
        self._row = row
        intent = self._builder.build(tables)
        with self._lock:
            self._built = intent
            before = self._newest or self._given
            if before is not None and time.monotonic() < self._anew_until:
                intent = Intent({**before.networks, **intent.networks}, intent.metadata_proxy)
            if before is None or before.networks != intent.networks:
                self._newest = intent
        self._confirmed_at = time.time()
        self._memory.write(self._chassis, tables, self._confirmed_at)
        self._synced.set()
        self._wake()

    def _let_go(self) -> None:
        """Once ovn-controller had its time, take the rows as they are."""
        with self._lock:
            if self._built is None or self._newest is None or time.monotonic() < self._anew_until:
                return
            if self._built.networks != self._newest.networks:
                self._newest = self._built

    def _database_changed(self) -> None:
        self._wake()

    # --- the age of what is known -------------------------------------------------------------------------------------

    def _confirm(self, *, now: bool = False) -> None:
        """Note that what is known is right, while the database answers and would say so if it were not."""
        if self._southbound.problem is not None or self._unregistered or not self._synced.is_set():
            return
        self._confirmed_at = time.time()
        if now or self._confirmed_at - self._noted_at >= _CONFIRM:
            self._noted_at = self._confirmed_at
            self._memory.confirm(self._confirmed_at)

    def _age(self) -> float | None:
        """Seconds since the database last said, or would have said, what has changed."""
        if self._synced.is_set() and self._southbound.problem is None and not self._unregistered:
            return 0.0
        return None if self._confirmed_at is None else round(max(0.0, time.time() - self._confirmed_at), 3)

    def _why_silent(self) -> str | None:
        if self._southbound.problem is not None:
            return self._southbound.problem
        if self._unregistered:
            return f"the database has no chassis {self._chassis.chassis}: is ovn-controller running on this host?"
        return None

    def _problem(self) -> ServerSilent | None:
        why = self._why_silent()
        if why is None:
            return None
        known = self._confirmed_at
        when = "" if known is None else datetime.fromtimestamp(known, UTC).strftime("%Y-%m-%d %H:%M:%S")
        since = f"; what is served is as it was at {when} UTC" if when else ""
        return ServerSilent(f"OVN's southbound database does not say what this chassis serves ({why}){since}")
