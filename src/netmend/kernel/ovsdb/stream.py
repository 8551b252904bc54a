"""JSON messages to and from an Open vSwitch database over a unix or TCP socket (RFC 7047 section 4)."""

import errno
import json
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from netmend.kernel.descriptors import readable
from netmend.kernel.errors import KernelError

ASK: Final = "ask Open vSwitch at"  # the operation of errors that are about the connection
_AT_A_TIME: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Tls:
    """Files (PEM) for a connection by TLS: the own key and certificate, and the CA of the other side's."""

    private_key: str
    certificate: str
    ca_certificate: str


class Stream:
    """One connection to the database at `remote`: `unix:PATH`, `tcp:ADDRESS:PORT` or `ssl:ADDRESS:PORT`, as in
    ovs-vsctl(8)."""

    def __init__(self, remote: str, timeout: float, tls: Tls | None = None) -> None:
        """Connects; raises KernelError (ENOENT or ECONNREFUSED: no server listens there)."""
        self._remote = remote
        self._timeout = timeout
        self._raw = bytearray()
        self._decoder = json.JSONDecoder()
        family, address = _address(remote)
        self._socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(address)
            if remote.startswith("ssl:"):
                self._socket = _wrap(self._socket, remote, tls)
        except OSError as error:
            self._socket.close()
            raise self._failed(error) from error

    def fileno(self) -> int:
        return self._socket.fileno()

    def has_more(self) -> bool:
        """Whether data that was read from the socket already waits here; the socket is not readable for it."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def close(self) -> None:
        self._socket.close()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message; raises KernelError."""
        try:
            self._socket.settimeout(self._timeout)
            self._socket.sendall(json.dumps(message).encode())
        except OSError as error:
            raise self._failed(error) from error

    def receive(self, deadline: float) -> list[Any]:
        """The messages that come next, at least one; the server's own requests are answered and left out. Raises
        KernelError: ETIMEDOUT when there is none by `deadline` (time.monotonic), ECONNRESET when the server hung up."""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise KernelError(ASK, self._remote, errno.ETIMEDOUT)
            try:
                self._socket.settimeout(left)
                data = self._socket.recv(_AT_A_TIME)
            except OSError as error:
                raise self._failed(error) from error
            if not data:
                raise KernelError(ASK, self._remote, errno.ECONNRESET, "the connection ended")
            messages = self._answered(self._feed(data))
            if messages:
                return messages

    def settle(self) -> list[Any]:
        """Answer what the server asked meanwhile, and return what else it said; raises KernelError when the connection
        is of no use any more."""
        found: list[Any] = []
        while self.has_more() or readable(self.fileno(), seconds=0):
            try:
                data = self._socket.recv(_AT_A_TIME)
            except OSError as error:
                raise self._failed(error) from error
            if not data:
                raise KernelError(ASK, self._remote, errno.ECONNRESET, "the connection ended")
            found += self._answered(self._feed(data))
        return found

    def _answered(self, messages: Sequence[Any]) -> list[Any]:
        """Answer the server's probes (RFC 7047 section 4.1.11); returns the other messages."""
        found = []
        for message in messages:
            if isinstance(message, dict) and message.get("method") == "echo":
                self.send({"id": message.get("id"), "result": message.get("params"), "error": None})
            else:
                found.append(message)
        return found

    def _feed(self, data: bytes) -> list[Any]:
        """The messages that are whole with `data`; raises KernelError when it is no JSON."""
        self._raw += data
        if not data.rstrip().endswith(b"}"):
            return []  # not whole: each message is an object
        found, start = [], 0
        try:
            text = self._raw.decode()
        except UnicodeDecodeError:
            return []
        while start < len(text):
            try:
                message, start = self._decoder.raw_decode(text, start)
            except ValueError:
                break
            found.append(message)
            while start < len(text) and text[start].isspace():
                start += 1
        self._raw = bytearray(text[start:].encode())
        return found

    def _failed(self, error: OSError) -> KernelError:
        if isinstance(error, KernelError):
            return error
        code = errno.ETIMEDOUT if isinstance(error, TimeoutError) else error.errno or 0
        return KernelError(ASK, self._remote, code)


def check_remote(remote: str) -> str:
    """The remote, if it is one that netmend can connect to; raises KernelError (EINVAL)."""
    _address(remote)
    return remote


def _wrap(plain: socket.socket, remote: str, tls: Tls | None) -> socket.socket:
    """TLS as Open vSwitch means it: both sides show a certificate, and none of them is bound to a host's name."""
    if tls is None:
        raise KernelError(
            ASK, remote, errno.EINVAL, "ssl: needs a private key, a certificate and that of the authority"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    try:
        context.load_verify_locations(tls.ca_certificate)
        context.load_cert_chain(tls.certificate, tls.private_key)
        return context.wrap_socket(plain)
    except ssl.SSLError as error:
        raise KernelError(ASK, remote, errno.EPROTO, str(error.reason or error)) from error


def _address(remote: str) -> tuple[int, Any]:
    """Family and address of a remote; raises KernelError (EINVAL) when it is none that netmend can connect to."""
    kind, _, rest = remote.partition(":")
    if kind == "unix" and rest:
        return socket.AF_UNIX, rest
    host, _, port = rest.rpartition(":")
    if kind in {"tcp", "ssl"} and host and port.isdigit():
        host = host.strip("[]")
        return (socket.AF_INET6 if ":" in host else socket.AF_INET), (host, int(port))
    raise KernelError(ASK, remote, errno.EINVAL, "it is none of unix:PATH, tcp:ADDRESS:PORT and ssl:ADDRESS:PORT")
