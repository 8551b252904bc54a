"""libc calls that Python 3.11 lacks, and the kernel's constants for them."""

import ctypes
import errno as errno_module
import os
from typing import Final

from netmend.kernel.errors import KernelError

CLONE_NEWNS: Final = 0x00020000  # linux/sched.h
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000

MS_RDONLY: Final = 1  # linux/mount.h
MS_NOSUID: Final = 2
MS_NODEV: Final = 4
MS_NOEXEC: Final = 8
MS_REMOUNT: Final = 32
MS_BIND: Final = 4096
MS_MOVE: Final = 8192
MS_REC: Final = 16384
MS_UNBINDABLE: Final = 1 << 17
MS_PRIVATE: Final = 1 << 18
MS_SLAVE: Final = 1 << 19
MS_SHARED: Final = 1 << 20

AT_FDCWD: Final = -100  # linux/fcntl.h
AT_RECURSIVE: Final = 0x8000
MOUNT_ATTR_RDONLY: Final = 1  # linux/mount.h
_SYS_MOUNT_SETATTR: Final = 442  # the same number on every architecture since Linux 5.12

MNT_DETACH: Final = 2
UMOUNT_NOFOLLOW: Final = 8

NSFS_MAGIC: Final = 0x6E736673  # linux/magic.h
PROC_SUPER_MAGIC: Final = 0x9FA0

PR_SET_PDEATHSIG: Final = 1

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
_libc.umount2.argtypes = (ctypes.c_char_p, ctypes.c_int)
_libc.pivot_root.argtypes = (ctypes.c_char_p, ctypes.c_char_p)  # in glibc and musl, though in no header
_libc.setns.argtypes = (ctypes.c_int, ctypes.c_int)
_libc.unshare.argtypes = (ctypes.c_int,)


class _Statfs(ctypes.Structure):
    _fields_ = [("f_type", ctypes.c_long), ("rest", ctypes.c_long * 31)]  # struct statfs is 120 bytes on LP64


_libc.statfs.argtypes = (ctypes.c_char_p, ctypes.POINTER(_Statfs))
_libc.fstatfs.argtypes = (ctypes.c_int, ctypes.POINTER(_Statfs))


def _check(result: int, operation: str, target: str) -> None:
    if result != 0:
        raise KernelError(operation, target, ctypes.get_errno())


def unshare(flags: int, target: str = "namespaces") -> None:
    """unshare(2); raises KernelError."""
    _check(_libc.unshare(flags), "create", target)


def setns(descriptor: int, kind: int, target: str) -> None:
    """setns(2): move the calling thread into the namespace that `descriptor` refers to; raises KernelError."""
    _check(_libc.setns(descriptor, kind), "enter", target)


def mount(  # noqa: PLR0917 - the order of mount(2)
    source: str | None, target: str, fstype: str | None, flags: int, data: str | None = None, operation: str = "mount"
) -> None:
    """mount(2); raises KernelError."""
    result = _libc.mount(
        os.fsencode(source) if source is not None else None,
        os.fsencode(target),
        fstype.encode() if fstype is not None else None,
        flags,
        data.encode() if data is not None else None,
    )
    _check(result, operation, target)


def umount(target: str, flags: int = 0, operation: str = "umount") -> None:
    """umount2(2); raises KernelError."""
    _check(_libc.umount2(os.fsencode(target), flags), operation, target)


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")]


def mount_setattr(target: str, *, attr_set: int = 0, attr_clr: int = 0, recursive: bool = False) -> None:
    """mount_setattr(2), Linux 5.12: change attributes of a mount, or of all mounts below too; raises KernelError."""
    attributes = _MountAttributes(attr_set, attr_clr, 0, 0)
    result = _libc.syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(AT_FDCWD),
        os.fsencode(target),
        ctypes.c_uint(AT_RECURSIVE if recursive else 0),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    _check(result, "mount", target)


def pivot_root(new_root: str, put_old: str) -> None:
    """pivot_root(2); raises KernelError."""
    _check(_libc.pivot_root(os.fsencode(new_root), os.fsencode(put_old)), "pivot_root", new_root)


def filesystem_type(path: str) -> int:
    """The magic number of the filesystem at `path` (statfs(2)); raises KernelError."""
    buffer = _Statfs()
    _check(_libc.statfs(os.fsencode(path), ctypes.byref(buffer)), "statfs", path)
    return int(buffer.f_type)


def descriptor_filesystem_type(descriptor: int, target: str) -> int:
    """The magic number of the filesystem behind `descriptor` (fstatfs(2)); raises KernelError."""
    buffer = _Statfs()
    _check(_libc.fstatfs(descriptor, ctypes.byref(buffer)), "statfs", target)
    return int(buffer.f_type)


def die_with_parent(signal: int) -> None:
    """Ask for `signal` when the thread that forked this process ends (prctl(2), PR_SET_PDEATHSIG)."""
    if _libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal), 0, 0, 0) != 0:
        raise KernelError("prctl", "PR_SET_PDEATHSIG", ctypes.get_errno() or errno_module.EINVAL)
