"""Dynamic leases on disk: a SQLite database, one row an address (IPv4 as a number; IPv6, which is longer than SQLite's
numbers, as 16 octets).

What `commit` has returned from is on disk: RFC 2131 section 3.1 step 4 wants no less before a client learns of it.
Rows of networks and subnets that are gone stay until they have been expired for a week, should these come back.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Literal

from netmend.ground import sqlite_file
from netmend.services.leases.table import Lease, LeaseState

_KEEP_EXPIRED = 7 * 86_400.0  # seconds


class LeaseStoreError(Exception):
    """The database cannot be used; the message says which, what was tried, what SQLite said, and what to do."""


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

        Raises LeaseStoreError when it is corrupt, is not ours, or cannot be written.
        """
        self._path = path
        self._lock = Lock()
        self._connection = sqlite_file.open_writer(path, _SCHEMA)
        execute = self._connection.execute
        try:
            execute("DELETE FROM lease WHERE expires < ?", (now - _KEEP_EXPIRED,))
            self._networks = {network_id for (network_id,) in execute("SELECT DISTINCT network FROM lease")}
        except sqlite3.Error as error:
            self._connection.close()
            raise _SCHEMA.error(path, "open", error) from error

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
                raise _SCHEMA.error(self._path, "read", error) from error

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
                raise _SCHEMA.error(self._path, "write", error) from error

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def _stored(address: int) -> int | bytes:
    """An address as the database has it: no IPv6 address that is leased is as small a number as one of IPv4."""
    return address if address >> 32 == 0 else address.to_bytes(16, "big")


def _number(stored: int | bytes) -> int:
    return stored if isinstance(stored, int) else int.from_bytes(stored, "big")
