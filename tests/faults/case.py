"""One world, brought from one intent to another over and over, and broken on its way in every way there is."""

import errno
import signal
from typing import Literal, Protocol

from tests.faults.injection import FailNth, KillAtNth, Recording, in_child, observing
from tests.faults.start_states import StartState
from tests.faults.world import EMPTY, counting_devices

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


class AnyWorld(Protocol):
    """A host side: `foreign` devices, the names that are somebody's, and how many devices an intent asks for."""

    foreign: set[str]
    foreign_names: set[str]

    def count(self, intent: Intent) -> int: ...

    def settle(self, reconciler: Reconciler, intent: Intent) -> None:
        """After a pass without faults: what more it takes where others have a hand in it."""

    def check(self, intent: Intent, reconciler: Reconciler, *, pinned: bool, guests_found: bool) -> None: ...


class Case:
    """One world, used over and over: brought to `before`, broken on its way to `after`, mended, checked."""

    def __init__(self, before: Intent, after: Intent, state: StartState, world: AnyWorld) -> None:
        self.before, self.after = before, after
        self.world = world
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
            reconciler.pinning.trouble = None
            reconciler.run(intent)

    def _check(self, intent: Intent, reconciler: Reconciler) -> None:
        self.world.check(intent, reconciler, pinned=self.state.pinnable, guests_found=self.state.guests_found)

    def start(self) -> Reconciler:
        reconciler = Reconciler()
        self._pass(reconciler, self.before)
        self.world.settle(reconciler, self.before)
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
        most = max(self.world.count(self.before), self.world.count(self.after))
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
        self.world.settle(reconciler, self.after)
        self._check(self.after, reconciler)
        assert not reconciler.breaker.is_open
        self._pass(reconciler, EMPTY)
        self.world.settle(reconciler, EMPTY)
        self._check(EMPTY, reconciler)
        reconciler.close()
