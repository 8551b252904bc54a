"""A host with a small container engine of ours, on any System: the modelled kernel, or the real one."""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Callable, Mapping

from netmend.lab.engines.world import Refused
from netmend.lab.scenario.scenario import ENGINE, HOST, ContainerSpec, Scenario
from netmend.propagation.flags import WORDS
from netmend.propagation.model import iproute
from netmend.propagation.model.container import Container, Prepare
from netmend.propagation.model.system import System
from netmend.propagation.options import docker, podman
from netmend.propagation.options.request import MountRequest, OptionError

RUN = "/run"
NETNS = iproute.DIRECTORY


def set_up_host(system: System, scenario: Scenario) -> None:
    """The host's mounts as the scenario wants them; all shared but ``/run``, as systemd leaves them."""
    system.make_directories(RUN)
    system.make_directories("/var")
    system.symlink(RUN, "/var/run")
    system.change("/", WORDS["shared"][0], recursive=True)
    system.mount_new(RUN)
    system.change(RUN, WORDS[scenario.host.run][0], recursive=False)
    system.make_directories(NETNS)
    if scenario.host.netns_mount != "none":
        system.bind(NETNS, NETNS, recursive=False)
        if scenario.host.netns_mount != "bind":
            propagation, recursive = WORDS[scenario.host.netns_mount]
            system.change(NETNS, propagation, recursive=recursive)


def _engine_of(host: System, scenario: Scenario) -> System:
    """The mounts from which containers get theirs: the host's, or a copy, as MountFlags= or a snap makes it."""
    if scenario.host.engine == "host":
        return host
    system = host.copy()
    for word in scenario.host.engine.split("+"):
        system.change("/", WORDS[word][0], recursive=True)
    return system


class BuiltInEngine:
    """Starts containers as Docker does (as Podman where the scenario says so), without an image or a daemon."""

    def __init__(self, host: System, scenario: Scenario, prepare: Prepare | None = None) -> None:
        set_up_host(host, scenario)
        self.host = host
        self.engine = _engine_of(host, scenario)
        self._podman = scenario.engine == "podman"
        self._specs: Mapping[str, ContainerSpec] = scenario.containers
        self._prepare = prepare
        self._containers: dict[str, Container] = {}

    def start(self, name: str) -> None:
        container = self._containers.get(name)
        if container is None:
            container = Container(name, self._requests(name), self._prepare)
        elif container.running:
            raise OSError(errno.EALREADY, f"{name} is running")
        self._containers[name] = container
        self._check_sources(container)
        try:
            container.start(self.engine)
        except OSError as error:
            raise Refused(f"OCI runtime error: {os.strerror(error.errno or 0).lower()}") from error

    def _requests(self, name: str) -> list[MountRequest]:
        spec = self._specs[name]
        parse: Callable[[str], MountRequest] = podman.parse_volume if self._podman else docker.parse_volume
        parse_mount = podman.parse_mount if self._podman else docker.parse_mount
        try:
            requests = [
                parse(volume) if isinstance(volume, str) else docker.parse_compose(volume) for volume in spec.volumes
            ]
            requests += [parse_mount(mount) for mount in spec.mounts]
            targets: set[str] = set()
            for request in requests:
                if request.target in targets:
                    raise OptionError(
                        request.target,
                        f"{request.target}: duplicate mount destination"
                        if self._podman
                        else f"Duplicate mount point: {request.target}",
                    )
                targets.add(request.target)
        except OptionError as error:
            raise Refused(str(error)) from error
        return requests

    def _check_sources(self, container: Container) -> None:
        for request in container.requests:
            if request.kind != "bind":
                continue
            if not self.engine.exists(request.source) and not request.create_source:
                raise Refused(
                    f"statfs {request.source}: no such file or directory"
                    if self._podman
                    else f'invalid mount config for type "bind": bind source path does not exist: {request.source}'
                )
            if self._podman:
                continue
            if not self.engine.exists(request.source):
                self.engine.make_directories(request.source)
            said = docker.refusal(
                self.engine.mounts(), request.source, request.propagation, self.engine.resolve(request.source)
            )
            if said is not None:
                raise Refused(f"{said}.")

    def stop(self, name: str) -> None:
        container = self._containers.get(name)
        if container is None:
            raise OSError(errno.ENOENT, f"there is no container {name}")
        if container.running:
            container.stop(self.engine)

    def restart(self, name: str) -> None:
        self.stop(name)
        self.start(name)

    def remove(self, name: str) -> None:
        self.stop(name)
        self._containers.pop(name).remove(self.engine)

    def running(self) -> list[str]:
        return [name for name in self._specs if name in self._containers and self._containers[name].running]

    def inside(self, where: str, *, change: bool = False) -> System:
        """The mount namespace of the host, of an engine with mounts of its own, or of a running container.

        `change`: to mount or unmount there. Raises OSError (ESRCH, EPERM).
        """
        if change and not self._may(where):
            raise OSError(errno.EPERM, f"{where} is not privileged")
        if where == HOST:
            return self.host
        if where == ENGINE:
            return self.engine
        container = self._containers.get(where)
        if container is None or container.system is None:
            raise OSError(errno.ESRCH, f"the container {where} is not running")
        return container.system

    def add(self, where: str, netns: str) -> None:
        iproute.add(self.inside(where, change=True), netns)

    def delete(self, where: str, netns: str) -> None:
        iproute.delete(self.inside(where, change=True), netns)

    def pin(self, where: str, path: str) -> None:
        system = self.inside(where, change=True)
        system.make_directories(posixpath.dirname(path))
        system.create(path)
        system.bind_new_netns(path)

    def probe(self, where: str, path: str) -> str:
        found = self.inside(where).probe(path)
        return "eperm" if found == "ok" and not self._may(where) else found

    def _may(self, where: str) -> bool:
        """Whether a process there may make and enter namespaces, and mount."""
        return where not in self._specs or self._specs[where].privileged

    def unlink(self, where: str, path: str) -> None:
        self.inside(where).unlink(path)

    def mount(self, where: str, source: str | None, path: str, *, recursive: bool) -> None:
        system = self.inside(where, change=True)
        if source is None:
            system.mount_new(path)
        else:
            system.bind(source, path, recursive=recursive)

    def umount(self, where: str, path: str, *, lazy: bool) -> None:
        self.inside(where, change=True).umount(path, lazy=lazy)

    def make(self, where: str, path: str, propagation: str) -> None:
        kind, recursive = WORDS[propagation]
        self.inside(where, change=True).change(path, kind, recursive=recursive)
