"""A copy of the host as it was looked at, in the model of the kernel. Pure.

One mount namespace stands for all that have the same tree, except for those that a mend names. Mounts that have no part
in namespaces were not kept by the look and are not in the copy; a mount that lost its parent so stands where a lookup
of its mount point ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from netmend.doctor.observation import HOST, Bind, Container, Observation
from netmend.doctor.places import HostView
from netmend.doctor.relevant import network_namespace
from netmend.propagation.model import kernel, lookup, propagate
from netmend.propagation.model.lookup import Place, Task
from netmend.propagation.model.structures import (
    Dentry,
    FileSystem,
    KernelRefusal,
    Mount,
    PeerGroup,
    UserNamespace,
)
from netmend.propagation.model.structures import MountNamespace as ModelNamespace
from netmend.propagation.mount_tree import MountTree
from netmend.propagation.mountinfo import Mount as SeenMount
from netmend.propagation.paths import is_under, join_below


@dataclass(slots=True)
class Replica:
    """The model's tasks by label, and what a mend may do with containers and processes."""

    observation: Observation
    tasks: dict[str, Task] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)  # label → label of the namespace that stands for it
    # by name, running ones and those that could not be started
    containers: dict[str, Container] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    restarted: set[str] = field(default_factory=set)
    file_systems: dict[str, FileSystem] = field(default_factory=dict)
    groups: dict[int, PeerGroup] = field(default_factory=dict)
    networks: dict[int, FileSystem] = field(default_factory=dict)
    deleted: dict[tuple[str, str], Dentry] = field(default_factory=dict)

    @property
    def host(self) -> Task | None:
        return self.tasks.get(HOST)

    def task_of(self, label: str) -> Task | None:
        return self.tasks.get(self.labels.get(label, label))

    def label_of_pid(self, pid: int) -> str | None:
        for namespace in self.observation.namespaces:
            if namespace.pid == pid:
                return namespace.label
        for network in self.observation.networks:
            for holder in (*network.residents, *network.openers):
                if holder.pid == pid:
                    return holder.where
        return None

    def are_helpers(self, pids: Iterable[str]) -> bool:
        """Whether each of these is the process id of a helper of Neutron's agents."""
        return {*pids} <= {str(helper.process.pid) for helper in self.observation.helpers}

    def network_of(self, pid: int, descriptor: int | None) -> Dentry | None:
        """The namespace file `/proc/PID/ns/net`, or that of a descriptor."""
        for network in self.observation.networks:
            holders = network.residents if descriptor is None else network.openers
            if any(holder.pid == pid and holder.descriptor == descriptor for holder in holders):
                return self.network(network.inode).root
        return None

    def network(self, inode: int) -> FileSystem:
        if inode not in self.networks:
            made = FileSystem("nsfs", "nsfs", directory=False, root_name=f"net:[{inode}]")
            self.networks[inode] = made
        return self.networks[inode]


@dataclass(slots=True)
class Performance:
    """What came of it beside what the copy shows: devices that went, and commands that the kernel refused."""

    replica: Replica
    deleted: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    # shells in mount namespaces of their own, by what stands for their `$$`
    shells: dict[str, Task] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    background: str = ""  # what stands for `$!`


def build(view: HostView, named: Iterable[str] = ()) -> Replica:
    """A copy of what was looked at. `named`: labels that get a namespace of their own."""
    observation = view.observation
    replica = Replica(observation)
    user = UserNamespace()
    chosen = {namespace.label: namespace for namespace in view.distinct}
    wanted = set(named)
    for namespace in observation.namespaces:
        replica.labels[namespace.label] = view.standing_for(namespace)
        if namespace.label in wanted:
            chosen[namespace.label] = namespace
            replica.labels[namespace.label] = namespace.label
        if namespace.container is not None:
            replica.containers[namespace.container.name] = namespace.container
    for container in observation.stopped:
        replica.containers.setdefault(container.name, container)
    for namespace in chosen.values():
        replica.tasks[namespace.label] = _grow(replica, namespace.tree, user)
    for directory, names in observation.names.items():
        below = _below(_root_of(replica, directory.device, directory.inner, deleted=False), "")
        for name, entry in names.items():
            if name not in below.children:
                below.add(name, directory=entry.kind == "directory")
    return replica


def named_in(view: HostView, text: str) -> set[str]:
    """Labels of the mount namespaces that a script speaks of, by process or by name; the first few."""
    numbers = {int(found) for found in re.findall(r"(?:-t |/proc/)([0-9]+)", text)}
    words = set(re.findall(r"[^\s'\"]+", text))
    found: list[str] = []
    for namespace in view.observation.namespaces:
        called = namespace.container.name if namespace.container is not None else namespace.label
        if namespace.pid in numbers or called in words or f"a process of {namespace.label}" in text:
            found.append(namespace.label)
    return set(found[:40])


def _root_of(replica: Replica, device: str, path: str, *, deleted: bool) -> Dentry:
    """The dentry that is the root of a mount."""
    file_system = replica.file_systems.setdefault(device, FileSystem("tmpfs", device))
    if not deleted:
        return file_system.make(path)
    key = (device, path)
    if key not in replica.deleted:
        name = path.rpartition("/")[2]
        replica.deleted[key] = Dentry(file_system, name, file_system.root, unlinked=True)
    return replica.deleted[key]


def _below(base: Dentry, path: str, *, directory: bool = True) -> Dentry:
    """The dentry at `path` below another, made where it is missing."""
    current = base
    parts = [part for part in path.split("/") if part]
    for number, part in enumerate(parts):
        child = current.children.get(part)
        if child is None:
            child = current.add(part, directory=directory or number < len(parts) - 1)
        current = child
    return current


def _bottom(namespace: ModelNamespace) -> Mount:
    """The kernel's own rootfs, which every other mount of a namespace stands on."""
    bottom = propagate.new_mount(FileSystem("rootfs").root)
    bottom.namespace = namespace
    namespace.root = bottom
    namespace.mounts = 1
    return bottom


def empty_namespace(user: UserNamespace) -> Task:
    """A task in a mount namespace with an empty root."""
    namespace = ModelNamespace(user)
    bottom = _bottom(namespace)
    top = propagate.new_mount(FileSystem("tmpfs").root)
    top.namespace = namespace
    top.hang(bottom, bottom.root)
    top.users += 1
    namespace.mounts += 1
    _link_var_run(top)
    return Task(namespace, Place(top, top.root))


def _grow(replica: Replica, tree: MountTree, user: UserNamespace) -> Task:
    namespace = ModelNamespace(user)
    bottom = _bottom(namespace)
    made = {seen.id: _mount(replica, seen, namespace) for seen in tree}
    root = tree.root
    top = made[root.id] if root is not None else propagate.new_mount(FileSystem("tmpfs").root)
    top.namespace = namespace
    top.hang(bottom, bottom.root)
    top.users += 1
    task = Task(namespace, Place(top, top.root))
    if root is not None:
        # what was mounted over the root later is not where lookups begin; what it hides stands beneath it all the same
        _hang_children(tree, root, made)
    for seen in tree:
        if made[seen.id].parent is None:
            _hang_orphan(task, seen, made[seen.id])
            _hang_children(tree, seen, made)
    _link_var_run(top)
    return task


def _mount(replica: Replica, seen: SeenMount, namespace: ModelNamespace) -> Mount:
    inode = network_namespace(seen)
    if inode is not None:
        mount = propagate.new_mount(replica.network(inode).root)
    else:
        mount = propagate.new_mount(_root_of(replica, seen.device, seen.root, deleted=seen.deleted))
    mount.namespace = namespace
    namespace.mounts += 1
    mount.unbindable = seen.unbindable
    mount.read_only = "ro" in seen.options.split(",")
    if seen.shared is not None:
        propagate.join(mount, replica.groups.setdefault(seen.shared, PeerGroup(seen.shared)))
    if seen.master is not None:
        propagate.enslave(mount, replica.groups.setdefault(seen.master, PeerGroup(seen.master)))
    return mount


def _hang_children(tree: MountTree, top: SeenMount, made: dict[int, Mount]) -> None:
    pending = [top]
    while pending:
        seen = pending.pop()
        parent = made[seen.id]
        for child in tree.children(seen):
            mount = made[child.id]
            if mount.parent is not None or not is_under(child.mount_point, seen.mount_point):
                continue
            inner = join_below("/", child.mount_point, seen.mount_point)
            point = _below(parent.root, inner, directory=network_namespace(child) is None)
            if child.fields.mount_point_deleted:
                point = Dentry(parent.root.filesystem, point.name, point.parent, directory=False, unlinked=True)
            if point in parent.children:
                continue  # two mounts on one place of one mount: not what a kernel shows
            mount.hang(parent, point)
            pending.append(child)


def _hang_orphan(task: Task, seen: SeenMount, mount: Mount) -> None:
    """A mount whose parent the file does not show stands where a lookup of its mount point ends."""
    directory = network_namespace(seen) is None
    parts = [part for part in seen.mount_point.split("/") if part]
    place = task.root
    while (over := place.mount.children.get(place.dentry)) is not None and over is not mount:
        place = Place(over, over.root)
    for number, part in enumerate(parts):
        child = place.dentry.children.get(part)
        if child is None:
            child = place.dentry.add(part, directory=directory or number < len(parts) - 1)
        place = Place(place.mount, child)
        while (over := place.mount.children.get(place.dentry)) is not None:
            place = Place(over, over.root)
    if place.dentry not in place.mount.children:
        mount.hang(place.mount, place.dentry)


def _link_var_run(top: Mount) -> None:
    """`/var/run` is a link to `/run` wherever namespaces are used, unless something is mounted there."""
    root = top.root
    if not root.directory:
        return
    var = root.children.get("var") or root.add("var")
    if var.directory and "run" not in var.children:
        var.add("run", symlink="../run")


def relevant_binds(container: Container, replica: Replica) -> list[Bind]:
    """The binds of a container that bring a directory of namespaces with them."""
    host = replica.observation.namespace(HOST)
    paths = {"/run/netns", "/run/docker/netns"}
    if host is not None:
        for mount in host.tree:
            if network_namespace(mount) is not None:
                paths.add(mount.mount_point.rpartition("/")[0])
    found = []
    for bind in container.binds:
        source = bind.source.rstrip("/") or "/"
        if source.startswith("/var/run"):
            source = source.removeprefix("/var")
        if source.startswith("/") and any(is_under(path, source) or is_under(source, path) for path in paths):
            found.append(Bind(source, bind.destination, bind.propagation, bind.read_only))
    return found


def exists(task: Task, path: str) -> bool:
    """Whether the path leads anywhere in the copy."""
    try:
        return lookup.exists(task, path)
    except KernelRefusal:
        return False


def end(replica: Replica, label: str) -> None:
    """The processes of that namespace are gone, and its mounts with them."""
    own = replica.labels.get(label, label)
    task = replica.tasks.pop(own, None)
    replica.ended.add(label)
    if task is not None:
        kernel.end_namespace(task.namespace)
