"""Both DHCPs have their leases stored by one thread; each gets its own replies back, and only once they may go."""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import current_thread

import pytest
from msgspec.structs import replace
from tests.waiting import wait_for

from netmend.services.leases.io.commits import LeaseCommits
from netmend.services.leases.io.store import LeaseStore, LeaseStoreError
from netmend.services.leases.table import Lease, LeaseState

LEASE = Lease("subnet", 0xC0000269, b"client", b"\2\0\0\0\0\1", LeaseState.LEASED, 5e9)
LEASE6 = replace(LEASE, address=1 << 120)


class Disk(LeaseStore):
    """A store that has no room while `full`."""

    full = False

    def commit(self, changes: object) -> None:
        if self.full:
            raise LeaseStoreError("no room")
        super().commit(changes)  # type: ignore[arg-type]


class Sender:
    def __init__(self) -> None:
        self.replies: list[str] = []
        self.threads: set[str] = set()

    def send(self, replies: Sequence[str]) -> None:
        self.replies += replies
        self.threads.add(current_thread().name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leases.sqlite"


@pytest.fixture
def disk(path: Path) -> Disk:
    return Disk(path, 0.0)


@pytest.fixture
def commits(path: Path, disk: Disk) -> Iterator[LeaseCommits]:
    commits = LeaseCommits(path, open_store=lambda *_: disk)
    yield commits
    commits.close()


def test_each_sender_gets_its_own_replies(disk: Disk, commits: LeaseCommits) -> None:
    one, other = Sender(), Sender()
    commits.submit("n", [LEASE], one.send, "v4")
    commits.submit("n", [LEASE6], other.send, "v6")
    commits.submit("n", [LEASE], one.send, None)
    commits.flush()
    assert (one.replies, other.replies) == (["v4"], ["v6"])
    assert one.threads == other.threads == {"netmend-leases"}
    assert (disk.load("n"), disk.load("n", 6)) == ([LEASE], [LEASE6])


def test_a_problem_ends_when_a_commit_goes_well_and_no_lease_is_lost(disk: Disk, commits: LeaseCommits) -> None:
    sender = Sender()
    disk.full = True
    commits.submit("n", [LEASE], sender.send, "dropped")
    commits.flush()
    assert commits.problem == "no room"
    disk.full = False
    commits.submit("n", [LEASE6], sender.send, "sent")
    commits.flush()
    assert commits.problem is None
    assert sender.replies == ["sent"]
    assert disk.load("n") == [LEASE]


def test_a_sender_that_fails_costs_the_other_nothing(commits: LeaseCommits) -> None:
    def defect(replies: Sequence[str]) -> None:
        raise RuntimeError("a defect")

    sender = Sender()
    commits.submit("n", [LEASE], defect, "lost")
    commits.submit("n", [LEASE], sender.send, "sent")
    commits.flush()
    assert sender.replies == ["sent"]


def test_what_was_submitted_is_stored_when_it_ends(path: Path) -> None:
    commits = LeaseCommits(path)
    commits.submit("n", [LEASE], Sender().send, None)
    commits.close()
    assert stored(path) == [LEASE]


def stored(path: Path, network_id: str = "n") -> list[Lease]:
    store = LeaseStore(path, 0.0)
    try:
        return store.load(network_id)
    finally:
        store.close()


def test_leases_that_could_not_be_stored_are_stored_by_time(path: Path, disk: Disk) -> None:
    changes: list[str | None] = []
    keeper = LeaseCommits(
        path, open_store=lambda *_: disk, changed=lambda: changes.append(keeper.problem), look_again=0.05
    )
    disk.full = True
    keeper.submit("n", [LEASE], Sender().send, None)
    keeper.flush()
    disk.full = False
    wait_for(lambda: keeper.problem is None, "the problem ends")
    assert disk.load("n") == [LEASE]
    keeper.close()
    assert changes == ["no room", None]


def test_a_damaged_file_is_told_until_it_is_moved_away(path: Path) -> None:
    path.write_bytes(b"no database, but something of somebody's" * 100)
    openings: list[list[Lease]] = []
    keeper = LeaseCommits(path, opened=lambda: openings.append(keeper.load("n")), look_again=0.05)
    sender = Sender()
    assert keeper.problem is not None
    assert "move it away" in keeper.problem
    assert keeper.load("n") == []
    keeper.submit("n", [LEASE], sender.send, "never goes")
    keeper.flush()
    path.rename(path.with_name("away"))
    wait_for(lambda: keeper.problem is None, "the problem ends")
    keeper.submit("n", [LEASE], sender.send, "goes")
    keeper.flush()
    keeper.close()
    assert sender.replies == ["goes"]
    assert openings == [[]]
    assert stored(path) == [LEASE]


def test_what_a_file_holds_that_comes_back_is_read(path: Path) -> None:
    away = path.with_name("away")
    keeper = LeaseCommits(path)
    keeper.submit("n", [LEASE], Sender().send, None)
    keeper.close()
    path.rename(away)
    path.mkdir()
    openings: list[list[Lease]] = []
    keeper = LeaseCommits(path, opened=lambda: openings.append(keeper.load("n")), look_again=0.05)
    other = replace(LEASE, client=b"another that was never answered")
    keeper.submit("n", [other], Sender().send, "never goes")
    keeper.flush()
    path.rmdir()
    away.rename(path)
    wait_for(lambda: keeper.problem is None, "the problem ends")
    keeper.close()
    assert openings == [[LEASE]]
    assert stored(path) == [LEASE]


def _remove(path: Path) -> None:
    path.unlink()


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1000)


def _replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"")
    other.replace(path)


@pytest.mark.parametrize("harm", [_remove, _empty, _cut, _replace])
def test_a_file_that_is_lost_is_written_anew_from_memory(path: Path, harm: Callable[[Path], None]) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:  # so that all is in the file, not in its log
        LeaseStore(path, 0.0).close()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    keeper = LeaseCommits(path, held=lambda: [("n", LEASE)], look_again=0.05)
    keeper.submit("n", [LEASE], Sender().send, None)
    keeper.flush()
    harm(path)
    keeper.submit("n", [replace(LEASE, address=LEASE.address + 1)], Sender().send, None)
    keeper.flush()
    assert keeper.problem is None
    keeper.close()
    assert [lease.address for lease in stored(path)] == [LEASE.address, LEASE.address + 1]


def test_a_lost_file_gives_back_what_memory_does_not_hold(path: Path) -> None:
    keeper = LeaseCommits(path, look_again=0.05)
    keeper.submit("a network that is not served now", [LEASE], Sender().send, None)
    keeper.flush()
    path.unlink()
    wait_for(path.exists, "the file is written anew")
    keeper.submit("n", [], Sender().send, None)
    keeper.flush()
    keeper.close()
    assert stored(path, "a network that is not served now") == [LEASE]
