"""Where a node listens for HTTP beside its unix socket."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from netmend.node.lock import CannotStart

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Listen:
    """An address and port to listen at, and further names by which clients may call it."""

    host: str
    port: int
    names: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str, names: Sequence[str] = ()) -> "Listen":
        """`ADDRESS:PORT`, with an IPv6 address in brackets, or a port alone, on 127.0.0.1; raises ValueError."""
        host, colon, port = text.strip().rpartition(":")
        host = host.removeprefix("[").removesuffix("]") if colon else "127.0.0.1"
        if not (port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 65536):
            raise ValueError(f"{text}: expected ADDRESS:PORT, such as 127.0.0.1:9696 or [::1]:9696")
        if host == "localhost":
            host = "127.0.0.1"
        try:
            ip_address(host)
        except ValueError:
            raise ValueError(f"{text}: {host!r} is not an IP address") from None
        return cls(host, int(port), frozenset(name.lower() for name in names))

    @property
    def hosts(self) -> frozenset[str]:
        """What a `Host` header may say: anything else came by a name that somebody else's DNS gave (rebinding)."""
        return _LOCAL_NAMES | self.names | {self.host.lower()}

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    def open(self) -> socket.socket:
        """The listening socket; raises CannotStart."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.host, self.port))
            listener.listen(128)
        except OSError as error:
            listener.close()
            raise CannotStart(f"cannot listen at {self.host} port {self.port}: {error.strerror}") from error
        return listener
