"""The store: a file, the thread that writes it, readers, and the intent it holds."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from threading import Lock, local
from typing import TypeVar

from netmend.intent import Intent
from netmend.sources.store.database import open_reader
from netmend.sources.store.intents import Intents
from netmend.sources.store.transaction import Transaction
from netmend.sources.store.writer import Writer

Result = TypeVar("Result")


class Store:
    """One open store. All methods may be called from any thread."""

    def __init__(self, path: Path) -> None:
        """Opens, makes or migrates the file `path` and reads it; raises StoreError."""
        self.path = path
        self._writer = Writer(path)
        self._readers = local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = Lock()
        self._listener: Callable[[Intent], None] | None = None
        self._intents = self._writer.submit_now(Intents)
        self._writer.committed = self._committed
        self._writer.opened_anew = self._intents.use

    @property
    def intent(self) -> Intent:
        """The intent as of the last commit."""
        return self._intents.intent

    def listen(self, listener: Callable[[Intent], None] | None) -> None:
        """Call `listener` with each new intent, in the writer's thread, before the writes that made it are answered."""
        self._listener = listener

    def write(self, operation: Callable[[Transaction], Result]) -> "Future[Result]":
        """Run `operation` as one transaction; the future has its result once that is on disk, or RefusedError or
        StoreError."""
        return self._writer.submit(operation)

    def read(self) -> sqlite3.Connection:
        """This thread's own connection for reading: what is committed, whole."""
        openings = self._writer.openings
        connection: sqlite3.Connection | None = getattr(self._readers, "connection", None)
        if connection is None or self._readers.openings != openings:
            if connection is not None:
                connection.close()
                with self._lock:
                    self._opened.remove(connection)
            connection = self._readers.connection = open_reader(self.path)
            self._readers.openings = openings
            with self._lock:
                self._opened.append(connection)
        return connection

    def look(self) -> "Future[None] | None":
        """See to the file where something is wrong with it; the future has a result once it is well again."""
        if self._writer.problem is None and self._writer.place.why_lost() is None:
            return None
        return self.write(lambda transaction: None)

    @property
    def problem(self) -> str | None:
        """Why changes cannot be stored, None while they can."""
        return self._writer.problem

    def close(self) -> None:
        """Write what was submitted, and let go of the file."""
        self._writer.close()
        with self._lock:
            for connection in self._opened:
                connection.close()
            self._opened.clear()

    def _committed(self, transactions: list[Transaction]) -> None:
        if not any(transaction.ports or _touches_networks(transaction) for transaction in transactions):
            return
        intent = self._intents.apply(transactions)
        if self._listener is not None:
            self._listener(intent)


_OF_INTENT = frozenset(
    ("network", "subnet", "port", "setting", "router", "floatingip", "security_group", "address_group")
)


def _touches_networks(transaction: Transaction) -> bool:
    return any(kind in _OF_INTENT for kind, _ in transaction.changed)
