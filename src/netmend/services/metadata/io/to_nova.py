"""Passing guests' requests on to Nova, by the settings that are in force when they come."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from netmend.ground.log import get_logger
from netmend.intent import MetadataProxy
from netmend.services.metadata import Forward
from netmend.services.metadata.io.connection import closing, response
from netmend.services.metadata.io.limits import Limits
from netmend.services.metadata.io.nova import NovaProxy, ProxyError, tls_of

log = get_logger()


class ToNova:
    """Used in one event loop."""

    def __init__(
        self, wanted: Callable[[], MetadataProxy | None], limits: Limits, least_answer_time: float = 0.0
    ) -> None:
        """`wanted` gives the settings in force, and is asked with each request. An answer has `least_answer_time`
        seconds to come, or longer, where the settings say so."""
        self._wanted, self._limits, self._least_answer_time = wanted, limits, least_answer_time
        self._proxy: NovaProxy | None = None
        self._settings: MetadataProxy | None = None
        self._problem: str | None = None
        self._lock = asyncio.Lock()

    def status(self) -> dict[str, Any]:
        """The problem of the settings, if any, and the state of each endpoint."""
        proxy = self._proxy
        return {"problem": self._problem, "endpoints": proxy.status() if proxy else []}

    async def close(self) -> None:
        if self._proxy is not None:
            await self._proxy.close()

    async def pass_on(self, forward: Forward, request: web.BaseRequest, body: bytes) -> web.Response:
        if ".." in request.path.split("/"):  # an endpoint may have a path of its own, which is not to be left
            return closing(400, b"A path without `..`, please.\n")
        proxy = await self._current()
        if proxy is None:
            return response(503, b"The metadata service is not set up to ask Nova.\n")
        answer = await proxy.ask(forward, request.method, request.rel_url.raw_path_qs, body)
        headers = (("Retry-After", str(answer.retry_after)),) if answer.retry_after is not None else ()
        return response(answer.status, answer.body, answer.content_type, headers)

    async def _current(self) -> NovaProxy | None:
        """The proxy by the present settings; None without settings, or with unusable ones."""
        if self._wanted() is self._settings:
            return self._proxy
        async with self._lock:
            wanted = self._wanted()
            if wanted is not self._settings:
                await self._change(wanted)
        return self._proxy

    async def _change(self, wanted: MetadataProxy | None) -> None:
        made, problem = None, None
        if wanted is not None:
            try:
                tls = await asyncio.get_running_loop().run_in_executor(None, tls_of, wanted)
                seconds = max(wanted.answer_time, self._least_answer_time)
                made = NovaProxy(wanted, tls, self._limits.nova_connections, seconds)
            except ProxyError as error:
                problem = str(error)
                log.error("metadata cannot be proxied", problem=problem)
        old = self._proxy
        self._proxy, self._settings, self._problem = made, wanted, problem
        if old is not None:  # once what it was asked is answered
            loop = asyncio.get_running_loop()
            loop.call_later(self._limits.connection_time, lambda: loop.create_task(old.close()))
