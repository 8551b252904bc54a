"""Paths of the modelled kernel: where one leads, for a task with a mount namespace and a root (path_resolution(7))."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import NamedTuple

from netmend.propagation.model.structures import Dentry, KernelRefusal, Mount, MountNamespace

_MAX_SYMLINKS = 40  # path_resolution(7)


class Place(NamedTuple):
    """Where a path leads."""

    mount: Mount
    dentry: Dentry


@dataclass(slots=True, eq=False)
class Task:
    """A process as far as mounts are concerned: its namespace, and the root from which its paths start."""

    namespace: MountNamespace
    root: Place


def lookup(task: Task, path: str, *, follow: bool = True) -> Place:
    """The place an absolute path leads to (path_resolution(7)): mounts are entered at every component but the root.

    Raises KernelRefusal: ENOENT, ENOTDIR, ELOOP.
    """
    place, name = _walk(task, path, follow=follow, links=0)
    if name is not None:
        raise KernelRefusal(errno.ENOENT, f"{path} does not exist")
    return place


def _walk(task: Task, path: str, *, follow: bool, links: int) -> tuple[Place, str | None]:
    """As far as the path exists; the name is that of a last component that does not."""
    place = task.root
    parts = [part for part in path.split("/") if part not in ("", ".")]
    while parts:
        part = parts.pop(0)
        if not place.dentry.directory:
            raise KernelRefusal(errno.ENOTDIR, f"{place.dentry.name!r} on the way to {path} is no directory")
        if part == "..":
            place = _up(task, place)
            continue
        child = place.dentry.children.get(part)
        if child is None:
            if parts:
                raise KernelRefusal(errno.ENOENT, f"{part!r} on the way to {path} does not exist")
            return place, part
        if child.symlink is not None and child not in place.mount.children and (parts or follow):
            links += 1
            if links > _MAX_SYMLINKS:
                raise KernelRefusal(errno.ELOOP, f"too many symbolic links on the way to {path}")
            if child.symlink.startswith("/"):
                place = task.root
            parts[:0] = [piece for piece in child.symlink.split("/") if piece not in ("", ".")]
            continue
        place = _enter(place.mount, child)
    return place, None


def _enter(mount: Mount, dentry: Dentry) -> Place:
    while (above := mount.children.get(dentry)) is not None:
        mount, dentry = above, above.root
    return Place(mount, dentry)


def _up(task: Task, place: Place) -> Place:
    mount: Mount = place.mount
    dentry: Dentry = place.dentry
    while (mount, dentry) != task.root and dentry is mount.root and mount.parent is not None:
        point = mount.point
        assert point is not None
        mount, dentry = mount.parent, point
    if (mount, dentry) == task.root or dentry.parent is None:
        return _enter(mount, dentry)
    return _enter(mount, dentry.parent)


def parent_of(task: Task, path: str) -> tuple[Place, str]:
    """The directory that holds the last component, and its name; that component's mounts are not entered."""
    head, _, name = path.rstrip("/").rpartition("/")
    place = lookup(task, head or "/")
    if not place.dentry.directory:
        raise KernelRefusal(errno.ENOTDIR, f"{head} is no directory")
    return place, name


def exists(task: Task, path: str) -> bool:
    try:
        lookup(task, path)
    except KernelRefusal:
        return False
    return True


def resolve(task: Task, path: str, *, within: str = "/") -> str:
    """The path with symbolic links replaced, absolute ones and ``..`` kept within ``within``; the missing stays."""
    base = [part for part in within.split("/") if part]
    done = list(base)
    todo = [part for part in path.split("/") if part][len(base) :]
    links = 0
    while todo:
        part = todo.pop(0)
        if part in (".", ".."):
            if part == ".." and len(done) > len(base):
                done.pop()
            continue
        try:
            parent = lookup(task, "/" + "/".join(done), follow=False)
        except KernelRefusal:
            return "/" + "/".join([*done, part, *todo])
        child = parent.dentry.children.get(part)
        if child is not None and child.symlink is not None:
            links += 1
            if links > _MAX_SYMLINKS:
                raise KernelRefusal(errno.ELOOP, f"too many symbolic links on the way to {path}")
            if child.symlink.startswith("/"):
                done = list(base)
            todo[:0] = [piece for piece in child.symlink.split("/") if piece]
            continue
        done.append(part)
    return "/" + "/".join(done)
