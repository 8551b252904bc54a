"""Taking mounts away, and which others go with them.

The rule for what propagation may take along is that of Documentation/filesystems/propagate_umount.txt (Linux 6.17 and
later): of the mounts at the same place on all receivers, the greatest set that

- shifts nothing: a mount that stays, and stands on one that goes, must cover that one entirely (it then slides down);
- reveals nothing: a locked mount goes only together with the mount it stands on.
"""

from __future__ import annotations

from netmend.propagation.flags import Propagation
from netmend.propagation.model.propagate import change, receivers
from netmend.propagation.model.structures import Mount


def is_busy(mount: Mount) -> bool:
    """Whether umount(2) without MNT_DETACH would give EBUSY (propagate_mount_busy)."""
    if mount.children or mount.users:
        return True
    if mount.parent is None or mount.point is None:
        return False
    for receiver in receivers(mount.parent):
        child = receiver.children.get(mount.point)
        if child is None or not child.users:
            continue
        # One with mounts on it will not be taken along, and so its users do not matter, unless all it has is a cover.
        if not child.children or (len(child.children) == 1 and child.overmount is not None):
            return True
    return False


def take_down(mount: Mount, *, propagate: bool) -> None:
    """Unmount ``mount`` with all that stands on it, and, if asked, what propagation takes along elsewhere."""
    going = list(mount.tree())
    along: list[Mount] = []
    if propagate:
        _unlock(mount)
        along = _taken_along(going)
    _slide_covers(along, {*going, *along})
    for member in (*going, *along):
        change(member, Propagation.PRIVATE)
        if member.namespace is not None:
            member.namespace.mounts -= 1
            member.namespace = None
    for member in reversed(along):
        if member.parent is not None:
            member.take_off()
    if mount.parent is not None:
        mount.take_off()


def _unlock(mount: Mount) -> None:
    """What the owner of the original takes away may go everywhere (propagate_mount_unlock)."""
    if mount.parent is None or mount.point is None:
        return
    for receiver in receivers(mount.parent):
        child = receiver.children.get(mount.point)
        if child is not None:
            child.locked = False


def _taken_along(going: list[Mount]) -> list[Mount]:
    """The mounts at the same places on receivers that go too, in no order."""
    certain = set(going)
    candidates: dict[Mount, None] = {}
    for mount in going:
        if mount.parent is None or mount.point is None:
            continue
        for receiver in receivers(mount.parent):
            child = receiver.children.get(mount.point)
            if child is not None and child not in certain:
                candidates[child] = None
    _drop_shifting(candidates, certain)
    return _without_revealing(candidates, certain)


def _drop_shifting(candidates: dict[Mount, None], certain: set[Mount]) -> None:
    """Drop each candidate that has a mount on it which stays and does not cover it, or would get one by sliding."""
    leaves_cover: set[Mount] = set()  # a mount that stays would slide down into this one's place
    for mount in _children_first(candidates):
        if mount not in candidates:
            continue
        for point, child in mount.children.items():
            if child in certain or (child in candidates and child not in leaves_cover):
                continue
            leaves_cover.add(mount)
            if point is not mount.root:
                del candidates[mount]
                break


def _children_first(candidates: dict[Mount, None]) -> list[Mount]:
    """Each candidate after those that stand on it."""
    depths: dict[Mount, int] = {}
    for mount in candidates:
        chain = [mount]
        while (parent := chain[-1].parent) is not None and parent not in depths and parent in candidates:
            chain.append(parent)
        start = depths.get(chain[-1].parent, -1) if chain[-1].parent is not None else -1
        for depth, member in enumerate(reversed(chain), start + 1):
            depths.setdefault(member, depth)
    return sorted(depths, key=lambda mount: -depths[mount])


def _without_revealing(candidates: dict[Mount, None], certain: set[Mount]) -> list[Mount]:
    """Drop locked candidates whose parent stays."""
    staying: set[Mount] = set()
    for mount in reversed(_children_first(candidates)):
        parent = mount.parent
        if mount.locked and parent not in certain and (parent not in candidates or parent in staying):
            staying.add(mount)
    return [mount for mount in candidates if mount not in staying]


def _slide_covers(along: list[Mount], leaving: set[Mount]) -> None:
    """Move each mount that stays, and covers a stack that goes, down to the place of the stack."""
    for mount in along:
        cover = mount.overmount
        if cover is None or cover in leaving:
            continue
        bottom = mount
        while bottom.parent in leaving:
            assert bottom.parent is not None
            bottom = bottom.parent
        parent, point = bottom.parent, bottom.point
        assert parent is not None
        assert point is not None
        cover.take_off()
        bottom.take_off()
        cover.hang(parent, point)
