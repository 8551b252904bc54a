"""Programs that ask for names, none of them ours, run as a guest runs them: in its namespace, with its resolv.conf."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.peers.node import HOME

from netmend.kernel import syscalls
from netmend.kernel.netns import Netns

PROGRAMS = Path(__file__).parents[2] / ".tools" / "root"
RESOLV_CONF = "/etc/resolv.conf"


class Resolvers:
    """A guest's; `servers` and `search` are what its DHCP client told it."""

    def __init__(self, guest: Netns, servers: list[str], search: str | None) -> None:
        self.guest = guest
        self._conf = HOME / f"resolv-{guest.label}.conf"
        lines = [f"nameserver {server}" for server in servers] + ([f"search {search}"] if search else [])
        self._conf.write_text("\n".join([*lines, ""]))

    def run(self, *command: str, fails: bool | None = False) -> str:
        """What a command printed; it must succeed, or must not (None: as it may be)."""

        def with_its_own_conf() -> None:
            syscalls.unshare(syscalls.CLONE_NEWNS, "a mount namespace")
            syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
            syscalls.mount(str(self._conf), RESOLV_CONF, None, syscalls.MS_BIND)

        program = shutil.which(command[0])
        assert program, f"not there: {command[0]}; run tools/setup-programs names"
        with self.guest.entered():
            done = subprocess.run(
                [program, *command[1:]],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                preexec_fn=with_its_own_conf,
                timeout=30,
            )
        assert fails in (None, done.returncode != 0), f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def glibc(self, name: str, database: str = "ahosts") -> list[str]:
        """The addresses that `getent` finds."""
        return sorted({line.split()[0] for line in self.run("getent", database, name).splitlines()})

    def c_ares(self, name: str, version: str = "4") -> list[str]:
        """Addresses that c-ares finds, the resolver of Node.js, Envoy and many builds of curl."""
        return sorted(self.run(*self.c_ares_program(name, version)).split())

    @staticmethod
    def c_ares_program(name: str, version: str = "4") -> list[str]:
        found = list(PROGRAMS.glob("usr/lib/*-linux-gnu/libcares.so.2"))
        assert found, "not there: libcares.so.2; run tools/setup-programs odd-clients"
        return [sys.executable, str(Path(__file__).with_name("c_ares.py")), str(found[0]), name, version]

    def musl(self, name: str) -> dict[str, str]:
        """Addresses that musl's resolver finds, and the name that it finds for each."""
        words = [line.split() for line in self.run(str(musl_program()), name).splitlines()]
        return {address: found for address, found in words}  # noqa: C416 - says what they are


def musl_program() -> Path:
    """`resolve.c` and musl's library of Debian's musl-dev, made one static program by tcc."""
    made = HOME / "resolve"
    if not made.exists():
        compiler = shutil.which("tcc")
        assert compiler, "not there: tcc; run tools/setup-programs names"
        (library,) = PROGRAMS.glob("usr/lib/*-linux-musl")
        (own,) = PROGRAMS.glob("usr/lib/*-linux-gnu/tcc")
        (headers,) = PROGRAMS.glob("usr/include/*-linux-musl")
        command = [compiler, f"-B{own}", "-nostdlib", "-nostdinc", "-static", f"-I{headers}", "-o", str(made)]
        command += [str(library / "crt1.o"), str(library / "crti.o"), str(Path(__file__).with_name("resolve.c"))]
        command += [str(library / "libc.a"), str(library / "crtn.o")]
        subprocess.run(command, check=True, capture_output=True)
    return made
