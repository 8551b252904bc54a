"""A real Docker engine (tools/engine): on its host the doctor looks, mends are typed, and the image is started."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
ENGINE = str(CHECKOUT / "tools" / "engine")
DOCTOR = "from netmend.cli.command import command; from netmend.cli.doctor import doctor; command(doctor)()"


@dataclass(frozen=True)
class Engine:
    """The engine's host, and what it takes to type on it."""

    environment: dict[str, str]

    def host(self, *words: str, check: bool = True, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command on the engine's host."""
        done = subprocess.run(
            [ENGINE, "sh", *words], env=self.environment, input=text, capture_output=True, text=True, check=False
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{words}: {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def docker(self, *words: str, check: bool = True) -> str:
        return self.host("docker", *words, check=check).stdout.strip()

    def start(self, name: str, *binds: str) -> None:
        """A container as Kolla starts its agents: privileged, the host's network, these binds."""
        volumes = [word for bind in binds for word in ("-v", bind)]
        self.docker(
            "run", "-d", "--init", "--privileged", "--network=host", "--name", name, *volumes, "base", "sleep", "3600"
        )

    def in_container(self, name: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.host("docker", "exec", name, *words, check=check)

    def doctor(self, *options: str) -> tuple[int, dict[str, Any]]:
        """Exit code and the object of `netmend doctor --json`."""
        done = self.host(sys.executable, "-c", DOCTOR, "--json", *options, check=False)
        assert done.returncode in (0, 1), done.stdout + done.stderr
        return done.returncode, json.loads(done.stdout)

    def doctor_text(self) -> str:
        """What `netmend doctor` prints for people."""
        return self.host(sys.executable, "-c", DOCTOR, check=False).stdout

    def type(self, mend: str) -> None:
        """Type a mend as it is printed; the first command that fails ends it."""
        self.host("bash", "-ec", "netmend() { :; }\n" + mend)

    def usable(self, where: str, name: str) -> bool:
        """Whether a namespace can be entered by its name."""
        words = ("ip", "netns", "exec", name, "true")
        done = self.host(*words, check=False) if where == "host" else self.in_container(where, *words, check=False)
        return done.returncode == 0


def _clean(engine: Engine) -> None:
    """As it was: no container, no name, one mount on /run, no process of a test."""
    ours = engine.docker("ps", "-aq", "--filter", "name=^dr-")
    if ours:
        engine.docker("rm", "-f", *ours.split())
    engine.host(
        "bash",
        "-c",
        "for name in $(ls /run/netns 2>/dev/null); do ip netns delete $name; done;"
        "while umount -l /run/netns 2>/dev/null; do :; done;"
        "rm -rf /run/netns; mount --make-private /run; mount --make-shared /run",
    )


@pytest.fixture(scope="session")
def running_engine() -> Iterator[Engine]:
    if os.geteuid() != 0:
        pytest.skip("a Docker engine needs root")
    printed = subprocess.run([ENGINE, "env"], capture_output=True, text=True, check=True).stdout
    script = f"{printed}\nenv -0"
    raw = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
    environment = dict(entry.split("=", 1) for entry in raw.split("\0") if "=" in entry)
    was_up = subprocess.run([ENGINE, "sh", "true"], capture_output=True, check=False).returncode == 0
    if not was_up:
        subprocess.run([ENGINE, "up"], check=True)
    engine = Engine(environment)
    yield engine
    if not was_up:
        subprocess.run([ENGINE, "down"], check=False)


@pytest.fixture
def engine(running_engine: Engine) -> Iterator[Engine]:
    _clean(running_engine)
    try:
        yield running_engine
    finally:
        _clean(running_engine)
