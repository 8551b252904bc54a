"""The real kernel: every namespace of a scenario is a real one, in a sandbox, kept by descriptor.

One process enters them in turn, so a step costs microseconds and hundreds of scenarios seconds. The host of a scenario
is a namespace with an empty tmpfs as root: nothing of the machine is in it but /proc.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from netmend.kernel import mounts, sandbox, syscalls
from netmend.kernel.errors import KernelError
from netmend.kernel.netns import Netns
from netmend.lab.engines.built_in_engine import BuiltInEngine
from netmend.lab.engines.world import EngineMissing
from netmend.lab.scenario.run import Results, perform
from netmend.lab.scenario.scenario import Scenario
from netmend.propagation.flags import Propagation
from netmend.propagation.model.system import System
from netmend.propagation.mountinfo import Mount, parse

_STAGE = "/run/host"


class RealSystem:
    """One real mount namespace, entered by the calling process, which must have one thread, for each call."""

    def __init__(self, descriptor: int, family: list[RealSystem]) -> None:
        self._descriptor = descriptor
        self._family = family
        family.append(self)

    @classmethod
    def boot(cls) -> RealSystem:
        """A host with an empty root, in a fresh namespace; call it inside a sandbox, and ``close`` it."""
        family: list[RealSystem] = []
        cls(_own_namespace(), family)
        syscalls.unshare(syscalls.CLONE_NEWNS, "a mount namespace")
        host = cls(_own_namespace(), family)
        Path(_STAGE).mkdir(exist_ok=True)
        mounts.mount_tmpfs(_STAGE)
        host.prepare(host, _STAGE)
        host.pivot_and_detach(_STAGE)
        return host

    @staticmethod
    def prepare(_system: System, rootfs: str) -> None:
        """Give a root its /proc, without which there is no way to another namespace."""
        Path(rootfs, "proc").mkdir(exist_ok=True)
        syscalls.mount("proc", f"{rootfs}/proc", "proc", 0)

    def close(self) -> None:
        """Go back to where ``boot`` was called; every namespace of the host ends."""
        self._family[0]._enter()
        for system in self._family:
            system.end()

    def _enter(self) -> None:
        syscalls.setns(self._descriptor, syscalls.CLONE_NEWNS, "a mount namespace")

    def make_directories(self, path: str) -> None:
        self._enter()
        Path(path).mkdir(parents=True, exist_ok=True)

    def symlink(self, target: str, path: str) -> None:
        self._enter()
        Path(path).symlink_to(target)

    def remove_directory(self, path: str) -> None:
        self._enter()
        Path(path).rmdir()

    def create(self, path: str) -> None:
        self._enter()
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0))

    def unlink(self, path: str) -> None:
        self._enter()
        Path(path).unlink()

    def exists(self, path: str) -> bool:
        self._enter()
        return Path(path).exists()

    def is_directory(self, path: str) -> bool:
        self._enter()
        return Path(path).is_dir()

    def resolve(self, path: str, *, within: str = "/") -> str:
        self._enter()
        done = within.rstrip("/")
        todo = [part for part in path.removeprefix(done).split("/") if part]
        links = 0
        while todo:
            part = todo.pop(0)
            if part in (".", ".."):
                done = done if part == "." or done == within.rstrip("/") else done.rpartition("/")[0]
                continue
            current = f"{done}/{part}"
            if not Path(current).is_symlink():
                done = current
                continue
            links += 1
            if links > 40:  # path_resolution(7)
                raise KernelError("resolve", path, errno.ELOOP)
            target = str(Path(current).readlink())
            if target.startswith("/"):
                done = within.rstrip("/")
            todo[:0] = [piece for piece in target.split("/") if piece]
        return done or "/"

    def mount_new(self, path: str) -> None:
        self._enter()
        mounts.mount_tmpfs(path)

    def bind(self, source: str, path: str, *, recursive: bool) -> None:
        self._enter()
        mounts.bind(source, path, recursive=recursive)

    def bind_new_netns(self, path: str) -> None:
        self._enter()
        with Netns.create(path) as netns, netns:
            mounts.bind(f"/proc/thread-self/fd/{netns.fileno()}", path)

    def change(self, path: str, propagation: Propagation, *, recursive: bool) -> None:
        self._enter()
        mounts.make(path, propagation.value, recursive=recursive)

    def set_read_only(self, path: str) -> None:
        self._enter()
        syscalls.mount(None, path, None, syscalls.MS_BIND | syscalls.MS_REMOUNT | syscalls.MS_RDONLY)

    def umount(self, path: str, *, lazy: bool) -> None:
        self._enter()
        syscalls.umount(path, syscalls.MNT_DETACH if lazy else 0)

    def mounts(self) -> list[Mount]:
        self._enter()
        return parse(mounts.read_mountinfo())

    def probe(self, path: str) -> str:
        self._enter()
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return "absent"
        with Netns(descriptor, path) as netns:
            try:
                with netns.entered():
                    return "ok"
            except KernelError as error:
                if error.code != errno.EINVAL:
                    raise
                return "einval"

    def copy(self) -> RealSystem:
        self._enter()
        syscalls.unshare(syscalls.CLONE_NEWNS, "a mount namespace")
        return RealSystem(_own_namespace(), self._family)

    def pivot_and_detach(self, new_root: str) -> None:
        self._enter()
        old = os.open("/", os.O_DIRECTORY | os.O_PATH | os.O_CLOEXEC)
        try:
            os.chdir(new_root)
            syscalls.pivot_root(".", ".")
            os.fchdir(old)
            mounts.make(".", syscalls.MS_SLAVE, recursive=True)
            syscalls.umount(".", syscalls.MNT_DETACH)
            os.chdir("/")
        finally:
            os.close(old)

    def end(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _own_namespace() -> int:
    return os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)


def perform_here(scenario: Scenario) -> Results:
    """One scenario; call it inside a sandbox."""
    host = RealSystem.boot()
    try:
        return perform(scenario, BuiltInEngine(host, scenario, RealSystem.prepare))
    finally:
        host.close()


def run(scenarios: Iterable[Scenario]) -> list[Results]:
    """All scenarios, one after the other, in one sandbox. Raises EngineMissing where this machine allows none."""
    waiting = list(scenarios)
    with tempfile.TemporaryFile("w+") as results:

        def body() -> int:
            for scenario in waiting:
                results.write(json.dumps(perform_here(scenario)) + "\n")
            results.flush()
            return 0

        try:
            code = sandbox.run(body)
        except sandbox.SandboxUnavailable as error:
            raise EngineMissing(str(error)) from error
        if code != 0:
            raise EngineMissing(f"the sandbox on the real kernel ended before the scenarios did, with code {code}")
        results.seek(0)
        return [json.loads(line) for line in results]
