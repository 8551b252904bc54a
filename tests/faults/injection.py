"""Numbers the calls that change the system, and makes the n-th fail, or the process end there."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from netmend.kernel.changes import Moment, observe_changes
from netmend.kernel.errors import KernelError


class Recording:
    """The changes that were made, in order, as (operation, target)."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def __call__(self, moment: Moment, operation: str, target: str) -> None:
        if moment == "before":
            self.calls.append((operation, target))


class FailNth(Recording):
    """Makes the n-th change (from 0) fail with `errno`, before it is made."""

    def __init__(self, n: int, errno: int) -> None:
        super().__init__()
        self._n, self._errno = n, errno

    def __call__(self, moment: Moment, operation: str, target: str) -> None:
        super().__call__(moment, operation, target)
        if moment == "before" and len(self.calls) == self._n + 1:
            raise KernelError(operation, target, self._errno)


class KillAtNth(Recording):
    """Ends the process with SIGKILL right before or right after the n-th change."""

    def __init__(self, n: int, moment: Literal["before", "after"]) -> None:
        super().__init__()
        self._n, self._moment = n, moment

    def __call__(self, moment: Moment, operation: str, target: str) -> None:
        super().__call__(moment, operation, target)
        if moment == self._moment and len(self.calls) == self._n + 1:
            os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def observing(observer: Callable[[Moment, str, str], None]) -> Iterator[None]:
    observe_changes(observer)
    try:
        yield
    finally:
        observe_changes(None)


def in_child(function: Callable[[], None]) -> int:
    """Run `function` in a forked child; returns the exit code, negative for a signal."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            function()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
