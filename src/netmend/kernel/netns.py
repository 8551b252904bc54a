"""Network namespaces as a type: open, enter, pin.

A namespace is usable when it is nsfs *and* has been entered (invariant I4); the existence of a file says nothing.
After CNI's pkg/ns: "no such path" (KernelError with ENOENT) and "not a namespace" (NotANamespace) are two errors.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import local
from typing import Final

from netmend.kernel import syscalls
from netmend.kernel.changes import changing
from netmend.kernel.errors import KernelError, NotANamespace

_NS_GET_USERNS: Final = 0xB701  # linux/nsfs.h, ioctl_ns(2)


class _Inside(local):
    """The namespace that the calling thread has entered; None: it is where it came from."""

    inode: int | None = None


_inside = _Inside()


class Netns:
    """A descriptor of a network namespace; it keeps the namespace alive until `close`."""

    __slots__ = ("_descriptor", "inode", "label")

    def __init__(self, descriptor: int, label: str) -> None:
        self._descriptor = descriptor
        self.label = label
        self.inode = os.fstat(descriptor).st_ino  # names the namespace for as long as it lives

    def __repr__(self) -> str:
        return f"Netns({self.label}, {self.inode})"

    @classmethod
    def open(cls, path: str) -> "Netns":
        """The namespace at `path`; raises KernelError when nothing is there, NotANamespace when it is a plain file."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise KernelError("open", path, error.errno or 0) from error
        try:
            if syscalls.descriptor_filesystem_type(descriptor, path) != syscalls.NSFS_MAGIC:
                raise NotANamespace(path)
            return cls(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise

    @classmethod
    def current(cls) -> "Netns":
        """The calling thread's own network namespace."""
        return cls.open("/proc/thread-self/ns/net")

    @classmethod
    def of_process(cls, pid: int) -> "Netns":
        """The network namespace of process `pid`; raises KernelError when there is no such process."""
        return cls.open(f"/proc/{pid}/ns/net")

    @classmethod
    @contextmanager
    def create(cls, label: str) -> Iterator["Netns"]:
        """Make a namespace and stay inside it for the `with` block; nobody but the descriptor keeps it alive.

        The caller closes the Netns. Raises KernelError; the calling thread is back in its own namespace afterwards.
        """
        with cls.current() as home:
            with changing("create", label):
                syscalls.unshare(syscalls.CLONE_NEWNET, label)
            before = _inside.inode
            try:
                made = cls.current()
                made.label = label
                _inside.inode = made.inode
                yield made
            finally:
                _inside.inode = before
                home._set()

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be inside the namespace, with the calling thread only, for the `with` block; raises KernelError.

        Whoever is inside already just stays. Threads that are started inside are born there.
        """
        before = _inside.inode
        if before == self.inode:
            yield
            return
        with Netns.current() as home:
            if home.inode == self.inode:
                yield
                return
            self._set()
            _inside.inode = self.inode
            try:
                yield
            finally:
                _inside.inode = before
                home._set()

    def _set(self) -> None:
        syscalls.setns(self._descriptor, syscalls.CLONE_NEWNET, self.label)

    def fileno(self) -> int:
        """The descriptor: for netlink attributes that take one, and for /proc/self/fd."""
        return self._descriptor

    def duplicate(self) -> "Netns":
        return Netns(os.dup(self._descriptor), self.label)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> "Netns":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def pin(namespace: Netns, path: str, mark: str) -> None:
    """Give `namespace` a name, as `ip netns add` does: a file at `path`, the namespace bind-mounted over it.

    The file appears with `mark` in it, so that a name whose maker was killed between file and mount is known by it
    (`name_mark`). Over a plain file that is left at `path` the namespace is mounted too, and
    the file stays as it was; a path where a namespace is pinned already is refused (EEXIST), so that no name can hide
    another. Raises KernelError; leaves no file of its own making behind when the mount fails.
    """
    made = False
    try:
        made = _make_name(path, mark)
    except KernelError:
        raise
    except OSError as error:
        raise KernelError("pin", path, error.errno or 0) from error
    try:
        with changing("pin", path):
            syscalls.mount(f"/proc/thread-self/fd/{namespace.fileno()}", path, None, syscalls.MS_BIND, operation="pin")
    except KernelError:
        if made:
            with suppress(OSError), changing("remove", path):
                os.unlink(path)
        raise


def _make_name(path: str, mark: str) -> bool:
    """A file at `path` that holds `mark`; True when it is new."""
    text = mark.encode() + b"\n"
    descriptor = os.open(os.path.dirname(path), os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, 0o444)
    try:
        os.write(descriptor, text)
        with changing("pin", path):
            # with src_dir_fd Python calls linkat(2), which follows the link in /proc; link(2) does not
            os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor, follow_symlinks=True)
        return True
    except FileExistsError as error:
        if is_namespace(path):
            raise KernelError("pin", path, errno.EEXIST) from error
        return False
    finally:
        os.close(descriptor)


def name_mark(path: str) -> str | None:
    """What the maker of the plain file at `path` wrote into it, if it can be read and is short."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return os.read(descriptor, 256).decode(errors="replace").strip()
    except OSError:  # mounted on meanwhile: nsfs cannot be read
        return None
    finally:
        os.close(descriptor)


def unpin(path: str, mark: str | None) -> None:
    """Take a name away: unmount what is mounted on it (all of a stack), then remove the file if it holds `mark` (None:
    whatever it holds).

    The file is removed only once nothing is mounted on it here: removing it first would leave a plain file for
    everybody should the kernel refuse (EBUSY). Somebody else's file stays as it was found: removing it would detach
    what they have mounted on it in other mount namespaces. A path that is not there is no error. Raises KernelError.
    """
    while is_namespace(path):
        with changing("unpin", path):
            syscalls.umount(path, syscalls.MNT_DETACH | syscalls.UMOUNT_NOFOLLOW, operation="unpin")
    if mark is not None and name_mark(path) != mark:
        return
    try:
        with changing("remove", path):
            os.unlink(path)
    except FileNotFoundError:
        return
    except KernelError:
        raise
    except OSError as error:
        raise KernelError("unpin", path, error.errno or 0) from error


def is_namespace(path: str) -> bool:
    """True when `path` is nsfs. One look: use `Netns.open` and `entered` before believing in it."""
    try:
        return syscalls.filesystem_type(path) == syscalls.NSFS_MAGIC
    except KernelError:
        return False


def owning_user_namespace(descriptor: int) -> int | None:
    """The inode of the user namespace that owns the namespace behind `descriptor` (ioctl_ns(2)); None where the caller
    may not know."""
    try:
        owner = fcntl.ioctl(descriptor, _NS_GET_USERNS)
    except OSError:
        return None
    try:
        return os.fstat(owner).st_ino
    finally:
        os.close(owner)
