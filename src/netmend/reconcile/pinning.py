"""Whether namespaces can be given names on this host, and when to try again where they cannot."""

from collections.abc import Callable
from threading import Lock

from msgspec import Struct

from netmend.kernel import nsdir
from netmend.kernel.errors import KernelError
from netmend.reconcile.resync import Problem, back_off


class PinTrouble(Struct):
    """Why names cannot be pinned on this host. Times are in seconds on the clock of `Pinning`."""

    error: KernelError
    since: float
    failures: int
    next_try: float


class Pinning:
    """The directory of names as one reconciler finds it; `trouble` while names cannot be pinned. Thread-safe."""

    def __init__(self, directory: str, clock: Callable[[], float]) -> None:
        self._directory = directory
        self._clock = clock
        self._lock = Lock()
        self._is_ready = False
        self.trouble: PinTrouble | None = None

    def prepare(self) -> None:
        """Make the directory ready for names, once; while pinning is in trouble, fail at once until its next try."""
        with self._lock:
            trouble = self.trouble
            if trouble and self._clock() < trouble.next_try:
                raise trouble.error
            if trouble or not self._is_ready:
                nsdir.prepare(self._directory)
                self._is_ready = True
            self.trouble = None

    def failed(self, error: KernelError) -> Problem:
        """Note that a name could not be pinned; returns what that means for its network."""
        now = self._clock()
        with self._lock:
            trouble = self.trouble
            if trouble is None or now >= trouble.next_try:
                failures = trouble.failures + 1 if trouble else 1
                since = trouble.since if trouble else now
                self.trouble = PinTrouble(error, since, failures, now + back_off(failures))
        return Problem(None, f"held by descriptor only, so it ends with this process: {error}", serves=True)
