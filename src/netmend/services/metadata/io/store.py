"""Passwords that guests have posted, and the key that signs tokens, on disk: a SQLite database."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

from netmend.ground import sqlite_file
from netmend.ground.log import get_logger

log = get_logger()


class MetadataStoreError(Exception):
    """The database cannot be used; the message says which, what was tried, what SQLite said, and what to do."""


_SCHEMA = sqlite_file.Schema(
    name="metadata database",
    application_id=0x6E6D6D64,  # "nmmd"
    migrations=(
        """CREATE TABLE password (
            network TEXT NOT NULL,
            instance TEXT NOT NULL,
            password BLOB NOT NULL,
            PRIMARY KEY (network, instance)
        ) WITHOUT ROWID;
        CREATE TABLE token_key (key BLOB NOT NULL);""",
    ),
    damaged="it is damaged: move it away (guests then post their passwords anew, if they do)",
    failure=MetadataStoreError,
)


class MetadataStore:
    """Its methods may be called from different threads. `passwords` holds all of them, by network and instance id.

    A file that is removed, replaced, cut short or damaged while it is open is noticed, and written anew from memory.
    """

    def __init__(self, path: Path, new_key: bytes) -> None:
        """Open the database at `path`, and make it when there is none. `new_key` becomes the key where it has none.
        Raises MetadataStoreError."""
        self._path = path
        self._lock = Lock()
        self.problem: str | None = None  # why passwords cannot be kept
        self._connection: sqlite3.Connection | None = sqlite_file.open_writer(path, _SCHEMA)
        try:
            self.key, self.passwords = self._load(self._connection, new_key)
        except sqlite3.Error as error:
            self._connection.close()
            raise _SCHEMA.error(path, "open", error) from error
        self._place = sqlite_file.Place(path)

    def _load(self, connection: sqlite3.Connection, new_key: bytes) -> tuple[bytes, dict[tuple[str, str], bytes]]:
        execute = connection.execute
        execute("INSERT INTO token_key SELECT ? WHERE NOT EXISTS (SELECT * FROM token_key)", (new_key,))
        (key,) = execute("SELECT key FROM token_key").fetchone()
        rows = execute("SELECT network, instance, password FROM password")
        return bytes(key), {(network_id, instance_id): password for network_id, instance_id, password in rows}

    def keep(self, network_id: str, instance_id: str, password: bytes) -> bool:
        """Store an instance's password; False when it has one already. On return it is on disk. Raises
        MetadataStoreError."""
        with self._lock:
            if self.passwords.get((network_id, instance_id)):
                return False
            with self._noting():
                self._write("REPLACE INTO password VALUES (?, ?, ?)", (network_id, instance_id, password))
            self.passwords[network_id, instance_id] = password
            return True

    def look(self) -> None:
        """See to the file, and to whether it can be written again where it could not; `problem` says what was found."""
        with self._lock, contextlib.suppress(MetadataStoreError), self._noting():
            if self.problem is None:
                self._see_to_file()
            else:
                self._write("UPDATE token_key SET key = ?", (self.key,))

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        """Note in `problem` how the block ends."""
        try:
            yield
        except MetadataStoreError as error:
            self.problem = str(error)
            raise
        self.problem = None

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        connection = self._see_to_file()
        try:
            connection.execute(statement, values)
        except sqlite3.Error as error:
            if sqlite_file.is_damage(error):
                self._place.suspect()
            raise _SCHEMA.error(self._path, "write", error) from error

    def _see_to_file(self) -> sqlite3.Connection:
        """The connection to the file at the path, which holds what memory does. Raises MetadataStoreError."""
        if self._connection is not None and (lost := self._place.why_lost()) is not None:
            log.warning("the metadata database is written anew from memory", file=str(self._path), reason=lost)
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = self._open_anew()
            self._place = sqlite_file.Place(self._path)
        return self._connection

    def _open_anew(self) -> sqlite3.Connection:
        try:
            connection = sqlite_file.open_writer(self._path, _SCHEMA)
        except MetadataStoreError as error:
            if not sqlite_file.is_damage(error.__cause__):
                raise
            sqlite_file.set_aside(self._path)
            connection = sqlite_file.open_writer(self._path, _SCHEMA)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM token_key")
            connection.execute("INSERT INTO token_key VALUES (?)", (self.key,))
            rows = [(*owner, password) for owner, password in self.passwords.items()]
            connection.executemany("REPLACE INTO password VALUES (?, ?, ?)", rows)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            connection.close()
            raise _SCHEMA.error(self._path, "write", error) from error
        return connection
