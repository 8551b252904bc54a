"""The mount(2) calls of an OCI runtime, in order, from the mounts of a container.

Source: runc 1.1, libcontainer/rootfs_linux.go (prepareRoot, mountToRootfs, mountPropagate, pivotRoot); crun makes the
same ones. The runtime is in a fresh copy of the engine's mount namespace when it begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netmend.propagation.flags import MountFlag, flag_of
from netmend.propagation.options.request import MountRequest

ROOTFS = "ROOTFS"
"""Stands for the container's root directory, as the engine has mounted it on the host."""


@dataclass(frozen=True, slots=True)
class MountCall:
    """One call of mount(2); a path that begins with ROOTFS lies in the container's root."""

    source: str | None
    target: str
    flags: MountFlag
    why: str
    only_if_shared: bool = False  # made only where the mount at `target` is shared

    @property
    def spelled(self) -> str:
        """As C would write it."""
        source = "NULL" if self.source is None else f'"{self.source}"'
        return f'mount({source}, "{self.target}", NULL, {self.flags.spelled}, NULL)'


def opening(root_propagation: str) -> list[MountCall]:
    """Before anything is mounted. ``root_propagation``: ``rootfsPropagation``; empty is runc's default, rslave."""
    root = flag_of(root_propagation) if root_propagation else MountFlag.MS_SLAVE | MountFlag.MS_REC
    direction = {
        MountFlag.MS_SLAVE: "nothing made from here on travels back to the host",
        MountFlag.MS_SHARED: "the copy stays a peer of the host's mounts",
        MountFlag.MS_PRIVATE: "the copy is cut off from the host's mounts",
    }.get(root & ~MountFlag.MS_REC, "nothing of the copy may be bound")
    return [
        MountCall(None, "/", root, f"in the runtime's own copy of the host's mounts: {direction}"),
        MountCall(
            None, ROOTFS, MountFlag.MS_PRIVATE, "so that what follows does not appear on the host", only_if_shared=True
        ),
        MountCall(ROOTFS, ROOTFS, MountFlag.MS_BIND | MountFlag.MS_REC, "the container's root becomes a mount point"),
    ]


def binding(request: MountRequest) -> list[MountCall]:
    """For one mount."""
    target = ROOTFS + request.target
    flags = MountFlag.MS_BIND | (MountFlag.MS_REC if request.recursive else MountFlag(0))
    below = ", with all that is mounted below it" if request.recursive else ", without what is mounted below it"
    calls = [MountCall(request.source, target, flags, "the source appears in the container" + below)]
    if request.read_only:
        calls.append(
            MountCall(None, target, flags | MountFlag.MS_REMOUNT | MountFlag.MS_RDONLY, "a second call sets read-only")
        )
    if request.propagation:
        reach = "this mount and all below it" if request.propagation.startswith("r") else "this mount alone"
        calls.append(MountCall(None, target, request.flag, f"propagation, for {reach}"))
    return calls


def sequence(requests: Sequence[MountRequest], root_propagation: str) -> list[MountCall]:
    """All calls up to pivot_root(2), after which the host's mounts are made slaves and detached."""
    calls = opening(root_propagation)
    for request in sorted(requests, key=lambda request: request.target.count("/")):
        if request.kind == "bind":
            calls += binding(request)
    return calls
