"""The node's one HTTP server: its unix socket, for the node's own user, and TCP where asked for.

What it serves beside `/status` are parts, each attached by whoever composes the process: the page, metrics, an API.
"""

import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

from aiohttp import web

from netmend.node.http_counts import HttpCounts
from netmend.node.listen import Listen

Part = Callable[[web.Application], None]
"""Adds its routes, or sub-applications, to the application."""
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _part(request: web.Request) -> str:
    """`status`, `view`, `v2.0` ...: of routes that exist, so that nobody can make any number of them."""
    resource = request.match_info.route.resource
    return resource.canonical.strip("/").partition("/")[0] or "page" if resource is not None else "none"


class HttpServer:
    """Listens while `serving`."""

    def __init__(
        self, path: Path, tcp: tuple[Listen, socket.socket] | None, parts: Sequence[Part], counts: HttpCounts
    ) -> None:
        """`path` is the unix socket's; without `tcp`, a listening socket and how it is called, there is only that."""
        self._path, self._tcp, self._counts = path, tcp, counts
        self._hosts = tcp[0].hosts if tcp else frozenset()
        application = web.Application(middlewares=[self._counted, self._guarded], client_max_size=16 << 20)
        for part in parts:
            part(application)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answer in the block."""
        self._path.unlink(missing_ok=True)  # left by a node that was killed; the lock says that nobody listens
        await self._runner.setup()
        try:
            before = os.umask(0o177)
            try:
                await web.UnixSite(self._runner, str(self._path)).start()
            finally:
                os.umask(before)
            if self._tcp is not None:
                await web.SockSite(self._runner, self._tcp[1]).start()
            yield
        finally:
            await self._runner.cleanup()
            self._path.unlink(missing_ok=True)

    @web.middleware
    async def _counted(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        started, status = time.perf_counter(), 500
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            if status != 200 or request.headers.get("Accept") != "text/event-stream":  # which ends when it is left
                self._counts.note(request.method, _part(request), status, time.perf_counter() - started)

    @web.middleware
    async def _guarded(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Let no page of elsewhere read this node through its visitor's browser."""
        if self._tcp is not None and not is_local_socket(request):
            if _name(request.host) not in self._hosts:
                raise web.HTTPMisdirectedRequest(text=f"not known here by that name; call {self._tcp[0].url}\n")
            origin = request.headers.get("Origin")
            if (origin and _name(origin.partition("://")[2]) not in self._hosts) or _from_elsewhere(request):
                raise web.HTTPForbidden(text="other sites may not read this\n")
        return await handler(request)


def is_local_socket(request: web.Request) -> bool:
    """Whether a request came by the unix socket, so from the node's own user."""
    found = request.transport.get_extra_info("socket") if request.transport else None
    return found is not None and found.family == socket.AF_UNIX


def _name(host: str) -> str:
    """The name of a `Host` header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if host.count(":") == 1 else host.lower()


def _from_elsewhere(request: web.Request) -> bool:
    """Whether a browser says that another site asks (Fetch Metadata); to follow a link to here is no such thing."""
    asked = request.headers.get
    if asked("Sec-Fetch-Site", "none") in {"none", "same-origin"}:
        return False
    return (request.method, asked("Sec-Fetch-Mode"), asked("Sec-Fetch-Dest")) != ("GET", "navigate", "document")
