"""What the modelled kernel keeps: file systems and their dentries, mounts and their peer groups, mount namespaces.

A mount point is a dentry, not a path: when a file is unlinked and made anew, what was mounted on the old one does not
appear on the new. A dentry knows the mounts on it, and a mount the dentries it shows, so both are in one file.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

_numbers = count(1)


class KernelRefusal(OSError):
    """A system call that fails; ``errno`` is what the kernel would give, ``why`` the rule that it breaks."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(code, os.strerror(code))
        self.why = why

    @property
    def code(self) -> int:
        """The errno, always an int."""
        return self.errno or 0

    def __str__(self) -> str:
        return f"{self.strerror} ({errno.errorcode[self.code]}): {self.why}"


@dataclass(slots=True, eq=False)
class Dentry:
    """A name in a file system. ``symlink`` is the target where it is one."""

    filesystem: FileSystem
    name: str
    parent: Dentry | None
    directory: bool = True
    symlink: str | None = None
    unlinked: bool = False
    children: dict[str, Dentry] = field(default_factory=dict)
    mounts: dict[Mount, None] = field(default_factory=dict)  # everything mounted on this dentry, in any namespace
    number: int = field(default_factory=lambda: next(_numbers))

    def is_under(self, ancestor: Dentry) -> bool:
        """Whether this is ``ancestor`` or below it; a dentry that was unlinked still knows its parent."""
        current: Dentry | None = self
        while current is not None:
            if current is ancestor:
                return True
            current = current.parent
        return False

    def path_below(self, ancestor: Dentry | None = None) -> str:
        """Path from ``ancestor`` (the root of the file system by default), with a leading slash."""
        parts: list[str] = []
        current: Dentry | None = self
        while current is not None and current is not ancestor and current.parent is not None:
            parts.append(current.name)
            current = current.parent
        return "/" + "/".join(reversed(parts))

    def add(self, name: str, *, directory: bool = True, symlink: str | None = None) -> Dentry:
        """Make a child; the caller has checked that the name is free."""
        child = Dentry(self.filesystem, name, self, directory=directory and symlink is None, symlink=symlink)
        self.children[name] = child
        return child

    def remove(self) -> None:
        """Unlink this name."""
        assert self.parent is not None
        del self.parent.children[self.name]
        self.unlinked = True

    def walk(self) -> Iterator[Dentry]:
        """This dentry and all below it."""
        yield self
        for child in self.children.values():
            yield from child.walk()


class FileSystem:
    """A superblock. ``kind`` is its type as mountinfo names it; ``root_name`` names a root that is no path (nsfs)."""

    __slots__ = ("kind", "number", "root", "source")

    def __init__(self, kind: str, source: str = "none", *, directory: bool = True, root_name: str = "") -> None:
        self.kind = kind
        self.source = source
        self.number = next(_numbers)
        self.root = Dentry(self, root_name, None, directory=directory)

    def make(self, path: str, *, directory: bool = True) -> Dentry:
        """The dentry at ``path``, made with its parents where they are missing."""
        current = self.root
        parts = [part for part in path.split("/") if part]
        for position, part in enumerate(parts):
            found = current.children.get(part)
            last = position == len(parts) - 1
            current = found if found is not None else current.add(part, directory=directory or not last)
        return current


@dataclass(slots=True, eq=False)
class PeerGroup:
    """Mounts between which events travel both ways, and those that only receive from them.

    The kernel keeps slaves on a list of one of the peers; when that peer leaves they move to another. All that can be
    observed is the group, so the group holds them. All peers of a group have the same master.
    """

    id: int
    peers: dict[Mount, None] = field(default_factory=dict)
    # mounts whose master this is: plain slaves, and peers of groups below
    slaves: dict[Mount, None] = field(default_factory=dict)


class UserNamespace:
    """Owner of mount namespaces. Who may do what is left out; what counts is whether two have the same owner."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class MountNamespace:
    user: UserNamespace
    root: Mount | None = None
    mounts: int = 0  # how many are in it, for the limit of sysctl fs.mount-max


@dataclass(slots=True, eq=False)
class Mount:
    """A mount. ``children`` holds at most one mount a dentry: a second one on the same place stands on the first."""

    id: int
    root: Dentry
    namespace: MountNamespace | None = None  # None while it is not attached
    parent: Mount | None = None
    point: Dentry | None = None
    children: dict[Dentry, Mount] = field(default_factory=dict)
    group: PeerGroup | None = None
    master: PeerGroup | None = None
    unbindable: bool = False
    locked: bool = False  # MNT_LOCKED: came from a namespace of another user, and hides what is beneath
    read_only: bool = False
    users: int = 0  # open files, working directories and roots: what makes umount(2) busy

    @property
    def shared(self) -> bool:
        return self.group is not None

    @property
    def overmount(self) -> Mount | None:
        """The mount that covers this one entirely."""
        return self.children.get(self.root)

    @property
    def topmost(self) -> Mount:
        current = self
        while (over := current.overmount) is not None:
            current = over
        return current

    def tree(self) -> Iterator[Mount]:
        """This mount and all on it, parents first (next_mnt of the kernel)."""
        # Not by recursion: mounts that double at each start of a container stand on each other by the thousand.
        pending = [self]
        while pending:
            mount = pending.pop()
            yield mount
            pending.extend(reversed(mount.children.values()))

    def hang(self, parent: Mount, point: Dentry) -> None:
        """Attach to a place that is free."""
        assert point not in parent.children
        self.parent, self.point = parent, point
        parent.children[point] = self
        point.mounts[self] = None

    def take_off(self) -> None:
        """Detach from the parent, with all that stands on it."""
        assert self.parent is not None
        assert self.point is not None
        del self.parent.children[self.point]
        del self.point.mounts[self]
        self.parent = self.point = None

    def is_below(self, ancestor: Mount) -> bool:
        current: Mount | None = self
        while current is not None:
            if current is ancestor:
                return True
            current = current.parent
        return False
