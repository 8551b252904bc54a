"""Where each mount namespace shows each directory of namespaces, and what its names are there. Pure.

Two mount namespaces speak of the same directory when it is the same place of the same file system, whatever their
paths for it. In each the topmost mount decides (see `MountTree`); a name is usable where a lookup ends on nsfs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from netmend.doctor.observation import (
    HOST,
    Directory,
    MountNamespace,
    Name,
    NetworkNamespace,
    Observation,
)
from netmend.doctor.relevant import WELL_KNOWN, network_namespace
from netmend.propagation.groups import PropagationGraph
from netmend.propagation.mount_tree import MountTree
from netmend.propagation.mountinfo import Mount
from netmend.propagation.paths import is_under, join_below

ENGINE_INTERNAL = WELL_KNOWN[2:]
"""Directories that only their engine writes; it leaves plain files there for up to a minute (libnetwork, osl: GC)."""


_SANDBOX = re.compile(r"([0-9a-f]{12}|default|ingress_sbox|lb_[0-9a-z]+|[0-9]+-[0-9a-z]+)\Z")
"""How libnetwork calls sandboxes (libnetwork, sandbox.go and osl)."""

DELETED = "//deleted"
"""Behind the place of a directory that was unlinked: how mountinfo marks it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A directory as one mount namespace shows it at one path."""

    namespace: MountNamespace
    directory: Directory
    path: str
    mount: Mount  # the topmost mount there
    explicit: bool  # the directory itself was mounted there, not just something above it
    canonical: bool  # the path is the one where programs look
    usable: dict[str, tuple[int, Mount]]  # name → inode of the network namespace that a lookup ends on, and its mount

    @property
    def label(self) -> str:
        return self.namespace.label

    @property
    def counts(self) -> bool:
        """Whether somebody there works with the names, as far as can be told."""
        if self.namespace.label == HOST:
            return True
        return self.asked_for or (self.canonical and self.namespace.may_use_namespaces is not False)

    @property
    def asked_for(self) -> bool:
        """Somebody had the directory mounted there: a process that only inherited the host's mounts did not."""
        return self.explicit and (self.namespace.container is not None or self.namespace.pid is None)


@dataclass(frozen=True, slots=True)
class Copy:
    """A mount of a network namespace on a name of a directory, visible or not."""

    name: str
    inode: int
    mount: Mount
    parent: Mount
    visible: bool


class HostView:
    """The directories of one observation, worked out once for all checks."""

    def __init__(self, observation: Observation) -> None:
        self.observation = observation
        # One namespace stands for all that have its tree, so that cost follows the different ones, not all of them.
        self._standing_for: dict[int, MountNamespace] = {}
        for namespace in observation.namespaces:
            self._standing_for.setdefault(id(namespace.tree), namespace)
        self._seen: dict[tuple[int, Directory], list[_Seen]] = {}
        self._copies: dict[tuple[int, Directory], list[Copy]] = {}
        self.played: dict[str, list[str]] = {}
        """Mends that were played on a copy of this host (see `rehearsal`), and what each would take away."""

    @property
    def distinct(self) -> Collection[MountNamespace]:
        """One namespace for each tree."""
        return self._standing_for.values()

    def standing_for(self, namespace: MountNamespace) -> str:
        """The label by which `graph` knows the namespace's tree."""
        return self._standing_for[id(namespace.tree)].label

    @cached_property
    def graph(self) -> PropagationGraph:
        """Peer groups, over the distinct trees."""
        return PropagationGraph({namespace.label: namespace.tree for namespace in self.distinct})

    @cached_property
    def directories(self) -> dict[Directory, list[Place]]:
        """Every directory that holds, or is there to hold, namespaces; with its places, the host's first."""
        candidates: dict[Directory, None] = {}
        for namespace in self.distinct:
            for directory in _directories_of(namespace.tree):
                candidates.setdefault(directory)
        for directory in self.observation.names:
            candidates.setdefault(directory)
        found: dict[Directory, list[Place]] = {}
        host = self.observation.namespace(HOST)
        for directory in candidates:
            known = set(WELL_KNOWN)
            if host is not None:
                known.update(seen.path for seen in self._seen_in(host.tree, directory))
            places = [
                Place(namespace, directory, seen.path, seen.mount, seen.explicit, seen.path in known, seen.usable)
                for namespace in self.observation.namespaces
                for seen in self._seen_in(namespace.tree, directory)
            ]
            if places:
                places.sort(key=lambda place: (place.label != HOST, not place.canonical, not place.explicit))
                found[directory] = places
        return found

    def _seen_in(self, tree: MountTree, directory: Directory) -> list[_Seen]:
        key = (id(tree), directory)
        if key not in self._seen:
            self._seen[key] = list(_look_for(tree, directory))
        return self._seen[key]

    def main_places(self, directory: Directory) -> list[Place]:
        """One place a mount namespace: the path programs use there, or where the directory was put on purpose."""
        chosen: dict[str, Place] = {}
        for place in self.directories[directory]:
            if (place.canonical or place.explicit) and place.label not in chosen:
                chosen[place.label] = place
        return list(chosen.values())

    @cached_property
    def engines_apart(self) -> list[MountNamespace]:
        """Mount namespaces of a dockerd other than the host's; one with processes of its own is a host of its own."""
        return [
            namespace
            for namespace in self.observation.namespaces
            if namespace.is_engine and namespace.label != HOST and not namespace.own_pid_namespace
        ]

    @cached_property
    def all_shared(self) -> list[tuple[Directory, list[Place]]]:
        """Every directory with its main places, of which there is at least one; those of engines too."""
        found = [(directory, self.main_places(directory)) for directory in self.directories]
        return [(directory, places) for directory, places in found if places]

    @cached_property
    def shared(self) -> list[tuple[Directory, list[Place]]]:
        """The directories that people work with: all but those that only an engine writes."""
        return [(directory, places) for directory, places in self.all_shared if not self.is_engine_internal(directory)]

    @cached_property
    def usable_on_host(self) -> frozenset[str]:
        """Paths at which the host has a network namespace."""
        return frozenset(
            f"{place.path}/{name}"
            for places in self.directories.values()
            for place in places
            if place.label == HOST
            for name in place.usable
        )

    @cached_property
    def _mounted(self) -> frozenset[tuple[Directory, str]]:
        return frozenset(
            (directory, copy.name)
            for directory in self.directories
            for namespace in self.distinct
            for copy in self.copies(namespace, directory)
        )

    def is_mounted_anywhere(self, path: str) -> bool:
        """Whether any mount namespace has a network namespace on the file that the host has at this path."""
        held, _, name = path.rpartition("/")
        seen = [d for d, places in self.directories.items() if any(p.label == HOST and p.path == held for p in places)]
        return not seen or any((directory, name) in self._mounted for directory in seen)

    @cached_property
    def _engines_own(self) -> frozenset[int]:
        own: set[int] = set()
        others: set[int] = set()
        for directory, places in self.directories.items():
            found = own if self.is_engine_internal(directory) else others
            found.update(inode for same in alike(places) for inode, _ in same[0].usable.values())
        return frozenset(own - others)

    def is_engines_own(self, inode: int) -> bool:
        """Whether only an engine's own directory names the namespace: the engine makes and takes away what is there."""
        return inode in self._engines_own

    def host_place(self, directory: Directory) -> Place | None:
        return next((place for place in self.directories[directory] if place.label == HOST), None)

    def title(self, directory: Directory) -> str:
        """What people call the directory."""
        return self.directories[directory][0].path

    def is_engine_internal(self, directory: Directory) -> bool:
        """Docker's own directory of sandboxes, also where `--exec-root` puts it elsewhere."""
        title = self.title(directory)
        if title in WELL_KNOWN:
            return title in ENGINE_INTERNAL
        names = {name for same in alike(self.directories[directory]) for name in same[0].usable}
        return bool(names) and all(_SANDBOX.match(name) for name in names)

    def listed(self, directory: Directory) -> dict[str, Name] | None:
        found = self.observation.names.get(directory)
        return None if found is None else dict(found)

    def copies(self, namespace: MountNamespace, directory: Directory) -> list[Copy]:
        """Every mount of a network namespace on a name of the directory, hidden ones included."""
        key = (id(namespace.tree), directory)
        if key not in self._copies:
            self._copies[key] = list(_copies_in(namespace.tree, directory))
        return self._copies[key]

    @cached_property
    def pinned(self) -> dict[int, list[tuple[MountNamespace, Mount, bool]]]:
        """Inode of a network namespace → where it is mounted, and whether a lookup finds it there.

        Of namespaces with the same mounts one is told.
        """
        found: dict[int, list[tuple[MountNamespace, Mount, bool]]] = {}
        for namespace in self.distinct:
            for mount in namespace.tree:
                inode = network_namespace(mount)
                if inode is not None:
                    found.setdefault(inode, []).append((namespace, mount, namespace.tree.is_visible(mount)))
        return found


def directory_at(mount: Mount, path: str) -> Directory | None:
    """The directory that `mount` shows at `path`; None where the path does not lie on it.

    One that was unlinked is another than the one that was made in its place.
    """
    if not is_under(path, mount.mount_point):
        return None
    root = mount.root + DELETED if mount.deleted else mount.root
    return Directory(mount.device, join_below(root, path, mount.mount_point))


def directory_seen(tree: MountTree, path: str) -> Directory | None:
    """The directory that a lookup of `path` ends on."""
    mount = tree.topmost(path)
    return None if mount is None else directory_at(mount, path)


def _carrier(tree: MountTree, mount: Mount) -> Mount | None:
    """The mount on whose file a network namespace is pinned, beneath others pinned on the same."""
    parent = tree.by_id.get(mount.parent_id)
    seen: set[int] = set()
    while parent is not None and network_namespace(parent) is not None and parent.id not in seen:
        seen.add(parent.id)
        parent = tree.by_id.get(parent.parent_id)
    return parent


def _directories_of(tree: MountTree) -> Iterator[Directory]:
    holders: set[tuple[Mount, str]] = set()
    for mount in tree:
        if network_namespace(mount) is not None:
            parent = _carrier(tree, mount)
            if parent is not None:
                holders.add((parent, mount.mount_point.rpartition("/")[0] or "/"))
    for parent, holder in holders:
        directory = directory_at(parent, holder)
        if directory is not None:
            yield directory
    for path in WELL_KNOWN:
        if tree.at(path):
            directory = directory_seen(tree, path)
            if directory is not None:
                yield directory


@dataclass(frozen=True, slots=True)
class _Seen:
    """A directory in one tree, whoever has it."""

    path: str
    mount: Mount
    explicit: bool
    usable: dict[str, tuple[int, Mount]]


def _look_for(tree: MountTree, directory: Directory) -> Iterator[_Seen]:
    paths: dict[str, bool] = {}
    for mount in tree:
        if mount.device != directory.device:
            continue
        root = mount.root + DELETED if mount.deleted else mount.root
        if is_under(directory.inner, root):
            path = join_below(mount.mount_point, directory.inner, root)
            paths[path] = paths.get(path, False) or (root == directory.inner and mount.mount_point == path)
    for path, explicit in paths.items():
        top = tree.topmost(path)
        if top is None or directory_at(top, path) != directory:
            continue
        usable = {}
        prefix = path.rstrip("/") + "/"
        for point, mount in tree.under(path).items():
            inode = network_namespace(mount)
            name = point[len(prefix) :]
            if inode is not None and "/" not in name:
                usable[name] = (inode, mount)
        yield _Seen(path, top, explicit, usable)


def _copies_in(tree: MountTree, directory: Directory) -> Iterator[Copy]:
    holders: dict[tuple[int, str], bool] = {}
    for mount in tree:
        inode = network_namespace(mount)
        parent = _carrier(tree, mount) if inode is not None else None
        if inode is None or parent is None:
            continue
        holder, _, name = mount.mount_point.rpartition("/")
        key = (parent.id, holder)
        if key not in holders:
            holders[key] = directory_at(parent, holder or "/") == directory
        if holders[key]:
            yield Copy(name, inode, mount, parent, tree.is_visible(mount))


def alike(places: Sequence[Place]) -> list[list[Place]]:
    """The places in classes that have the same names, by way of the same mounts."""
    classes: dict[int, list[Place]] = {}
    for place in places:
        classes.setdefault(id(place.usable), []).append(place)
    return list(classes.values())


def is_own_namespace(observation: Observation, network: NetworkNamespace) -> bool:
    """A container or sandbox was made with it: its first process is in it, and so are its mounts its own."""
    inside = {holder.pid for holder in network.residents}
    for holder in network.residents:
        namespace = observation.namespace(holder.where)
        if (
            namespace is not None
            and namespace.label != HOST
            and (namespace.pid in inside or namespace.own_pid_namespace)
        ):
            return True
    return False
