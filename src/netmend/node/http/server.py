"""The node's one HTTP server: its unix socket, for the node's own user, and TCP where asked for.

The command that composes the process says what it answers beside `/status`: the page, metrics, an API.
"""

import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from aiohttp import web

from netmend.ground.listen import Listen
from netmend.node.http.counts import HttpCounts
from netmend.node.http.guard import counted, guarded

AddRoutes = Callable[[web.Application], None]
"""Adds routes, or sub-applications, to the application."""


class HttpServer:
    """Listens while `serving`."""

    def __init__(
        self, path: Path, tcp: tuple[Listen, socket.socket] | None, routes: Sequence[AddRoutes], counts: HttpCounts
    ) -> None:
        """`path` is that of the unix socket; `tcp`, a listening socket and how it is called, is served beside it."""
        self._path, self._tcp = path, tcp
        middlewares = [counted(counts), guarded(tcp[0].hosts, tcp[0].url)] if tcp else [counted(counts)]
        application = web.Application(middlewares=middlewares, client_max_size=1 << 20)
        for add_routes in routes:
            add_routes(application)
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
