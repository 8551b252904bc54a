"""Each change that a pass makes is made to fail in each way, and the process is ended right before and right after it;
then one pass without faults must leave exactly what intent asks for."""

import errno
import signal
from collections.abc import Callable
from typing import Literal

import pytest
from tests.faults.injection import FailNth, KillAtNth, Recording, in_child, observing
from tests.faults.start_states import START_STATES, StartState
from tests.faults.world import EMPTY, World, changed, counting_devices, expected, small

from netmend.intent import Intent
from netmend.reconcile.reconciler import Reconciler

ERRNOS = (
    errno.EINVAL,
    errno.ENOSPC,
    errno.EBUSY,
    errno.EPERM,
    errno.ENODEV,
    errno.EEXIST,
    errno.EMFILE,
    errno.ENOBUFS,
)
pytestmark = pytest.mark.timeout(1_800)  # hundreds of cases each, on a machine that may be busy
PHASES: dict[str, tuple[Callable[[], Intent], Callable[[], Intent]]] = {
    "create": (lambda: EMPTY, small),
    "change": (small, changed),
    "delete": (small, lambda: EMPTY),
}


class Case:
    """One world, used over and over: brought to `before`, broken on its way to `after`, mended, checked."""

    def __init__(self, phase: str, state: StartState) -> None:
        before, after = PHASES[phase]
        self.before, self.after = before(), after()
        self.world = World(state.foreign)
        if state.foreign_name:
            state.before_each()
            self.world.foreign_names.add(state.foreign_name)
        self.state = state
        state.arrange()

    def _pass(self, reconciler: Reconciler, intent: Intent) -> None:
        """A pass that is due, whatever the back-off of one before says."""
        for _ in range(2 if reconciler.breaker.is_open else 1):
            if reconciler.breaker.state:
                reconciler.breaker.close()
            reconciler.pin_trouble = None
            reconciler.run(intent)

    def _check(self, intent: Intent, reconciler: Reconciler) -> None:
        self.world.check(intent, reconciler, pinned=self.state.pinnable, guests_found=self.state.guests_found)

    def start(self) -> Reconciler:
        reconciler = Reconciler()
        self._pass(reconciler, self.before)
        self._check(self.before, reconciler)
        if not self.before.networks:
            self.state.before_each()
        return reconciler

    def count(self) -> list[tuple[str, str]]:
        """The changes of an undisturbed pass."""
        recording = Recording()
        reconciler = self.start()
        with observing(recording):
            self._pass(reconciler, self.after)
        self.finish(reconciler)
        return recording.calls

    def fail(self, n: int, code: int) -> None:
        reconciler = self.start()
        most = max(len(expected(self.before).devices), len(expected(self.after).devices))
        with counting_devices(self.world.foreign) as counts, observing(FailNth(n, code)):
            self._pass(reconciler, self.after)
        assert max(counts) <= most, "more devices than either intent asks for"
        self.finish(reconciler)

    def kill(self, n: int, moment: Literal["before", "after"]) -> None:
        survivor = self.start()
        if self.state.pinnable:
            survivor.close()  # what the killed process held by descriptor must not live on in this one

        def killed() -> None:
            reconciler = survivor if not self.state.pinnable else Reconciler()
            with observing(KillAtNth(n, moment)):
                self._pass(reconciler, self.after)

        assert in_child(killed) == -signal.SIGKILL
        survivor.close()
        self.finish(Reconciler())

    def finish(self, reconciler: Reconciler) -> None:
        """The next pass, by whoever is left; then back to nothing."""
        self._pass(reconciler, self.after)
        self._check(self.after, reconciler)
        assert not reconciler.breaker.is_open
        self._pass(reconciler, EMPTY)
        self._check(EMPTY, reconciler)
        reconciler.close()


@pytest.mark.parametrize("phase", PHASES)
def test_every_change_fails_in_every_way(phase: str) -> None:
    case = Case(phase, START_STATES["sound"])
    calls = case.count()
    assert len(calls) >= 7, calls
    for n in range(len(calls)):
        for code in ERRNOS:
            case.fail(n, code)


@pytest.mark.parametrize("phase", PHASES)
def test_killed_around_every_change(phase: str) -> None:
    case = Case(phase, START_STATES["sound"])
    for n in range(len(case.count())):
        case.kill(n, "before")
        case.kill(n, "after")


@pytest.mark.parametrize("name", [name for name in START_STATES if name != "sound"])
def test_every_change_fails_or_is_the_last_from_a_broken_start(name: str) -> None:
    state = START_STATES[name]
    case = Case("create", state)
    calls = case.count()
    for n in range(len(calls)):
        case.fail(n, ERRNOS[n % len(ERRNOS)])
        if state.foreign < 1_000:  # with many, each case costs a second: after one call is before the next
            case.kill(n, "before")
        case.kill(n, "after")
