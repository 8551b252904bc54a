"""The image, built on the engine from Debian's packages, and what Kolla-Ansible would start from it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.engine.conftest import CHECKOUT, Engine

IMAGE = "netmend:test"
VOLUMES = ("neutron_metadata_socket", "kolla_logs")


@pytest.fixture(scope="session")
def built(running_engine: Engine) -> Engine:
    """The engine, with the image."""
    for words in (["base"], ["build", IMAGE]):
        command = [str(CHECKOUT / "tools" / "image"), *words]
        done = subprocess.run(command, env=running_engine.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return running_engine


@pytest.fixture
def engine(built: Engine) -> Iterator[Engine]:
    """With no container of ours before and afterwards, and no name of a namespace."""
    _clean(built)
    yield built
    _clean(built)


def _clean(engine: Engine) -> None:
    containers = engine.docker("ps", "-aq").split()
    if containers:
        engine.docker("rm", "-f", *containers)
    for volume in VOLUMES:
        engine.docker("volume", "rm", "-f", volume)
    engine.host(
        "bash", "-c", "mkdir -p /run/netns; for name in $(ls /run/netns); do ip netns delete $name; done; "
        "for link in $(ls /sys/class/net); do [ $link = lo ] || ip link delete $link 2>/dev/null; done; true",
    )  # fmt: skip
    engine.host(
        "bash", "-c", "mountpoint -q /run/netns || mount --bind /run/netns /run/netns; mount --make-shared /run/netns"
    )


@dataclass(frozen=True)
class Kolla:
    """What its roles wrote for a node, as a directory that stands for /etc/kolla."""

    etc: Path
    engine: Engine

    def definition(self, service: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.etc / "services.json").read_text())[service]
        return found

    def start(self, service: str) -> str:
        """Start a container as kolla_container of Kolla-Ansible does, with our image; returns its name."""
        definition = self.definition(service)
        words = ["run", "-d", "--network", "host", "--name", definition["container_name"]]
        words += ["--privileged"] if definition.get("privileged") else []
        words += ["--pid", definition["pid_mode"]] if definition.get("pid_mode") else []
        words += ["--cgroupns", definition["cgroupns_mode"]] if definition.get("cgroupns_mode") else []
        environment = {"KOLLA_CONFIG_STRATEGY": "COPY_ALWAYS", "KOLLA_SERVICE_NAME": service}
        environment |= definition.get("environment", {})
        words += [word for name, value in environment.items() for word in ("-e", f"{name}={value}")]
        words += [word for volume in self._volumes(definition) for word in ("-v", volume)]
        check = definition["healthcheck"]
        if check["test"] == "NONE":
            words += ["--no-healthcheck"]
        else:
            words += ["--health-cmd", check["test"][1], "--health-retries", str(check["retries"])]
            for name in ("interval", "timeout", "start_period"):
                words.append(f"--health-{name.replace('_', '-')}={check[name]}s")
        self.engine.docker(*words, IMAGE)
        return str(definition["container_name"])

    def _volumes(self, definition: dict[str, Any]) -> Iterator[str]:
        for volume in definition["volumes"]:
            source, _, rest = volume.partition(":")
            if source.startswith("/etc/kolla/"):
                source = str(self.etc / Path(source).name)
            if volume and (not source.startswith("/etc/localtime") or Path(source).exists()):
                yield f"{source}:{rest}"


def render(directory: Path, *settings: str) -> None:
    """Have Kolla-Ansible write for a node with these further lines of globals.yml."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "globals.yml").write_text("".join(f"{line}\n" for line in settings) or "{}\n")
    command = [str(CHECKOUT / "tools" / "kolla"), "render", str(directory), str(directory / "globals.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By `neutron_agents_wrappers`, what its roles wrote."""
    if os.geteuid() != 0:
        pytest.skip("an engine needs root")
    found = {wrappers: tmp_path_factory.mktemp("kolla") for wrappers in ("yes", "no")}
    for wrappers, directory in found.items():
        render(directory, f'neutron_agents_wrappers: "{wrappers}"')
    return found


@pytest.fixture
def kolla(engine: Engine, rendered: dict[str, Path], tmp_path: Path, request: pytest.FixtureRequest) -> Kolla:
    """A node; the parameter is `neutron_agents_wrappers`, else its default."""
    etc = tmp_path / "etc"
    shutil.copytree(rendered[getattr(request, "param", "yes")], etc)
    socket = engine.environment["DOCKER_HOST"].removeprefix("unix://")
    engine.host("ln", "-sfn", socket, "/run/docker.sock")
    return Kolla(etc, engine)
