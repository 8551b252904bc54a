"""The store's file, removed or replaced while it is open: what clients were told of as done is in the next one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from netmend.sources.store.errors import StoreError
from netmend.sources.store.store import Store
from netmend.sources.store.transaction import Transaction


def put(store: Store, number: int) -> None:
    def operation(transaction: Transaction) -> None:
        transaction.connection.execute("INSERT OR REPLACE INTO counter VALUES (?, ?)", (f"test{number}", number))

    store.write(operation).result()


def numbers(store: Store) -> list[int]:
    found = store.read().execute("SELECT value FROM counter WHERE name LIKE 'test%' ORDER BY value")
    return [number for (number,) in found]


def removed(path: Path) -> None:
    path.unlink()


def removed_with_its_log(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink()


def replaced(path: Path) -> None:
    Store(path.with_name("other.sqlite")).close()
    path.with_name("other.sqlite").replace(path)


def no_database(path: Path) -> None:
    path.with_name("other").write_bytes(b"this is no database at all" * 500)
    path.with_name("other").replace(path)


@pytest.mark.parametrize("harm", [removed, removed_with_its_log, replaced, no_database])
@pytest.mark.parametrize("noticed", ["by a look", "by the next change"])
def test_what_was_stored_is_in_the_file_that_follows(
    tmp_path: Path, harm: Callable[[Path], None], noticed: str
) -> None:
    path = tmp_path / "store.sqlite"
    store = Store(path)
    put(store, 1)
    assert numbers(store) == [1]
    harm(path)
    if noticed == "by a look":
        looking = store.look()
        assert looking is not None
        looking.result()
    put(store, 2)
    assert numbers(store) == [1, 2]
    assert store.look() is None and store.problem is None
    assert path.stat().st_mode & 0o077 == 0
    store.close()
    again = Store(path)
    assert numbers(again) == [1, 2]
    again.close()


def test_what_cannot_be_written_is_told_until_it_can(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = Store(path)
    put(store, 1)
    path.unlink()
    (tmp_path / "store.sqlite.whole").mkdir()  # where the new file is to be made
    with pytest.raises(StoreError, match="cannot write"):
        put(store, 2)
    assert store.problem is not None
    (tmp_path / "store.sqlite.whole").rmdir()
    looking = store.look()
    assert looking is not None
    looking.result()
    assert store.problem is None
    assert numbers(store) == [1]
    store.close()
