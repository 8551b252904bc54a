"""What is done with a guest's request: read it within limits, have it answered, store a password, or ask Nova."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from aiohttp import web

from netmend.intent import MetadataProxy
from netmend.services.metadata import Forward, KeepPassword, Request, Response
from netmend.services.metadata_http.connection import Connection, closing, response
from netmend.services.metadata_http.endpoint import Endpoint
from netmend.services.metadata_http.limits import Limits
from netmend.services.metadata_http.nova import NovaProxy, ProxyError, tls_of
from netmend.services.metadata_http.store import MetadataStore, MetadataStoreError

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT"))

log = structlog.get_logger(__name__)


class Answering:
    """Handles the requests of all networks, in one event loop."""

    def __init__(self, store: MetadataStore, proxy: Callable[[], MetadataProxy | None], limits: Limits) -> None:
        """`proxy` gives the settings in force, and is asked with each request that goes to Nova."""
        self._store, self._wanted_proxy, self._limits = store, proxy, limits
        self._proxy: NovaProxy | None = None
        self._proxy_settings: MetadataProxy | None = None
        self._proxy_problem: str | None = None
        self._proxy_lock = asyncio.Lock()
        self._writer = ThreadPoolExecutor(1, "netmend-passwords")

    def nova_status(self) -> dict[str, Any]:
        """Of the API that is asked: what is wrong with its settings, and how its endpoints are."""
        proxy = self._proxy
        return {"problem": self._proxy_problem, "endpoints": proxy.status() if proxy else []}

    async def close(self) -> None:
        if self._proxy is not None:
            await self._proxy.close()
        self._writer.shutdown()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, Connection)
        endpoint = connection.endpoint
        try:
            answer = await self._answer(endpoint, connection, request)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:  # a defect of ours costs its guest one answer
            log.exception("metadata failed", network=endpoint.network_id)
            answer = closing(500, b"A defect of the metadata service.\n")
        endpoint.responder.counters.answered(answer.status)
        return answer

    async def _answer(self, endpoint: Endpoint, connection: Connection, request: web.BaseRequest) -> web.Response:
        if not endpoint.admits_request(connection.guest, asyncio.get_running_loop().time()):
            return closing(429, b"Too many requests. Please try again in a second.\n", retry_after=1)
        if request.method not in _METHODS:
            return closing(405, b"This method is not understood.\n")
        body = b""
        if request.body_exists:
            if (request.content_length or 0) > self._limits.body:
                return closing(413, b"The request is too large.\n")
            try:
                async with asyncio.timeout(self._limits.request_time):
                    body = await _read_body(request, self._limits.body)
            except TimeoutError:
                return closing(408, b"The request did not end in time.\n")
            if len(body) > self._limits.body:
                return closing(413, b"The request is too large.\n")
        asked = Request(request.method, request.path, request.headers, body)
        outcome = endpoint.responder.handle(connection.source, asked, time.time())
        match outcome:
            case Response():
                connection.limit_hops(outcome.hop_limit)
                return response(outcome.status, outcome.body, outcome.content_type, outcome.headers)
            case KeepPassword():
                return await self._keep(endpoint, outcome)
            case Forward():
                return await self._forward(endpoint, outcome, request, body)

    async def _keep(self, endpoint: Endpoint, outcome: KeepPassword) -> web.Response:
        try:
            kept = await asyncio.get_running_loop().run_in_executor(
                self._writer, self._store.keep, endpoint.network_id, outcome.instance_id, outcome.password
            )
        except MetadataStoreError as error:
            log.error("password not stored", network=endpoint.network_id, error=str(error))
            return response(500, b"The password could not be stored.\n")
        return response(200, b"") if kept else response(409, b"The password is set already, and is set once.\n")

    async def _forward(
        self, endpoint: Endpoint, forward: Forward, request: web.BaseRequest, body: bytes
    ) -> web.Response:
        if ".." in request.path.split("/"):  # an endpoint may have a path of its own, which is not to be left
            return closing(400, b"A path without `..`, please.\n")
        proxy = await self._current_proxy()
        if proxy is None:
            return response(503, b"The metadata service is not set up to ask Nova.\n")
        semaphore = endpoint.semaphore()
        try:
            async with asyncio.timeout(self._limits.wait):
                await semaphore.acquire()
        except TimeoutError:
            endpoint.refused.too_many_open += 1
            return closing(503, b"Too many requests of this network wait for Nova.\n", retry_after=5)
        try:
            answer = await proxy.ask(forward, request.method, request.rel_url.raw_path_qs, body)
        finally:
            semaphore.release()
        headers = (("Retry-After", str(answer.retry_after)),) if answer.retry_after is not None else ()
        return response(answer.status, answer.body, answer.content_type, headers)

    async def _current_proxy(self) -> NovaProxy | None:
        """The proxy by the settings in force; None where there is none, or they cannot be used."""
        if self._wanted_proxy() is self._proxy_settings:
            return self._proxy
        async with self._proxy_lock:
            wanted = self._wanted_proxy()
            if wanted is not self._proxy_settings:
                await self._change_proxy(wanted)
        return self._proxy

    async def _change_proxy(self, wanted: MetadataProxy | None) -> None:
        made, problem = None, None
        if wanted is not None:
            try:
                tls = await asyncio.get_running_loop().run_in_executor(None, tls_of, wanted)
                made = NovaProxy(wanted, tls, self._limits.nova_connections)
            except ProxyError as error:
                problem = str(error)
                log.error("metadata cannot be proxied", problem=problem)
        old = self._proxy
        self._proxy, self._proxy_settings, self._proxy_problem = made, wanted, problem
        if old is not None:  # once what it was asked is answered
            loop = asyncio.get_running_loop()
            loop.call_later(self._limits.connection_time, lambda: loop.create_task(old.close()))


async def _read_body(request: web.BaseRequest, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit:
            break
    return bytes(body)
