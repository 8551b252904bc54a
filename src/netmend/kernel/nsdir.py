"""The namespace directory, where names of namespaces live (`/run/netns`; see ip-netns(8))."""

import errno
import os

from netmend.kernel import mounts, syscalls
from netmend.kernel.changes import changing
from netmend.kernel.errors import KernelError

DEFAULT = "/run/netns"


def names(directory: str = DEFAULT) -> set[str]:
    """The names in the directory, whatever stands behind them; a directory that is not there has none."""
    try:
        return set(os.listdir(directory))
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise KernelError("list", directory, error.errno or 0) from error


def make(directory: str = DEFAULT) -> None:
    """Make the directory where it is not there; raises KernelError."""
    if os.path.isdir(directory):
        return
    try:
        with changing("make directory", directory):
            os.makedirs(directory, exist_ok=True)
            os.chmod(directory, 0o755)  # whatever the umask is: everybody may read names, as iproute2 has it
    except KernelError:
        raise
    except OSError as error:
        raise KernelError("pin", directory, error.errno or 0) from error


def prepare(directory: str = DEFAULT) -> None:
    """Make the directory as iproute2 does: a shared mount point, so that names reach other mount namespaces.

    Idempotent. iproute2 (ip/ipnetns.c, netns_add) binds the directory on itself only when it cannot be made shared,
    and so do we: binding twice is one of the ways to have a hidden second copy of every namespace. Raises KernelError.
    """
    make(directory)
    try:
        mounts.make(directory, syscalls.MS_SHARED, recursive=True)
    except KernelError as error:
        if error.code != errno.EINVAL:  # anything but "not a mount point yet"
            raise
        mounts.bind(directory, directory, recursive=True)
        mounts.make(directory, syscalls.MS_SHARED, recursive=True)
