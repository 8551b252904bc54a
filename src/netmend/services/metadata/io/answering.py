"""Answers a guest's request: reads it within limits, asks the responder, stores a password, or asks Nova."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import web

from netmend.ground.log import get_logger
from netmend.intent import MetadataProxy
from netmend.services.metadata import Forward, KeepPassword, Request, Response
from netmend.services.metadata.io.connection import Connection, closing, response
from netmend.services.metadata.io.endpoint import Endpoint
from netmend.services.metadata.io.limits import Limits
from netmend.services.metadata.io.request_body import request_body
from netmend.services.metadata.io.store import MetadataStore, MetadataStoreError
from netmend.services.metadata.io.to_nova import ToNova

_LOOK_AGAIN = 5.0  # seconds between two looks at the database

log = get_logger()


class Answering:
    """Handles the requests of all networks, in one event loop."""

    def __init__(self, store: MetadataStore, proxy: Callable[[], MetadataProxy | None], limits: Limits) -> None:
        """`proxy` gives the settings in force, and is asked with each request to a network with metadata of Nova's."""
        self._store, self._limits, self._proxy = store, limits, proxy
        self._nova = ToNova(proxy, limits)
        self._writer = ThreadPoolExecutor(1, "netmend-passwords")

    def nova_status(self) -> dict[str, Any]:
        """The state of Nova's API, for status."""
        return self._nova.status()

    async def watch_store(self, changed: Callable[[], None]) -> None:
        """See to the database now and then, for ever; `changed` is called when it can be written no more, or again."""
        known = None
        while True:
            await asyncio.sleep(_LOOK_AGAIN)
            await asyncio.get_running_loop().run_in_executor(self._writer, self._store.look)
            if self._store.problem != known:
                known = self._store.problem
                changed()

    async def close(self) -> None:
        await self._nova.close()
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
        if not self._is_within_rates(endpoint, connection):
            return closing(429, b"Too many requests. Please try again later.\n", retry_after=1)
        body = await request_body(request, self._limits)
        if isinstance(body, web.Response):
            return body
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

    def _is_within_rates(self, endpoint: Endpoint, connection: Connection) -> bool:
        """Whether the guest asks no more often than the settings of the proxy say."""
        settings = self._proxy() if endpoint.responder.network.metadata == "proxy" else None
        rates = settings.rates if settings is not None else None
        if endpoint.counts.admits(connection.source, asyncio.get_running_loop().time(), rates):
            return True
        endpoint.refused.too_often += 1
        return False

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
        semaphore = endpoint.semaphore()
        try:
            async with asyncio.timeout(self._limits.wait):
                await semaphore.acquire()
        except TimeoutError:
            endpoint.refused.too_many_open += 1
            return closing(503, b"Too many requests of this network wait for Nova.\n", retry_after=5)
        try:
            return await self._nova.pass_on(forward, request, body)
        finally:
            semaphore.release()
