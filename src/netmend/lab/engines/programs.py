"""Programs of an engine: where they are, and an image made from the machine's own."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from netmend.lab.engines.world import EngineMissing

IMAGE_PROGRAMS = ("sh", "ip", "mkdir", "mount", "umount", "unshare", "rm", "sleep")


@dataclass(frozen=True, slots=True)
class Programs:
    """The environment in which an engine's programs are found."""

    variables: dict[str, str]

    def path(self, name: str) -> str | None:
        """Where the program is; None for nowhere."""
        return shutil.which(name, path=self.variables.get("PATH"))


def environment(engine: str, needed: Iterable[str]) -> Programs:
    """Programs as they are on PATH, or below the directory of DOCKER_HOST's socket.

    Raises EngineMissing, with the first that is nowhere, or when we are not root.
    """
    variables = dict(os.environ)
    prefix = _prefix()
    if prefix is not None:
        directories = [prefix / part for part in ("usr/bin", "usr/sbin", "bin", "sbin")]
        variables["PATH"] = ":".join([*map(str, directories), variables.get("PATH", "")])
        libraries = [prefix / part / f"{platform.machine()}-linux-gnu" for part in ("usr/lib", "lib")]
        variables["LD_LIBRARY_PATH"] = ":".join(map(str, libraries))
    found = Programs(variables)
    for name in needed:
        if found.path(name) is None:
            raise EngineMissing(
                f"engine {engine} needs the program {name}, which is neither on PATH nor beside DOCKER_HOST's socket"
            )
    if os.geteuid() != 0:
        raise EngineMissing(f"engine {engine} needs root, to give the engine namespaces of its own")
    return found


def _prefix() -> Path | None:
    socket = os.environ.get("DOCKER_HOST", "").removeprefix("unix://")
    if not socket.startswith("/"):
        return None
    for directory in list(Path(socket).parents)[:3]:
        if (directory / "prefix/usr").is_dir():
            return directory / "prefix"
    return None


def build_image(root: Path, programs: Programs) -> None:
    """A root directory with a shell, iproute2 and mount, copied from this machine with the libraries they need."""
    for directory in ("bin", "proc", "sys", "dev", "etc", "run", "tmp", "var"):
        (root / directory).mkdir(parents=True, exist_ok=True)
    (root / "var/run").symlink_to("../run")
    for name in IMAGE_PROGRAMS:
        program = programs.path(name)
        if program is None:
            raise EngineMissing(f"the image for containers needs the program {name}, which is not on PATH")
        shutil.copy(Path(program).resolve(), root / "bin" / name)
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False, env=programs.variables)
        for word in listed.stdout.split():
            if word.startswith("/"):
                target = root / word.lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(Path(word).resolve(), target)
