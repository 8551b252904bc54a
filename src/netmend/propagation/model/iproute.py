"""``ip netns add`` and ``ip netns delete``, call by call (iproute2 6.1, ip/ipnetns.c: netns_add, on_netns_del)."""

from __future__ import annotations

import errno

from netmend.propagation.flags import Propagation
from netmend.propagation.model.system import System

DIRECTORY = "/run/netns"


def add(system: System, name: str) -> None:
    """Raises OSError: EEXIST where the name is taken, by a namespace or by a file."""
    if not system.exists(DIRECTORY):
        system.make_directories(DIRECTORY)
    # iproute2 makes the directory shared whatever it was before, and a mount point only where that fails.
    try:
        system.change(DIRECTORY, Propagation.SHARED, recursive=True)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        system.bind(DIRECTORY, DIRECTORY, recursive=True)
        system.change(DIRECTORY, Propagation.SHARED, recursive=True)
    path = f"{DIRECTORY}/{name}"
    system.create(path)
    try:
        system.bind_new_netns(path)
    except OSError:
        delete(system, name)
        raise


def delete(system: System, name: str) -> None:
    """Raises OSError: EBUSY where the file is still a mount point in this namespace; ENOENT.

    The unmount comes first and is not checked; so the mount may be gone, here and elsewhere, though unlink fails.
    """
    path = f"{DIRECTORY}/{name}"
    try:
        system.umount(path, lazy=True)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOENT):
            raise
    system.unlink(path)
