"""Where the incident happens: a host with its containers, and the way into them; on the kernel, or on Docker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from netmend.kernel import links, syscalls
from netmend.kernel.netlink import RouteSocket
from netmend.lab.engines.built_in_engine import BuiltInEngine
from netmend.lab.engines.docker import NEEDED, DockerWorld
from netmend.lab.engines.engine_host import DataDirectory, EngineHost
from netmend.lab.engines.kernel import RealSystem
from netmend.lab.engines.programs import build_image, environment
from netmend.lab.engines.world import World
from netmend.lab.incident.process import Entrance
from netmend.lab.scenario.scenario import HOST, Scenario


class Place(Protocol):
    """The calling process is on the host of `world`, in its network namespace."""

    @property
    def world(self) -> World: ...

    def entrance(self, container: str) -> Entrance: ...

    def root_of(self, pid: int) -> Path:
        """The root directory that a process has, as the calling process sees it."""


class _KernelEntrance:
    def __init__(self, world: World, container: str) -> None:
        self._world = world
        self._container = container

    def make_pid_namespace(self) -> None:
        syscalls.unshare(syscalls.CLONE_NEWPID, "a pid namespace")

    def close(self) -> None: ...

    def enter(self) -> None:
        self._world.probe(self._container, "/run/netns")  # a RealSystem leaves the process that asks in its namespace
        syscalls.mount("proc", "/proc", "proc", syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC)


class KernelPlace:
    """Real namespaces with the small engine; made inside a sandbox, in a process of its own."""

    def __init__(self, scenario: Scenario) -> None:
        syscalls.unshare(syscalls.CLONE_NEWNET, "a network namespace")
        with RouteSocket() as route:
            links.set_link(route, links.LOOPBACK, up=True)
        self.world = BuiltInEngine(RealSystem.boot(), scenario, RealSystem.prepare)

    def entrance(self, container: str) -> Entrance:
        return _KernelEntrance(self.world, container)

    def root_of(self, pid: int) -> Path:
        self.world.probe(HOST, "/run/netns")  # to where /proc shows all pids of the sandbox
        return Path(f"/proc/{pid}/root")


class _DockerEntrance:
    def __init__(self, proc: Path) -> None:
        self._mount = os.open(proc / "ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        self._pid = os.open(proc / "ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self._mount)
        os.close(self._pid)

    def make_pid_namespace(self) -> None:
        syscalls.setns(self._pid, syscalls.CLONE_NEWPID, "the container's pid namespace")

    def enter(self) -> None:
        syscalls.setns(self._mount, syscalls.CLONE_NEWNS, "the container's mount namespace")
        # As in a privileged container, which agents have; not every machine lets runc make one.
        syscalls.mount(None, "/proc/sys", None, syscalls.MS_BIND | syscalls.MS_REMOUNT)


class DockerPlace:
    """A dockerd in namespaces of its own; processes enter its containers as `docker exec` does."""

    def __init__(self, scenario: Scenario, host: EngineHost, image: Path) -> None:
        self._host = host
        self.world = DockerWorld(scenario, host, image)
        network = os.open(f"/proc/{host.first}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        syscalls.setns(network, syscalls.CLONE_NEWNET, "the engine's network namespace")
        os.close(network)

    def entrance(self, container: str) -> Entrance:
        said = self.world.engine("inspect", "--format", "{{.State.Pid}}", self.world.prefix + container)
        return _DockerEntrance(Path(f"/proc/{self._host.first}/root/proc/{int(said.stdout)}"))

    def root_of(self, pid: int) -> Path:
        return Path(f"/proc/{pid}/root")


@contextmanager
def place_of(scenario: Scenario) -> Iterator[Place]:
    """The host that a scenario describes, with no container started; raises EngineMissing, KernelError."""
    if scenario.engine == "kernel":
        yield KernelPlace(scenario)
        return
    programs = environment("docker", NEEDED)
    with DataDirectory() as data:
        image = data / "image"
        build_image(image, programs)
        host = EngineHost("docker", scenario.host, programs.variables, data)
        try:
            place = DockerPlace(scenario, host, image)
            yield place
            place.world.remove_all()
        finally:
            host.close()
