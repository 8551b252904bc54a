"""The API's thread: a long list delays the next request, and no guest."""

import asyncio
from collections.abc import Callable
from threading import Event, Thread

from aiohttp import web

from netmend.ground.bounded_http import serving
from netmend.ground.listen import Listeners

_LAST_WORDS = 2.0  # seconds for requests that are under way at the end


class ApiServer:
    """Answers from `start` until `close`, on sockets that it owns from then on."""

    def __init__(self, make: Callable[[], web.Application], listeners: Listeners) -> None:
        """`make` is called in the server's thread."""
        self._make, self._listeners = make, listeners
        self.port = listeners.port
        self._ready = Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = Thread(target=self._run, name="netmend-api", daemon=True)

    def start(self) -> None:
        """Returns once it answers."""
        self._thread.start()
        self._ready.wait()

    def close(self) -> None:
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        runner = web.AppRunner(self._make(), access_log=None, shutdown_timeout=_LAST_WORDS)
        unix, tcp = self._listeners.unix, self._listeners.tcp
        sockets = [(one, tls) for one, tls in ((unix, None), (tcp, self._listeners.tls)) if one is not None]
        try:
            async with serving(runner, sockets):
                self._ready.set()
                await self._stop.wait()
        finally:
            self._ready.set()
