"""Everything that was looked at, as one value: what checks are functions of.

It comes from a live look (`look`), from a file that one recorded (`snapshot`), or from raw copies of mountinfo
(`pasted`), which say less. Nothing in it is secret: no environment, no arguments, no content of files but the marks
that netmend itself writes.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from netmend.ground.neutron_processes import HelperProcess
from netmend.propagation.mount_tree import MountTree

HOST = "host"


class Directory(NamedTuple):
    """A directory, wherever it is mounted: device number of its file system, and the place within."""

    device: str
    inner: str


@dataclass(frozen=True, slots=True)
class Bind:
    """A bind mount as its engine was asked for it; `propagation` is empty when nothing was said."""

    source: str
    destination: str
    propagation: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Container:
    """A container as its engine knows it."""

    engine: Literal["docker", "podman", "kubernetes", "oci"]
    id: str
    name: str
    image: str = ""
    binds: tuple[Bind, ...] = ()
    running: bool = True
    last_error: str = ""  # what the engine said when it last failed to start the container
    # arguments of the engine's `run` that make such a container again, without binds, environment, image, command
    rebuild: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    has_environment: bool = False
    lost: tuple[str, ...] = ()  # settings that `rebuild` does not carry
    # who makes the container again: compose project, systemd unit, pod. Keys are the labels' own.
    managed_by: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MountNamespace:
    """A mount namespace and who lives in it."""

    label: str  # `host`, a container's name, or `PROGRAM (pid N)`: what findings call it
    # the mounts that matter (see `relevant`). Namespaces that differ in mount ids only have one and the same.
    tree: MountTree
    total_mounts: int
    # id and parent id of each of the tree's mounts in this very namespace, two by two; None: those of the tree
    ids: array[int] | None = None
    inode: int | None = None
    pid: int | None = None
    processes: int = 0
    program: str = ""
    container: Container | None = None
    # a process in it has CAP_SYS_ADMIN in the host's user namespace; None: not known
    may_use_namespaces: bool | None = None
    own_pid_namespace: bool | None = None
    started: float | None = None  # when its oldest process was started, in seconds since the epoch
    is_engine: bool = False  # dockerd lives in it
    unit: str | None = None  # the systemd unit of its first process


@dataclass(frozen=True, slots=True)
class Name:
    """A directory entry: the file itself where some namespace shows it without a mount on it, else just its kind."""

    kind: Literal["file", "link", "directory", "other", "mounted"]
    inode: int = 0
    changed: float = 0.0
    size: int = 0
    target: str = ""
    leads_nowhere: bool = False


@dataclass(frozen=True, slots=True)
class SeenLink:
    """A device of a network namespace; see `netmend.kernel.links.Link`."""

    index: int
    name: str
    kind: str
    up: bool
    carrier: bool
    master: int
    group: int
    alias: str | None
    peer_index: int
    peer_netnsid: int | None
    # of a tap: how many processes have it open; None: not looked for, or not all could be looked at
    holders: int | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that keeps a network namespace alive: it lives in it, or (`descriptor`) has it open."""

    pid: int
    program: str
    where: str  # label of the mount namespace the process is in
    descriptor: int | None = None


@dataclass(frozen=True, slots=True)
class SeenHelper:
    """A dnsmasq or haproxy of Neutron's agents, and the label of the mount namespace it is in."""

    process: HelperProcess
    where: str


@dataclass(frozen=True, slots=True)
class NetworkNamespace:
    """A network namespace of the kernel, with or without a name."""

    inode: int
    residents: tuple[Holder, ...] = ()  # processes in it: the first few
    resident_count: int = 0
    openers: tuple[Holder, ...] = ()
    links: tuple[SeenLink, ...] | None = None  # None: it could not be entered
    # its ids for other namespaces (`link-netnsid`) → their inodes, as far as they were found
    peers: Mapping[int, int] = field(default_factory=dict)
    foreign_user_namespace: bool = False


class Unread(NamedTuple):
    """Something that could not be looked at."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at a host. Inodes and mount ids mean something only within it."""

    source: Literal["live", "snapshot", "mountinfo"]
    taken_at: float  # seconds since the epoch; 0 when not known
    namespaces: tuple[MountNamespace, ...]
    # entries of the directories that hold namespaces; a directory that is not here was not listed
    names: Mapping[Directory, Mapping[str, Name]] = field(default_factory=dict)
    networks: tuple[NetworkNamespace, ...] = ()
    host_network: int | None = None
    stopped: tuple[Container, ...] = ()  # containers that their engine could not start
    unread: tuple[Unread, ...] = ()
    complete: bool = False  # every process could be looked at, so what was not found is not there
    # labels whose mounts were given in part only → what is missing: nothing can be called in order there
    parts: Mapping[str, str] = field(default_factory=dict)
    # settings of the kernel that have a part in it, where this kernel has them (`fs.may_detach_mounts`)
    settings: Mapping[str, str] = field(default_factory=dict)
    helpers: tuple[SeenHelper, ...] = ()

    def namespace(self, label: str) -> MountNamespace | None:
        return next((namespace for namespace in self.namespaces if namespace.label == label), None)
