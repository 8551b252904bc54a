"""One thread that waits for many descriptors, and gives each that has something to read a turn.

The kernel hands out ready descriptors in rotation, and a turn is short (`datagrams`), so a flooded network costs the
others one turn's time and no more. Work from other threads comes in by `call`, later work by `call_at`; both run in the
thread. Whatever is called may fail: a defect is logged and does not end the thread.
"""

import contextlib
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from select import EPOLLIN, epoll
from threading import Event, Thread, current_thread

from netmend.ground.log import get_logger

# Each system call lets go of the interpreter's lock, and while another thread computes, getting it back takes this
# long, some three times a request. Python's 5 ms would be felt in every answer.
_SWITCH_INTERVAL = 0.0002
_EVENTS = 256  # ready descriptors asked for at once

log = get_logger()

Turn = Callable[[], None]


class Loop:
    """Runs until closed. All methods but `close` may be called from any thread."""

    def __init__(self, name: str) -> None:
        """`name` is the thread's. The interpreter's switch interval is lowered for the whole process."""
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_INTERVAL))
        self._turns: dict[int, Turn] = {}
        self._later: list[tuple[float, int, Callable[[], None]]] = []  # heap of (monotonic time, tie-break, command)
        self._ties = count()
        self._commands: deque[Callable[[], None]] = deque()
        self._stopping = False
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._epoll = epoll()
        self._epoll.register(self._wake, EPOLLIN)
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def add(self, fd: int, turn: Turn, events: int = EPOLLIN) -> None:
        """Call `turn` in the thread whenever there is something to read from `fd`, which stays its owner's.

        With other `events` (epoll(7)), whenever one of these is. Raises OSError when the kernel cannot watch more.
        """
        self._turns[fd] = turn
        try:
            self._epoll.register(fd, events)
        except OSError:
            del self._turns[fd]
            raise

    def wait_for(self, fd: int, events: int) -> None:
        """Call the turn of `fd` for these events from now on; with none, only for its errors and its end."""
        self._epoll.modify(fd, events)

    def remove(self, fd: int, close: Callable[[], None]) -> None:
        """Watch `fd` no more, then call `close` in the thread; returns when that is done, so no turn is under way."""

        def forget() -> None:
            self._turns.pop(fd, None)
            close()  # which takes it out of the epoll set

        self.call_and_wait(forget)

    def ignore(self, fd: int) -> None:
        """Watch `fd` no more, and leave it open; returns when no turn of it is under way."""

        def forget() -> None:
            if self._turns.pop(fd, None) is not None:
                with contextlib.suppress(FileNotFoundError):  # it rests
                    self._epoll.unregister(fd)

        self.call_and_wait(forget)

    def rest(self, fd: int, seconds: float) -> None:
        """Leave `fd` alone for so long; to be called in the thread. A socket with a lasting error would be ready for
        ever, and the loop busy with it."""
        turn = self._turns.get(fd)
        self._epoll.unregister(fd)

        def resume() -> None:
            if turn is not None and self._turns.get(fd) is turn:
                self._epoll.register(fd, EPOLLIN)

        self.call_at(time.monotonic() + seconds, resume)

    def call(self, command: Callable[[], None]) -> None:
        """Run `command` in the thread, soon."""
        self._commands.append(command)
        os.eventfd_write(self._wake, 1)

    def call_and_wait(self, command: Callable[[], None]) -> None:
        """Run `command` in the thread; returns when it has."""
        if current_thread() is self._thread:
            command()
            return
        done = Event()

        def run() -> None:
            try:
                command()
            finally:
                done.set()

        self.call(run)
        done.wait()

    def call_at(self, when: float, command: Callable[[], None]) -> None:
        """Run `command` in the thread once `time.monotonic()` is `when`."""
        if current_thread() is self._thread:
            heappush(self._later, (when, next(self._ties), command))
        else:
            self.call(lambda: self.call_at(when, command))

    def close(self) -> None:
        """End the thread. Descriptors are left to their owners. Once closed, nothing else may be called."""
        self._stopping = True
        os.eventfd_write(self._wake, 1)
        self._thread.join()
        self._epoll.close()
        os.close(self._wake)

    # --- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            for fd, _ in self._epoll.poll(self._until_next(), _EVENTS):
                if fd == self._wake:
                    os.eventfd_read(self._wake)
                    while self._commands:
                        self._guarded(self._commands.popleft())
                elif turn := self._turns.get(fd):
                    self._guarded(turn)
            while self._later and self._later[0][0] <= time.monotonic():
                self._guarded(heappop(self._later)[2])

    def _until_next(self) -> float | None:
        return max(0.0, self._later[0][0] - time.monotonic()) if self._later else None

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            log.exception("callback failed")
