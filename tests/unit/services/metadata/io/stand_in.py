"""Stands in for Nova's metadata API: checks signatures as Nova does, and fails as it is told to.

tests/nova asks Nova's own code; this one is for what Nova does not do on demand.
"""

import asyncio
import hashlib
import hmac
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Self

from aiohttp import web
from tests.unit.services.metadata.io.certificates import Certificates

SECRET = "a shared secret"


@dataclass(slots=True)
class Asked:
    """One request, as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    peer: tuple[str, int]  # tells one connection from another


@dataclass(slots=True)
class StandIn:
    """Listens on loopback while entered."""

    certificates: Certificates | None = None
    ask_client: bool = False  # for a certificate
    agent_socket: Path | None = None  # stands in for a metadata agent there, which wants no signature
    asked: list[Asked] = field(default_factory=list)
    status: int = 200  # of all answers whose signature is right
    body: bytes = b"answer"
    content_type: str = "text/plain"
    hold: bool = False  # each answer until `let_go`
    break_off: bool = False  # end the connection in place of an answer
    most_at_once: int = 0
    host: str = "127.0.0.1"
    port: int = 0
    at_once: int = 0
    _let_go: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: Thread | None = None
    _runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.certificates else 'http'}://{self.host}:{self.port}"

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    def let_go(self, answers: int = 1) -> None:
        """Give so many of the answers that are held, or would be."""
        for _ in range(answers):
            self._loop.call_soon_threadsafe(self._let_go.release)

    def __exit__(self, *_: object) -> None:
        self.let_go(1000)
        assert self._runner is not None and self._thread is not None
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._handle))
        await self._runner.setup()
        if self.agent_socket is not None:
            await web.UnixSite(self._runner, self.agent_socket).start()
            return
        listener = socket.create_server((self.host, self.port))
        self.port = listener.getsockname()[1]
        context = None
        if self.certificates:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.certificates.authority)
            context.load_cert_chain(self.certificates.server, self.certificates.server_key)
            context.verify_mode = ssl.CERT_REQUIRED if self.ask_client else ssl.CERT_NONE
        await web.SockSite(self._runner, listener, ssl_context=context).start()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        assert request.transport is not None
        peer: tuple[str, int] = request.transport.get_extra_info("peername")
        self.asked.append(Asked(request.method, request.raw_path, dict(request.headers), body, peer))
        if self.break_off:
            request.transport.close()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.hold:
            await self._let_go.acquire()
        self.at_once -= 1
        instance_id = request.headers.get("X-Instance-ID", "")
        signature = hmac.new(SECRET.encode(), instance_id.encode(), hashlib.sha256).hexdigest()
        if self.agent_socket is None and not hmac.compare_digest(
            signature, request.headers.get("X-Instance-ID-Signature", "")
        ):
            return web.Response(status=403, body=b"Invalid proxy request signature.")
        return web.Response(status=self.status, body=self.body, headers={"Content-Type": self.content_type})
