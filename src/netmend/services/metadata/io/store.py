"""Passwords that guests have posted, and the key that signs tokens, on disk: a SQLite database."""

import sqlite3
from pathlib import Path
from threading import Lock

from netmend.ground import sqlite_file


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
    """Its methods may be called from different threads. `passwords` holds all of them, by network and instance id."""

    def __init__(self, path: Path, new_key: bytes) -> None:
        """Open the database at `path`, and make it when there is none. `new_key` becomes the key where it has none.
        Raises MetadataStoreError."""
        self._path = path
        self._lock = Lock()
        self._connection = sqlite_file.open_writer(path, _SCHEMA)
        try:
            self.key, self.passwords = self._load(new_key)
        except sqlite3.Error as error:
            self._connection.close()
            raise _SCHEMA.error(path, "open", error) from error

    def _load(self, new_key: bytes) -> tuple[bytes, dict[tuple[str, str], bytes]]:
        execute = self._connection.execute
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
            try:
                self._connection.execute("REPLACE INTO password VALUES (?, ?, ?)", (network_id, instance_id, password))
            except sqlite3.Error as error:
                raise _SCHEMA.error(self._path, "write", error) from error
            self.passwords[network_id, instance_id] = password
            return True

    def close(self) -> None:
        with self._lock:
            self._connection.close()
