"""A real dockerd: one for each scenario, in namespaces of its own, with an image made from this machine's programs."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from netmend.lab.engines.command_line import CommandLineWorld
from netmend.lab.engines.engine_host import DataDirectory, EngineHost
from netmend.lab.engines.programs import build_image, environment
from netmend.lab.engines.world import EngineMissing
from netmend.lab.scenario.run import Results, perform
from netmend.lab.scenario.scenario import Scenario

NEEDED = (
    "dockerd",
    "docker",
    "containerd",
    "runc",
    "setpriv",
    "unshare",
    "nsenter",
    "mount",
    "pivot_root",
    "ip",
    "tar",
)
_START_SECONDS = 30.0


class DockerWorld(CommandLineWorld):
    """The host of one scenario with a dockerd on it."""

    def __init__(self, scenario: Scenario, host: EngineHost, image: Path) -> None:
        super().__init__(scenario, host)
        self.options = ["--network", "host", "--security-opt", "apparmor=unconfined"]
        self.options += ["--security-opt", "seccomp=unconfined"]
        socket = host.home / "docker.sock"
        host.environment |= {"DOCKER_HOST": f"unix://{socket}", "DOCKER_CONFIG": str(host.home / "config")}
        # What the host before left: its pids mean nothing here, or worse, something else.
        for stale in (socket, host.home / "pid"):
            stale.unlink(missing_ok=True)
        shutil.rmtree(host.home / "exec", ignore_errors=True)
        daemon = host.spawn(
            "dockerd",
            *("--data-root", str(host.home / "data"), "--exec-root", str(host.home / "exec")),
            *("-p", str(host.home / "pid"), "-H", f"unix://{socket}"),
            *("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"),
            *("--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", f"/{host.cgroup}"),
        )
        deadline = time.monotonic() + _START_SECONDS
        while self.engine("version").returncode != 0:
            if daemon.poll() is not None or time.monotonic() > deadline:
                log = (host.home / "log").read_text(errors="replace").strip().splitlines()
                raise EngineMissing(f"dockerd does not start here: {log[-1] if log else 'it says nothing'}")
            time.sleep(0.05)
        if self.engine("image", "inspect", self.image).returncode != 0:
            archive = host.home / "image.tar"
            subprocess.run(["tar", "-C", str(image), "-cf", str(archive), "."], check=True)
            self.engine("import", "--change", "ENV PATH=/bin", str(archive), self.image)

    def engine(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=self.host.environment,
            timeout=120,
        )

    def words_of(self, stderr: str) -> str:
        """What the daemon said; of a runtime's long report, the errno's words."""
        line = next((line for line in stderr.splitlines() if "rror" in line), stderr.strip().split("\n")[0])
        line = re.sub(
            r"^(docker: )?(Error response from daemon: )?(Cannot restart container [^:]+: )?", "", line
        ).strip()
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
            host = EngineHost("docker", scenario.host, programs.variables, data)
            try:
                world = DockerWorld(scenario, host, image)
                results.append(perform(scenario, world))
                world.remove_all()
            finally:
                host.close()
    return results
