"""One node a host."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class CannotStart(Exception):
    """A node cannot start: another one runs, or its files cannot be made. The text says which, and what to do."""


@contextlib.contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`, with our pid in it, while the block runs; raises CannotStart (flock(2))."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise CannotStart(f"cannot open {path}: {error.strerror}; run as root, or give --runtime-dir") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise CannotStart(f"netmend runs already on this host (pid {holder}); stop it first") from None
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, b"%d\n" % os.getpid())
        yield
    finally:
        os.close(descriptor)
