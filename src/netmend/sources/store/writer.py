"""The one thread that writes: operations of all clients, one after another, committed in groups.

What waits while one group is on its way to the disk goes into the next: a commit costs the disk milliseconds, an
operation 0.3. Each operation has a savepoint of its own, so one that is refused takes nothing from its neighbours.
A client learns of success after the commit has returned, and `committed` has (intent in force).

A file that is removed or replaced while it is open is noticed before the next group, and written anew from what is
open: what clients were told of as done would be gone with the next start.
"""

import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

from netmend.ground import sqlite_file
from netmend.ground.log import get_logger
from netmend.sources.store.database import SCHEMA, open_writer
from netmend.sources.store.errors import StoreError
from netmend.sources.store.transaction import Operation, Transaction

_GROUP = 256  # operations in one commit, at most
_GROUP_TIME = 0.02  # seconds that the first of a group waits for others to be worked off

log = get_logger()

Result = TypeVar("Result")
Committed = Callable[[list[Transaction]], None]


class Writer:
    """Takes operations from any thread until closed."""

    def __init__(self, path: Path, committed: Committed = lambda group: None) -> None:
        """Opens, makes or migrates the file; raises StoreError. `committed` is called in the writer's thread."""
        self._path = path
        self.committed = committed
        self.opened_anew: Callable[[sqlite3.Connection], None] = lambda connection: None  # called in the thread
        self.problem: str | None = None  # why the last group could not be stored
        self.openings = 1  # of the file; a reader of one before reads what was
        self._connection = open_writer(path)
        self.place = sqlite_file.Place(path)
        self._number: int = self._connection.execute("SELECT value FROM counter WHERE name = 'change'").fetchone()[0]
        self._queue: SimpleQueue[tuple[Operation, Future[Any]] | None] = SimpleQueue()
        self._closing = Lock()
        self._closed = False
        self._thread = Thread(target=self._run, name="netmend-store", daemon=True)
        self._thread.start()

    def submit(self, operation: Callable[[Transaction], Result]) -> "Future[Result]":
        """Run `operation`; the future has its result once that is on disk, or RefusedError, or StoreError."""
        future: Future[Result] = Future()
        with self._closing:
            if self._closed:
                future.set_exception(StoreError(f"store {self._path}: is closed"))
            else:
                self._queue.put((operation, future))
        return future

    def submit_now(self, make: Callable[[sqlite3.Connection], Result]) -> Result:
        """`make` of the connection, in the writer's thread; waits for it. Raises what it raises."""
        return self.submit(lambda transaction: make(transaction.connection)).result()

    def close(self) -> None:
        """Work off what was submitted, and end."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            more = self._group(first)
            if not more:
                return

    def _group(self, first: tuple[Operation, "Future[Any]"]) -> bool:
        """Commit `first` and what waits behind it; false when that was the end."""
        done: list[tuple[Future[Any], Any]] = []
        refused: list[tuple[Future[Any], Exception]] = []
        transactions: list[Transaction] = []
        before, more = self._number, True
        try:
            self._see_to_file()
            self._connection.execute("BEGIN IMMEDIATE")
            until, item = time.monotonic() + _GROUP_TIME, first
            while True:
                operation, future = item
                transaction = Transaction(self._connection, self._number + 1)
                try:
                    done.append((future, self._one(operation, transaction)))
                    if transaction.changed:
                        transactions.append(transaction)
                except Exception as error:  # refused, or a defect, which concerns its client alone
                    refused.append((future, error))
                    if not self._connection.in_transaction:  # SQLite gave up the whole group: disk full, I/O error
                        raise sqlite3.OperationalError(str(error)) from error
                if len(done) + len(refused) >= _GROUP or time.monotonic() > until:
                    break
                try:
                    following = self._queue.get_nowait()
                except Empty:
                    break
                if following is None:
                    more = False
                    break
                item = following
            self._connection.execute("UPDATE counter SET value = ? WHERE name = 'change'", (self._number,))
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo(before)
            self.problem = str(SCHEMA.error(self._path, "write", error))
            refused.extend((future, SCHEMA.error(self._path, "write", error)) for future, _ in done)
            if not done and not refused:
                refused.append((first[1], SCHEMA.error(self._path, "write", error)))
            done = []
        else:
            self.problem = None
            if transactions:
                self.committed(transactions)
        for future, result in done:
            future.set_result(result)
        for future, problem in refused:
            future.set_exception(problem)
        return more

    def _see_to_file(self) -> None:
        """Have the file at its path, with what this connection reads. Raises sqlite3.Error."""
        if (lost := self.place.why_lost()) is None:
            return
        log.warning("the store is written anew from what was open", file=str(self._path), reason=lost)
        whole = self._path.with_name(f"{self._path.name}.whole")
        try:
            whole.unlink(missing_ok=True)
            os.close(os.open(whole, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
            self._connection.execute("VACUUM INTO ?", (str(whole),))  # an empty file is as none to it
            if self._path.exists():
                sqlite_file.set_aside(self._path)
            self._connection.close()
            for end in ("-wal", "-shm"):  # of the file that is gone: they would be read into the new one
                self._path.with_name(self._path.name + end).unlink(missing_ok=True)
            whole.replace(self._path)
            self._connection = open_writer(self._path)
            self.opened_anew(self._connection)
        except (OSError, StoreError) as error:
            raise sqlite3.OperationalError(str(error)) from error
        self.place = sqlite_file.Place(self._path)
        self.openings += 1

    def _one(self, operation: Operation, transaction: Transaction) -> Any:
        self._connection.execute("SAVEPOINT operation")
        try:
            result = operation(transaction)
        except Exception:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO operation")
                self._connection.execute("RELEASE operation")
            raise
        self._connection.execute("RELEASE operation")
        if transaction.changed:
            self._number = transaction.number
        return result

    def _undo(self, number: int) -> None:
        self._number = number
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
