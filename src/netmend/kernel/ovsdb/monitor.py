"""A monitor with conditions that outlives its connections: the rows that are wanted now, from whichever server of a
cluster answers (ovsdb-server(7), sections "Monitor Cond" to "Update3 notification").

Which rows are wanted may follow from the rows that are there: a `Subject` says so after each change. After a lost
connection the server gives only what changed since (`monitor_cond_since`), where it still knows that; else all again.
"""

import errno
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final, Protocol

from netmend.kernel.descriptors import readable
from netmend.kernel.errors import KernelError
from netmend.kernel.ovsdb.columns import Columns
from netmend.kernel.ovsdb.connection import Operation
from netmend.kernel.ovsdb.replica import Replica, Selections, Tables
from netmend.kernel.ovsdb.session import NotHere, Session, of_server
from netmend.kernel.ovsdb.stream import Tls

_ID: Final = "netmend"
_NEVER: Final = "00000000-0000-0000-0000-000000000000"
_FIRST_RETRY: Final = 0.25  # seconds; then twice as long each time
_STEADY: Final = 5.0  # seconds; a server that was followed for longer is no reason to wait before the next is tried
_SETTLE: Final = 0.02  # seconds in which what comes together is gathered before it is looked at


class Subject(Protocol):
    """What is monitored, and for whom. All calls come in the monitor's thread."""

    def selections(self, columns: Columns, tables: Tables) -> Selections:
        """The rows that are wanted, given those that are there. Raises ValueError: what the schema lacks."""

    def questions(self, tables: Tables) -> Sequence[Operation]:
        """What to select beside it, each once; the answers go to `answered`."""

    def answered(self, results: Sequence[Mapping[str, Any]]) -> None:
        """The answers to the last questions, in their order."""

    def settled(self, tables: Tables) -> None:
        """All rows that are wanted are there: at first, and after each change."""

    def connected(self, remote: str) -> None:
        """A server answers."""

    def silent(self, why: str) -> None:
        """No server answers; comes again with each round of tries."""


class Monitor:
    """Runs in a thread of its caller's."""

    def __init__(
        self,
        remotes: Sequence[str],
        database: str,
        operation: str,
        subject: Subject,
        *,
        tls: Tls | None = None,
        leader_only: bool = False,
        timeout: float = 10.0,
        probe: float = 60.0,
        longest_retry: float = 8.0,
    ) -> None:
        """Of `remotes`, any one will do, so that a cloud's nodes spread over them. Times are in seconds: `timeout` of
        connecting and of each answer; `probe`: silence after which the server is asked whether it lives (0: never)."""
        self._remotes = random.sample(list(remotes), len(remotes))
        self._database, self._operation, self._subject, self._tls = database, operation, subject, tls
        self._leader_only, self._timeout, self._probe = leader_only, timeout, probe
        self._longest_retry = longest_retry
        self._replica = Replica()
        self._last_transaction = _NEVER
        self._acknowledged: Selections = {}
        self._writes: SimpleQueue[tuple[Sequence[Operation], str, Callable[[KernelError | None], None]]] = SimpleQueue()
        self._stopping = False
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.full_loads = 0  # times that a server gave all rows anew
        self.resumed = 0  # times that a server gave only what had changed

    # --- any thread ---------------------------------------------------------------------------------------------------

    def write(self, operations: Sequence[Operation], target: str, done: Callable[[KernelError | None], None]) -> None:
        """Have operations done in one transaction as soon as a server answers; `done` is called in the monitor's
        thread, with what went wrong. What a broken connection leaves in doubt is its caller's to do again."""
        self._writes.put((operations, target, done))
        self._wake()

    def look_again(self) -> None:
        """Ask the subject again what it wants."""
        self._wake()

    def stop(self) -> None:
        self._stopping = True
        self._wake()

    def _wake(self) -> None:
        try:
            os.write(self._wake_write, b"x")
        except OSError:  # it is awake: the pipe is full, or closed
            return

    # --- the monitor's thread -----------------------------------------------------------------------------------------

    def run(self) -> None:
        """Follow until stopped."""
        retry = _FIRST_RETRY
        try:
            while not self._stopping:
                problems, steady = [], False
                for remote in list(self._remotes):
                    began = time.monotonic()
                    try:
                        self._follow(remote)
                        return
                    except KernelError as error:
                        problems.append(str(error))
                        if not isinstance(error, NotHere) or len(self._remotes) > 1:
                            self._remotes.remove(remote)
                            self._remotes.append(remote)  # the others first, next time
                    except Exception as error:  # a defect, or no descriptor left, must not end what follows
                        problems.append(f"defect: {type(error).__name__}: {error}; this is netmend's fault, report it")
                    steady = self._connected_at > began and time.monotonic() - self._connected_at > _STEADY
                    if steady:  # begin with short waits again
                        retry = _FIRST_RETRY
                        break
                self._subject.silent("; ".join(problems))
                if steady and len(self._remotes) > 1:
                    continue
                if self._pause(retry * random.uniform(0.8, 1.2)):
                    return
                retry = min(2 * retry, self._longest_retry)
        finally:
            for descriptor in (self._wake_read, self._wake_write):
                os.close(descriptor)

    _connected_at = 0.0

    def _pause(self, seconds: float) -> bool:
        """Wait; returns whether to stop."""
        deadline = time.monotonic() + seconds
        while not self._stopping and (left := deadline - time.monotonic()) > 0:
            if readable(self._wake_read, seconds=left):
                self._drain()
        return self._stopping

    def _drain(self) -> None:
        try:
            os.read(self._wake_read, 4096)
        except BlockingIOError:
            return

    def _follow(self, remote: str) -> None:
        """Follow one server until told to stop; raises KernelError."""
        session = Session(remote, self._database, self._operation, self._timeout, self._tls)
        try:
            session.refuse_useless_server(leader_only=self._leader_only)
            self._columns = session.columns()
            self._begin(session)
            self._connected_at = time.monotonic()
            self._subject.connected(remote)
            self._settle(session, changed=True)
            while not self._stopping:
                self._round(session)
        except ValueError as error:
            raise session.failure(errno.EPROTO, str(error)) from error
        finally:
            session.close()

    def _selections(self) -> Selections:
        return self._subject.selections(self._columns, self._replica.tables)

    def _begin(self, session: Session) -> None:
        """Have the rows that were monitored before, or all rows."""
        self._replica.begin(self._columns)
        selections = self._acknowledged or self._selections()
        if any(
            column not in self._columns.get(table, {}) for table, one in selections.items() for column in one.columns
        ):
            self._forget()  # another schema than the server before had
            selections = self._selections()
        requests = {table: [{"columns": list(one.columns), "where": one.clauses}] for table, one in selections.items()}
        parameters = [self._database, _ID, requests]
        try:
            found, last, updates = session.ask("monitor_cond_since", [*parameters, self._last_transaction])
        except KernelError as error:
            if error.detail is None or "unknown method" not in error.detail:
                raise
            found, last, updates = False, _NEVER, session.ask("monitor_cond", parameters)
        if found:
            self.resumed += 1
        else:
            self.full_loads += 1
            self._replica.clear()
        self._replica.take(updates, selections)
        self._last_transaction, self._acknowledged = str(last), selections

    def _forget(self) -> None:
        self._replica.clear()
        self._acknowledged, self._last_transaction = {}, _NEVER

    def _round(self, session: Session) -> None:
        silence = time.monotonic() - session.heard_at
        wait = max(0.0, self._probe - silence) if self._probe else None
        heard = session.hear(wait, self._wake_read)
        self._drain()
        if heard:
            time.sleep(_SETTLE)
            while session.has_more() or readable(session.fileno(), seconds=0):
                more = session.hear(0)
                if not more:
                    break
                heard += more
        elif self._probe and time.monotonic() - session.heard_at >= self._probe:
            session.ask("echo", [])
        changed = self._take(session, heard)
        self._settle(session, changed=changed)
        self._write(session)

    def _take(self, session: Session, heard: Sequence[Mapping[str, Any]]) -> bool:
        changed = False
        for message in heard:
            updates = of_server(message)
            if updates is not None:
                why = session.useless(updates, leader_only=self._leader_only)
                if why:
                    raise NotHere(self._operation, session.remote, errno.EAGAIN, why)
                continue
            match message.get("method"), message.get("params"):
                case "update3", [_, last, tables]:
                    changed |= self._replica.take(tables, self._acknowledged)
                    self._last_transaction = str(last)
                case "update2", [_, tables]:
                    changed |= self._replica.take(tables, self._acknowledged)
        return changed

    def _settle(self, session: Session, *, changed: bool) -> None:
        """Ask for further rows until all that are wanted are there."""
        while True:
            questions = self._subject.questions(self._replica.tables)
            if questions:
                self._subject.answered(session.transact(questions, "read", f"rows of {session.remote}"))
            wanted = self._selections()
            if wanted == self._acknowledged:
                if not questions:
                    break
                changed = True
                continue
            where = {
                table: [{"where": one.clauses}] for table, one in wanted.items() if one != self._acknowledged.get(table)
            }
            session.ask("monitor_cond_change", [_ID, _ID, where])
            self._acknowledged = wanted
            self._take(session, session.hear(0) if session.has_more() else [])
            changed = True
        if changed:
            self._subject.settled(self._replica.tables)

    def _write(self, session: Session) -> None:
        while True:
            try:
                operations, target, done = self._writes.get_nowait()
            except Empty:
                return
            try:
                session.transact(operations, "write", target)
            except KernelError as error:
                done(error)
                if error.operation == self._operation:  # the connection is gone
                    raise
            else:
                done(None)
