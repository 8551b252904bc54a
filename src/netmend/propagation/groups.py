"""Peer groups over many mount namespaces, as a graph: who receives which mount and unmount from whom.

Sources: Documentation/filesystems/sharedsubtree.rst and mount_namespaces(7). A mount or unmount made *on* a mount
travels to every peer of that mount and to every slave below its group, each at the same place of the same file system.
It never travels from slave to master.

Nodes are peer groups, not mounts, so the graph's size follows the number of mounts, and a question about one path costs
one lookup a namespace. Group numbers mean something only within one snapshot of one kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from netmend.propagation.mount_tree import Location, MountTree
from netmend.propagation.mountinfo import Mount
from netmend.propagation.paths import is_under, join_below, normal


class Member(NamedTuple):
    """A mount and the namespace that has it."""

    namespace: str
    mount: Mount


@dataclass(slots=True)
class PeerGroup:
    """A peer group, or one that others name as master and no namespace given here has a member of."""

    id: int
    peers: list[Member] = field(default_factory=list)
    # mounts that receive from this group and do not pass on (`master:N` without `shared:`)
    slaves: list[Member] = field(default_factory=list)
    master: int | None = None
    slave_groups: set[int] = field(default_factory=set)  # groups whose master this is: they receive and pass on
    dominator: int | None = None  # from `propagate_from`: a group above `master`, where what lies between is not seen

    @property
    def seen(self) -> bool:
        return bool(self.peers)


class Delivery(NamedTuple):
    """One mount that an event reaches."""

    namespace: str
    mount: Mount
    # where it lands, as this namespace's process names it; None where the place lies outside this mount's root
    path: str | None
    # a lookup of `path` there finds it, unless the event covers the way to it too; False where another mount is on
    # top, or `path` is None
    visible: bool


class Reach(StrEnum):
    """Why an event at a path in one namespace is or is not seen at a path in another."""

    SAME_MOUNT = "same mount"
    DELIVERED = "delivered"
    SHADOWED = "shadowed"
    """It arrives, on a mount with another on top."""
    ELSEWHERE = "elsewhere"
    """It arrives and is visible, under another path than the one asked about."""
    SOURCE_PRIVATE = "source is private"
    SOURCE_SLAVE = "source only receives"
    TARGET_PRIVATE = "target is private"
    WRONG_DIRECTION = "wrong direction"
    """The source's group receives from the target's."""
    OTHER_GROUP = "different peer groups"
    OUT_OF_ROOT = "outside the target's root"
    UNKNOWN = "unknown"
    """A (partial) file does not show the mount."""


class Verdict(NamedTuple):
    """The answer to "does a mount made there arrive here?", with the two mounts it is about."""

    reach: Reach
    source: Mount | None
    target: Mount | None
    via: tuple[int, ...] = ()  # peer groups passed, the source's first


class View(NamedTuple):
    """Namespaces that stand in one and the same place for a path: an event made in one behaves as in any other."""

    group: int | None  # peer group in which they send and receive; None: they do not send
    receives_from: int | None
    namespaces: tuple[str, ...]
    mounts: tuple[Mount, ...]


class PropagationGraph:
    """Peer groups of the given namespaces. ``trees``: label of the namespace → its mounts. Reads nothing else."""

    def __init__(self, trees: Mapping[str, MountTree]) -> None:
        self.trees = dict(trees)

    @cached_property
    def groups(self) -> dict[int, PeerGroup]:
        """Every group that a mount names, whether or not a member is seen."""
        groups: dict[int, PeerGroup] = {}

        def group(number: int) -> PeerGroup:
            found = groups.get(number)
            if found is None:
                found = groups[number] = PeerGroup(number)
            return found

        for namespace, tree in self.trees.items():
            for mount in tree:
                shared, master = mount.fields.shared, mount.fields.master
                if shared is not None:
                    own = group(shared)
                    own.peers.append(Member(namespace, mount))
                    if master is not None:
                        own.master = master
                        group(master).slave_groups.add(shared)
                elif master is not None:
                    group(master).slaves.append(Member(namespace, mount))
                if master is not None and mount.fields.propagate_from is not None:
                    group(master).dominator = mount.fields.propagate_from
                    group(mount.fields.propagate_from)
        for own in groups.values():
            # What lies between an unseen group and its dominator is unseen too: link them, so that events still travel.
            if own.master is None and own.dominator is not None and own.dominator != own.id:
                groups[own.dominator].slave_groups.add(own.id)
        return groups

    def masters(self, group: int) -> list[int]:
        """The groups from which this one receives, nearest first."""
        chain: list[int] = []
        current = self.groups.get(group)
        while current is not None:
            above = current.master if current.master is not None else current.dominator
            if above is None or above in chain or above == group:
                break
            chain.append(above)
            current = self.groups.get(above)
        return chain

    def downstream(self, group: int) -> list[int]:
        """This group and every group below it, nearest first."""
        order, seen = [group], {group}
        for number in order:
            found = self.groups.get(number)
            for below in sorted(found.slave_groups) if found else ():
                if below not in seen:
                    seen.add(below)
                    order.append(below)
        return order

    def receivers(self, group: int) -> Iterator[Member]:
        """Every mount that receives what is mounted on a member of the group, the members themselves included."""
        for number in self.downstream(group):
            found = self.groups.get(number)
            if found is not None:
                yield from found.peers
                yield from found.slaves

    def locate(self, namespace: str, path: str) -> Location | None:
        """As MountTree.locate in that namespace."""
        return self.trees[namespace].locate(path)

    def deliveries(self, namespace: str, path: str) -> list[Delivery]:
        """Where a mount made at ``path`` in ``namespace`` arrives, other than on the mount it is made on.

        The mount that counts is the one on which ``path`` lies. To ask about names within a directory, give the name
        of one (``/run/netns/x``). An unmount made there travels the same way.
        """
        place = self.locate(namespace, path)
        if place is None or place.mount.shared is None:
            return []
        found = []
        for member in self.receivers(place.mount.shared):
            if member.namespace == namespace and member.mount.id == place.mount.id:
                continue
            found.append(self._delivery(member, place.inner))
        return found

    def _delivery(self, member: Member, inner: str) -> Delivery:
        mount = member.mount
        if not is_under(inner, mount.root):
            return Delivery(member.namespace, mount, None, False)
        path = join_below(mount.mount_point, inner, mount.root)
        visible = self.trees[member.namespace].topmost(path) is mount
        return Delivery(member.namespace, mount, path, visible)

    def verdict(self, source: str, path: str, target: str, target_path: str | None = None) -> Verdict:
        """Whether a mount made at ``path`` in namespace ``source`` is seen at ``target_path`` in ``target``; why."""
        there = self.locate(source, path)
        here = self.locate(target, target_path if target_path is not None else path)
        if there is None or here is None:
            return Verdict(Reach.UNKNOWN, there and there.mount, here and here.mount)
        if source == target and there.mount.id == here.mount.id:
            same = there.inner == here.inner
            return Verdict(Reach.SAME_MOUNT if same else Reach.ELSEWHERE, there.mount, here.mount)
        start = there.mount.shared
        ends = [group for group in (here.mount.shared, here.mount.master) if group is not None]
        if start is None:
            reach = Reach.SOURCE_PRIVATE if there.mount.master is None else Reach.SOURCE_SLAVE
            return Verdict(reach, there.mount, here.mount)
        for end in ends:
            chain = [end, *self.masters(end)]
            if start in chain:
                via = tuple(reversed(chain[: chain.index(start) + 1]))
                return Verdict(self._arrival(there, here), there.mount, here.mount, via)
        shadowed = self._arrives_beneath(start, target, here)
        if shadowed:
            return Verdict(Reach.SHADOWED, there.mount, here.mount)
        if not ends:
            return Verdict(Reach.TARGET_PRIVATE, there.mount, here.mount)
        if any(end in self.masters(start) for end in ends):
            return Verdict(Reach.WRONG_DIRECTION, there.mount, here.mount)
        return Verdict(Reach.OTHER_GROUP, there.mount, here.mount)

    def _arrival(self, there: Location, here: Location) -> Reach:
        if not is_under(there.inner, here.mount.root):
            return Reach.OUT_OF_ROOT
        return Reach.DELIVERED if there.inner == here.inner else Reach.ELSEWHERE

    def _arrives_beneath(self, group: int, target: str, here: Location) -> bool:
        """Whether the target has, hidden under its topmost mount at that place, one that would receive."""
        numbers = set(self.downstream(group))
        return any(
            not numbers.isdisjoint((mount.shared, mount.master)) and mount is not here.mount
            for mount in self.trees[target].at(here.mount.mount_point)
        )

    def views(self, path: str) -> list[View]:
        """The namespaces in classes by how ``path`` is mounted there: one lookup a namespace, no pairs.

        Between two classes an event made at ``path`` travels where the first's ``group`` is among the second's
        ``receives_from`` and its masters. Namespaces that do not show the path are left out.
        """
        path = normal(path)
        classes: dict[tuple[int | None, int | None, str], list[Member]] = {}
        for namespace, tree in self.trees.items():
            mount = tree.topmost(path)
            if mount is None:
                continue
            alone = "" if mount.shared is not None or mount.master is not None else namespace
            classes.setdefault((mount.shared, mount.master, alone), []).append(Member(namespace, mount))
        return [
            View(shared, master, tuple(m.namespace for m in members), tuple(m.mount for m in members))
            for (shared, master, _), members in classes.items()
        ]
