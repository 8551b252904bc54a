"""Which user namespace owns another namespace (ioctl_ns(2))."""

import fcntl
import os
from typing import Final

_NS_GET_USERNS: Final = 0xB701  # linux/nsfs.h


def owning_user_namespace(descriptor: int) -> int | None:
    """The inode of the user namespace that owns the namespace behind `descriptor`; None when we may not know."""
    try:
        owner = fcntl.ioctl(descriptor, _NS_GET_USERNS)
    except OSError:
        return None
    try:
        return os.fstat(owner).st_ino
    finally:
        os.close(owner)
