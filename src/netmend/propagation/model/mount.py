"""Mounts of the model, their peer groups, and the mount namespaces that hold them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from netmend.propagation.model.filesystem import Dentry


@dataclass(slots=True, eq=False)
class PeerGroup:
    """Mounts between which events travel both ways, and those that only receive from them.

    The kernel keeps slaves on a list of one of the peers; when that peer leaves they move to another. All that can be
    observed is the group, so the group holds them. All peers of a group have the same master.
    """

    id: int
    peers: dict[Mount, None] = field(default_factory=dict)
    slaves: dict[Mount, None] = field(default_factory=dict)
    """Mounts whose master this is: plain slaves, and peers of groups below."""


class UserNamespace:
    """Owner of mount namespaces. Who may do what is left out; what counts is whether two have the same owner."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class MountNamespace:
    user: UserNamespace
    root: Mount | None = None
    mounts: int = 0
    """How many are in it, for the limit of sysctl fs.mount-max."""


@dataclass(slots=True, eq=False)
class Mount:
    """A mount. ``children`` holds at most one mount a dentry: a second one on the same place stands on the first."""

    id: int
    root: Dentry
    namespace: MountNamespace | None = None
    """None while it is not attached."""
    parent: Mount | None = None
    point: Dentry | None = None
    children: dict[Dentry, Mount] = field(default_factory=dict)
    group: PeerGroup | None = None
    master: PeerGroup | None = None
    unbindable: bool = False
    locked: bool = False
    """MNT_LOCKED: came from a namespace of another user, and hides what is beneath."""
    read_only: bool = False
    users: int = 0
    """Open files, working directories and roots: what makes umount(2) busy."""

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
