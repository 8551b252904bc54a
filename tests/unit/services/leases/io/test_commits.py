"""Both DHCPs have their leases stored by one thread; each gets its own replies back, and only once they may go."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import current_thread

import pytest

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
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path / "leases.sqlite", 0.0)
    yield disk
    disk.close()


@pytest.fixture
def commits(disk: Disk) -> Iterator[LeaseCommits]:
    commits = LeaseCommits(disk)
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


def test_what_was_submitted_is_stored_when_it_ends(disk: Disk) -> None:
    commits = LeaseCommits(disk)
    commits.submit("n", [LEASE], Sender().send, None)
    commits.close()
    assert disk.load("n") == [LEASE]
