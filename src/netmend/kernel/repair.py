"""Two changes of names of namespaces that destroy nothing: each looks once more before it acts."""

import errno
import os
import stat

from netmend.kernel import mounts
from netmend.kernel.changes import changing
from netmend.kernel.errors import KernelError
from netmend.kernel.netns import Netns, is_namespace


def remove_plain_file(path: str, inode: int) -> None:
    """Remove the name at `path`, if it still is the plain file `inode` and nothing is mounted on it here.

    Unlinking takes away mounts on it in *every* mount namespace: the caller must know that there are none. Raises
    KernelError (ESTALE: it is another file now).
    """
    try:
        seen = os.stat(path, follow_symlinks=False)
        if not stat.S_ISREG(seen.st_mode) or seen.st_ino != inode or is_namespace(path):
            raise KernelError("remove", path, errno.ESTALE)
        with changing("remove", path):
            os.unlink(path)
    except KernelError:
        raise
    except OSError as error:
        raise KernelError("remove", path, error.errno or 0) from error


def pin_again(through: str, inode: int, path: str) -> None:
    """Pin the living namespace `inode`, reached at `through`, at `path`, which is absent or a plain file.

    Raises KernelError (ESTALE: `through` leads to another namespace now; EEXIST: the name leads to a namespace).
    """
    with Netns.open(through) as namespace:
        if namespace.inode != inode:
            raise KernelError("pin", path, errno.ESTALE)
        if is_namespace(path):
            raise KernelError("pin", path, errno.EEXIST)
        try:
            with changing("pin", path):
                os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0))  # as ip netns add does
        except FileExistsError:
            if os.path.islink(path):
                raise KernelError("pin", path, errno.ELOOP) from None
        except OSError as error:
            raise KernelError("pin", path, error.errno or 0) from error
        mounts.bind(f"/proc/self/fd/{namespace.fileno()}", path)
