"""The one thread that writes: operations of all clients, one after another, committed in groups.

What waits while one group is on its way to the disk goes into the next: a commit costs the disk milliseconds, an
operation 0.3. Each operation has a savepoint of its own, so one that is refused takes nothing from its neighbours.
A client learns of success after the commit has returned, and `committed` has (intent in force).
"""

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

from netmend.sources.store.database import SCHEMA, open_writer
from netmend.sources.store.errors import StoreError
from netmend.sources.store.transaction import Operation, Transaction

_GROUP = 256  # operations in one commit, at most
_GROUP_TIME = 0.02  # seconds that the first of a group waits for others to be worked off

Result = TypeVar("Result")
Committed = Callable[[list[Transaction]], None]


class Writer:
    """Takes operations from any thread until closed."""

    def __init__(self, path: Path, committed: Committed = lambda group: None) -> None:
        """Opens, makes or migrates the file; raises StoreError. `committed` is called in the writer's thread."""
        self._path = path
        self.committed = committed
        self._connection = open_writer(path)
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
            refused.extend((future, SCHEMA.error(self._path, "write", error)) for future, _ in done)
            if not done and not refused:
                refused.append((first[1], SCHEMA.error(self._path, "write", error)))
            done = []
        else:
            if transactions:
                self.committed(transactions)
        for future, result in done:
            future.set_result(result)
        for future, problem in refused:
            future.set_exception(problem)
        return more

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
