"""A sweep that is refused, or killed, at each of its changes: nothing living is touched, what went is in a journal with
all that made it, and the next sweep finishes."""

import errno
import random
import signal
from pathlib import Path
from typing import Literal

import pytest
from tests.faults.injection import FailNth, KillAtNth, Recording, in_child, observing
from tests.kernel.sweep.host import (
    Host,
    device_states,
    has_tun,
    open_tap,
    pair_with_an_end_up,
    tap_with_an_address,
    veth_into_a_held_namespace,
)

from netmend.kernel import nsdir
from netmend.sweep import delete, sweep
from netmend.sweep.delete import Outcome
from netmend.sweep.journal import read_journal
from netmend.sweep.kinds import KINDS
from netmend.sweep.restore import restore

STATE = Path("/run/state")
OPTIONS = sweep.Options(kinds=tuple(KINDS), min_age=0, assume_all_seen=True, state=STATE)
NAMES = {f"qdhcp-{number:08x}-0000-4000-8000-000000000000" for number in range(2)}
ERRNOS = (errno.ENOBUFS, errno.EPERM, errno.EOPNOTSUPP)


class World:
    """Living devices, and, made anew for each case, five dead taps, two dead pairs and two dead names."""

    def __init__(self) -> None:
        if not has_tun():
            pytest.skip("needs /dev/net/tun")
        nsdir.prepare()
        self.host = Host(random.Random(1))
        for make in (open_tap, pair_with_an_end_up, tap_with_an_address, veth_into_a_held_namespace):
            make(self.host)
        self.living = device_states()
        self.dead: dict[tuple[int, str], tuple[int, bool, int]] = {}

    def fill(self) -> None:
        for _ in range(5):
            self.host.tap()
        for _ in range(2):
            self.host.pair()
        for name in NAMES:
            Path(nsdir.DEFAULT, name).touch()
        self.dead = {key: state for key, state in device_states().items() if key not in self.living}
        assert len(self.dead) == 9

    def sweep(self) -> Outcome:
        sweep.recover(OPTIONS)
        return sweep.carry_out(OPTIONS, sweep.find(OPTIONS), lambda count: None).outcome

    def check_living(self) -> None:
        assert {key: state for key, state in device_states().items() if key not in self.dead} == self.living

    def check_journals(self) -> None:
        """Whatever is gone has been described."""
        described: set[tuple[int, str] | str] = set()
        for path in STATE.glob("sweep-*.jsonl"):
            found = read_journal(path)
            described.update((link.index, link.name) for link in found.links.values())
            described.update(found.names)
        gone = self.dead.keys() - device_states().keys()
        assert described >= gone
        assert {f"{nsdir.DEFAULT}/{name}" for name in NAMES - nsdir.names()} <= described

    def finish(self) -> None:
        """The next sweep, by whoever is left."""
        self.check_living()
        self.check_journals()
        outcome = self.sweep()
        assert not outcome.failed and not outcome.spared
        assert device_states() == self.living
        assert not NAMES & nsdir.names()
        self.check_journals()
        for path in STATE.glob("sweep-*.jsonl"):
            path.unlink()


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delete, "BATCH", 3)


def changes(world: World) -> int:
    world.fill()
    recording = Recording()
    with observing(recording):
        world.sweep()
    world.finish()
    assert len(recording.calls) >= 8, recording.calls
    return len(recording.calls)


def test_every_change_is_refused(small_batches: None) -> None:
    world = World()
    for n in range(changes(world)):
        for code in ERRNOS:
            world.fill()
            with observing(FailNth(n, code)):
                outcome = world.sweep()
            assert outcome.failed
            left = device_states()
            assert {key: left[key] for key in world.dead if key in left}.items() <= world.dead.items(), "not put back"
            world.finish()


def test_what_was_killed_is_restored_whole(small_batches: None) -> None:
    """After each change: what is gone is made again, and what is left is as it was."""
    world = World()
    count = changes(world)
    names = {key[1] for key in world.dead}
    for n in range(count):
        world.fill()
        before = {key[1]: state for key, state in device_states().items() if key in world.dead}

        def killed(n: int = n) -> None:
            with observing(KillAtNth(n, "after")):
                world.sweep()

        assert in_child(killed) == -signal.SIGKILL
        for path in STATE.glob("sweep-*.jsonl"):
            assert [one.problem for one in restore(read_journal(path)) if one.problem] == []
        after = {name: state for (_, name), state in device_states().items()}
        world.dead |= {key: state for key, state in device_states().items() if key[1] in before}
        world.check_living()
        assert {name: after[name] for name in before} == before
        assert nsdir.names() >= NAMES
        assert not world.sweep().failed
        for path in STATE.glob("sweep-*.jsonl"):
            path.unlink()
    assert len(names) == 9


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_every_change(small_batches: None, moment: Literal["before", "after"]) -> None:
    world = World()
    for n in range(changes(world)):
        world.fill()

        def killed(n: int = n) -> None:
            with observing(KillAtNth(n, moment)):
                world.sweep()

        assert in_child(killed) == -signal.SIGKILL
        world.finish()
