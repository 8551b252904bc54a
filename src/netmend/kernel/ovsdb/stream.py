"""JSON messages to and from an Open vSwitch database over a unix or TCP socket (RFC 7047 section 4)."""

import errno
import json
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from netmend.kernel.descriptors import readable
from netmend.kernel.errors import KernelError

ASK: Final = "ask Open vSwitch at"  # the operation of errors that are about the connection
_AT_A_TIME: Final = 1 << 18


class Tls(Struct, frozen=True):
    """Files (PEM) for a connection by TLS: the own key and certificate, and the CA of the other side's."""

    private_key: str
    certificate: str
    ca_certificate: str


class Stream:
    """One connection to the database at `remote`: `unix:PATH`, `tcp:ADDRESS:PORT` or `ssl:ADDRESS:PORT`, as in
    ovs-vsctl(8)."""

    def __init__(self, remote: str, timeout: float, tls: Tls | None = None, operation: str = ASK) -> None:
        """Connects; raises KernelError (ENOENT or ECONNREFUSED: no server listens there), with this `operation`."""
        self._remote = remote
        self._operation = operation
        self._tls = tls
        self._has_received = False
        self._timeout = timeout
        self._raw = bytearray()
        self._decoder = json.JSONDecoder()
        family, address = _address(remote)
        self._socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(address)
            if remote.startswith("ssl:"):
                self._socket = _wrap(self._socket, remote, tls, operation)
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
            raise self._failed(self._refusal() or error) from error

    def receive(self, deadline: float) -> list[Any]:
        """The messages that come next, at least one; the server's own requests are answered and left out. Raises
        KernelError: ETIMEDOUT when there is none by `deadline` (time.monotonic), ECONNRESET when the server hung up."""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise KernelError(self._operation, self._remote, errno.ETIMEDOUT)
            try:
                self._socket.settimeout(left)
                data = self._socket.recv(_AT_A_TIME)
            except OSError as error:
                raise self._failed(error) from error
            if not data:
                ended = KernelError(self._operation, self._remote, errno.ECONNRESET, "the connection ended")
                raise self._failed(self._refusal() or ended)
            self._has_received = True
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
                raise KernelError(self._operation, self._remote, errno.ECONNRESET, "the connection ended")
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

    def _refusal(self) -> OSError | None:
        """Why the server hung up on a connection by TLS from which nothing has come. Of TLS 1.3's handshake the client
        is through before the server has looked at its certificate, and the alert is lost where a message is under way:
        so a handshake by TLS 1.2 is asked instead, which ends with it."""
        if self._has_received or not isinstance(self._socket, ssl.SSLSocket):
            return None
        family, address = _address(self._remote)
        try:
            with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as again:
                again.settimeout(self._timeout)
                again.connect(address)
                _wrap(again, self._remote, self._tls, self._operation, ssl.TLSVersion.TLSv1_2).close()
        except OSError as error:
            return error
        return None

    def _failed(self, error: OSError) -> KernelError:
        if isinstance(error, KernelError):
            return error
        if isinstance(error, ssl.SSLError):
            return KernelError(self._operation, self._remote, errno.EPROTO, _said_by_tls(error, self._tls))
        if isinstance(error, socket.gaierror):
            name = self._remote.split(":")[1]
            return KernelError(self._operation, self._remote, errno.EHOSTUNREACH, f"{name}: {error.strerror}")
        code = errno.ETIMEDOUT if isinstance(error, TimeoutError) else error.errno or 0
        return KernelError(self._operation, self._remote, code)


def check_remote(remote: str) -> str:
    """The remote, if it is one that netmend can connect to; raises KernelError (EINVAL)."""
    _address(remote)
    return remote


def _wrap(
    plain: socket.socket, remote: str, tls: Tls | None, operation: str, newest: ssl.TLSVersion | None = None
) -> socket.socket:
    """TLS as Open vSwitch means it: both sides show a certificate, and none of them is bound to a host's name."""
    if tls is None:
        raise KernelError(
            operation, remote, errno.EINVAL, "ssl: needs a private key, a certificate and that of the authority"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if newest is not None:
        context.maximum_version = newest
    own = f"{tls.certificate}, {tls.private_key}"
    try:
        context.load_verify_locations(tls.ca_certificate)
    except OSError as error:
        raise _unusable(operation, remote, tls.ca_certificate, error) from error
    try:
        context.load_cert_chain(tls.certificate, tls.private_key)
    except OSError as error:
        raise _unusable(operation, remote, own, error) from error
    return context.wrap_socket(plain)


def _unusable(operation: str, remote: str, files: str, error: OSError) -> KernelError:
    if isinstance(error, ssl.SSLError):
        return KernelError(operation, remote, errno.EINVAL, f"{files}: no PEM, or no pair ({error.reason or error})")
    return KernelError(operation, remote, error.errno or 0, f"{files}: it cannot be read")


def _said_by_tls(error: ssl.SSLError, tls: Tls | None) -> str:
    """What is wrong with which side's certificate. The other side says of ours no more than an alert (RFC 8446 section
    6.2)."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not accepted: {error.verify_message}"
    reason = (error.reason or str(error)).lower().replace("_", " ")
    if isinstance(error, ssl.SSLEOFError):
        reason = "the server hung up without a word by TLS"
    own = f"our certificate {tls.certificate}" if tls else "our certificate"
    if "alert certificate expired" in reason:
        return f"the server says that {own} has expired; give it a new one"
    if "alert" in reason and ("certificate" in reason or "unknown ca" in reason):
        said = reason.split("alert", 1)[1].strip()
        return f"the server does not accept {own} ({said})"
    return reason


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
