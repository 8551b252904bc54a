"""How propagation types change, and how an attached tree spreads.

Follows fs/pnode.c and attach_recursive_mnt() of fs/namespace.c (Linux 6.18) in what can be observed, and
Documentation/filesystems/sharedsubtree.rst in its words.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count

from netmend.propagation.flags import Propagation
from netmend.propagation.model.structures import Dentry, KernelRefusal, Mount, PeerGroup, UserNamespace

MOST_MOUNTS = 100_000
"""Default of sysctl fs.mount-max."""
_ids = count(1)
_group_ids = count(1)


def new_mount(root: Dentry) -> Mount:
    """A mount that stands nowhere yet, private."""
    return Mount(next(_ids), root)


def make_shared(mount: Mount) -> None:
    """Give the mount a peer group of its own unless it has one."""
    if mount.group is None:
        mount.group = PeerGroup(next(_group_ids))
        mount.group.peers[mount] = None
    mount.unbindable = False


def join(mount: Mount, group: PeerGroup) -> None:
    mount.group = group
    group.peers[mount] = None


def enslave(mount: Mount, master: PeerGroup | None) -> None:
    """Receive from ``master`` and from nobody else."""
    if mount.master is not None:
        del mount.master.slaves[mount]
    mount.master = master
    if master is not None:
        master.slaves[mount] = None


def _leave(mount: Mount) -> PeerGroup | None:
    """Leave the peer group; returns whom the mount would receive from now: its peers, else its master.

    The last peer takes the group with it; its slaves then receive from where it received.
    """
    group = mount.group
    if group is None:
        return mount.master
    del group.peers[mount]
    mount.group = None
    if group.peers:
        return group
    for slave in list(group.slaves):
        enslave(slave, mount.master)
    return mount.master


def change(mount: Mount, propagation: Propagation) -> None:
    """Set the propagation type (mount(2) with MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, without MS_REC)."""
    if propagation is Propagation.SHARED:
        make_shared(mount)
        return
    source = _leave(mount)
    if propagation is Propagation.SLAVE:
        enslave(mount, source)
        return
    enslave(mount, None)
    mount.unbindable = propagation is Propagation.UNBINDABLE


def receivers(mount: Mount) -> Iterator[Mount]:
    """Every mount that receives what happens on ``mount``: its peers, and slaves all the way down."""
    if mount.group is None:
        return
    pending = [mount.group]
    while pending:
        group = pending.pop()
        for peer in group.peers:
            if peer is not mount:
                yield peer
        below: dict[PeerGroup, None] = {}
        for slave in group.slaves:
            if slave.group is None:
                yield slave
            else:
                below[slave.group] = None
        pending += below


def clone(mount: Mount, root: Dentry) -> Mount:
    """A copy that is a peer where the original is shared, and receives from the same master (clone_mnt).

    It is never unbindable: since Linux 6.17 not even in the copy of a namespace, where it used to be.
    """
    copy = new_mount(root)
    copy.locked = mount.locked
    copy.read_only = mount.read_only
    if mount.group is not None:
        join(copy, mount.group)
    enslave(copy, mount.master)
    return copy


def clone_as_slave(mount: Mount, root: Dentry, *, shared: bool) -> Mount:
    """A copy that receives from the original where that is shared; itself shared in a new group if asked."""
    copy = new_mount(root)
    copy.locked = mount.locked
    copy.read_only = mount.read_only
    enslave(copy, mount.group if mount.group is not None else mount.master)
    if shared:
        make_shared(copy)
    return copy


def lock_tree(top: Mount) -> None:
    """Mark all below ``top`` as not to be taken apart by this user (lock_mnt_tree)."""
    for mount in top.tree():
        if mount is not top:
            mount.locked = True


def attach(source: Mount, parent: Mount, point: Dentry, user: UserNamespace) -> None:
    """Attach a tree, detached before, to ``parent`` at ``point``, and spread copies of it where that place propagates.

    ``user``: the user namespace of the mount namespace of the caller. Where a receiver has something mounted at that
    place already, the copy goes beneath it. Raises KernelRefusal (ENOSPC) where a namespace would have too many mounts;
    the caller forgets the tree then.
    """
    copies: list[tuple[Mount, Mount]] = []
    if parent.shared:
        for mount in source.tree():
            make_shared(mount)
        copies = _spread(source, parent, point)
    _check_limit(copies, source, parent)
    for top, destination in [*copies, (source, parent)]:
        namespace = destination.namespace
        assert namespace is not None
        if namespace.user is not user:
            lock_tree(top)
        covering = destination.children.get(point)
        if covering is not None:
            covering.take_off()
        top.hang(destination, point)
        for mount in top.tree():
            if mount.namespace is not namespace:
                mount.namespace = namespace
                namespace.mounts += 1
        if covering is not None:
            cover = top.topmost
            covering.hang(cover, cover.root)


def _check_limit(copies: list[tuple[Mount, Mount]], source: Mount, parent: Mount) -> None:
    size = sum(1 for _ in source.tree())
    wanted = Counter(destination.namespace for _, destination in copies)
    if source.namespace is None:
        wanted[parent.namespace] += 1
    for namespace, trees in wanted.items():
        if namespace is not None and namespace.mounts + trees * size > MOST_MOUNTS:
            for top, _ in copies:
                forget(top)
            raise KernelRefusal(errno.ENOSPC, f"a mount namespace has at most {MOST_MOUNTS:,} mounts (fs.mount-max)")


def _spread(source: Mount, parent: Mount, point: Dentry) -> list[tuple[Mount, Mount]]:
    """Copies of ``source``, each with the mount that receives it; not attached yet."""
    made: list[tuple[Mount, Mount]] = []

    def group_copies(members: list[Mount], first: Mount | None, master_copy: Mount) -> Mount | None:
        """Copy to each member that shows the place; the first as a slave unless a peer's copy is given."""
        last = first
        for member in members:
            if member.namespace is None or not point.is_under(member.root):
                continue
            last = _copy_peer(last) if last is not None else _copy_slave(master_copy, shared=member.shared)
            made.append((last, member))
        return last

    assert parent.group is not None
    pending: list[tuple[PeerGroup, Mount]] = []
    group_copies([peer for peer in parent.group.peers if peer is not parent], source, source)
    pending.append((parent.group, source))
    while pending:
        group, nearest = pending.pop()
        below: dict[PeerGroup, None] = {}
        for slave in list(group.slaves):
            if slave.namespace is None:
                continue
            if slave.group is None:
                group_copies([slave], None, nearest)
            else:
                below[slave.group] = None
        for subgroup in below:
            copy = group_copies(list(subgroup.peers), None, nearest)
            pending.append((subgroup, copy if copy is not None else nearest))
    return made


def _copy_peer(source: Mount) -> Mount:
    return copy_tree(source, lambda mount: clone(mount, mount.root))


def _copy_slave(source: Mount, *, shared: bool) -> Mount:
    return copy_tree(source, lambda mount: clone_as_slave(mount, mount.root, shared=shared))


def copy_tree(
    source: Mount, copy: Callable[[Mount], Mount], *, root: Dentry | None = None, all_mounts: bool = False
) -> Mount:
    """Copy a mount and what stands on it (only below ``root`` where that is given), each mount by ``copy``.

    Unbindable mounts are left out unless ``all_mounts`` (which is what unshare(2) does). Raises KernelRefusal (EPERM)
    where that would reveal what a locked mount hides.
    """
    top = copy(source)
    pending = [(source, top)]
    while pending:
        original, copied = pending.pop()
        for point, child in original.children.items():
            if original is source and root is not None and not point.is_under(root):
                continue
            if child.unbindable and not all_mounts:
                if child.locked:
                    forget(top)
                    raise KernelRefusal(errno.EPERM, "a locked mount cannot be left out of a copy")
                continue
            made = copy(child)
            made.hang(copied, point)
            pending.append((child, made))
    return top


def forget(top: Mount) -> None:
    """Undo a tree that was made and will not be attached."""
    tree = list(top.tree())
    for mount in tree:
        change(mount, Propagation.PRIVATE)
    for mount in reversed(tree[1:]):
        mount.take_off()
