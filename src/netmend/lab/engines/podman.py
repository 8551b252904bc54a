"""A real podman: no daemon, so a host, a store for it, and the command."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path

from netmend.lab.engines.command_line import CommandLineWorld
from netmend.lab.engines.engine_host import DataDirectory, EngineHost
from netmend.lab.engines.programs import build_image, environment
from netmend.lab.engines.world import EngineMissing
from netmend.lab.scenario.run import Results, perform
from netmend.lab.scenario.scenario import Scenario

NEEDED = ("podman", "conmon", "setpriv", "unshare", "nsenter", "mount", "pivot_root", "ip", "tar")
RUNTIMES = ("crun", "runc")
_ANYTHING_MAY_BE_RUN = '{"default": [{"type": "insecureAcceptAnything"}]}'


class PodmanWorld(CommandLineWorld):
    """The host of one scenario, and podman on it."""

    def __init__(self, scenario: Scenario, host: EngineHost, image: Path, runtime: str, conmon: str) -> None:
        super().__init__(scenario, host)
        # conmon(8) starts the runtime without the environment that says where its libraries are.
        wrapper = host.home / Path(runtime).name  # podman knows what a runtime can do by its name
        libraries = shlex.quote(host.environment.get("LD_LIBRARY_PATH", ""))
        wrapper.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {shlex.quote(runtime)} "$@"\n')
        wrapper.chmod(0o755)
        self._globals = [
            *("--root", str(host.home / "store"), "--runroot", "/run/containers", "--tmpdir", "/run/libpod"),
            *("--cgroup-manager", "cgroupfs", "--events-backend", "file", "--storage-driver", "overlay"),
            *("--runtime", str(wrapper), "--conmon", conmon),
        ]
        self.options = ["--network", "host", "--cgroups", "disabled", "--log-driver", "none", "--pull", "never"]
        self.options += ["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"]
        if self.engine("image", "exists", self.image).returncode != 0:
            policy = host.home / "policy.json"
            policy.write_text(_ANYTHING_MAY_BE_RUN)
            archive = host.home / "image.tar"
            subprocess.run(["tar", "-C", str(image), "-cf", str(archive), "."], check=True)
            done = self.engine(
                "import", "--signature-policy", str(policy), "--change", "ENV PATH=/bin", str(archive), self.image
            )
            if done.returncode != 0:
                raise EngineMissing(f"podman cannot load an image here: {done.stderr.strip().splitlines()[-1]}")

    def engine(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.host.run("podman", *self._globals, *arguments)

    def words_of(self, stderr: str) -> str:
        """What podman said; of a runtime's report, the errno's words."""
        line = next((line for line in stderr.splitlines() if line.startswith("Error")), stderr.strip().split("\n")[0])
        line = re.sub(r"^Error: ", "", line).strip()
        runtime = re.search(r"(?:crun|runc|OCI).*: ([A-Za-z -]+)(?:: OCI [a-z ]+)?$", line)
        return f"OCI runtime error: {runtime[1].lower()}" if runtime else line


def run(scenarios: Iterable[Scenario]) -> list[Results]:
    """All scenarios, each on a fresh host. Raises EngineMissing."""
    programs = environment("podman", NEEDED)
    runtime = next((path for name in RUNTIMES if (path := programs.path(name)) is not None), None)
    conmon = programs.path("conmon")
    if runtime is None or conmon is None:
        raise EngineMissing("engine podman needs a runtime, crun or runc, and neither is on PATH")
    # podman reads Docker's configuration where DOCKER_CONFIG names one, and fails where that is not there
    variables = {name: value for name, value in programs.variables.items() if not name.startswith("DOCKER_")}
    results: list[Results] = []
    with DataDirectory() as data:
        image = data / "image"
        build_image(image, programs)
        for scenario in scenarios:
            host = EngineHost("podman", scenario.host, variables, data, cgroup2=True)
            try:
                world = PodmanWorld(scenario, host, image, runtime, conmon)
                results.append(perform(scenario, world))
                world.remove_all()
            finally:
                host.close()
    return results
