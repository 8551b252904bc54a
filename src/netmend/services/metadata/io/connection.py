"""A guest's connection: aiohttp's, and the guest it belongs to."""

import asyncio
import logging
import socket
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from aiohttp import web

from netmend.services.metadata.io.endpoint import Endpoint
from netmend.services.metadata.io.limits import Limits

_DEFAULT_HOPS = 64
_UNHEARD = logging.getLogger("netmend.metadata.aiohttp")  # what aiohttp would say of guests' mistakes
_UNHEARD.disabled = True
# Answers that need no request to be read.
REFUSALS = {
    status: f"HTTP/1.1 {status} {phrase}\r\nServer: netmend\r\nRetry-After: 1\r\nConnection: close\r\n"
    "Content-Length: 0\r\n\r\n".encode()
    for status, phrase in ((429, "Too Many Requests"), (503, "Service Unavailable"))
}


def within(limits: Limits) -> dict[str, Any]:
    """aiohttp's settings for connections of guests."""
    return {
        "access_log": None,
        "logger": _UNHEARD,
        "keepalive_timeout": limits.request_time,
        "lingering_time": 0.0,
        "max_line_size": limits.line,
        "max_field_size": limits.line,
        "max_headers": limits.headers,
        "auto_decompress": False,
    }


class Connection(web.RequestHandler):
    """Counts itself with its endpoint, and ends when its time is over."""

    __slots__ = ("_end", "_hops", "endpoint", "guest", "source")

    def __init__(
        self,
        server: web.Server,
        endpoint: Endpoint,
        guest: str | None,
        source: IPv4Address | IPv6Address,
        **settings: Any,
    ) -> None:
        super().__init__(server, **settings)
        self.endpoint, self.guest, self.source = endpoint, guest, source
        self._hops = _DEFAULT_HOPS
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.endpoint.closed:  # while the connection was on its way here
            self.endpoint.disconnected(self.guest)
            assert isinstance(transport, asyncio.Transport)
            transport.abort()
            return
        super().connection_made(transport)
        self._end = self._loop.call_later(self.endpoint.limits.connection_time, self.abort)

    def data_received(self, data: bytes) -> None:
        """Parse requests. Where the guest has no more requests left, answer so without a look at the bytes."""
        idle = self._waiter is not None  # nothing is under way that could be answered in between
        if idle and self.endpoint.has_spent(self.guest, self._loop.time()):
            self.endpoint.refused.too_often += 1
            if isinstance(self.transport, asyncio.Transport):
                self.transport.write(REFUSALS[429])
            self.force_close()
            return
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None
            self.endpoint.disconnected(self.guest)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no request, as aiohttp's parser says. Not logged: guests would fill the log."""
        self.endpoint.refused.not_http += 1
        return closing(status, b"This is no HTTP request that is understood here.\n")

    def abort(self) -> None:
        """End the connection at once, with or without a request under way."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    def limit_hops(self, hops: int | None) -> None:
        """Set the number of routers (IP TTL) that later answers may pass; None: as many as usual."""
        wanted = hops or _DEFAULT_HOPS
        if wanted == self._hops or self.transport is None:
            return
        own: socket.socket = self.transport.get_extra_info("socket")
        if own.family == socket.AF_INET6:
            own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, wanted)
        else:
            own.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, wanted)
        self._hops = wanted


def response(
    status: int, body: bytes, content_type: str = "text/plain", headers: tuple[tuple[str, str], ...] = ()
) -> web.Response:
    return web.Response(
        status=status, body=body, headers={"Content-Type": content_type, "Server": "netmend", **dict(headers)}
    )


def closing(status: int, body: bytes, retry_after: int | None = None) -> web.Response:
    """An answer after which the connection ends."""
    made = response(status, body, headers=() if retry_after is None else (("Retry-After", str(retry_after)),))
    made.force_close()
    return made
