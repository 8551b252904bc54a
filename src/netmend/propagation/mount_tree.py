"""The mounts of one mount namespace as a tree, with lookups as the kernel makes them. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from netmend.propagation.mountinfo import Mount
from netmend.propagation.paths import is_under, join_below, normal, prefixes

_MOST_LAYERS = 200


class Location(NamedTuple):
    """Where a path leads: the mount that shows it, and the place within that mount's file system."""

    mount: Mount
    inner: str


class MountTree:
    """The mounts of one namespace as one process sees them, with lookups as the kernel makes them.

    A lookup starts at the process's root mount and, at every component, goes to the mount whose parent is the mount it
    stands on, until there is none (fs/namei.c, __traverse_mounts). The order of lines plays no part.

    Files may be partial, as pasted into bug reports: a mount whose parent is not in the file is taken to be reachable
    at its mount point. Where several such mounts claim one path the last in the file is taken, as nothing better is
    known, and ``complete`` is False.
    """

    def __init__(self, mounts: Iterable[Mount]) -> None:
        self.mounts: Sequence[Mount] = tuple(mounts)

    @cached_property
    def by_id(self) -> dict[int, Mount]:
        return {mount.id: mount for mount in self.mounts}

    @cached_property
    def _at(self) -> dict[str, Mount | list[Mount]]:
        # A list only where mounts are stacked: the index of a thousand namespaces must stay small.
        at: dict[str, Mount | list[Mount]] = {}
        for mount in self.mounts:
            fields = mount.fields
            if fields.mount_point_deleted:
                continue  # an unlinked mount point cannot be walked to
            there = at.setdefault(fields.mount_point, mount)
            if there is mount:
                continue
            if isinstance(there, list):
                there.append(mount)
            else:
                at[fields.mount_point] = [there, mount]
        return at

    @cached_property
    def _orphan_ids(self) -> frozenset[int]:
        ids = {mount.id for mount in self.mounts}
        return frozenset(m.id for m in self.mounts if m.parent_id not in ids or m.parent_id == m.id)

    @cached_property
    def root(self) -> Mount | None:
        """The mount on which absolute lookups start; None where the file does not show it (partial, or a chroot)."""
        roots = [m for m in self.at("/") if m.id in self._orphan_ids]
        return roots[-1] if roots else None

    @property
    def complete(self) -> bool:
        """Whether every mount but the root has its parent in the file."""
        return self.root is not None and len(self._orphan_ids) == 1

    def at(self, path: str) -> list[Mount]:
        """Every mount with this mount point, visible or not, in the order of the file."""
        there = self._at.get(path)
        if there is None:
            return []
        return list(there) if isinstance(there, list) else [there]

    def children(self, mount: Mount) -> list[Mount]:
        """Mounts that stand directly on this one."""
        return self._children.get(mount.id, [])

    @cached_property
    def _children(self) -> dict[int, list[Mount]]:
        children: dict[int, list[Mount]] = {}
        for mount in self.mounts:
            if mount.parent_id != mount.id:
                children.setdefault(mount.parent_id, []).append(mount)
        return children

    def topmost(self, path: str) -> Mount | None:
        """The mount that a lookup of ``path`` ends on; None only where a partial file does not show it."""
        current = self.root
        for prefix in prefixes(path):
            there = self._at.get(prefix)
            if there is not None:
                current = self._descend(current, [there] if isinstance(there, Mount) else there)
        return current

    def _descend(self, current: Mount | None, candidates: list[Mount]) -> Mount | None:
        start = current
        if current is self.root and current is not None and current in candidates:
            return current  # the walk starts on the root, not on what was mounted over it later
        if start is None or not any(m.parent_id == start.id for m in candidates):
            orphans = [m for m in candidates if m.id in self._orphan_ids]
            current = orphans[-1] if orphans else current
        above = {m.parent_id: m for m in candidates if m.parent_id != m.id}
        seen: set[int] = set()
        while current is not None and current.id in above and current.id not in seen:
            seen.add(current.id)  # a file stitched together by hand may hold a loop
            current = above[current.id]
        return current

    def locate(self, path: str) -> Location | None:
        """The mount a lookup of ``path`` ends on and the place in its file system. Symbolic links are not followed."""
        path = normal(path)
        mount = self.topmost(path)
        if mount is None or not is_under(path, mount.mount_point):
            return None
        return Location(mount, join_below(mount.root, path, mount.mount_point))

    def is_visible(self, mount: Mount) -> bool:
        """Whether a lookup of the mount's mount point ends on it: nothing hides it, and it hides what is beneath."""
        return not mount.fields.mount_point_deleted and self.topmost(mount.mount_point) is mount

    def stack(self, path: str) -> list[Mount]:
        """The mounts at exactly this path, topmost last; those that no lookup can reach come first."""
        top = self.topmost(path)
        there = self.at(path)
        if top not in there or top is None:
            return there
        chain = [top]
        while (below := self.by_id.get(chain[-1].parent_id)) is not None and below in there and below not in chain:
            chain.append(below)
        chain.reverse()
        return [m for m in there if m not in chain] + chain

    def covering(self, mount: Mount) -> list[Mount] | None:
        """The mounts to be taken away, in this order and each with what stands on it, until a lookup finds `mount`.

        Empty where it is in view; None where no unmounting helps.
        """
        left = list(self.mounts)
        found: list[Mount] = []
        for _ in range(_MOST_LAYERS):
            tree = MountTree(left)
            top = tree.topmost(mount.mount_point)
            if mount.fields.mount_point_deleted or top is None or top is tree.root:
                return None
            if top is mount:
                return found
            gone = {top.id}
            pending = [top]
            while pending:
                for child in tree.children(pending.pop()):
                    if child.id not in gone:
                        gone.add(child.id)
                        pending.append(child)
            if mount.id in gone:
                return None
            found.append(top)
            left = [one for one in left if one.id not in gone]
        return None

    def under(self, directory: str) -> dict[str, Mount]:
        """Mount point → topmost mount for every path below ``directory`` that has a mount a lookup can reach."""
        prefix = normal(directory).rstrip("/") + "/"
        found: dict[str, Mount] = {}
        for point in self._at:
            if point.startswith(prefix) and len(point) > len(prefix):
                top = self.topmost(point)
                if top is not None and top.mount_point == point:
                    found[point] = top
        return found

    def __iter__(self) -> Iterator[Mount]:
        return iter(self.mounts)

    def __len__(self) -> int:
        return len(self.mounts)
