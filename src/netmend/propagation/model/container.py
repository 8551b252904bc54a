"""A container as far as mounts go: what the engine does on the host, and what the runtime does before it pivots.

One root file system a container, which outlives stop and start, mounted on the host by the engine as overlay2 is; the
image has the directories that matter. Processes, cgroups and capabilities are left out.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence

from netmend.propagation.flags import MountFlag, Propagation
from netmend.propagation.model.system import System
from netmend.propagation.options.calls import ROOTFS, MountCall, sequence
from netmend.propagation.options.docker import root_propagation
from netmend.propagation.options.request import MountRequest

STORAGE = "/var/lib/containers"
IMAGE_DIRECTORIES = ("/proc", "/sys", "/dev", "/etc", "/run", "/tmp", "/var")
_PROPAGATION = MountFlag.MS_SHARED | MountFlag.MS_SLAVE | MountFlag.MS_PRIVATE | MountFlag.MS_UNBINDABLE

Prepare = Callable[[System, str], None]
"""Called with the runtime's namespace and the root directory, before the root is changed."""


class Container:
    """One container of a host. ``requests``: its mounts, parsed and accepted by the engine."""

    def __init__(self, name: str, requests: Sequence[MountRequest], prepare: Prepare | None = None) -> None:
        self.name = name
        self.requests = tuple(requests)
        self.system: System | None = None
        self._prepare = prepare
        self._disk = f"{STORAGE}/{name}/disk"
        self._rootfs = f"{STORAGE}/{name}/merged"

    @property
    def running(self) -> bool:
        return self.system is not None

    def start(self, host: System) -> None:
        """Mount the root on the host and let the runtime do the rest in a copy of the host's namespace.

        Raises OSError where a call of the runtime fails; nothing of the container is left then.
        """
        for request in self.requests:
            if request.kind == "bind" and request.create_source and not host.exists(request.source):
                host.make_directories(request.source)
        if not host.exists(self._disk):
            self._unpack(host)
        host.bind(self._disk, self._rootfs, recursive=False)
        inside = host.copy()
        try:
            for call in sequence(self.requests, root_propagation(self.requests)):
                self._perform(inside, call)
            if self._prepare is not None:
                self._prepare(inside, self._rootfs)
            inside.pivot_and_detach(self._rootfs)
        except OSError:
            inside.end()
            host.umount(self._rootfs, lazy=True)
            raise
        self.system = inside

    def stop(self, host: System) -> None:
        """The processes end, and with them the namespace; then the engine unmounts the root."""
        assert self.system is not None
        self.system.end()
        self.system = None
        host.umount(self._rootfs, lazy=True)

    def _unpack(self, host: System) -> None:
        host.make_directories(self._rootfs)
        host.make_directories(self._disk)
        host.mount_new(self._disk)
        for directory in IMAGE_DIRECTORIES:
            host.make_directories(self._disk + directory)
        host.symlink("../run", f"{self._disk}/var/run")

    def remove(self, host: System) -> None:
        """Throw away what the stopped container wrote."""
        if host.exists(self._disk):
            host.umount(self._disk, lazy=True)
            host.remove_directory(self._disk)

    def _perform(self, system: System, call: MountCall) -> None:
        target = self._path(system, call.target)
        if call.flags & MountFlag.MS_REMOUNT:
            system.set_read_only(target)
            return
        if call.only_if_shared and not self._is_shared(system, target):
            return
        recursive = bool(call.flags & MountFlag.MS_REC)
        if call.flags & MountFlag.MS_BIND:
            assert call.source is not None
            source = self._path(system, call.source)
            self._make_target(system, source, target)
            system.bind(source, target, recursive=recursive)
            return
        system.change(target, Propagation(call.flags & _PROPAGATION), recursive=recursive)

    def _path(self, system: System, path: str) -> str:
        if not path.startswith(ROOTFS):
            return path
        return system.resolve(self._rootfs + path.removeprefix(ROOTFS), within=self._rootfs)

    @staticmethod
    def _make_target(system: System, source: str, target: str) -> None:
        if system.exists(target):
            return
        if system.is_directory(source):
            system.make_directories(target)
        else:
            system.make_directories(posixpath.dirname(target))
            system.create(target)

    @staticmethod
    def _is_shared(system: System, target: str) -> bool:
        at = [mount for mount in system.mounts() if mount.mount_point == target]
        return bool(at) and at[-1].shared is not None
