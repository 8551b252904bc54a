"""Works through many networks: one after the other while all goes well, side by side as soon as one is slow.

Most of a pass is spent behind one lock of the kernel (rtnl), where more threads only wait for each other: as measured,
four are half as fast as one. So one worker does it all, until it has been at the same network for too long. Then
another takes over the rest, up to a limit: a network that hangs delays no other. Once no worker is slow any more, all
but one end.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable
from threading import Condition, Thread, get_ident
from typing import Generic, TypeVar

PATIENCE = 0.05  # seconds at one network before another worker joins
Item = TypeVar("Item")


class _Round(Generic[Item]):
    def __init__(self, function: Callable[[Item], None], items: Iterable[Item], ended: Callable[[], None]) -> None:
        self.function, self.ended = function, ended
        self.waiting = deque(items)
        self.started = 0
        self.working = 0
        self.busy_since: dict[int, float] = {}  # by thread: since when it works at its item
        self.changed = Condition()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self.work()
        finally:
            self.ended()

    def work(self) -> None:
        while True:
            with self.changed:
                self.busy_since.pop(get_ident(), None)
                if not self.waiting or self.failure or (self.working > 1 and not self._somebody_is_slow()):
                    self.working -= 1
                    if not self.working:
                        self.changed.notify_all()
                    return
                item = self.waiting.popleft()
                self.started += 1
                self.busy_since[get_ident()] = time.monotonic()
            try:
                self.function(item)
            except BaseException as error:
                with self.changed:
                    self.failure = error

    def _somebody_is_slow(self) -> bool:
        return time.monotonic() - min(self.busy_since.values(), default=time.monotonic()) > PATIENCE


def work_through(
    function: Callable[[Item], None], items: Iterable[Item], limit: int, ended: Callable[[], None] = lambda: None
) -> None:
    """Call `function` with each of `items` in threads, at most `limit` at a time; returns when all are done. Each
    thread calls `ended` as its last.

    The first exception that `function` lets out is raised here, once those at work have finished; and RuntimeError when
    not even one thread can be started.
    """
    current = _Round(function, items, ended)
    with current.changed:
        seen = -1
        while current.waiting and not current.failure:
            if (current.working < limit and current.started == seen) or not current.working:
                current.working += 1
                try:
                    Thread(target=current.run, name="netmend-reconcile", daemon=True).start()
                except RuntimeError:  # the process may have no more threads
                    current.working -= 1
                    if not current.working:
                        raise
            seen = current.started
            current.changed.wait(PATIENCE)
        while current.working:
            current.changed.wait()
    if current.failure:
        raise current.failure
