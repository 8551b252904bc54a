"""Leases on disk: what is committed is there, and what is wrong is said."""

import sqlite3
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.unit.services.dhcp4.guest import NOW

from netmend.services.dhcp4 import Lease, LeaseState
from netmend.services.leases.io.store import LeaseStore, LeaseStoreError

LEASE = Lease("subnet", 0xC0000264, b"i\x00client", bytes.fromhex("02000000ff01"), LeaseState.LEASED, NOW + 3600)


def other(**changes: object) -> Lease:
    return replace(LEASE, address=LEASE.address + 1, client=b"i\x00other", **changes)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leases.sqlite"


def test_what_is_committed_is_there_after_a_restart(path: Path) -> None:
    store = LeaseStore(path, NOW)
    forever, declined = other(expires=float("inf")), replace(other(state=LeaseState.DECLINED), address=7)
    store.commit([("one", LEASE), ("one", forever), ("two", declined)])
    store.close()
    store = LeaseStore(path, NOW)
    assert sorted(store.load("one"), key=lambda lease: lease.address) == [LEASE, forever]
    assert store.load("two") == [declined]
    assert store.load("three") == []
    store.close()


def test_addresses_of_both_kinds_are_kept_side_by_side(path: Path) -> None:
    store = LeaseStore(path, NOW)
    six = replace(LEASE, address=0x20010DB8 << 96 | 0x100)
    store.commit([("one", LEASE), ("one", six)])
    assert store.load("one") == [LEASE]
    assert store.load("one", 6) == [six]
    store.commit([("one", replace(six, state=LeaseState.FREE))])
    assert store.load("one") == [LEASE]
    assert store.load("one", 6) == []
    store.close()


def test_the_last_word_on_an_address_counts(path: Path) -> None:
    store = LeaseStore(path, NOW)
    store.commit([("one", LEASE)])
    store.commit([("one", replace(other(), address=LEASE.address))])
    assert store.load("one") == [replace(other(), address=LEASE.address)]
    store.commit([("one", replace(LEASE, state=LeaseState.FREE))])
    assert store.load("one") == []
    store.close()


def test_what_expired_long_ago_is_forgotten(path: Path) -> None:
    store = LeaseStore(path, NOW)
    store.commit([("one", LEASE), ("one", other(expires=NOW - 6 * 86_400)), ("one", other(expires=NOW + 9e9))])
    store.commit([("two", other(expires=NOW - 8 * 86_400))])
    store.close()
    store = LeaseStore(path, NOW)
    assert len(store.load("one")) == 2
    assert store.load("two") == []
    store.close()


def test_a_second_process_sees_only_whole_commits(path: Path) -> None:
    store = LeaseStore(path, NOW)
    store.commit([("one", LEASE)])
    with pytest.raises(LeaseStoreError):
        store.commit([("one", other()), ("one", replace(LEASE, client=None))])
    with sqlite3.connect(path) as reader:
        assert reader.execute("SELECT count(*) FROM lease").fetchone() == (1,)
    reader.close()
    store.commit([("one", other())])
    store.close()


def error(path: Path) -> str:
    with pytest.raises(LeaseStoreError) as caught:
        LeaseStore(path, NOW)
    return str(caught.value)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "leases.sqlite"
    assert error(path) == (
        f"lease database {path}: cannot open: unable to open database file; "
        "see that its directory exists, is writable and has room"
    )


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_bytes(b"not a database " * 500)
    assert "file is not a database; it is damaged: move it away" in error(path)


def test_a_damaged_database(path: Path) -> None:
    store = LeaseStore(path, NOW)
    store.commit([("network", replace(LEASE, address=n, client=bytes(200))) for n in range(200)])
    store.close()
    content = bytearray(path.read_bytes())
    content[8192:16_384] = bytes(8192)
    path.write_bytes(content)
    assert "it is damaged: move it away" in error(path)


def test_somebody_elses_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    assert "not made by this version of netmend" in error(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    connection.close()


def test_a_write_that_fails_says_so_and_the_store_works_on(path: Path) -> None:
    store = LeaseStore(path, NOW)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("CREATE TRIGGER full BEFORE INSERT ON lease BEGIN SELECT RAISE(ABORT, 'no room'); END")
    with pytest.raises(LeaseStoreError, match="cannot write: no room"):
        store.commit([("one", LEASE)])
    blocker.execute("DROP TRIGGER full")
    blocker.close()
    store.commit([("one", LEASE)])
    assert store.load("one") == [LEASE]
    store.close()


def lock(path: Path) -> sqlite3.Connection:
    """As another process that writes, and does not end."""
    locker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    locker.execute("BEGIN IMMEDIATE")
    return locker


def test_nobody_waits_for_a_commit_that_waits_for_another_process(path: Path) -> None:
    """A network that is made meanwhile reads its leases, and is served."""
    store = LeaseStore(path, NOW)
    store.commit([("n", LEASE)])
    locker = lock(path)
    commit = threading.Thread(target=store.commit, args=([("n", other())],))
    commit.start()
    try:
        for _ in range(3):
            assert store.load("n") == [LEASE]
        assert commit.is_alive(), "it has waited for nobody"
    finally:
        locker.execute("ROLLBACK")
        commit.join()
        locker.close()
    assert len(store.load("n")) == 2
    store.close()


def test_a_locked_file_is_told_when_it_is_opened(path: Path) -> None:
    """At once: a node that starts has guests waiting, and opens it again some seconds later."""
    store = LeaseStore(path, NOW)
    (patience,) = store._connection.execute("PRAGMA busy_timeout").fetchone()
    assert patience <= 500  # milliseconds
    store.close()
    locker = lock(path)
    with pytest.raises(LeaseStoreError, match="another process has locked it"):
        LeaseStore(path, NOW)
    locker.close()
    LeaseStore(path, NOW).close()
