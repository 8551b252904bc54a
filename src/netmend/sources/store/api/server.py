"""The API's listeners, in a thread of their own: a long list delays the next request, and no guest."""

import asyncio
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread

from aiohttp import web

from netmend.sources.store.errors import StoreError

DEFAULT_PORT = 9696


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen. Beyond loopback only where the address says so; `socket_path` is for the owner alone."""

    address: str | None = "127.0.0.1"  # None: the unix socket only
    port: int = DEFAULT_PORT
    socket_path: Path | None = None
    certificate: Path | None = None  # PEM, with the key in `key` or beside it
    key: Path | None = None


class ApiServer:
    """Listens from `start` until `close`."""

    def __init__(self, make: Callable[[], web.Application], listen: Listen) -> None:
        """`make` is called in the server's thread."""
        self._make, self._listen = make, listen
        self._tls = _tls(listen)
        self._ready = Event()
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = Thread(target=self._run, name="netmend-api", daemon=True)
        self.port = listen.port  # the one that was chosen, where 0 was asked for

    def start(self) -> None:
        """Returns once it listens. Raises StoreError."""
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            self._thread.join()
            raise StoreError(_sentence(self._listen, self._error)) from self._error

    def close(self) -> None:
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        runner = web.AppRunner(self._make(), access_log=None, shutdown_timeout=2.0)
        try:
            try:
                await runner.setup()
                await self._open(runner)
            except (OSError, ValueError) as error:
                self._error = error
                return
            finally:
                self._ready.set()
            await self._stop.wait()
        finally:
            await runner.cleanup()
            if self._listen.socket_path is not None and self._error is None:
                self._listen.socket_path.unlink(missing_ok=True)

    async def _open(self, runner: web.AppRunner) -> None:
        listen = self._listen
        if listen.socket_path is not None:
            listen.socket_path.unlink(missing_ok=True)  # left by a node that was killed; its lock says nobody listens
            before = os.umask(0o177)
            try:
                await web.UnixSite(runner, str(listen.socket_path)).start()
            finally:
                os.umask(before)
        if listen.address is not None:
            site = web.TCPSite(runner, listen.address, listen.port, ssl_context=self._tls, backlog=512)
            await site.start()
            self.port = next(address[1] for address in runner.addresses if isinstance(address, tuple))


def is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _tls(listen: Listen) -> ssl.SSLContext | None:
    """Raises StoreError."""
    if listen.certificate is None:
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(listen.certificate, listen.key)
    except (OSError, ssl.SSLError) as error:
        raise StoreError(f"TLS: {listen.certificate} cannot be used as certificate and key: {error}") from error
    return context


def _sentence(listen: Listen, error: BaseException) -> str:
    where = f"{listen.address} port {listen.port}"
    reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    return f"API: cannot listen on {where} (and {listen.socket_path}): {reason}; give another with --api-listen"
