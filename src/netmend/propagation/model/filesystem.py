"""File systems of the model: names, and the dentries that mounts stand on.

A mount point is a dentry, not a path: when a file is unlinked and made anew, what was mounted on the old one does not
appear on the new.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netmend.propagation.model.mount import Mount

_numbers = count(1)


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
    mounts: dict[Mount, None] = field(default_factory=dict)
    """Everything mounted on this dentry, in any namespace."""
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
