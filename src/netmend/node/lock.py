"""One node a network namespace, and one a switch: two would make and remove each other's devices for ever.

Three locks say so. A lock file in the runtime directory, for verbs that share the directory; a name among the
abstract unix sockets, which belong to the network namespace as devices do (unix(7), network_namespaces(7)), so that two
nodes meet whatever their directories and containers are; and a lock of the switch itself (`reconcile.switch_lock`), so
that they meet in different network namespaces too.
"""

import contextlib
import fcntl
import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from netmend.ground.listen import CannotListen, Listen
from netmend.ground.log import get_logger
from netmend.ground.private_files import make_private_directory
from netmend.reconcile.reconciler import Reconciler
from netmend.reconcile.switch_lock import SwitchTaken

_NAME: Final = "\0netmend/node"
ENDING: Final = 5.0  # seconds that a killed process may take to end: its container is made anew before
_CREDENTIALS: Final = struct.Struct("3i")  # struct ucred: pid, uid, gid
log = get_logger()


class CannotStart(Exception):
    """A node cannot start: another one runs, or its files cannot be made. The text says which, and what to do."""


@contextlib.contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`, with our pid in it, while the block runs; raises CannotStart (flock(2))."""
    try:
        make_private_directory(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotStart(f"cannot open {path}: {error.strerror}; run as root, or give --runtime-dir") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise CannotStart(f"netmend runs already on this host (pid {holder}); stop it first") from None
    try:
        with contextlib.suppress(OSError):  # a full /run: the lock holds all the same
            os.ftruncate(descriptor, 0)
            os.write(descriptor, b"%d\n" % os.getpid())
        yield
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether a process of this pid namespace holds the lock file at `path`: a node runs, or starts.

    It reads /proc/locks (proc(5)): to try the lock would end a node that starts at this moment.
    """
    try:
        inode = str(path.stat().st_ino)
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return False
    return any(
        words[1:4] == ["FLOCK", "ADVISORY", "WRITE"] and words[5].endswith(f":{inode}")
        for words in map(str.split, lines)
    )


@contextlib.contextmanager
def hold_network_namespace() -> Iterator[None]:
    """Be the one node of this network namespace while the block runs; raises CannotStart.

    Any process of the namespace can take the name. One that runs neither as root nor as we do could only want to keep
    us from starting: it is named in the log, and does not.
    """
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    with holder:
        if not _bind(holder):
            pid, uid = _peer()
            if uid in {0, os.geteuid()}:
                where = f"pid {pid}" if pid else "in another container: its pid cannot be seen from here"
                raise CannotStart(
                    f"netmend runs already in this network namespace ({where}); two would remove each other's devices: "
                    "stop it first"
                ) from None
            log.warning("another user holds the name of netmend's lock", pid=pid, uid=uid)
        yield


def claim_switch(reconciler: Reconciler) -> None:
    """Be the one netmend that changes the local Open vSwitch, as long as `reconciler` is open; raises CannotStart."""
    try:
        reconciler.claim_switch(ENDING)
    except SwitchTaken as taken:
        raise CannotStart(str(taken)) from None


def _bind(holder: socket.socket) -> bool:
    """Take the name; a node before us that was killed has it until its process has wholly ended."""
    deadline = time.monotonic() + ENDING
    while True:
        try:
            holder.bind(_NAME)
            holder.listen(1)
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            return True


def _peer() -> tuple[int, int]:
    """The pid (0: in no pid namespace that we see) and uid of whoever holds the name (SO_PEERCRED, socket(7))."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as asking:
        try:
            asking.setblocking(False)
            asking.connect(_NAME)
        except OSError:  # it starts at this moment, and does not listen yet; or others ask it, and its backlog is full
            return 0, 0
        pid, uid, _ = _CREDENTIALS.unpack(asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        return pid, uid


def open_tcp(listen: Listen) -> socket.socket:
    """The socket that listens there; raises CannotStart."""
    try:
        tcp = listen.open().tcp
    except CannotListen as error:
        raise CannotStart(str(error)) from error
    assert tcp is not None
    return tcp
