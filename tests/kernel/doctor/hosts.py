"""A host to look at: the sandbox, with a shared `/run` as systemd leaves it, and processes with mounts of their own.

Everything ends with the sandbox, of which the test is process 1.
"""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from netmend.doctor.diagnose import diagnose_steadily
from netmend.doctor.look import look
from netmend.doctor.observation import Observation
from netmend.ground.finding import Finding
from netmend.kernel import mounts, syscalls


def share_run() -> None:
    mounts.make("/run", syscalls.MS_SHARED)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def in_mounts_of(pid: int, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the mount and pid namespaces of a process, as `docker exec` does."""
    return subprocess.run(["nsenter", "-t", str(pid), "-m", *words], check=False, capture_output=True, text=True)


def container(set_up: Callable[[], None]) -> int:
    """A process in a mount namespace of its own in which `set_up` was called; its pid. It sleeps until the end."""
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            syscalls.unshare(syscalls.CLONE_NEWNS)
            set_up()
            os.write(told, b"x")
            while True:
                time.sleep(3600)
        finally:
            os._exit(1)
    os.close(told)
    assert os.read(ready, 1) == b"x"
    os.close(ready)
    return pid


def mounted(flag: int) -> Callable[[], None]:
    """The mounts of the host, all of them made private, slave or shared (`unshare --propagation`)."""
    return lambda: mounts.make("/", flag, recursive=True)


def diagnosed() -> tuple[Observation, list[Finding]]:
    return diagnose_steadily(look)


def checks(findings: list[Finding]) -> list[str]:
    return [finding.check for finding in findings]


def plain(path: str) -> bool:
    return Path(path).is_file() and syscalls.filesystem_type(path) != syscalls.NSFS_MAGIC
