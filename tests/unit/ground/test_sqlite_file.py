"""A database of ours is private from its birth, wholly of one version, and told apart from all others."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from netmend.ground.sqlite_file import Schema, open_reader, open_writer, statements_of


class DatabaseRefused(Exception):
    """What the schema below raises."""


SCHEMA = Schema(
    name="test database",
    application_id=0x74657374,
    migrations=("CREATE TABLE one (x);", "CREATE TABLE two (x);\nINSERT INTO two VALUES (1);"),
    damaged="throw it away",
    failure=DatabaseRefused,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.sqlite"


def test_only_the_owner_may_read_it(path: Path) -> None:
    before = os.umask(0)
    try:
        with closing(open_writer(path, SCHEMA)) as connection:
            connection.execute("INSERT INTO one VALUES (1)")
            modes = {entry.name: entry.stat().st_mode & 0o777 for entry in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("file.sqlite", "file.sqlite-wal", "file.sqlite-shm"), 0o600)


def test_it_is_brought_to_the_newest_version_once(path: Path) -> None:
    open_writer(path, replace(SCHEMA, migrations=SCHEMA.migrations[:1])).close()
    with pytest.raises(DatabaseRefused, match="has version 1, this netmend reads 2; start the node once"):
        open_reader(path, SCHEMA)
    for _ in range(2):
        open_writer(path, SCHEMA).close()
    with closing(open_reader(path, SCHEMA)) as connection:
        assert connection.execute("SELECT x FROM two").fetchall() == [(1,)]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("INSERT INTO two VALUES (2)")


def test_what_a_commit_has_returned_from_is_on_disk(path: Path) -> None:
    with closing(open_writer(path, SCHEMA)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_file_of_a_later_netmend(path: Path) -> None:
    open_writer(path, SCHEMA).close()
    older = replace(SCHEMA, migrations=SCHEMA.migrations[:1])
    for use in (open_writer, open_reader):
        with pytest.raises(DatabaseRefused, match=r"was made by a later netmend \(version 2, this one knows 1\)"):
            use(path, older)


def test_a_file_of_another_application(path: Path) -> None:
    open_writer(path, replace(SCHEMA, application_id=1)).close()
    content = path.read_bytes()
    for use in (open_writer, open_reader):
        with pytest.raises(DatabaseRefused, match=r"is a database of another application \(0x1\)"):
            use(path, SCHEMA)
    assert path.read_bytes() == content


def test_a_file_of_before_it_was_marked(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE zero (x)")
    with pytest.raises(DatabaseRefused, match="another application"):
        open_writer(path, SCHEMA)
    open_writer(path, replace(SCHEMA, unmarked=True)).close()
    open_reader(path, SCHEMA).close()


def test_a_damaged_file(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)
    with pytest.raises(DatabaseRefused, match="cannot open: file is not a database; throw it away"):
        open_writer(path, SCHEMA)


def test_a_place_where_no_file_can_be(tmp_path: Path) -> None:
    with pytest.raises(DatabaseRefused, match="see that its directory exists"):
        open_writer(tmp_path / "no" / "directory", SCHEMA)
    with pytest.raises(DatabaseRefused, match="cannot open"):
        open_writer(tmp_path, SCHEMA)


def test_a_device_that_takes_nothing(path: Path) -> None:
    path.symlink_to("/dev/full")
    with pytest.raises(DatabaseRefused, match=r"cannot open: (?!cannot rollback)"):
        open_writer(path, SCHEMA)


def test_a_file_that_another_process_has_locked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netmend.ground.sqlite_file._PATIENCE", 0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DatabaseRefused, match="database is locked; another process has locked it, as `fuser"):
            open_writer(path, SCHEMA)


def test_a_script_is_cut_into_its_statements() -> None:
    assert statements_of("CREATE TABLE a (\n  x\n);\nINSERT INTO a VALUES (';');\n") == [
        "CREATE TABLE a (\n  x\n);\n",
        "INSERT INTO a VALUES (';');\n",
    ]
