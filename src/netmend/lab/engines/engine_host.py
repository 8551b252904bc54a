"""A host for a real engine: mount, network and pid namespaces with ``/run`` as the scenario wants it.

The machine's files are seen through an overlay, its ``/run`` not at all, and all that is started inside dies with the
pid namespace.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from netmend.kernel import mounts
from netmend.lab.engines.world import EngineMissing
from netmend.lab.scenario.scenario import Host
from netmend.propagation.mountinfo import parse
from netmend.propagation.paths import is_under

NETNS = "/run/netns"
_UNSHARE = (
    "setpriv",
    "--pdeathsig",
    "KILL",
    "unshare",
    "-m",
    "-n",
    "-p",
    "-f",
    "--kill-child",
    "--propagation",
    "private",
)
_CGROUP2 = ("mount -t cgroup2 cgroup2 /sys/fs/cgroup",)  # what machines with version 1, or both, lack for crun
_SAYS = {
    "File exists": errno.EEXIST,
    "Device or resource busy": errno.EBUSY,
    "target is busy": errno.EBUSY,
    "No such file": errno.ENOENT,
    "Invalid argument": errno.EINVAL,
}


class EngineHost:
    """The namespaces, and a directory for the engine's data. Close it, also when a step failed."""

    def __init__(
        self, engine: str, host: Host, environment: Mapping[str, str], data: Path, *, cgroup2: bool = False
    ) -> None:
        self.environment = dict(environment)
        self.home = data
        self.cgroup = f"netmend-lab-{os.getpid()}"
        self._root = _fresh(data / "root")
        upper, work = _fresh(data / "upper"), _fresh(data / "work")
        # The machine's /run is hidden beneath: a scenario may unmount its own, and must not come to write on that one.
        (upper / "run").mkdir()
        os.setxattr(upper / "run", "trusted.overlay.opaque", b"y")
        overlay = f"mount -t overlay -o lowerdir=/,upperdir={upper},workdir={work} overlay {self._root}"
        script = " && ".join([overlay, *_pivot(self._root, data), *(_CGROUP2 if cgroup2 else ()), *_set_up(host)])
        self._process = subprocess.Popen(
            [*_UNSHARE, "sh", "-c", f"{script} && echo ready; while :; do sleep 1000 & wait; done"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        if said != "ready":
            self.close()
            raise EngineMissing(f"engine {engine}: this machine gives it no namespaces of its own: {said}")
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self.first = int(children[0])
        """Process 1 of the host, as seen from outside."""

    def run(self, *command: str, inside: int | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program on the host, or in the mount and pid namespaces of process ``inside`` (a pid of the host's)."""
        enter = ["nsenter", "-t", str(self.first), "-m", "-n", "-p", "--"]
        if inside is not None:
            enter += ["nsenter", "-t", str(inside), "-m", "-n", "-p", "--"]
        return subprocess.run(
            [*enter, *command], capture_output=True, text=True, check=False, env=self.environment, timeout=60
        )

    def must(self, *command: str, inside: int | None = None) -> None:
        """As ``run``; raises OSError with the errno that the program's words mean."""
        done = self.run(*command, inside=inside)
        if done.returncode != 0:
            code = next((code for words, code in _SAYS.items() if words in done.stderr), errno.EIO)
            raise OSError(code, done.stderr.strip() or f"{command[0]} failed")

    def spawn(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program on the host that stays; it ends with the host."""
        with (self.home / "log").open("ab") as log:
            return subprocess.Popen(
                ["nsenter", "-t", str(self.first), "-m", "-n", "-p", "--", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
            )

    def close(self) -> None:
        """End every process of the host, and remove what the engine left in the cgroup tree."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        for _ in range(50):
            left = [path for path in Path("/sys/fs/cgroup").glob(f"**/{self.cgroup}") if path.is_dir()]
            for top in left:
                for directory in sorted(top.glob("**/"), key=lambda path: -len(path.parts)):
                    with contextlib.suppress(OSError):
                        directory.rmdir()
            if not left:
                return
            time.sleep(0.1)


def _fresh(directory: Path) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory


def _pivot(root: Path, data: Path) -> list[str]:
    """Commands that make ``root``, an overlay over the machine's, the root; what is written stays in ``data``."""
    skipped = ("/proc", "/run")
    points = [
        mount.mount_point
        for mount in parse(mounts.read_mountinfo())
        if mount.mount_point != "/" and not any(is_under(mount.mount_point, top) for top in skipped)
    ]
    tops = [point for point in points if not any(is_under(point, other) for other in points if other != point)]
    commands = [f"mount --rbind {shlex.quote(point)} {shlex.quote(f'{root}{point}')}" for point in dict.fromkeys(tops)]
    return [
        *commands,
        f"mount --bind {data} {root}{data}",
        f"mount -t proc proc {root}/proc",
        f"mkdir {root}/.machine",
        f"cd {root}",
        "pivot_root . .machine",
        "umount -l /.machine",
        "cd /",
    ]


def _set_up(host: Host) -> list[str]:
    commands = [
        "mount --make-rshared /",  # as systemd does
        "mount -t tmpfs -o mode=755 tmpfs /run",
        f"mount --make-{host.run} /run",
        f"mkdir {NETNS}",
        "ip link set lo up",
    ]
    if host.netns_mount != "none":
        commands.append(f"mount --bind {NETNS} {NETNS}")
        if host.netns_mount != "bind":
            commands.append(f"mount --make-{host.netns_mount} {NETNS}")
    return commands


class DataDirectory:
    """A directory for engines' data and images, for a run of scenarios; removed at the end."""

    def __enter__(self) -> Path:
        self.path = Path(tempfile.mkdtemp(prefix="netmend-lab-"))
        return self.path

    def __exit__(self, *_exception: object) -> None:
        for _ in range(20):
            shutil.rmtree(self.path, ignore_errors=True)
            if not self.path.exists():
                return
            time.sleep(0.1)
