"""Mounts: bind, make shared, detach; and the raw mountinfo of a process."""

from collections.abc import Iterable
from pathlib import Path

from netmend.kernel import syscalls
from netmend.kernel.changes import changing
from netmend.kernel.errors import KernelError


def bind(source: str, target: str, *, recursive: bool = False) -> None:
    """Bind-mount `source` on `target`; raises KernelError."""
    with changing("mount", target):
        syscalls.mount(source, target, None, syscalls.MS_BIND | (syscalls.MS_REC if recursive else 0))


def make(target: str, propagation: int, *, recursive: bool = False) -> None:
    """Set the propagation type of the mount at `target` (MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE)."""
    with changing("mount", target):
        syscalls.mount(None, target, None, propagation | (syscalls.MS_REC if recursive else 0))


def mount_tmpfs(target: str, options: str = "mode=755") -> None:
    """Mount an empty tmpfs on `target`; raises KernelError."""
    with changing("mount", target):
        syscalls.mount("tmpfs", target, "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, options)


def make_read_only(target: str, *, except_for: Iterable[str] = ()) -> None:
    """Make every mount from `target` downwards read-only, except those at `except_for`, which must be mount points made
    in this mount namespace; raises KernelError (ENOSYS before Linux 5.12)."""
    syscalls.mount_setattr(target, attr_set=syscalls.MOUNT_ATTR_RDONLY, recursive=True)
    for path in except_for:
        syscalls.mount_setattr(path, attr_clr=syscalls.MOUNT_ATTR_RDONLY)


def detach(target: str) -> None:
    """Unmount the topmost mount on `target` lazily, without following a symbolic link; raises KernelError."""
    with changing("umount", target):
        syscalls.umount(target, syscalls.MNT_DETACH | syscalls.UMOUNT_NOFOLLOW)


def read_mountinfo(pid: int | str = "thread-self") -> bytes:
    """`/proc/<pid>/mountinfo` as the kernel wrote it; raises KernelError."""
    path = f"/proc/{pid}/mountinfo"
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise KernelError("read", path, error.errno or 0) from error
