"""A real dockerd: one for each scenario, in namespaces of its own, with an image made from this machine's programs.

``ip`` runs in a container's namespaces as `docker exec` would run it, but entered with nsenter(1), which is faster.
"""

from __future__ import annotations

import errno
import re
import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from netmend.lab.engines.engine_host import NETNS, DataDirectory, EngineHost
from netmend.lab.engines.programs import build_image, environment
from netmend.lab.engines.world import EngineMissing, Refused
from netmend.lab.scenario import HOST, ContainerSpec, Scenario
from netmend.lab.scenario_run import Results, perform

NEEDED = ("dockerd", "docker", "containerd", "runc", "setpriv", "unshare", "nsenter", "mount", "pivot_root", "ip")
IMAGE = "netmend-lab"
_PREFIX = "lab-"  # Docker refuses names of one letter
_START_SECONDS = 30.0


class DockerWorld:
    """The host of one scenario with a dockerd on it."""

    def __init__(self, scenario: Scenario, host: EngineHost, image: Path) -> None:
        self.host = host
        self._specs = scenario.containers
        self._made: set[str] = set()
        self._socket = host.home / "docker.sock"
        host.environment |= {"DOCKER_HOST": f"unix://{self._socket}", "DOCKER_CONFIG": str(host.home / "config")}
        # What the host before left: its pids mean nothing here, or worse, something else.
        for stale in (self._socket, host.home / "pid"):
            stale.unlink(missing_ok=True)
        shutil.rmtree(host.home / "exec", ignore_errors=True)
        self._daemon = host.spawn(
            "dockerd",
            *("--data-root", str(host.home / "data"), "--exec-root", str(host.home / "exec")),
            *("-p", str(host.home / "pid"), "-H", f"unix://{self._socket}"),
            *("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"),
            *("--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", f"/{host.cgroup}"),
        )
        deadline = time.monotonic() + _START_SECONDS
        while self._docker("version").returncode != 0:
            if self._daemon.poll() is not None or time.monotonic() > deadline:
                log = (host.home / "log").read_text(errors="replace").strip().splitlines()
                raise EngineMissing(f"dockerd does not start here: {log[-1] if log else 'it says nothing'}")
            time.sleep(0.05)
        if self._docker("image", "inspect", IMAGE).returncode != 0:
            archive = subprocess.Popen(["tar", "-C", str(image), "-c", "."], stdout=subprocess.PIPE)
            self._docker("import", "--change", "ENV PATH=/bin", "-", IMAGE, stdin=archive)
            archive.wait()

    def _docker(
        self, *arguments: str, stdin: subprocess.Popen[bytes] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", *arguments],
            stdin=stdin.stdout if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=self.host.environment,
            timeout=120,
        )

    def start(self, name: str) -> None:
        if name in self.running():
            raise OSError(errno.EALREADY, f"{name} is running")
        if name in self._made:
            done = self._docker("start", _PREFIX + name)
        else:
            done = self._docker(
                "run", "-d", "--name", _PREFIX + name, *_options(self._specs[name]), IMAGE, "sleep", "infinity"
            )
            if self._docker("container", "inspect", _PREFIX + name).returncode == 0:
                self._made.add(name)
        if done.returncode != 0:
            raise Refused(words_of(done.stderr))

    def stop(self, name: str) -> None:
        if self._docker("stop", "-t", "0", _PREFIX + name).returncode != 0:
            raise OSError(errno.ENOENT, f"there is no container {name}")

    def restart(self, name: str) -> None:
        if name not in self._made:
            raise OSError(errno.ENOENT, f"there is no container {name}")
        done = self._docker("restart", "-t", "0", _PREFIX + name)
        if done.returncode != 0:
            raise Refused(words_of(done.stderr))

    def remove(self, name: str) -> None:
        if self._docker("rm", "-f", _PREFIX + name).returncode != 0 or name not in self._made:
            raise OSError(errno.ENOENT, f"there is no container {name}")
        self._made.discard(name)

    def remove_all(self) -> None:
        """Leave nothing for the next dockerd to find in the data directory."""
        for name in list(self._made):
            self.remove(name)

    def running(self) -> list[str]:
        names = self._docker("ps", "--format", "{{.Names}}").stdout.split()
        return [name for name in self._specs if _PREFIX + name in names]

    def _inside(self, where: str) -> int | None:
        if where == HOST:
            return None
        done = self._docker("inspect", "--format", "{{.State.Pid}}", _PREFIX + where)
        pid = done.stdout.strip()
        if done.returncode != 0 or pid == "0":
            raise OSError(errno.ESRCH, f"the container {where} is not running")
        return int(pid)

    def add(self, where: str, netns: str) -> None:
        self.host.must("ip", "netns", "add", netns, inside=self._inside(where))

    def delete(self, where: str, netns: str) -> None:
        self.host.must("ip", "netns", "delete", netns, inside=self._inside(where))

    def probe(self, where: str, netns: str) -> str:
        script = f'[ -e "{NETNS}/$1" ] || exit 3; exec ip -n "$1" link show lo'
        code = self.host.run("sh", "-c", script, "sh", netns, inside=self._inside(where)).returncode
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


def _options(spec: ContainerSpec) -> list[str]:
    options = ["--network", "host"]
    options += ["--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN"]
    options += ["--security-opt", "apparmor=unconfined", "--security-opt", "seccomp=unconfined"]
    for volume in spec.volumes:
        if not isinstance(volume, str):
            raise Refused("an engine's command line takes no long form; write it under mounts")
        options += ["-v", volume]
    for mount in spec.mounts:
        options += ["--mount", mount]
    return options


def words_of(stderr: str) -> str:
    """What the daemon said, without who says it; of a runtime's long report, the errno's words."""
    line = next((line for line in stderr.splitlines() if "rror" in line), stderr.strip().split("\n")[0])
    line = re.sub(r"^(docker: )?(Error response from daemon: )?(Cannot restart container [^:]+: )?", "", line).strip()
    runtime = re.search(r"OCI runtime .*: ([a-z -]+): unknown\.?$", line)
    if runtime:
        return f"OCI runtime error: {runtime[1]}"
    return line if line.endswith(".") else line + "."


def run(scenarios: Iterable[Scenario]) -> list[Results]:
    """All scenarios, each on a fresh host. Raises EngineMissing."""
    programs = environment("docker", NEEDED)
    results: list[Results] = []
    with DataDirectory() as data:
        image = data / "image"
        build_image(image, programs)
        for scenario in scenarios:
            host = EngineHost("docker", scenario.host, programs, data)
            try:
                world = DockerWorld(scenario, host, image)
                results.append(perform(scenario, world))
                world.remove_all()
            finally:
                host.close()
    return results
