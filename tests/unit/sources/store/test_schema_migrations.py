"""Every earlier version of the file becomes the newest, whole or not at all; files that are not ours are left alone."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.sources.store.writes import make_network, make_port

from netmend.ground.sqlite_file import statements_of
from netmend.sources.store import Store, StoreError
from netmend.sources.store.database import open_reader, open_writer
from netmend.sources.store.schema import APPLICATION_ID, MIGRATIONS

NETWORK = (
    '{"id":"00000000-0000-4000-8000-000000000001","name":"n","admin_state_up":true,"mtu":1500,"project_id":"",'
    '"dns_domain":"","subnets":[],"netmend":{},"revision_number":1}'
)


def make_version(path: Path, version: int) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for script in MIGRATIONS[:version]:
        for statement in statements_of(script):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {version}")
    if version:
        connection.execute("INSERT INTO network (id, change, document) VALUES (?, 1, ?)", (NETWORK[7:43], NETWORK))
    connection.close()


def schema_of(path: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()
    connection.close()
    return found


@pytest.mark.parametrize("version", range(len(MIGRATIONS) + 1))
def test_each_version_becomes_the_newest(tmp_path: Path, version: int) -> None:
    path, fresh = tmp_path / "old.sqlite", tmp_path / "new.sqlite"
    make_version(path, version)
    open_writer(fresh).close()
    store = Store(path)
    assert [network.name for network in store.intent.networks.values()] == (["n"] if version else [])
    make_port(store, make_network(store, "10.0.0.0/24"))
    store.close()
    assert schema_of(path) == schema_of(fresh)
    open_reader(path).close()


_MIGRATE = """
import os, sqlite3, sys
from pathlib import Path
from netmend.ground import sqlite_file
from netmend.sources.store import database
statements, before = sqlite_file.statements_of, int(sys.argv[2])
count = 0
def stop_in_the_middle(script):
    def each():
        global count
        for statement in statements(script):
            count += 1
            if count > before:
                os._exit(9)
            yield statement
    return each()
sqlite_file.statements_of = stop_in_the_middle
database.open_writer(Path(sys.argv[1])).close()
"""


def test_a_migration_that_is_killed_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    whole = sum(len(statements_of(script)) for script in MIGRATIONS)
    for before in (0, 1, 5, whole - 1):
        ended = subprocess.run([sys.executable, "-c", _MIGRATE, str(path), str(before)], check=False)
        assert ended.returncode == 9
    store = Store(path)
    make_network(store, "10.0.0.0/24")
    store.close()


def test_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    make_version(path, len(MIGRATIONS))
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    for use in (open_writer, open_reader):
        with pytest.raises(StoreError, match="was made by a later netmend"):
            use(path)


def test_files_that_are_no_store(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE lease (x)")
    connection.close()
    with pytest.raises(StoreError, match="is a database of another application"):
        Store(other)
    text = tmp_path / "text"
    text.write_text("networks: []\n" * 400)
    with pytest.raises(StoreError, match="it is damaged: move it away"):
        Store(text)
    with pytest.raises(StoreError, match="there is no such file"):
        open_reader(tmp_path / "nothing")
    with pytest.raises(StoreError, match="see that its directory exists"):
        Store(tmp_path / "no" / "directory")
