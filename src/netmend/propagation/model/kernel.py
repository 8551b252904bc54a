"""System calls of the modelled kernel: what mount(2), umount2(2), unlink(2), unshare(2), pivot_root(2) do to mounts.

Permissions are left out (every task is root in the user namespace that owns its mounts), and so is everything that has
no part in who sees what: quotas, file contents, most mount flags.
"""

from __future__ import annotations

import errno

from netmend.propagation.flags import Propagation
from netmend.propagation.model import propagate, umount
from netmend.propagation.model.lookup import Place, Task, exists, lookup, parent_of
from netmend.propagation.model.structures import (
    Dentry,
    FileSystem,
    KernelRefusal,
    Mount,
    MountNamespace,
    UserNamespace,
)


def boot(root: FileSystem) -> Task:
    """The first task of a fresh kernel: ``root`` mounted, private, over the kernel's own rootfs."""
    namespace = MountNamespace(UserNamespace())
    below = propagate.new_mount(FileSystem("rootfs").root)
    below.namespace = namespace
    namespace.root = below
    namespace.mounts = 2
    top = propagate.new_mount(root.root)
    top.namespace = namespace
    top.hang(below, below.root)
    top.users += 1
    return Task(namespace, Place(top, root.root))


def make_directory(task: Task, path: str) -> Dentry:
    """mkdir(2). Raises KernelRefusal: EEXIST, ENOENT, ENOTDIR."""
    return _make(task, path, directory=True)


def make_file(task: Task, path: str) -> Dentry:
    """open(2) with O_CREAT and O_EXCL. Raises KernelRefusal: EEXIST, ENOENT, ENOTDIR."""
    return _make(task, path, directory=False)


def make_directories(task: Task, path: str) -> None:
    """``mkdir -p``."""
    walked = ""
    for part in path.split("/"):
        if part:
            walked += "/" + part
            if not exists(task, walked):
                make_directory(task, walked)


def _make(task: Task, path: str, *, directory: bool) -> Dentry:
    place, name = parent_of(task, path)
    if name in place.dentry.children:
        raise KernelRefusal(errno.EEXIST, f"{path} is there already")
    _must_be_writable(place, path)
    if place.dentry.unlinked:
        raise KernelRefusal(errno.ENOENT, f"the directory of {path} was removed")
    return place.dentry.add(name, directory=directory)


def _must_be_writable(place: Place, path: str) -> None:
    if place.mount.read_only:
        raise KernelRefusal(errno.EROFS, f"{path} lies on a read-only mount")


def set_read_only(task: Task, path: str) -> None:
    """mount(2) with MS_BIND, MS_REMOUNT and MS_RDONLY. Raises KernelRefusal: EINVAL where it is no mount point."""
    place = lookup(task, path)
    if place.dentry is not place.mount.root:
        raise KernelRefusal(errno.EINVAL, f"{path} is not a mount point")
    place.mount.read_only = True


def unlink(task: Task, path: str) -> None:
    """unlink(2): what is mounted on the file goes in *every* namespace, unless this one is among them.

    Raises KernelRefusal: EBUSY where the file is a mount point in the caller's namespace, on whatever path; EISDIR.
    """
    _remove(task, path, directory=False)


def remove_directory(task: Task, path: str) -> None:
    """rmdir(2); as ``unlink``, and ENOTEMPTY, ENOTDIR."""
    _remove(task, path, directory=True)


def _remove(task: Task, path: str, *, directory: bool) -> None:
    place, name = parent_of(task, path)
    _must_be_writable(place, path)
    victim = place.dentry.children.get(name)
    if victim is None:
        raise KernelRefusal(errno.ENOENT, f"{path} does not exist")
    if victim.directory != directory:
        raise KernelRefusal(errno.ENOTDIR if directory else errno.EISDIR, f"{path} is of the other kind")
    if any(mount.namespace is task.namespace for mount in victim.mounts):
        raise KernelRefusal(errno.EBUSY, f"{path} is a mount point in this mount namespace")
    if victim.children:
        raise KernelRefusal(errno.ENOTEMPTY, f"{path} is not empty")
    victim.remove()
    for mount in list(victim.mounts):
        if mount.namespace is not None:
            umount.take_down(mount, propagate=False)


def _destination(task: Task, path: str) -> Place:
    place = lookup(task, path)
    if place.dentry.unlinked:
        raise KernelRefusal(errno.ENOENT, f"{path} was removed")
    return place


def _must_match(source: Dentry, place: Place, path: str) -> None:
    if source.directory != place.dentry.directory:
        raise KernelRefusal(errno.ENOTDIR, f"{path}: a directory goes on a directory, a file on a file")


def mount_new(task: Task, filesystem: FileSystem, path: str) -> Mount:
    """mount(2) of a new file system. Raises KernelRefusal: ENOENT, ENOTDIR."""
    place = _destination(task, path)
    _must_match(filesystem.root, place, path)
    mount = propagate.new_mount(filesystem.root)
    _attach(mount, place, task)
    return mount


def _must_have_root(mount: Mount) -> None:
    """The kernel makes a mount point of the topmost root, in case something is to be tucked beneath (fs/namespace.c,
    attach_recursive_mnt), and a directory that was removed cannot be one."""
    if mount.topmost.root.unlinked:
        raise KernelRefusal(errno.ENOENT, "what is to be mounted was removed")


def _attach(mount: Mount, place: Place, task: Task) -> None:
    try:
        _must_have_root(mount)
        propagate.attach(mount, place.mount, place.dentry, task.namespace.user)
    except KernelRefusal:
        propagate.forget(mount)
        raise


def bind(task: Task, source: str | Dentry, path: str, *, recursive: bool = False) -> Mount:
    """mount(2) with MS_BIND. ``source`` may be the root of an nsfs file that is mounted nowhere, as in /proc/PID/ns.

    Raises KernelRefusal: EINVAL for an unbindable source, or where locked mounts stand on it and it is not recursive.
    """
    place = lookup(task, path)
    old = Place(propagate.new_mount(source), source) if isinstance(source, Dentry) else lookup(task, source)
    if place.dentry.unlinked:
        raise KernelRefusal(errno.ENOENT, f"{path} was removed")
    if old.mount.unbindable:
        raise KernelRefusal(errno.EINVAL, f"{source} lies on an unbindable mount")
    if not recursive and any(
        child.locked and point.is_under(old.dentry) for point, child in old.mount.children.items()
    ):
        raise KernelRefusal(errno.EINVAL, f"mounts below {source} are locked; bind recursively")

    def copy(mount: Mount) -> Mount:
        return propagate.clone(mount, old.dentry if mount is old.mount else mount.root)

    made = propagate.copy_tree(old.mount, copy, root=old.dentry) if recursive else copy(old.mount)
    made.locked = False
    try:
        _must_match(old.dentry, place, path)
    except KernelRefusal:
        propagate.forget(made)
        raise
    _attach(made, place, task)
    return made


def move(task: Task, source: str, path: str) -> None:
    """mount(2) with MS_MOVE. Raises KernelRefusal: EINVAL, ELOOP."""
    place = lookup(task, path)
    old = lookup(task, source)
    if place.dentry.unlinked:
        raise KernelRefusal(errno.ENOENT, f"{path} was removed")
    mount = old.mount
    if old.dentry is not mount.root:
        raise KernelRefusal(errno.EINVAL, f"{source} is not a mount point")
    if mount.parent is None or mount.locked:
        raise KernelRefusal(errno.EINVAL, f"the mount at {source} is locked, or the root of the namespace")
    if mount.parent.shared:
        raise KernelRefusal(errno.EINVAL, f"the mount at {source} stands on a shared mount")
    if place.dentry.directory != old.dentry.directory:
        raise KernelRefusal(errno.EINVAL, f"{path}: a directory goes on a directory, a file on a file")
    if place.mount.shared and any(part.unbindable for part in mount.tree()):
        raise KernelRefusal(errno.EINVAL, "an unbindable mount cannot move onto a shared one")
    if place.mount.is_below(mount):
        raise KernelRefusal(errno.ELOOP, f"{path} stands on {source}")
    _must_have_root(mount)
    mount.take_off()
    propagate.attach(mount, place.mount, place.dentry, task.namespace.user)


def change(task: Task, path: str, propagation: Propagation, *, recursive: bool = False) -> None:
    """mount(2) with a propagation flag. Raises KernelRefusal: EINVAL where ``path`` is not a mount point."""
    place = lookup(task, path)
    if place.dentry is not place.mount.root:
        raise KernelRefusal(errno.EINVAL, f"{path} is not a mount point")
    for mount in place.mount.tree() if recursive else [place.mount]:
        propagate.change(mount, propagation)


def unmount(task: Task, path: str, *, lazy: bool = False, follow: bool = True) -> None:
    """umount2(2); ``lazy`` is MNT_DETACH. Raises KernelRefusal: EINVAL, EBUSY."""
    place = lookup(task, path, follow=follow)
    mount = place.mount
    if place.dentry is not mount.root:
        raise KernelRefusal(errno.EINVAL, f"{path} is not a mount point")
    if mount.locked:
        raise KernelRefusal(errno.EINVAL, f"the mount at {path} is locked: it came from another user's namespace")
    if not lazy and umount.is_busy(mount):
        raise KernelRefusal(errno.EBUSY, f"something uses {path}, or is mounted on it, here or where it propagates")
    umount.take_down(mount, propagate=True)


def unshare(task: Task, owner: UserNamespace | None = None) -> Task:
    """A task in a copy of the caller's mount namespace (unshare(2) or clone(2) with CLONE_NEWNS).

    ``owner``: the caller's user namespace, where that is not the owner of its mount namespace, as with CLONE_NEWUSER;
    then every mount becomes a slave, and locked.
    """
    old = task.namespace
    assert old.root is not None
    foreign = owner is not None and owner is not old.user
    namespace = MountNamespace(owner or old.user)
    root = task.root

    def copy(mount: Mount) -> Mount:
        nonlocal root
        made = (
            propagate.clone_as_slave(mount, mount.root, shared=False)
            if foreign and mount.shared
            else propagate.clone(mount, mount.root)
        )
        made.namespace = namespace
        namespace.mounts += 1
        if mount is task.root.mount:
            root = Place(made, task.root.dentry)
        return made

    namespace.root = propagate.copy_tree(old.root, copy, all_mounts=True)
    if foreign:
        propagate.lock_tree(namespace.root)
    root.mount.users += 1
    return Task(namespace, root)


def at_root(namespace: MountNamespace) -> Task:
    """A task that entered the namespace with setns(2): its root is the topmost mount on the namespace's root."""
    assert namespace.root is not None
    top = namespace.root.topmost
    return Task(namespace, Place(top, top.root))


def pivot_and_detach(task: Task, new_root: str) -> None:
    """What container runtimes do to change the root: pivot_root(".", "."), make the old root a slave, detach it.

    Raises KernelRefusal: EINVAL where a mount that has a part in it is shared, or locked, or no mount.
    """
    place = lookup(task, new_root)
    new, old = place.mount, task.root.mount
    if place.dentry is not new.root or new.parent is None or old.parent is None or old.point is None:
        raise KernelRefusal(errno.EINVAL, f"{new_root} is not a mount point")
    if new.shared or new.parent.shared or old.parent.shared or new.locked:
        raise KernelRefusal(
            errno.EINVAL, f"pivot_root: {new_root}, its parent or the root's parent is shared or locked"
        )
    parent, point = old.parent, old.point
    new.take_off()
    old.take_off()
    new.hang(parent, point)
    old.hang(new, new.root)
    new.locked, old.locked = old.locked, False
    for mount in old.tree():
        propagate.change(mount, Propagation.SLAVE)
    umount.take_down(old, propagate=True)
    old.users -= 1
    new.users += 1
    task.root = Place(new, new.root)


def end_namespace(namespace: MountNamespace) -> None:
    """The last process of the namespace is gone: its mounts go, and take nothing along."""
    if namespace.root is not None:
        umount.take_down(namespace.root, propagate=False)
        namespace.root = None


def make_symlink(task: Task, target: str, path: str) -> Dentry:
    """symlink(2). Raises KernelRefusal: EEXIST, ENOENT, ENOTDIR."""
    place, name = parent_of(task, path)
    if name in place.dentry.children:
        raise KernelRefusal(errno.EEXIST, f"{path} is there already")
    _must_be_writable(place, path)
    return place.dentry.add(name, symlink=target)
