"""One node a directory of names: two in different network namespaces would take away each other's names.

The lock is one of open file descriptions (OFD, fcntl_locking(2)) on the directory itself: it is the same in every
container that the directory is mounted into, leaves no file there, ends with its process, and is not the flock(2) that
`ip netns add` waits for. A directory can only be opened for reading, and so only be locked for reading, which several
may do at once: who wants the lock asks first whether anybody has it. Where in the directory the lock lies says whose it
is: that of a process, in its own pid namespace, and of a network namespace.
"""

import contextlib
import fcntl
import os
import random
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from netmend.kernel import nsdir, procfs
from netmend.kernel.errors import KernelError
from netmend.node.lock import ENDING, CannotStart

_LOCK: Final = struct.Struct("hhqqi4x")  # struct flock: type, whence, start, length, pid
_PID_BITS: Final = 22  # PID_MAX_LIMIT, linux/threads.h


@contextlib.contextmanager
def hold_names(directory: str, *, make: bool) -> Iterator[None]:
    """Be the one node that gives names in `directory` while the block runs; raises CannotStart.

    `make` it where it is not there. One that cannot be made or locked is no reason not to start: no name can be given
    there either, which a pass finds and explains.
    """
    try:
        if make:
            nsdir.make(directory)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (KernelError, OSError):
        yield
        return
    try:
        with contextlib.suppress(OSError):
            _take(descriptor, directory)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, directory: str) -> None:
    """Raises CannotStart, and OSError where the file system has no locks."""
    own = Path("/proc/self/ns/net").stat().st_ino << _PID_BITS | os.getpid()
    deadline = time.monotonic() + ENDING  # a node that was killed has it until its process has wholly ended
    while True:
        if (holder := _holder(descriptor)) is None:
            _set(descriptor, fcntl.F_RDLCK, own)
            if (holder := _holder(descriptor)) is None:
                return
            _set(descriptor, fcntl.F_UNLCK, own)  # another took it in the same instant: whoever is late waits
        if time.monotonic() > deadline:
            raise CannotStart(
                f"netmend runs already with the names in {directory} ({_where(holder)}); two would take away each "
                "other's: stop it first, or give one of them another directory (--netns-dir)"
            )
        time.sleep(random.uniform(0.01, 0.05))


def _set(descriptor: int, kind: int, start: int) -> None:
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _LOCK.pack(kind, os.SEEK_SET, start, 1, 0))


def _holder(descriptor: int) -> int | None:
    """Where another's lock lies, if there is one."""
    asked = _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, start, _, _ = _LOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked))
    return None if kind == fcntl.F_UNLCK else int(start)


def _where(holder: int) -> str:
    namespace, pid = holder >> _PID_BITS, holder & (1 << _PID_BITS) - 1
    with contextlib.suppress(PermissionError):
        if procfs.namespace_inode(pid, "net") == namespace:
            return f"pid {pid}, in network namespace {namespace}"
    return f"in another container, where its pid is {pid}, in network namespace {namespace}"
