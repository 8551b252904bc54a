"""Passwords and the key of tokens on disk."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from netmend.services.metadata.io import MetadataStore, MetadataStoreError

KEY, OTHER_KEY = b"k" * 32, b"o" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metadata.sqlite"


def test_the_first_key_stays(path: Path) -> None:
    first = MetadataStore(path, KEY)
    first.close()
    assert MetadataStore(path, OTHER_KEY).key == KEY


def test_a_password_is_kept_once(path: Path) -> None:
    store = MetadataStore(path, KEY)
    assert store.keep("blue", "i-1", b"one")
    assert not store.keep("blue", "i-1", b"two")
    assert store.keep("green", "i-1", b"of another network")
    store.close()
    assert MetadataStore(path, KEY).passwords == {("blue", "i-1"): b"one", ("green", "i-1"): b"of another network"}


def test_an_empty_password_is_none(path: Path) -> None:
    """As at Nova: it can still be set."""
    store = MetadataStore(path, KEY)
    assert store.keep("blue", "i-1", b"")
    assert store.keep("blue", "i-1", b"one")


def test_what_cannot_be_used_is_told(path: Path, tmp_path: Path) -> None:
    path.write_bytes(b"no database at all, but long enough to look at" * 100)
    with pytest.raises(MetadataStoreError, match="cannot open: file is not a database; it is damaged: move it away"):
        MetadataStore(path, KEY)
    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(MetadataStoreError, match="not made by this version of netmend"):
        MetadataStore(foreign, KEY)
    with pytest.raises(MetadataStoreError, match="cannot open"):
        MetadataStore(tmp_path / "no" / "such" / "directory", KEY)


def test_what_cannot_be_written_is_told_and_not_kept(path: Path) -> None:
    store = MetadataStore(path, KEY)
    locking = sqlite3.connect(path, isolation_level=None)
    locking.execute("BEGIN EXCLUSIVE")
    assert store._connection is not None
    store._connection.execute("PRAGMA busy_timeout = 10")
    with pytest.raises(MetadataStoreError, match="cannot write: database is locked"):
        store.keep("blue", "i-1", b"one")
    store.look()
    assert store.problem is not None
    assert "database is locked" in store.problem
    assert store.passwords == {}
    locking.execute("ROLLBACK")
    assert store.keep("blue", "i-1", b"one")
    locking.close()


def unlinked(path: Path) -> None:
    path.unlink()


def replaced(path: Path) -> None:
    path.with_name("new").write_bytes(b"this is no database at all" * 500)
    path.with_name("new").replace(path)


def cut_short(path: Path) -> None:
    os.truncate(path, 100)


def overwritten(path: Path) -> None:
    """In place: neither inode nor size changes. What is yet in the write-ahead log would mend it."""
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    with path.open("r+b") as file:
        file.write(b"no database" * 700)


@pytest.mark.parametrize("harm", [unlinked, replaced, cut_short, overwritten])
@pytest.mark.parametrize("noticed", ["by a look", "by the next password"])
def test_a_file_that_is_lost_is_written_anew_from_memory(
    path: Path, harm: Callable[[Path], None], noticed: str
) -> None:
    store = MetadataStore(path, KEY)
    store.keep("blue", "i-1", b"one")
    harm(path)
    if noticed == "by a look" and harm is not overwritten:
        store.look()
    else:
        if harm is overwritten:
            with pytest.raises(MetadataStoreError, match=r"damaged|malformed|not a database"):
                store.keep("blue", "i-2", b"two")
        store.keep("blue", "i-2", b"two")
    assert store.problem is None
    store.close()
    found = MetadataStore(path, OTHER_KEY)
    assert found.key == KEY
    assert found.passwords[("blue", "i-1")] == b"one"
