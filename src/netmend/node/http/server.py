"""The node's one HTTP server: its unix socket, for the node's own user, and TCP where asked for.

The command that composes the process says what it answers beside `/status`: the page, metrics, an API.
"""

import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from aiohttp import web

from netmend.ground.bounded_http import serving
from netmend.ground.listen import CannotListen, Listen
from netmend.node.http.counts import HttpCounts
from netmend.node.http.guard import counted, guarded
from netmend.node.lock import CannotStart

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
        """Answer in the block; raises CannotStart where the unix socket cannot be made."""
        try:
            unix = Listen(address=None, socket_path=self._path).open().unix
        except CannotListen as error:
            raise CannotStart(str(error)) from error
        sockets = [unix, self._tcp and self._tcp[1]]
        try:
            async with serving(self._runner, [(one, None) for one in sockets if one is not None]):
                yield
        finally:
            self._path.unlink(missing_ok=True)
