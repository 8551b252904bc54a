"""aiohttp's server within limits: no client can use up the process's descriptors or its time.

Each listener has a limit of connections of its own: a client that fills the one at an address takes none of the
Unix socket's. When all are taken, the connection that has waited longest without a request makes room; where
each has one under way, a new one gets 503. A request's header must be there in time, and the octets of its body must
keep coming. RFC 9110 sections 15.5.9 (408), 15.5.14 (413) and 15.6.4 (503) are the answers.
"""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from msgspec import Struct

from netmend.ground.exhaustion import share_of_descriptors
from netmend.ground.log import get_logger

_REFUSAL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)
_LINGER: Final = 1.0  # seconds that the rest of a refused body is read and forgotten, so that the answer is heard
_SAY_AGAIN: Final = 60.0  # seconds between two lines in the log about the same listener
log = get_logger()


class HttpLimits(Struct, frozen=True):
    """Limits of one listener, times in seconds. Connections are fewer where the process may have few descriptors."""

    connections: int = 256
    header: float = 10.0  # from the connection to the end of the first request's header
    idle: float = 75.0  # from an answer to the end of the next request's header
    pause: float = 30.0  # between two parts of a body
    body: float = 300.0  # for the whole of it


_LIMITS: Final = HttpLimits()


class _Door:
    """The connections of one listener; called by asyncio for each, it makes its protocol."""

    def __init__(self, server: web.Server, limits: HttpLimits, name: str) -> None:
        self._server, self._limits, self._name = server, limits, name
        self._most = share_of_descriptors(limits.connections)
        self._open: dict[_Connection, None] = {}  # the longest first
        self._said = -_SAY_AGAIN

    def __call__(self) -> "_Connection":
        return _Connection(self, self._server, self._limits)

    def admit(self, connection: "_Connection") -> bool:
        if len(self._open) >= self._most and not self._make_room():
            return False
        self._open[connection] = None
        return True

    def leave(self, connection: "_Connection") -> None:
        self._open.pop(connection, None)

    def _make_room(self) -> bool:
        """End the connection that has waited longest without a request; False when each has one."""
        now = time.monotonic()
        if now - self._said >= _SAY_AGAIN:
            self._said = now
            log.warning("all connections are taken", listener=self._name, limit=self._most)
        waiting = next((one for one in self._open if one.is_waiting), None)
        if waiting is None:
            return False
        self.leave(waiting)
        waiting.abort()
        return True


class _Connection(web.RequestHandler):
    """A connection that knows whether it waits, and for how long it may before its first request."""

    __slots__ = ("_door", "_first", "_limits", "_refused")

    def __init__(self, door: _Door, server: web.Server, limits: HttpLimits) -> None:
        settings: dict[str, Any] = {
            "access_log": None,
            "keepalive_timeout": limits.idle,
            "lingering_time": _LINGER,
            "auto_decompress": False,  # no client of these servers compresses what it sends
        }
        super().__init__(server, loop=asyncio.get_running_loop(), **settings)
        self._door, self._limits = door, limits
        self._first: asyncio.TimerHandle | None = None
        self._refused = False

    @property
    def is_waiting(self) -> bool:
        """Whether no request is under way."""
        return not self._messages and self._current_request is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self._door.admit(self):
            self._refused = True
            assert isinstance(transport, asyncio.Transport)
            transport.write(_REFUSAL)
            transport.close()
            return
        super().connection_made(transport)
        self._first = self._loop.call_later(self._limits.header, self._end_unless_asked)

    def data_received(self, data: bytes) -> None:
        if not self._refused:
            super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._door.leave(self)
        if self._first is not None:
            self._first.cancel()
            self._first = None
        super().connection_lost(exc)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log a defect; what is no request has its answer, and clients without a token could fill the log with it."""
        if not isinstance(kw.get("exc_info"), HttpProcessingError):
            super().log_exception(*args, **kw)

    def abort(self) -> None:
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    def _end_unless_asked(self) -> None:
        self._first = None
        if not self._request_count:
            self.abort()


@contextlib.asynccontextmanager
async def serving(
    runner: web.AppRunner,
    listeners: Sequence[tuple[socket.socket, ssl.SSLContext | None]],
    limits: HttpLimits = _LIMITS,
) -> AsyncIterator[None]:
    """Answer by `runner` at listening sockets, with TLS or without, while the block runs; then close them."""
    loop = asyncio.get_running_loop()
    servers: list[asyncio.Server] = []
    try:
        await runner.setup()
        assert runner.server is not None
        for listener, tls in listeners:
            name = listener.getsockname()
            door = _Door(runner.server, limits, name if isinstance(name, str) else f"{name[0]} port {name[1]}")
            if listener.family == socket.AF_UNIX:
                servers.append(await loop.create_unix_server(door, sock=listener))
            else:
                servers.append(await loop.create_server(door, sock=listener, ssl=tls))
        yield
    finally:
        for server in servers:
            server.close()
        await runner.cleanup()
        for listener, _ in listeners:
            listener.close()


async def read_body(request: web.BaseRequest, most: int, limits: HttpLimits = _LIMITS) -> bytes:
    """The body of a request, of `most` octets.

    Raises:
        HTTPRequestEntityTooLarge: it is longer, or says so; the rest is not read.
        HTTPRequestTimeout: the next part of it does not come, or the whole takes too long.
    """
    if request.content_length is not None and request.content_length > most:
        raise _too_large(most, request.content_length)
    parts: list[bytes] = []
    size = 0
    deadline = time.monotonic() + limits.body
    while True:
        try:
            async with asyncio.timeout(min(limits.pause, deadline - time.monotonic())):
                part = await request.content.readany()
        except TimeoutError:
            raise web.HTTPRequestTimeout(headers={"Connection": "close"}) from None
        if not part:
            return b"".join(parts)
        size += len(part)
        if size > most:
            raise _too_large(most, size)
        parts.append(part)


def _too_large(most: int, size: int) -> web.HTTPRequestEntityTooLarge:
    return web.HTTPRequestEntityTooLarge(max_size=most, actual_size=size, headers={"Connection": "close"})
