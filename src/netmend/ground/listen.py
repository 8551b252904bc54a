"""The place at which an HTTP server listens: an address and port, or a Unix socket, with TLS or without.

Sockets are opened before anything else is done, so that a port that is taken ends the start.
"""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ssl

_LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_BACKLOG: Final = 512


class CannotListen(Exception):
    """A socket cannot be opened, or a certificate cannot be read; the text says which, why, and what to do if known."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Listening sockets, to be closed by the server that gets them."""

    tcp: socket.socket | None
    unix: socket.socket | None
    tls: "ssl.SSLContext | None"  # of `tcp`
    port: int | None  # of `tcp`

    def close(self) -> None:
        for listener in (self.tcp, self.unix):
            if listener is not None:
                listener.close()


@dataclass(frozen=True, slots=True)
class Listen:
    """The place to listen at, and further names by which clients may call the server."""

    address: str | None = "127.0.0.1"  # None: at the Unix socket alone
    port: int = 0  # 0: any that is free
    names: frozenset[str] = frozenset()  # in lower case
    socket_path: Path | None = None  # for its owner alone
    certificate: Path | None = None  # PEM, with its key in `key` or in the same file
    key: Path | None = None
    is_dual_stack: bool = True  # whether the address `::` stands for all of IPv4 too

    @classmethod
    def parse(cls, text: str, names: Sequence[str] = ()) -> "Listen":
        """`ADDRESS:PORT`, with an IPv6 address in brackets, or a port alone, on 127.0.0.1; raises ValueError."""
        address, colon, port = text.strip().rpartition(":")
        address = address.removeprefix("[").removesuffix("]") if colon else "127.0.0.1"
        if not (port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 65536):
            raise ValueError(f"{text}: expected ADDRESS:PORT, such as 127.0.0.1:9696 or [::1]:9696")
        if address == "localhost":
            address = "127.0.0.1"
        try:
            ip_address(address)
        except ValueError:
            raise ValueError(f"{text}: {address!r} is not an IP address") from None
        return cls(address, int(port), frozenset(name.lower() for name in names))

    @property
    def hosts(self) -> frozenset[str]:
        """Names that a `Host` header may have; any other came by a foreign DNS name (rebinding)."""
        return _LOCAL_NAMES | self.names | ({self.address.lower()} if self.address else frozenset())

    @property
    def url(self) -> str:
        """The server's URL; that of loopback where it listens at no address."""
        address = self.address or "127.0.0.1"
        host = f"[{address}]" if ":" in address else address
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}/"

    def open(self, advice: str = "") -> Listeners:
        """The listening sockets; raises CannotListen. `advice` ends its text when an address or port is not usable."""
        tls = self._load_certificate()
        tcp = self._open_tcp(self.address, advice) if self.address is not None else None
        try:
            unix = _open_unix(self.socket_path) if self.socket_path is not None else None
        except CannotListen:
            if tcp is not None:
                tcp.close()
            raise
        return Listeners(tcp, unix, tls, tcp.getsockname()[1] if tcp else None)

    def _open_tcp(self, address: str, advice: str) -> socket.socket:
        is_ipv6 = ":" in address
        family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
        try:
            return socket.create_server(
                (address, self.port),
                family=family,
                backlog=_BACKLOG,
                dualstack_ipv6=is_ipv6 and self.is_dual_stack and socket.has_dualstack_ipv6(),
            )
        except OSError as error:
            text = f"cannot listen at {address} port {self.port}: {_reason(error)}"
            raise CannotListen(f"{text}; {advice}" if advice else text) from error

    def _load_certificate(self) -> "ssl.SSLContext | None":
        if self.certificate is None:
            return None
        import ssl  # slow to load, and mostly not needed

        try:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise CannotListen(f"TLS: {self.certificate} cannot be used as certificate and key: {error}") from error
        return context


def is_loopback(address: str) -> bool:
    """Whether only this host can reach a server that listens at `address`."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _open_unix(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        path.unlink(missing_ok=True)  # left by a node that was killed; the lock says that nobody listens
        listener.bind(str(path))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotListen(f"cannot listen at {path}: {_reason(error)}") from error
    finally:
        os.umask(before)
    return listener


def _reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror) or not error.errno:  # its number is no errno
        return error.strerror or str(error)
    return os.strerror(error.errno)
