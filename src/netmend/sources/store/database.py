"""The store's file: its schema, and the connections to it."""

import sqlite3
from pathlib import Path

from netmend.ground import sqlite_file
from netmend.sources.store.errors import StoreError
from netmend.sources.store.schema import APPLICATION_ID, MIGRATIONS

_CACHE = -64_000  # KiB of pages: 50,000 ports
_STATEMENTS = 512  # prepared, that a connection keeps
SCHEMA = sqlite_file.Schema(
    name="store",
    application_id=APPLICATION_ID,
    migrations=MIGRATIONS,
    damaged="it is damaged: move it away and import the last export",
    failure=StoreError,
    checked=False,  # 50,000 ports would make a start wait
)


def open_writer(path: Path) -> sqlite3.Connection:
    """A connection that may write; makes the file, or migrates it. Raises StoreError."""
    return _prepared(sqlite_file.open_writer(path, SCHEMA, cached_statements=_STATEMENTS))


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads a file that `open_writer` made. Raises StoreError."""
    if not path.exists():
        raise StoreError(f"store {path}: there is no such file; `netmend run --store` or `netmend import` makes one")
    return _prepared(sqlite_file.open_reader(path, SCHEMA, cached_statements=_STATEMENTS))


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute(f"PRAGMA cache_size = {_CACHE}")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection
