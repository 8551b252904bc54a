"""What Docker's and podman's command lines have in common.

``ip`` and ``mount`` run in a container's namespaces as `exec` would run them, but entered with nsenter(1), which is
faster.
"""

from __future__ import annotations

import errno
import subprocess
from abc import ABC, abstractmethod

from netmend.lab.engines.engine_host import NETNS, EngineHost
from netmend.lab.engines.world import EngineMissing, Refused
from netmend.lab.scenario.scenario import HOST, Scenario


class CommandLineWorld(ABC):
    """The host of one scenario with an engine on it."""

    image = "netmend-lab"
    prefix = "lab-"
    """Of containers' names: Docker refuses those of one letter."""
    options: list[str]  # of `run`, besides the mounts

    def __init__(self, scenario: Scenario, host: EngineHost) -> None:
        if scenario.host.engine != "host":
            raise EngineMissing(
                f"{scenario.name}: host.engine is for the engine kernel; this one has the host's mounts"
            )
        self.host = host
        self._specs = scenario.containers
        self._made: set[str] = set()

    @abstractmethod
    def engine(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the engine's command line."""

    @abstractmethod
    def words_of(self, stderr: str) -> str:
        """What the engine said, without who says it."""

    def start(self, name: str) -> None:
        if name in self.running():
            raise OSError(errno.EALREADY, f"{name} is running")
        if name in self._made:
            done = self.engine("start", self.prefix + name)
        else:
            spec = self._specs[name]
            mounts: list[str] = []
            for volume in spec.volumes:
                if not isinstance(volume, str):
                    raise Refused("an engine's command line takes no long form; write it under mounts")
                mounts += ["-v", volume]
            for mount in spec.mounts:
                mounts += ["--mount", mount]
            capabilities = ["--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN"] if spec.privileged else []
            name_of_container = ["--name", self.prefix + name]
            done = self.engine(
                "run", "-d", *name_of_container, *capabilities, *self.options, *mounts, self.image, "sleep", "infinity"
            )
            if self.engine("container", "inspect", self.prefix + name).returncode == 0:
                self._made.add(name)
        if done.returncode != 0:
            raise Refused(self.words_of(done.stderr))

    def stop(self, name: str) -> None:
        if self.engine("stop", "-t", "0", self.prefix + name).returncode != 0:
            raise OSError(errno.ENOENT, f"there is no container {name}")

    def restart(self, name: str) -> None:
        if name not in self._made:
            raise OSError(errno.ENOENT, f"there is no container {name}")
        done = self.engine("restart", "-t", "0", self.prefix + name)
        if done.returncode != 0:
            raise Refused(self.words_of(done.stderr))

    def remove(self, name: str) -> None:
        if self.engine("rm", "-f", self.prefix + name).returncode != 0 or name not in self._made:
            raise OSError(errno.ENOENT, f"there is no container {name}")
        self._made.discard(name)

    def remove_all(self) -> None:
        """Leave nothing for the next host to find in the data directory."""
        for name in list(self._made):
            self.remove(name)

    def running(self) -> list[str]:
        names = self.engine("ps", "--format", "{{.Names}}").stdout.split()
        return [name for name in self._specs if self.prefix + name in names]

    def _inside(self, where: str) -> int | None:
        if where == HOST:
            return None
        done = self.engine("inspect", "--format", "{{.State.Pid}}", self.prefix + where)
        pid = done.stdout.strip()
        if done.returncode != 0 or pid == "0":
            raise OSError(errno.ESRCH, f"the container {where} is not running")
        return int(pid)

    def add(self, where: str, netns: str) -> None:
        self.host.must("ip", "netns", "add", netns, inside=self._inside(where))

    def delete(self, where: str, netns: str) -> None:
        self.host.must("ip", "netns", "delete", netns, inside=self._inside(where))

    def pin(self, where: str, path: str) -> None:
        script = 'mkdir -p "${1%/*}" && : >"$1" && exec unshare -n mount --bind /proc/self/ns/net "$1"'
        self.host.must("sh", "-c", script, "sh", path, inside=self._inside(where))

    def probe(self, where: str, path: str) -> str:
        directory, _, name = path.rpartition("/")
        if directory in (NETNS, "/var/run/netns"):
            script, word = 'exec ip -n "$2" link show lo', name
        else:  # ip looks for names there only; a device's end goes into any namespace that a path leads to
            script = 'ip link add lab-p type veth peer name lab-q netns "$1" && ip link delete lab-p'
            word = ""
        script = f'[ -e "$1" ] || exit 3; {script}'
        code = self.host.run("sh", "-c", script, "sh", path, word, inside=self._inside(where)).returncode
        return {0: "ok", 3: "absent"}.get(code, "einval")

    def unlink(self, where: str, path: str) -> None:
        self.host.must("rm", path, inside=self._inside(where))

    def mount(self, where: str, source: str | None, path: str, *, recursive: bool) -> None:
        kind = ["-t", "tmpfs", "tmpfs"] if source is None else ["--rbind" if recursive else "--bind", source]
        self.host.must("mount", *kind, path, inside=self._inside(where))

    def umount(self, where: str, path: str, *, lazy: bool) -> None:
        self.host.must("umount", *(["-l"] if lazy else []), path, inside=self._inside(where))

    def make(self, where: str, path: str, propagation: str) -> None:
        self.host.must("mount", f"--make-{propagation}", path, inside=self._inside(where))
