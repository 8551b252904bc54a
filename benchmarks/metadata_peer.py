"""Neutron's way of metadata in a network that netmend made: a haproxy in its namespace, configured as Neutron does it,
and behind all of them Neutron's own proxy (benchmarks/neutron_metadata.py)."""

import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

from netmend.kernel.netns import Netns

PYTHON = Path(__file__).parents[1] / ".tools" / "nova" / "bin" / "python"
# What neutron/common/metadata.py and neutron/agent/metadata/driver.py say, with their defaults. `daemon` and the user
# are left out: who started it can then end it.
_CONFIGURATION = """
global
    log         /dev/log local0 info
    log-tag     haproxy-metadata-proxy-{network_id}
    maxconn     1024
    nbthread    2
    pidfile     {room}/pid

defaults
    log global
    mode http
    option httplog
    option dontlognull
    option http-server-close
    option forwardfor
    retries                 3
    timeout http-request    30s
    timeout connect         30s
    timeout client          32s
    timeout server          32s
    timeout http-keep-alive 30s

listen listener
    bind 169.254.169.254:80
    server metadata {socket}
    http-request del-header X-Neutron-Router-ID
    http-request set-header X-Neutron-Network-ID {network_id}
"""


class NoPeer(Exception):
    """Neutron's proxy or haproxy cannot be had, or do not run; the text says why."""


class Haproxy:
    """One haproxy in a network's namespace; its files are in `room`, which it must have for itself."""

    def __init__(self, namespace: Netns, network_id: str, room: Path, socket: Path) -> None:
        program = shutil.which("haproxy")
        if program is None:
            raise NoPeer("there is no haproxy; make it with: tools/setup-programs metadata")
        (room / "conf").write_text(_CONFIGURATION.format(network_id=network_id, room=room, socket=socket))
        with namespace.entered(), (room / "log").open("wb") as log:
            self._process = subprocess.Popen([program, "-db", "-f", str(room / "conf")], stdout=log, stderr=log)
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


class NeutronProxy:
    """Neutron's proxy, listening on a unix socket."""

    def __init__(self, room: Path, instance: str, project: str, nova_port: int, secret: str) -> None:
        if not PYTHON.exists():
            raise NoPeer("there is no Neutron; make it with: tools/nova")
        self.socket = room / "metadata_proxy"
        script = Path(__file__).with_name("neutron_metadata.py")
        # -P: this directory has modules whose names others want
        command = [str(PYTHON), "-P", str(script), str(self.socket), instance, project, str(nova_port), secret]
        log = room / "neutron.log"
        with log.open("wb") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out)
        self.pid = self._process.pid
        deadline = time.monotonic() + 60
        while not self.socket.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise NoPeer(f"Neutron's proxy does not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
