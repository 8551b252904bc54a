"""The networks as the server last described them, on disk: guests are served from them while the server is away, also
after a restart in that time."""

import contextlib
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netmend.ground import sqlite_file
from netmend.ground.private_files import make_private_directory
from netmend.sources.problem import SourceError

_SCHEMA = sqlite_file.Schema(
    name="last known networks",
    application_id=0x6E6D6C6B,  # "nmlk"
    migrations=(
        """CREATE TABLE IF NOT EXISTS networks (id TEXT PRIMARY KEY, raw TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;""",
    ),
    damaged="it is begun anew",
    failure=SourceError,
    synchronous="NORMAL",  # what a power cut takes from it, the server tells again
    unmarked=True,
)


class LastKnown:
    """A database of one file, for one thread at a time. A file that cannot be used is begun anew: it is only a memory.

    `problem` says why nothing can be remembered.
    """

    def __init__(self, path: Path, host: str) -> None:
        self.problem: str | None = None
        self._path = path
        self._host = host
        self._database: sqlite3.Connection | None = None
        with contextlib.suppress(OSError):
            make_private_directory(path.parent)
        for _ in range(2):
            try:
                self._open()
            except (sqlite3.DatabaseError, SourceError) as error:
                self.problem = f"{error}; the last known networks are not kept"
                self._begin_anew()
            else:
                self.problem = None
                return

    def _open(self) -> None:
        self._database = sqlite_file.open_writer(self._path, _SCHEMA)
        if self._fact("host") != self._host:  # another node's networks, or none
            self._database.execute("DELETE FROM networks")
            self._database.execute("DELETE FROM facts")
            self._database.execute("INSERT INTO facts VALUES ('host', ?)", (self._host,))

    def _begin_anew(self) -> None:
        self.close()
        with contextlib.suppress(OSError):
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _fact(self, key: str) -> str | None:
        assert self._database is not None
        row = self._database.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def read(self) -> tuple[dict[str, dict[str, Any]], float | None]:
        """Networks by id, and when (seconds since the epoch) the server last confirmed them all; None when never."""
        if self._database is None:
            return {}, None
        try:
            networks = {
                network_id: json.loads(raw)
                for network_id, raw in self._database.execute("SELECT id, raw FROM networks")
            }
            when = self._fact("confirmed_at")
        except (sqlite3.DatabaseError, ValueError) as error:
            self.problem = f"{self._path}: {error}"
            return {}, None
        return networks, float(when) if when else None

    def write(self, changed: Mapping[str, Mapping[str, Any] | None], confirmed_at: float | None) -> None:
        """Keep these networks (None: forget it), and when the server last said that all is so."""
        if self._database is None:
            return
        try:
            self._database.execute("BEGIN")
            for network_id, raw in changed.items():
                if raw is None:
                    self._database.execute("DELETE FROM networks WHERE id = ?", (network_id,))
                else:
                    text = json.dumps(raw, separators=(",", ":"), default=str)
                    self._database.execute("INSERT OR REPLACE INTO networks VALUES (?, ?)", (network_id, text))
            if confirmed_at is not None:
                value = repr(confirmed_at)
                self._database.execute("INSERT OR REPLACE INTO facts VALUES ('confirmed_at', ?)", (value,))
            self._database.execute("COMMIT")
            self.problem = None
        except sqlite3.DatabaseError as error:
            self.problem = f"{self._path}: {error}"
            with contextlib.suppress(sqlite3.DatabaseError):
                self._database.execute("ROLLBACK")
