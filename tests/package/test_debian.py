"""netmend in a Debian 12 whose process 1 is systemd: as a Debian package, and as a wheel in a virtual environment.

Each command is typed as docs/install.md shows it. `pytest -s` prints what the table there says: seconds until a guest
is served, and requests lost by an upgrade and by the way back.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.networks import GUEST_MAC, device, guest_address, write_networks
from tests.blocks import CHECKOUT, Block
from tests.figures import note
from tests.sessions import compare_each, sessions_of
from tests.waiting import wait_for

from netmend import __version__

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="debootstrap and systemd need root"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the document names packages for amd64"),
    pytest.mark.timeout(1200),
]
TOOL = str(CHECKOUT / "tools" / "debian-package")
SESSIONS = {block.text.splitlines()[0]: block for block in sessions_of(__file__, "docs/install.md")}


def session(first: str) -> Block:
    """The session that begins with this command."""
    return next(block for line, block in SESSIONS.items() if line.startswith(f"$ {first}"))


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what an operator brings: the package, the next one, wheels, the unit, and an intent file."""
    place = tmp_path_factory.mktemp("packages")
    built = subprocess.run([TOOL, "build"], stdout=subprocess.PIPE, text=True, check=True, timeout=1000).stdout.strip()
    shutil.copy(built, place)
    subprocess.run(["dpkg-deb", "-R", built, place / "next"], check=True, timeout=120)
    control = place / "next" / "DEBIAN" / "control"
    control.write_text(control.read_text().replace(f"Version: {__version__}\n", "Version: 0.1.1\n"))
    subprocess.run(
        ["dpkg-deb", "-Znone", "-b", place / "next", place / "netmend_0.1.1_amd64.deb"], check=True, timeout=120
    )
    shutil.rmtree(place / "next")
    shutil.copytree(CHECKOUT / ".tools" / "debian" / "wheels", place / "wheels")
    source = place / "source"
    shutil.copytree(
        CHECKOUT / "src" / "netmend", source / "src" / "netmend", ignore=shutil.ignore_patterns("__pycache__")
    )
    (source / "docs").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "docs/netmend.1"):
        shutil.copy(CHECKOUT / name, source / name)
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*wheel, "-w", str(place / "wheels"), str(source)], check=True, timeout=300)
    shutil.rmtree(source)
    shutil.copy(CHECKOUT / "deploy/systemd/netmend.service", place)
    write_networks(place / "networks.yaml", 1)
    place.chmod(0o755)
    return place


class Host:
    """That Debian, while it runs."""

    def __init__(self, pid: str) -> None:
        self.pid = pid

    def type(self, command: str) -> str:
        """Type a command in /packages; returns what it prints."""
        words = [TOOL, "sh", self.pid, "bash", "-c", f"cd /packages; {{ {command}\n}} 2>&1"]
        return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False, timeout=300).stdout

    def asking(self, seconds: float) -> subprocess.Popen[str]:
        """A guest of the one network, which asks for so long."""
        words = ["nsenter", "-t", self.pid, "-n", sys.executable, "-m", "tests.package.dhcp_requests"]
        words += [device(0), GUEST_MAC, guest_address(0), str(seconds)]
        return subprocess.Popen(words, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)

    def until_served(self) -> None:
        wait_for(
            lambda: self.type("netmend health ready --json").find('"ok": true') > 0,
            "guests are served",
            seconds=120,
            every=0.2,
        )

    def while_asking(self, way: str, what: str, *blocks: Block) -> None:
        """Type sessions while the guest asks; it is answered again at the end."""
        guest = self.asking(20)
        for block in blocks:
            compare_each(block, self.type)
        self.until_served()
        found = json.loads(guest.communicate(timeout=120)[0])
        note(way, what, found)
        assert found["lost"] < found["sent"] / 2, found


@pytest.fixture
def host(packages: Path) -> Iterator[Host]:
    done = subprocess.run([TOOL, "boot", str(packages)], stdout=subprocess.PIPE, text=True, check=True, timeout=300)
    found = Host(done.stdout.strip())
    try:
        yield found
    finally:
        print(found.type("journalctl --no-pager -n 40 -u netmend"))
        subprocess.run([TOOL, "halt", found.pid], check=True, timeout=60)


def serve(host: Host, block: Block, way: str) -> None:
    """Type what begins to serve, and print how long it took."""
    start = time.monotonic()
    compare_each(block, host.type)
    host.until_served()
    note(way, "served after", {"seconds": round(time.monotonic() - start, 1)})


def test_the_package(host: Host) -> None:
    compare_each(session("apt-get install -y ./netmend_0.1.0"), host.type)
    serve(host, session("cp networks.yaml"), "package")
    assert host.type("man -w netmend") == "/usr/share/man/man1/netmend.1.gz\n"
    completion = "/usr/share/bash-completion/completions/netmend; COMP_WORDS=(netmend st) COMP_CWORD=1"
    assert host.type(f". {completion}; _netmend_completion netmend; echo ${{COMPREPLY[*]}}") == "status\n"
    host.while_asking("package", "upgrade", session("apt-get install -y ./netmend_0.1.1"))
    assert "0.1.1" in host.type("dpkg-query -W netmend")
    host.while_asking("package", "way back", session("apt-get install -y --allow-downgrades"))
    compare_each(session("systemctl stop netmend && netmend down -c"), host.type)
    assert host.type("ls -d /etc/netmend /var/lib/netmend /usr/lib/netmend 2>/dev/null") == ""
    assert "brq" not in host.type("ip -br link")


def test_a_wheel_in_an_environment(host: Host) -> None:
    compare_each(session("python3 -m venv /opt/netmend"), host.type)
    serve(host, session("install -D networks.yaml"), "wheel")
    host.while_asking(
        "wheel", "upgrade", session("/opt/netmend/bin/pip install -q --no-index --find-links wheels --upgrade")
    )
    compare_each(session("systemctl disable -q --now netmend"), host.type)
    assert "brq" not in host.type("ip -br link")
