"""A guest's root directory of its own, for programs that write where they were compiled to: nothing of the host's can
be written.

The root is the host's, bound and made read-only, with empty tmpfs where a system keeps what is its own.
"""

import subprocess
from pathlib import Path

from tests.conftest import PROGRAMS
from tests.peers.node import HOME

from netmend.kernel import mounts, syscalls
from netmend.kernel.netns import Netns

_OWN = ("etc", "var", "run", "tmp", "root", "home", "sys", "mnt")


class GuestRoot:
    """The root of a guest in a namespace; it must be made before anything else is mounted over /run."""

    def __init__(self, guest: Netns) -> None:
        self.guest = guest
        self.root = HOME / f"root-{guest.label}"
        self.root.mkdir(parents=True)
        mounts.bind("/", str(self.root), recursive=True)
        mounts.make_read_only(str(self.root))
        for name in _OWN:
            if (self.root / name).is_dir():
                mounts.mount_tmpfs(str(self.root / name))
        tools = self.root / PROGRAMS.parent.relative_to("/")
        if not tools.exists():  # the checkout lies below one of those
            tools.mkdir(parents=True)
            mounts.bind(str(PROGRAMS.parent), str(tools))
        real = self.root / "mnt" / "sys"
        real.mkdir()
        with self.guest.entered():
            syscalls.mount("sysfs", str(real), "sysfs", syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC)
        for directory in ("devices", "class/net"):
            (self.root / "sys" / directory).mkdir(parents=True)
            mounts.bind(str(real / directory), str(self.root / "sys" / directory))
        (self.root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        (self.root / "etc" / "group").write_text("root:x:0:\nadm:x:4:\nsyslog:x:5:\n")
        (self.root / "tmp").chmod(0o1777)

    def make(self, *directories: str) -> None:
        for directory in directories:
            (self.root / directory).mkdir(parents=True, exist_ok=True)

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def start(self, *command: str, log: Path) -> "subprocess.Popen[bytes]":
        """Start a command in the guest, its output in `log`."""
        with self.guest.entered(), log.open("ab") as said:
            return subprocess.Popen(
                ["busybox", "chroot", str(self.root), *command], stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                cwd="/", env=_ENVIRONMENT,
            )  # fmt: skip

    def run(self, *command: str) -> str:
        """Run a command in the guest; what it says. Raises AssertionError with that when it fails."""
        with self.guest.entered():
            done = subprocess.run(
                ["busybox", "chroot", str(self.root), *command], check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL, cwd="/",
                env=_ENVIRONMENT,
            )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{self.log()}"
        return done.stdout

    def log(self) -> str:
        """What explains a failure."""
        return ""

    def file(self, name: str) -> str:
        return self.run("cat", name)


_ENVIRONMENT = {"PATH": f"/mnt/bin:{PROGRAMS}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
