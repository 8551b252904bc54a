"""Processes for the incident's hosts and containers, and the socket over which each is asked.

A process in a container is made as a runtime makes one: fork, pid namespace, fork, mount namespace. Whoever asks keeps
its pid; all end with their parents.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, Protocol

from netmend.kernel import syscalls

_MOST = 1 << 20  # bytes of a message


class Ended(Exception):
    """The process at the other end is gone."""


class Channel:
    """One end of a pair; a message is a JSON value. Readable (`fileno`) when there is one, or the other end is gone."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    @classmethod
    def pair(cls) -> tuple[Channel, Channel]:
        left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (left, right):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST)
        return cls(left), cls(right)

    def fileno(self) -> int:
        return self._end.fileno()

    def send(self, value: Any) -> None:
        """Raises Ended."""
        try:
            self._end.send(json.dumps(value).encode())
        except OSError as error:
            raise Ended from error

    def receive(self) -> Any:
        """The next message; raises Ended."""
        try:
            data = self._end.recv(_MOST)
        except OSError as error:
            raise Ended from error
        if not data:
            raise Ended
        return json.loads(data)

    def ask(self, value: Any) -> Any:
        """Send and receive; raises Ended."""
        self.send(value)
        return self.receive()

    def close(self) -> None:
        self._end.close()


class Process:
    """A child, and the channel to it. `pid` is that of the process asked, which may be a grandchild."""

    def __init__(self, child: int, pid: int, channel: Channel) -> None:
        self._child = child
        self.pid = pid
        self.channel = channel

    def kill(self) -> None:
        """End it, and wait until it is gone."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self._child, 0)
        self.channel.close()

    def wait(self) -> None:
        """Wait until it ends by itself."""
        os.waitpid(self._child, 0)
        self.channel.close()


Body = Callable[[Channel], None]


def start(body: Body, keep: Collection[int] = ()) -> Process:
    """Run `body` in a child with no descriptors but its channel, 0 to 2 and `keep`, and no terminal to signal it."""
    ours, theirs = Channel.pair()
    child = os.fork()
    if child == 0:
        _child(lambda: body(theirs), (theirs.fileno(), *keep))
    theirs.close()
    return Process(child, child, ours)


class Entrance(Protocol):
    """The way into a container."""

    def make_pid_namespace(self) -> None:
        """Called in the child: the grandchild will be in the container's pid namespace."""

    def close(self) -> None:
        """Called by whoever asked, once the process is made: keep nothing of the container."""

    def enter(self) -> None:
        """Called in the grandchild, with all descriptors open: be in the container."""


def start_inside(entrance: Entrance, body: Body, keep: Collection[int] = ()) -> Process:
    """Run `body` in a container; raises Ended when it cannot be entered."""
    ours, theirs = Channel.pair()
    told_read, told_write = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        _child(lambda: _between(entrance, body, theirs, told_write, keep), None)
    theirs.close()
    entrance.close()
    os.close(told_write)
    with os.fdopen(told_read, "rb") as told:
        pid = told.read()
    if not pid:
        os.waitpid(child, 0)
        ours.close()
        raise Ended
    return Process(child, int(pid), ours)


def _between(entrance: Entrance, body: Body, channel: Channel, told: int, keep: Collection[int]) -> None:
    entrance.make_pid_namespace()
    inner = os.fork()
    if inner == 0:
        os.close(told)

        def inside() -> None:
            entrance.enter()
            _close_all_but((channel.fileno(), *keep))
            body(channel)

        _child(inside, None)
    channel.close()
    os.write(told, b"%d" % inner)
    os.close(told)
    _close_all_but(())
    os.waitpid(inner, 0)


def _child(function: Callable[[], None], keep: Collection[int] | None) -> None:
    """All that a forked child does; it does not return. `keep` None: the function sees to descriptors."""
    code = 70  # EX_SOFTWARE, sysexits.h
    try:
        syscalls.die_with_parent(signal.SIGKILL)
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if keep is not None:
            _close_all_but(keep)
        function()
        code = 0
    except Ended:
        code = 0
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _close_all_but(keep: Collection[int]) -> None:
    """A mount namespace lives as long as anybody has a descriptor of it, so nobody may inherit any."""
    start = 3
    for descriptor in sorted(set(keep)):
        os.closerange(start, descriptor)
        start = max(start, descriptor + 1)
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))
