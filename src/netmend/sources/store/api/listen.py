"""Where the API listens: sockets, opened before anything else is done, so that a port that is taken ends the start."""

import os
import socket
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from netmend.sources.store.errors import StoreError

DEFAULT_PORT = 9696
_BACKLOG = 512


@dataclass(frozen=True, slots=True)
class Listen:
    """Beyond loopback only where the address says so; `socket_path` is for the owner alone."""

    address: str | None = "127.0.0.1"  # None: the unix socket only
    port: int = DEFAULT_PORT  # 0: any that is free
    socket_path: Path | None = None
    certificate: Path | None = None  # PEM, with the key in `key` or beside it
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Listeners:
    """Listening sockets. `port` is the one of `tcp`."""

    tcp: socket.socket | None
    unix: socket.socket | None
    tls: ssl.SSLContext | None
    port: int | None

    def close(self) -> None:
        for listener in (self.tcp, self.unix):
            if listener is not None:
                listener.close()


def open_listeners(listen: Listen) -> Listeners:
    """Raises StoreError."""
    tls = _tls(listen)
    tcp = _open_tcp(listen.address, listen.port) if listen.address is not None else None
    unix = _open_unix(listen.socket_path) if listen.socket_path is not None else None
    return Listeners(tcp, unix, tls, tcp.getsockname()[1] if tcp else None)


def is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _open_tcp(address: str, port: int) -> socket.socket:
    try:
        return socket.create_server((address, port), family=_family(address), backlog=_BACKLOG)
    except OSError as error:
        raise StoreError(
            f"API: cannot listen on {address} port {port}: {error.strerror or error}; "
            "give another place with --api-listen ADDRESS:PORT, or `--api-listen socket`"
        ) from error


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _open_unix(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        path.unlink(missing_ok=True)  # left by a node that was killed; the lock says that nobody listens
        listener.bind(str(path))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise StoreError(f"API: cannot listen on {path}: {error.strerror or error}") from error
    finally:
        os.umask(before)
    return listener


def _tls(listen: Listen) -> ssl.SSLContext | None:
    if listen.certificate is None:
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(listen.certificate, listen.key)
    except (OSError, ssl.SSLError) as error:
        raise StoreError(f"TLS: {listen.certificate} cannot be used as certificate and key: {error}") from error
    return context
