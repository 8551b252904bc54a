"""A live look at the host. Reads only; what may not be read is told, and the rest is looked at all the same."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from netmend.doctor.containers import container_id, from_bundle, from_docker
from netmend.doctor.network_namespaces import Held, look_at_networks
from netmend.doctor.observation import HOST, Container, Directory, MountNamespace, Name, Observation, SeenHelper, Unread
from netmend.doctor.places import HostView
from netmend.doctor.relevant import keep_relevant
from netmend.doctor.sentences import count
from netmend.ground.neutron_processes import PROGRAMS
from netmend.kernel import engines, listing, mounts, procfs
from netmend.kernel.errors import KernelError
from netmend.kernel.neutron_processes import describe_helpers, find_helpers
from netmend.propagation.mountinfo import MountinfoError

_INITIAL_PID_NAMESPACE = 4026531836  # PROC_PID_INIT_INO, linux/proc_ns.h
_MOST_CLOSE_LOOKS = 20_000
_FIRST_FEW = 8
_SETTINGS = ("fs.may_detach_mounts",)


class CannotLook(Exception):
    """Nothing could be looked at; the text says why."""


@dataclass(slots=True)
class _Group:
    """The processes of one mount namespace."""

    inode: int
    pids: list[int] = field(default_factory=list)
    label: str = ""
    container: Container | None = None


@dataclass(slots=True)
class _Processes:
    """One walk over /proc."""

    groups: dict[int, _Group] = field(default_factory=dict)
    networks: dict[int, list[int]] = field(default_factory=dict)
    programs: dict[int, str] = field(default_factory=dict)
    where: dict[int, int] = field(default_factory=dict)
    held: list[procfs.HeldNamespace] = field(default_factory=list)
    taps: dict[str, int] = field(default_factory=dict)
    refused: int = 0


def look() -> Observation:
    """Everything this process may see of the host it is on. Raises CannotLook."""
    began = time.time()
    unread: list[Unread] = []
    try:
        processes = _walk()
    except KernelError as error:
        raise CannotLook(str(error)) from error
    if processes.refused:
        unread.append(
            Unread(
                count(processes.refused, "process", "processes"),
                "not ours to look at; run as root to see what they hold",
            )
        )
    known, stopped = _containers(processes, unread)
    raw: dict[str, bytes] = {}
    groups: dict[str, _Group] = {}
    _label(processes, known)
    for group in processes.groups.values():
        try:
            data = _mountinfo(group.pids)
        except KernelError as error:
            unread.append(Unread(f"mount namespace mnt:[{group.inode}]", str(error)))
            continue
        if data:
            raw[group.label], groups[group.label] = data, group
    if not raw:
        raise CannotLook("no mountinfo could be read: " + (unread[-1].why if unread else "/proc shows no process"))
    try:
        kept = keep_relevant(raw)
    except MountinfoError as error:
        raise CannotLook(f"the kernel's mountinfo is not of the known format: {error}") from error
    first = groups[HOST].pids[0] if HOST in groups else os.getpid()
    user, pids = _inode(first, "user"), _inode(first, "pid")
    namespaces = tuple(
        MountNamespace(
            label=label,
            tree=kept[label].tree,
            total_mounts=kept[label].total,
            ids=kept[label].ids,
            inode=group.inode,
            pid=group.pids[0],
            processes=len(group.pids),
            program=processes.programs.get(group.pids[0], ""),
            container=group.container,
            may_use_namespaces=_may_use(group.pids, user),
            # any: `unshare --pid --fork` itself stays outside
            own_pid_namespace=any(_inode(pid, "pid") != pids for pid in group.pids[:_FIRST_FEW]),
            started=procfs.started(group.pids[0]),
            is_engine=any(processes.programs.get(pid) == "dockerd" for pid in group.pids),
            unit=_unit(processes, group),
        )
        for label, group in groups.items()
    )
    seen = Observation("live", began, namespaces, stopped=tuple(stopped))
    view = HostView(seen)
    names = _names(view, unread)
    host_network = _inode(first, "net")
    labels = _labels_of_pids(processes)
    held = Held(processes.networks, processes.held, processes.taps, processes.programs, labels)
    networks = look_at_networks(view, held, host_network, user, everything=not processes.refused, unread=unread)
    return replace(
        seen,
        names=names,
        networks=networks,
        host_network=host_network,
        unread=tuple(unread),
        complete=not processes.refused and not unread and _sees_the_host(first, raw.get(HOST, b"")),
        helpers=_helpers(processes, labels),
        settings={name: value for name in _SETTINGS if (value := procfs.setting(name)) is not None},
    )


def _helpers(processes: _Processes, labels: dict[int, str]) -> tuple[SeenHelper, ...]:
    pids = [pid for pid, program in processes.programs.items() if program in PROGRAMS]
    return tuple(SeenHelper(one, labels.get(one.pid, "")) for one in describe_helpers(find_helpers(pids)))


def _walk() -> _Processes:
    found = _Processes()
    for pid in procfs.pids():
        found.programs[pid] = procfs.program(pid)
        try:
            mount_namespace = procfs.namespace_inode(pid, "mnt")
            network = procfs.namespace_inode(pid, "net")
            if mount_namespace is None or network is None:
                continue  # gone, or a zombie
            found.groups.setdefault(mount_namespace, _Group(mount_namespace)).pids.append(pid)
            found.where[pid] = mount_namespace
            found.networks.setdefault(network, []).append(pid)
            if pid == os.getpid():
                continue
            for thing in procfs.held(pid):
                if isinstance(thing, procfs.HeldTap):
                    found.taps[thing.name] = found.taps.get(thing.name, 0) + 1
                else:
                    found.held.append(thing)
        except PermissionError:
            found.refused += 1
    return found


def _containers(processes: _Processes, unread: list[Unread]) -> tuple[dict[str, Container], list[Container]]:
    """Containers by id, and those that could not be started."""
    known: dict[str, Container] = {}
    for pid, program in processes.programs.items():
        if program != "dockerd":
            continue
        daemon = engines.docker_daemon(pid)
        try:
            for config, host in engines.docker_containers(daemon):
                container = from_docker(config, host)
                known[container.id] = container
        except KernelError as error:
            try:
                for document in engines.docker_inspect(daemon.sockets[0]):
                    container = from_docker(document, document.get("HostConfig") or {})
                    known[container.id] = container
            except KernelError:
                unread.append(Unread("Docker's containers", str(error)))
    names = engines.podman_names()
    for group in processes.groups.values():
        identifier = container_id(procfs.cgroups(group.pids[0]))
        if identifier is not None and identifier not in known:
            spec = engines.oci_bundle(group.pids[0])
            if spec is not None or identifier in names:
                known[identifier] = from_bundle(identifier, spec or {}, names.get(identifier))
    return known, [container for container in known.values() if not container.running and container.last_error]


def _label(processes: _Processes, known: dict[str, Container]) -> None:
    """Give every group the name that findings call it by, each once."""
    host = processes.where.get(1)
    if (
        host is None and processes.programs.get(2) == "kthreadd"
    ):  # process 1 may be kept from us; the kernel's are with it
        host = processes.where.get(2)
        if host is not None:
            # their root may still be that of the initramfs: speak for the namespace by a process that has arguments
            processes.groups[host].pids.sort(
                key=lambda pid: not procfs.arguments(pid)[0:1] or not procfs.arguments(pid)[0]
            )
    taken: set[str] = set()
    for inode, group in sorted(processes.groups.items(), key=lambda item: (item[0] != host, item[1].pids[0])):
        first = group.pids[0]
        if inode == host:
            group.label = HOST
        else:
            identifier = container_id(procfs.cgroups(first))
            container = known.get(identifier) if identifier else None
            program = processes.programs.get(first, "")
            if container is not None and container.name not in taken:
                group.container, label = container, container.name
            elif container is not None:
                label = f"{container.name}: {program}"
            elif identifier is not None and identifier[:12] not in taken:
                group.container, label = Container("oci", identifier, identifier[:12]), identifier[:12]
            else:
                engine = any(processes.programs.get(pid) == "dockerd" for pid in group.pids)
                label = "dockerd" if engine else _service(first) or f"{program} (pid {first})"
            group.label = label if label not in taken and label != HOST else f"{label} (pid {first})"
        taken.add(group.label)


def _unit(processes: _Processes, group: _Group) -> str | None:
    """The unit of the engine, where one lives there, else of the first process; not asked for containers."""
    if group.container is not None:
        return None
    engines = [pid for pid in group.pids if processes.programs.get(pid) in ("dockerd", "containerd", "crio")]
    return _service(engines[0] if engines else group.pids[0])


def _service(pid: int) -> str | None:
    for path in procfs.cgroups(pid):
        last = path.rpartition("/")[2]
        if last.endswith(".service"):
            return last
    return None


def _mountinfo(pids: Iterable[int]) -> bytes:
    """Of the first process that still lives; empty when none does."""
    for pid in pids:
        try:
            data = mounts.read_mountinfo(pid)
        except KernelError as error:
            if error.code in (2, 3, 22):  # ENOENT, ESRCH, EINVAL: ended meanwhile
                continue
            raise
        if data:
            return data
    return b""


def _may_use(pids: list[int], user: int | None) -> bool:
    for pid in pids[:_FIRST_FEW]:
        status = procfs.status(pid)
        if status is not None and status.may_administer and _inode(pid, "user") in (user, None):
            return True
    return False


def _inode(pid: int, kind: str) -> int | None:
    try:
        return procfs.namespace_inode(pid, kind)
    except PermissionError:
        return None


def _labels_of_pids(processes: _Processes) -> dict[int, str]:
    return {pid: processes.groups[inode].label for pid, inode in processes.where.items()}


def _sees_the_host(first: int, mountinfo: bytes) -> bool:
    """Whether /proc shows the processes of a host, not those of one container.

    Every engine binds files of its own on /etc/hosts or /etc/hostname; a `.dockerenv` may be left from an image.
    """
    if procfs.namespace_inode(os.getpid(), "pid") == _INITIAL_PID_NAMESPACE:
        return True
    bound = any(path in mountinfo for path in (b" /etc/hosts ", b" /etc/hostname ", b" /run/.containerenv "))
    return not bound and container_id(procfs.cgroups(first)) is None


def _names(view: HostView, unread: list[Unread]) -> dict[Directory, dict[str, Name]]:
    """The entries of each directory: the files themselves, wherever a namespace shows them bare."""
    found: dict[Directory, dict[str, Name]] = {}
    looks = 0
    for directory in view.directories:
        if view.is_engine_internal(directory):
            continue
        places = view.main_places(directory) or view.directories[directory][:1]
        listed: dict[str, listing.Entry] | None = None
        for place in places:
            if place.namespace.pid is None:
                continue
            try:
                listed = listing.entries(listing.through(place.namespace.pid, place.path))
                break
            except KernelError as error:
                if error.code not in (2, 3):
                    unread.append(Unread(f"names in {place.path} of {place.label}", str(error)))
        if listed is None:
            continue
        names = {name: name_from(entry) for name, entry in listed.items()}
        for other in places:
            for name, entry in names.items():
                if entry.kind != "mounted" or name in other.usable or looks > _MOST_CLOSE_LOOKS:
                    continue
                if other.namespace.pid is None:
                    continue
                looks += 1
                bare = listing.entry(listing.through(other.namespace.pid, f"{other.path}/{name}"))
                if bare is not None and bare.device != procfs.nsfs_device():
                    names[name] = name_from(bare)
        found[directory] = names
    return found


def name_from(entry: listing.Entry) -> Name:
    """What an observation keeps of a directory entry."""
    if entry.device == procfs.nsfs_device():
        return Name("mounted")
    return Name(entry.kind, entry.inode, entry.changed, entry.size, entry.target, entry.leads_nowhere)
