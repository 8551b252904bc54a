"""The southbound database as this chassis sees it: what the monitor asks of us, in its thread."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Thread, Timer
from typing import Any, Final

from netmend.ground.log import get_logger
from netmend.kernel.errors import KernelError
from netmend.kernel.ovsdb.columns import Columns
from netmend.kernel.ovsdb.monitor import Monitor
from netmend.kernel.ovsdb.replica import Selection, Selections, Tables
from netmend.kernel.ovsdb.stream import Tls
from netmend.sources.ovn.configuration import Database
from netmend.sources.ovn.intents import Place
from netmend.sources.ovn.reports import Kind, report
from netmend.sources.ovn.scope import Scope

ASK: Final = "ask OVN's southbound database at"
DATABASE: Final = "OVN_Southbound"
_SPREAD: Final = 3.0  # seconds over which chassis answer a new nb_cfg: each answer wakes the server
log = get_logger()


class Southbound:
    """Follows the database in a thread of its own, from `start` to `stop`."""

    def __init__(
        self,
        database: Database,
        place: Place,
        kind: Kind,
        took: Callable[[Tables], None],
        changed: Callable[[], None],
    ) -> None:
        """`took` is called with the rows, whenever they changed and are all there; `changed` when the database falls
        silent or answers again. Both come in the monitor's thread."""
        tls = None
        if database.private_key:
            tls = Tls(database.private_key, database.certificate, database.ca_certificate)
        self._place, self._kind, self._took, self._changed = place, kind, took, changed
        self._scope = Scope(place.chassis)
        self._monitor = Monitor(
            database.remotes,
            DATABASE,
            ASK,
            self,
            tls=tls,
            leader_only=database.leader_only,
            probe=database.probe,
            longest_retry=database.longest_retry,
        )
        self._tables: Tables = {}
        self._timer: Timer | None = None
        self._has_reported = False
        self.remote: str | None = None  # that answers
        self.problem: str | None = "it has not answered yet"
        self.answered_at: float | None = None  # seconds since the epoch; while it answers: when it began to

    @property
    def full_loads(self) -> int:
        return self._monitor.full_loads

    @property
    def resumed(self) -> int:
        return self._monitor.resumed

    def start(self) -> None:
        Thread(target=self._monitor.run, name="netmend-southbound", daemon=True).start()

    def stop(self) -> None:
        self._monitor.stop()
        if self._timer is not None:
            self._timer.cancel()

    def look_again(self) -> None:
        self._monitor.look_again()

    # --- Subject ------------------------------------------------------------------------------------------------------

    def selections(self, columns: Columns, tables: Tables) -> Selections:
        wanted = self._scope.wanted(columns, tables)
        return {table: Selection(one.columns, one.clauses) for table, one in wanted.items()}

    def questions(self, tables: Tables) -> Sequence[Mapping[str, Any]]:
        return self._scope.questions(tables)

    def answered(self, results: Sequence[Mapping[str, Any]]) -> None:
        self._scope.answered(results)

    def settled(self, tables: Tables) -> None:
        self._tables = tables
        self._took(tables)
        self._report()

    def connected(self, remote: str) -> None:
        was_silent, self.problem, self.remote = self.problem is not None, None, remote
        self.answered_at = time.time()
        if was_silent:
            log.info("the southbound database answers", remote=remote)
        self._changed()

    def silent(self, why: str) -> None:
        if self.problem is None:
            self.answered_at = time.time()  # until now, it answered
        if self.problem is None or self.remote is not None or self.problem != why:
            log.warning("the southbound database does not answer; what was last known is served", why=why)
        self.problem, self.remote = why, None
        self._changed()

    # --- reports ------------------------------------------------------------------------------------------------------

    def _report(self) -> None:
        """Report soon; the first time at once: Neutron binds no port on a chassis with a dead agent."""
        if self._timer is not None or not self._operations():
            return
        if not self._has_reported:
            self._write()
            return
        self._timer = Timer(random.uniform(0, _SPREAD), self._write)
        self._timer.daemon = True
        self._timer.start()

    def _operations(self) -> list[dict[str, Any]]:
        return report(self._kind, self._place.chassis, self._place.bridge, self._tables)

    def _write(self) -> None:
        self._timer = None
        operations = self._operations()
        if operations:
            self._monitor.write(operations, f"the report of chassis {self._place.chassis}", self._written)

    def _written(self, error: KernelError | None) -> None:
        if error is None:
            self._has_reported = True
        else:
            log.warning("the chassis's report was not written", why=str(error))
