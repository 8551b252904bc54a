"""Dynamic leases on disk: a SQLite database, one row an address (IPv4 as a number; IPv6, which is longer than SQLite's
numbers, as 16 octets).

Write-ahead log with `synchronous=FULL`: what `commit` has returned from survives a crash and a power cut (RFC 2131
section 3.1 step 4 wants no less before a client is told). Rows of networks and subnets that are gone stay until they
have been expired for a week, should these come back.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Literal

from netmend.services.leases.table import Lease, LeaseState

_APPLICATION_ID = 0x6E6D6C73  # "nmls"
_VERSION = 1
_KEEP_EXPIRED = 7 * 86_400.0  # seconds
_SCHEMA = """
CREATE TABLE lease (
    network TEXT NOT NULL,
    address INTEGER NOT NULL,
    subnet TEXT NOT NULL,
    client BLOB NOT NULL,
    hardware BLOB NOT NULL,
    state INTEGER NOT NULL,
    expires REAL NOT NULL,
    PRIMARY KEY (network, address)
) WITHOUT ROWID
"""


class LeaseStoreError(Exception):
    """The database cannot be used; the message says which, what was tried, what SQLite said, and what to do."""


class LeaseStore:
    """The leases of all networks. Its methods may be called from different threads."""

    def __init__(self, path: Path, now: float) -> None:
        """Open the database at `path`, and make it when there is none. `now` is in seconds since the epoch.

        Raises LeaseStoreError when it is corrupt, is not ours, or cannot be written.
        """
        self._path = path
        self._lock = Lock()
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        except sqlite3.Error as error:
            raise self._error("open", error) from error
        try:
            self._prepare(now)
        except sqlite3.Error as error:
            self._connection.close()
            raise self._error("open", error) from error
        except LeaseStoreError:
            self._connection.close()
            raise

    def _prepare(self, now: float) -> None:
        execute = self._connection.execute
        application, version = (
            int(execute(f"PRAGMA {name}").fetchone()[0]) for name in ("application_id", "user_version")
        )
        tables = {name for (name,) in execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and (application, version) != (_APPLICATION_ID, _VERSION):
            raise LeaseStoreError(
                f"lease database {self._path}: not made by this version of netmend (application id {application:#x}, "
                f"version {version}); give another path, or move the file away"
            )
        if (verdict := execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(verdict)
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        execute("BEGIN IMMEDIATE")
        if not tables:
            execute(_SCHEMA)
            execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            execute(f"PRAGMA user_version = {_VERSION}")
        execute("DELETE FROM lease WHERE expires < ?", (now - _KEEP_EXPIRED,))
        execute("COMMIT")
        self._networks = {network_id for (network_id,) in execute("SELECT DISTINCT network FROM lease")}

    def load(self, network_id: str, version: Literal[4, 6] = 4) -> list[Lease]:
        """What is stored of a network, of one version of IP. Raises LeaseStoreError."""
        if network_id not in self._networks:  # as is each of a thousand that start anew
            return []
        query = (
            "SELECT subnet, address, client, hardware, state, expires FROM lease "
            "WHERE network = ? AND typeof(address) = ?"
        )
        with self._lock:
            try:
                return [
                    Lease(subnet, _number(address), client, hardware, LeaseState(state), expires)
                    for subnet, address, client, hardware, state, expires in self._connection.execute(
                        query, (network_id, "integer" if version == 4 else "blob")
                    )
                ]
            except (sqlite3.Error, ValueError) as error:
                raise self._error("read", error) from error

    def commit(self, changes: Iterable[tuple[str, Lease]]) -> None:
        """Store leases, each with its network's id (FREE: delete), all or none. On return they are on disk.

        Raises LeaseStoreError.
        """
        rows, free = [], []
        for network_id, lease in changes:
            if lease.state == LeaseState.FREE:
                free.append((network_id, _stored(lease.address)))
            else:
                what = (lease.subnet_id, lease.client, lease.hardware, int(lease.state), lease.expires)
                rows.append((network_id, _stored(lease.address), *what))
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
                raise self._error("write", error) from error

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _error(self, operation: str, error: Exception) -> LeaseStoreError:
        corrupt = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
        mend = (
            "it is damaged: move it away (dynamic leases start anew; ports keep their fixed IPs)"
            if corrupt
            else "see that its directory exists, is writable and has room"
        )
        return LeaseStoreError(f"lease database {self._path}: cannot {operation}: {error}; {mend}")


def _stored(address: int) -> int | bytes:
    """An address as the database has it: no IPv6 address that is leased is as small a number as one of IPv4."""
    return address if address >> 32 == 0 else address.to_bytes(16, "big")


def _number(stored: int | bytes) -> int:
    return stored if isinstance(stored, int) else int.from_bytes(stored, "big")
