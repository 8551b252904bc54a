"""The DNS servers that this host asks (resolv.conf(5)); in a container, those of the container."""

import time
from ipaddress import ip_address
from pathlib import Path
from threading import Lock

from netmend.intent import DnsServer

_SERVERS_MAX = 3  # MAXNS, resolv.h
_LOOK_AGAIN = 1.0  # seconds between looks at the file


def read_servers(text: str) -> tuple[DnsServer, ...]:
    """The servers that the text of a resolv.conf names; other lines are passed over, as resolvers do."""
    servers: list[DnsServer] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver":
            continue
        try:
            servers.append(DnsServer(ip_address(words[1])))
        except ValueError:
            continue
    return tuple(servers[:_SERVERS_MAX])


class HostResolvers:
    """A callable that gives the servers of now, best first. A change of the file is seen. Thread-safe."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = Lock()
        self._servers: tuple[DnsServer, ...] = ()
        self._seen: tuple[int, int, int] | None = None
        self._looked = -_LOOK_AGAIN

    def __call__(self) -> tuple[DnsServer, ...]:
        with self._lock:
            now = time.monotonic()
            if now - self._looked >= _LOOK_AGAIN:
                self._looked = now
                self._look()
            return self._servers

    def _look(self) -> None:
        try:
            found = self._file.stat()
            seen = found.st_ino, found.st_mtime_ns, found.st_size
            if seen != self._seen:
                self._servers = read_servers(self._file.read_text(errors="replace"))
                self._seen = seen
        except OSError:  # no file: nobody to ask, until there is one
            self._servers, self._seen = (), None
