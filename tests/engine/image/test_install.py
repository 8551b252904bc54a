"""The image by hand and by Compose, as docs/install.md shows it: started, upgraded, taken back while a guest asks."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.networks import GUEST_MAC, device, guest_address, write_networks
from tests.blocks import CHECKOUT, Block
from tests.engine.conftest import ENGINE, Engine
from tests.engine.image.conftest import IMAGE
from tests.figures import note
from tests.sessions import compare_each, sessions_of
from tests.waiting import wait_for

SESSIONS = sessions_of(__file__, "docs/install.md")
BY_HAND, BY_COMPOSE = SESSIONS[:4], SESSIONS[4:]
SECONDS = 12.0  # in which the guest asks, ten times a second
COMPOSE = """
docker() {{
  if [ "$1" = compose ]; then
    shift
    PYTHONPATH={prefix}/usr/lib/python3/dist-packages /usr/bin/python3 {prefix}/usr/bin/docker-compose "$@"
  else
    command docker "$@"
  fi
}}
"""  # Debian's, which is no plugin of docker's
pytestmark = pytest.mark.timeout(0)  # the first test that asks for the image builds it


@pytest.fixture(scope="module")
def compose() -> Path:
    """Where Debian's Compose is unpacked."""
    prefix = CHECKOUT / ".tools" / "compose"
    if not (prefix / "usr/bin/docker-compose").exists():
        subprocess.run([CHECKOUT / "tools" / "debian-packages", prefix, "docker-compose"], check=True)
    return prefix


class Host:
    """The engine's host, with /etc/netmend and /var/lib/netmend that are its alone, and two versions of the image."""

    def __init__(self, engine: Engine, compose: Path, directory: Path) -> None:
        self.engine, self.directory = engine, directory
        self._functions = COMPOSE.format(prefix=compose)
        for place in ("/etc", "/var/lib"):
            own = f"/run/own{place}"
            layers = f"lowerdir={place},upperdir={own}/upper,workdir={own}/work"
            engine.host("bash", "-ec", f"mkdir -p {own}/upper {own}/work; mount -t overlay overlay -o {layers} {place}")
        engine.docker("tag", IMAGE, "netmend:0.1.0")
        engine.host("docker", "build", "-q", "-t", "netmend:0.1.1", "-", text="FROM netmend:0.1.0\nLABEL newer=yes\n")
        write_networks(directory / "networks.yaml", 1)
        (directory / "compose.yaml").write_text((CHECKOUT / "deploy/compose/compose.yaml").read_text())

    def close(self) -> None:
        self.engine.docker("rm", "-f", "netmend", "netmend-keep", check=False)
        self.engine.host("bash", "-c", "umount -l /etc /var/lib; rm -rf /run/own /run/netmend")

    def type(self, command: str) -> str:
        """Type a command in the directory of the files; returns what it prints."""
        script = f"{self._functions}\ncd {self.directory}; {{ {command}\n}} 2>&1"
        return self.engine.host("bash", "-c", script, check=False).stdout

    def until_served(self) -> None:
        def ready() -> bool:
            return self.engine.in_container("netmend", "netmend", "health", "ready", check=False).returncode == 0

        wait_for(ready, "guests are served", lambda: self.type("docker logs netmend"), seconds=120, every=0.2)

    def serve(self, way: str, block: Block) -> None:
        start = time.monotonic()
        compare_each(block, self.type)
        self.until_served()
        note(way, "served after", {"seconds": round(time.monotonic() - start, 1)})

    def while_asking(self, way: str, what: str, block: Block) -> None:
        """Type a session while the guest asks: no question stays without an answer, since the keeper has the socket."""
        words = [ENGINE, "sh", sys.executable, "-m", "tests.package.dhcp_requests"]
        words += [device(0), GUEST_MAC, guest_address(0), str(SECONDS)]
        environment = self.engine.environment | {"PYTHONPATH": str(CHECKOUT)}
        guest = subprocess.Popen(words, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True)
        before = self.engine.docker("inspect", "-f", "{{.Id}}", "netmend")
        compare_each(block, self.type)
        self.until_served()
        assert self.engine.docker("inspect", "-f", "{{.Id}}", "netmend") != before, "it is another container"
        found = json.loads(guest.communicate(timeout=120)[0])
        note(way, what, found)
        assert found["lost"] == 0 and found["sent"] > 0, found


@pytest.fixture
def host(engine: Engine, compose: Path, tmp_path: Path) -> Iterator[Host]:
    made = Host(engine, compose, tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize(("way", "sessions"), [("image", BY_HAND), ("compose", BY_COMPOSE)])
def test_the_image(host: Host, way: str, sessions: list[Block]) -> None:
    start, upgrade, back, removal = sessions
    host.serve(way, start)
    assert host.engine.host("ls", "/run/netns").stdout.startswith("qdhcp-")
    host.while_asking(way, "upgrade", upgrade)
    host.while_asking(way, "way back", back)
    compare_each(removal, host.type)
    assert host.engine.docker("ps", "-aq", "--filter", "name=netmend") == ""
    assert "brq" not in host.engine.host("ip", "-br", "link").stdout
    assert host.engine.host("ls", "/run/netns").stdout == ""
