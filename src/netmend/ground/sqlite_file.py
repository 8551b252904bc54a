"""Opening a database of netmend's own: a SQLite file that is marked as ours and brought to this version's tables.

Each store says its schema. All else is the same for all: the file is readable for its owner alone from its birth (as
are its -wal and -shm, which SQLite gives the mode of the file), it has a write-ahead log, and with `synchronous=FULL`
what COMMIT has returned from survives a crash and a power cut, while readers see the last commit whole.
"""

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Literal

from msgspec import Struct

_PATIENCE = 5.0  # seconds to wait for another process that writes
_CACHE = -256  # KiB of pages that a connection keeps: SQLite's 2 MiB fill for hours, and the kernel has the file too


class Schema(Struct, frozen=True):
    """A kind of database, with its mark and tables."""

    name: str  # for messages, such as `lease database`
    application_id: int  # SQLite's mark of the file (PRAGMA application_id)
    migrations: tuple[str, ...]  # scripts that make the tables: the first N make version N; never edited once released
    damaged: str  # what to do with a damaged file
    failure: type[Exception]  # to raise; its one argument is a sentence for people
    checked: bool = True  # `open_writer` reads all pages to see that they are whole (PRAGMA quick_check)
    synchronous: Literal["FULL", "NORMAL"] = "FULL"  # when SQLite waits for the disk (PRAGMA synchronous)
    unmarked: bool = False  # files that have tables and no mark are ours, of a time before the mark

    def error(self, path: Path, operation: str, error: Exception) -> Exception:
        """What SQLite said of `operation`, as a `failure` for a person."""
        if is_damage(error):
            mend = self.damaged
        elif isinstance(error, sqlite3.Error) and is_busy(error):
            mend = f"another process has locked it, as `fuser -v {path}` shows: end what that one does"
        else:
            mend = "see that its directory exists, is writable and has room"
        return self.failure(f"{self.name} {path}: cannot {operation}: {error}; {mend}")


class Place:
    """The file at a path, as far as stat(2) tells whether it is still the one that is open. To open and close the file
    for such a look would end SQLite's locks on it (fcntl(2))."""

    def __init__(self, path: Path) -> None:
        """The file is open, and at its path."""
        self._path = path
        self._found = self._look()
        self._suspected = False

    def suspect(self) -> None:
        """Take the file for damaged: a read or a write has shown it."""
        self._suspected = True

    def why_lost(self) -> str | None:
        """The reason for which the file at the path no longer has what was written; None if a cheap look finds none."""
        if self._suspected:
            return "it is damaged"
        found = self._look()
        if found is None:
            return "it is gone"
        if self._found is not None and found[:2] != self._found[:2]:
            return "another file is in its place"
        if self._found is not None and found[2] < self._found[2]:  # we never make it shorter
            return "it was cut short"
        self._found = found
        return None

    def _look(self) -> tuple[int, int, int] | None:
        """Device, inode and size."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_size


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite said that a file's content is damaged, rather than out of reach."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another process, or another connection of ours, has what a statement needs."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def set_aside(path: Path) -> None:
    """Give a damaged file the name `PATH.damaged`, so that a new one can be made; a failure shows when that is."""
    with contextlib.suppress(OSError):
        path.replace(path.with_name(f"{path.name}.damaged"))
        for end in ("-wal", "-shm"):  # of the file that is gone: they would be read into the new one
            path.with_name(path.name + end).unlink(missing_ok=True)


def open_writer(
    path: Path, schema: Schema, *, cached_statements: int = 128, patience: float = _PATIENCE
) -> sqlite3.Connection:
    """A connection that may write, in autocommit mode, for any thread; makes the file, or migrates it. `patience` is
    for how many seconds it waits for another process that writes, now and later.

    Raises:
        schema.failure: the file is damaged, of another application or of a later netmend, or cannot be written.
    """
    with contextlib.suppress(OSError):  # of which SQLite speaks below, and connect to a file that is there
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    connection = _connect(path, schema, cached_statements, patience)
    try:
        _migrate(connection, path, schema)
    except sqlite3.Error as error:
        connection.close()
        raise schema.error(path, "open", error) from error
    except schema.failure:
        connection.close()
        raise
    return connection


def open_reader(path: Path, schema: Schema, *, cached_statements: int = 128) -> sqlite3.Connection:
    """A connection that only reads a file that `open_writer` made. Raises `schema.failure`."""
    connection = _connect(path, schema, cached_statements, _PATIENCE)
    try:
        version = _version(connection, path, schema)
        if version != len(schema.migrations):
            raise schema.failure(
                f"{schema.name} {path}: has version {version}, this netmend reads {len(schema.migrations)}; "
                "start the node once, which migrates it"
            )
        connection.execute(f"PRAGMA cache_size = {_CACHE}")
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        connection.close()
        raise schema.error(path, "read", error) from error
    except schema.failure:
        connection.close()
        raise
    return connection


def _connect(path: Path, schema: Schema, cached_statements: int, patience: float) -> sqlite3.Connection:
    try:
        return sqlite3.connect(
            path,
            isolation_level=None,
            check_same_thread=False,
            timeout=patience,
            cached_statements=cached_statements,
        )
    except sqlite3.Error as error:
        raise schema.error(path, "open", error) from error


def _version(connection: sqlite3.Connection, path: Path, schema: Schema) -> int:
    application, version = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("application_id", "user_version")
    )
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    ours = application == schema.application_id or (application == 0 and schema.unmarked)
    if tables and not ours:
        raise schema.failure(
            f"{schema.name} {path}: is a database of another application ({application:#x}), not made by this version "
            "of netmend; give another path, or move the file away"
        )
    if version > len(schema.migrations):
        raise schema.failure(
            f"{schema.name} {path}: was made by a later netmend (version {version}, this one knows "
            f"{len(schema.migrations)}); run that one, give another path, or move the file away"
        )
    return version


def _migrate(connection: sqlite3.Connection, path: Path, schema: Schema) -> None:
    version = _version(connection, path, schema)
    if schema.checked and (verdict := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(verdict)
    connection.execute(f"PRAGMA cache_size = {_CACHE}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {schema.synchronous}")
    for number, script in enumerate(schema.migrations[version:], version + 1):
        connection.execute("BEGIN IMMEDIATE")  # a migration is there wholly or not at all, wherever it is killed
        try:
            for statement in statements_of(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {schema.application_id}")
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:  # SQLite has given it up itself where the disk failed (lang_transaction.html)
                connection.execute("ROLLBACK")
            raise


def statements_of(script: str) -> list[str]:
    """The statements of an SQL script, which begin on lines of their own."""
    statements: list[str] = []
    text = ""
    for line in script.splitlines():
        text += line + "\n"
        if sqlite3.complete_statement(text):
            statements.append(text)
            text = ""
    return statements
