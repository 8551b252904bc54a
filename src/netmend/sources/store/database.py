"""The store's file: opening it, and bringing it to the version of this netmend.

Write-ahead log with `synchronous=FULL`: what COMMIT has returned from survives a crash and a power cut, and readers see
the last commit whole while the next is under way.
"""

import sqlite3
from pathlib import Path

from netmend.sources.store.errors import StoreError
from netmend.sources.store.schema import APPLICATION_ID, MIGRATIONS

_PATIENCE = 5.0  # seconds to wait for another process that writes
_CACHE = -64_000  # KiB of pages: 50,000 ports


def open_writer(path: Path) -> sqlite3.Connection:
    """A connection that may write; makes the file, or migrates it. Raises StoreError."""
    connection = _connect(path)
    try:
        _migrate(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise store_error(path, "open", error) from error
    except StoreError:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads a file that `open_writer` made. Raises StoreError."""
    if not path.exists():
        raise StoreError(f"store {path}: there is no such file; `netmend run --store` or `netmend import` makes one")
    connection = _connect(path)
    try:
        version = _version(connection, path)
        if version != len(MIGRATIONS):
            raise StoreError(
                f"store {path}: has version {version}, this netmend reads {len(MIGRATIONS)}; "
                "start the node once, which migrates it"
            )
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        connection.close()
        raise store_error(path, "read", error) from error
    except StoreError:
        connection.close()
        raise
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=_PATIENCE, cached_statements=512
        )
        connection.execute(f"PRAGMA cache_size = {_CACHE}")
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error as error:
        raise store_error(path, "open", error) from error
    return connection


def _version(connection: sqlite3.Connection, path: Path) -> int:
    application, version = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("application_id", "user_version")
    )
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and application != APPLICATION_ID:
        raise StoreError(f"store {path}: is a database of another application ({application:#x}); give another path")
    if version > len(MIGRATIONS):
        raise StoreError(
            f"store {path}: was made by a later netmend (version {version}, this one knows {len(MIGRATIONS)}); "
            "run that one, or give another path"
        )
    return version


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        connection.execute("BEGIN IMMEDIATE")  # a migration is there wholly or not at all, wherever it is killed
        try:
            for statement in statements_of(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except sqlite3.Error:
            connection.execute("ROLLBACK")
            raise


def statements_of(script: str) -> list[str]:
    statements: list[str] = []
    text = ""
    for line in script.splitlines():
        text += line + "\n"
        if sqlite3.complete_statement(text):
            statements.append(text)
            text = ""
    return statements


def store_error(path: Path, operation: str, error: sqlite3.Error) -> StoreError:
    """What SQLite said, for a person."""
    corrupt = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
    mend = (
        "it is damaged: move it away and import the last export"
        if corrupt
        else "see that its directory exists, is writable and has room, and that no other process holds the file"
    )
    return StoreError(f"store {path}: cannot {operation}: {error}; {mend}")
