"""Dynamic leases on disk: a SQLite database, one row an address (IPv4 as a number; IPv6, which is longer than SQLite's
numbers, as 16 octets).

Once `commit` has returned, its leases are on disk, as RFC 2131 section 3.1 step 4 asks before a client learns of them.
Rows of networks and subnets that are gone stay until they have been expired for a week, should these come back.
"""

import sqlite3
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from netmend.ground import sqlite_file
from netmend.services.leases.table import Lease, LeaseState

_KEEP_EXPIRED = 7 * 86_400.0  # seconds
_AT_A_TIME = 0.1  # seconds that a call waits for another process that writes, and others here wait for the call
_PATIENCE = 5.0  # seconds for which a commit waits in all
_REST = 0.02  # seconds between its tries
_Key = tuple[str, int | bytes]
_Row = tuple[str, int | bytes, str, bytes, bytes, int, float]
_LEASE = "subnet, address, client, hardware, state, expires"


class LeaseStoreError(Exception):
    """The database cannot be used; the message says which, what was tried, what SQLite said, and what to do."""

    @property
    def is_damage(self) -> bool:
        """Whether the file's content is damaged, rather than out of reach."""
        return sqlite_file.is_damage(self.__cause__)


_SCHEMA = sqlite_file.Schema(
    name="lease database",
    application_id=0x6E6D6C73,  # "nmls"
    migrations=(
        """CREATE TABLE lease (
            network TEXT NOT NULL,
            address INTEGER NOT NULL,
            subnet TEXT NOT NULL,
            client BLOB NOT NULL,
            hardware BLOB NOT NULL,
            state INTEGER NOT NULL,
            expires REAL NOT NULL,
            PRIMARY KEY (network, address)
        ) WITHOUT ROWID;""",
    ),
    damaged="it is damaged: move it away (dynamic leases start anew; ports keep their fixed IPs)",
    failure=LeaseStoreError,
)


class LeaseStore:
    """The leases of all networks. Its methods may be called from different threads."""

    def __init__(self, path: Path, now: float) -> None:
        """Open the database at `path`, and make it when there is none. `now` is in seconds since the epoch.

        Raises LeaseStoreError when it is corrupt, is not ours, or cannot be written: while another process has locked
        it, at once, for whoever opens it has guests waiting.
        """
        self._path = path
        self._lock = Lock()
        self._connection = sqlite_file.open_writer(path, _SCHEMA, patience=_AT_A_TIME)
        execute = self._connection.execute
        try:
            execute("DELETE FROM lease WHERE expires < ?", (now - _KEEP_EXPIRED,))
            self._networks = {network_id for (network_id,) in execute("SELECT DISTINCT network FROM lease")}
        except sqlite3.Error as error:
            self._connection.close()
            raise _SCHEMA.error(path, "open", error) from error
        self.place = sqlite_file.Place(path)

    def load(self, network_id: str, version: Literal[4, 6] = 4) -> list[Lease]:
        """The stored leases of a network, of one version of IP. Raises LeaseStoreError."""
        if network_id not in self._networks:  # as is each of a thousand that start anew
            return []
        query = f"SELECT {_LEASE} FROM lease WHERE network = ? AND typeof(address) = ?"
        with self._lock:
            try:
                rows = self._connection.execute(query, (network_id, "integer" if version == 4 else "blob"))
                return [_lease_of(row) for row in rows]
            except (sqlite3.Error, ValueError) as error:
                raise _SCHEMA.error(self._path, "read", error) from error

    def salvage(self) -> list[tuple[str, Lease]]:
        """The readable leases of all networks, with their ids: a removed file can be read while it is open."""
        with self._lock:
            try:
                rows = self._connection.execute(f"SELECT network, {_LEASE} FROM lease").fetchall()
                return [(network_id, _lease_of(row)) for network_id, *row in rows]
            except (sqlite3.Error, ValueError):
                return []

    def commit(self, changes: Iterable[tuple[str, Lease]]) -> None:
        """Store leases, each with its network's id (FREE: delete), all or none. On return they are on disk.

        Raises LeaseStoreError.
        """
        rows: list[_Row] = []
        free: list[_Key] = []
        for network_id, lease in changes:
            if lease.state == LeaseState.FREE:
                free.append((network_id, _stored(lease.address)))
            else:
                what = (lease.subnet_id, lease.client, lease.hardware, int(lease.state), lease.expires)
                rows.append((network_id, _stored(lease.address), *what))
        deadline = time.monotonic() + _PATIENCE
        while not self._try(rows, free, is_last=time.monotonic() > deadline):
            time.sleep(_REST)

    def _try(self, rows: Sequence[_Row], free: Sequence[_Key], *, is_last: bool) -> bool:
        """Store all or none; False while another process has locked the database, but for the last time. Between tries
        nobody here waits for it."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    self._connection.executemany("DELETE FROM lease WHERE network = ? AND address = ?", free)
                    self._connection.executemany("REPLACE INTO lease VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
                    self._connection.execute("COMMIT")
                    self._networks.update(row[0] for row in rows)
                except sqlite3.Error:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                if sqlite_file.is_busy(error) and not is_last:
                    return False
                raise _SCHEMA.error(self._path, "write", error) from error
            return True

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def _lease_of(row: Sequence[Any]) -> Lease:
    """A row of the columns `_LEASE`. Raises ValueError."""
    subnet, address, client, hardware, state, expires = row
    return Lease(subnet, _number(address), client, hardware, LeaseState(state), expires)


def _stored(address: int) -> int | bytes:
    """An address as the database has it: no IPv6 address that is leased is as small a number as one of IPv4."""
    return address if address >> 32 == 0 else address.to_bytes(16, "big")


def _number(stored: int | bytes) -> int:
    return stored if isinstance(stored, int) else int.from_bytes(stored, "big")
