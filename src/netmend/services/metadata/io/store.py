"""Passwords that guests have posted, and the key that signs tokens, on disk: a SQLite database."""

import sqlite3
from pathlib import Path
from threading import Lock

_APPLICATION_ID = 0x6E6D6D64  # "nmmd"
_VERSION = 1
_SCHEMA = (
    """CREATE TABLE password (
        network TEXT NOT NULL,
        instance TEXT NOT NULL,
        password BLOB NOT NULL,
        PRIMARY KEY (network, instance)
    ) WITHOUT ROWID""",
    "CREATE TABLE token_key (key BLOB NOT NULL)",
)


class MetadataStoreError(Exception):
    """The database cannot be used; the message says which, what was tried, what SQLite said, and what to do."""


class MetadataStore:
    """Its methods may be called from different threads. `passwords` holds all of them, by network and instance id."""

    def __init__(self, path: Path, new_key: bytes) -> None:
        """Open the database at `path`, and make it, readable for its owner alone, when there is none: with `new_key`
        as the key. Raises MetadataStoreError."""
        self._path = path
        self._lock = Lock()
        self.passwords: dict[tuple[str, str], bytes] = {}
        try:
            path.touch(mode=0o600)
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        except (OSError, sqlite3.Error) as error:
            raise self._error("open", error) from error
        try:
            self.key = self._prepare(new_key)
        except (sqlite3.Error, MetadataStoreError) as error:
            self._connection.close()
            raise error if isinstance(error, MetadataStoreError) else self._error("open", error) from error

    def _prepare(self, new_key: bytes) -> bytes:
        execute = self._connection.execute
        marks = [int(execute(f"PRAGMA {name}").fetchone()[0]) for name in ("application_id", "user_version")]
        tables = execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()[0]
        if tables and marks != [_APPLICATION_ID, _VERSION]:
            raise MetadataStoreError(
                f"metadata database {self._path}: not made by this version of netmend (application id {marks[0]:#x}, "
                f"version {marks[1]}); move the file away"
            )
        execute("PRAGMA synchronous = FULL")
        if not tables:
            execute("BEGIN IMMEDIATE")
            for table in _SCHEMA:
                execute(table)
            execute("INSERT INTO token_key VALUES (?)", (new_key,))
            execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            execute(f"PRAGMA user_version = {_VERSION}")
            execute("COMMIT")
        for network_id, instance_id, password in execute("SELECT network, instance, password FROM password"):
            self.passwords[network_id, instance_id] = password
        (key,) = execute("SELECT key FROM token_key").fetchone()
        return bytes(key)

    def keep(self, network_id: str, instance_id: str, password: bytes) -> bool:
        """Store an instance's password; False when it has one already. On return it is on disk. Raises
        MetadataStoreError."""
        with self._lock:
            if self.passwords.get((network_id, instance_id)):
                return False
            try:
                self._connection.execute("REPLACE INTO password VALUES (?, ?, ?)", (network_id, instance_id, password))
            except sqlite3.Error as error:
                raise self._error("write", error) from error
            self.passwords[network_id, instance_id] = password
            return True

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _error(self, operation: str, error: Exception) -> MetadataStoreError:
        return MetadataStoreError(
            f"metadata database {self._path}: cannot {operation}: {error}; see that its directory exists, is writable "
            "and has room; if it is damaged, move it away (guests then post their passwords anew, if they do)"
        )
