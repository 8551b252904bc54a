"""The page: its static files, and its data as JSON and as server-sent events.

Names that guests or intent choose are texts in JSON, and the page shows them as text. The policy sent with each file
forbids to make markup of them: no inline script or style, nothing of other sites, no HTML from strings (Trusted Types).
"""

import asyncio
import contextlib
import gzip
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Any, Final, Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_TYPES: Final = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
_HEARTBEAT: Final = 10.0  # seconds after which a silent stream says that it lives
_RETRY: Final = b"retry: 500\n"  # milliseconds until a browser that lost the stream asks again


class ReadModels(Protocol):
    """The data of the page, as plain values (docs/status.md). A bad query raises ValueError with a sentence."""

    def overview(self) -> dict[str, Any]: ...
    def networks(self, query: Mapping[str, str]) -> dict[str, Any]: ...
    def network(self, text: str) -> dict[str, Any] | None: ...
    def ports(self, query: Mapping[str, str], network: str | None = None) -> Awaitable[dict[str, Any] | None]: ...
    def port(self, port_id: str) -> dict[str, Any] | None: ...
    def topology(self, query: Mapping[str, str]) -> dict[str, Any]: ...
    def reach(self, query: Mapping[str, str]) -> dict[str, Any]: ...
    def try_again(self, text: str) -> dict[str, Any] | None: ...
    def leases(self, query: Mapping[str, str], network: str) -> dict[str, Any] | None: ...
    def history(self, query: Mapping[str, str]) -> dict[str, list[float]]: ...
    def events(self, query: Mapping[str, str]) -> list[dict[str, Any]]: ...
    def propagation(self) -> Awaitable[dict[str, Any]]: ...
    def drawing(self, number: int) -> str | None: ...
    def follow(self, query: Mapping[str, str]) -> AsyncIterator[tuple[str, Any]]: ...


def attach(
    application: web.Application,
    models: ReadModels,
    other_root: Handler | None = None,
    may_act: Callable[[web.Request], bool] = lambda request: True,
) -> None:
    """Add the page at `/`, its files below `/page/`, and its data below `/view/`. `other_root` answers `/` to clients
    that do not ask for HTML; `may_act` says whether a request that got here may have the node do something."""
    _add_files(application, other_root)
    data = _Data(models, may_act)
    application.add_routes(
        [
            web.get("/view/overview", data.overview),
            web.get("/view/networks", data.networks),
            web.get("/view/networks/{network}", data.network),
            web.get("/view/networks/{network}/ports", data.ports),
            web.get("/view/networks/{network}/leases", data.leases),
            web.get("/view/ports", data.ports),
            web.get("/view/ports/{port}", data.port),
            web.get("/view/topology", data.topology),
            web.get("/view/reach", data.reach),
            web.post("/view/retry", data.retry),
            web.get("/view/history", data.history),
            web.get("/view/events", data.events),
            web.get("/view/propagation", data.propagation),
            web.get(r"/view/propagation/{number:\d{1,4}}", data.drawing),
            web.get("/view/live", data.live),
        ]
    )


def _add_files(application: web.Application, other_root: Handler | None) -> None:
    for file in files("netmend.web").joinpath("static").iterdir():
        kind = _TYPES.get(file.name.rpartition(".")[2])
        if kind is not None:
            handler = _file(file.read_bytes(), kind)
            if file.name != "index.html":
                application.router.add_get(f"/page/{file.name}", handler)
            else:
                application.router.add_get("/", _for_browsers(handler, other_root) if other_root else handler)


def _for_browsers(page: Handler, other: Handler) -> Handler:
    async def get(request: web.Request) -> web.StreamResponse:
        return await (page if "text/html" in request.headers.get("Accept", "") else other)(request)

    return get


def _file(body: bytes, kind: str) -> Handler:
    tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    plain = {
        **_HEADERS,
        "Content-Type": f"{kind}; charset=utf-8",
        "ETag": tag,
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
    }
    small, compressed = gzip.compress(body, mtime=0), {**plain, "Content-Encoding": "gzip"}

    async def get(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=plain)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=small, headers=compressed)
        return web.Response(body=body, headers=plain)

    return get


class _Data:
    def __init__(self, models: ReadModels, may_act: Callable[[web.Request], bool]) -> None:
        self._models, self._may_act = models, may_act

    async def overview(self, _: web.Request) -> web.Response:
        return _json(self._models.overview())

    async def networks(self, request: web.Request) -> web.Response:
        return _json(_answer(self._models.networks, request.query))

    async def network(self, request: web.Request) -> web.Response:
        return _json(_answer(self._models.network, request.match_info["network"]))

    async def ports(self, request: web.Request) -> web.Response:
        with _refusing_bad_queries():
            return _json(await self._models.ports(request.query, request.match_info.get("network")))

    async def port(self, request: web.Request) -> web.Response:
        return _json(self._models.port(request.match_info["port"]), "port")

    async def topology(self, request: web.Request) -> web.Response:
        return _json(_answer(self._models.topology, request.query))

    async def reach(self, request: web.Request) -> web.Response:
        return _json(_answer(self._models.reach, request.query))

    async def retry(self, request: web.Request) -> web.Response:
        """Have the node look again now, at the network that the query names, or at all."""
        if not self._may_act(request):
            text = json.dumps({"error": "this address only shows; on the host: netmend retry [NETWORK]"})
            raise web.HTTPForbidden(text=text, content_type="application/json")
        return _json(_answer(self._models.try_again, request.query.get("network", "")))

    async def leases(self, request: web.Request) -> web.Response:
        return _json(_answer(self._models.leases, request.query, request.match_info["network"]))

    async def history(self, request: web.Request) -> web.Response:
        return _json(_answer(self._models.history, request.query))

    async def events(self, request: web.Request) -> web.Response:
        return _json(_answer(self._models.events, request.query))

    async def propagation(self, _: web.Request) -> web.Response:
        return _json(await self._models.propagation())

    async def drawing(self, request: web.Request) -> web.Response:
        found = self._models.drawing(int(request.match_info["number"]))
        if found is None:
            raise web.HTTPNotFound(text="no such drawing\n")
        return web.Response(text=found, content_type="image/svg+xml", headers={**_HEADERS, "Cache-Control": "no-store"})

    async def live(self, request: web.Request) -> web.StreamResponse:
        """Changes as server-sent events (HTML, section 9.2)."""
        messages = self._models.follow(request.query)
        async with contextlib.aclosing(messages):  # type: ignore[type-var]
            try:
                first = await anext(messages)
            except RuntimeError as error:
                raise web.HTTPServiceUnavailable(text=f"{error}\n") from None
            response = web.StreamResponse(
                headers={**_HEADERS, "Content-Type": "text/event-stream", "Cache-Control": "no-store"}
            )
            await response.prepare(request)
            with contextlib.suppress(ConnectionError):
                await response.write(_RETRY + _event(*first))
                await _stream(messages, response)
            return response


async def _stream(messages: AsyncIterator[tuple[str, Any]], response: web.StreamResponse) -> None:
    async def following() -> tuple[str, Any] | None:
        return await anext(messages, None)

    waiting = asyncio.ensure_future(following())
    try:
        while True:
            done, _ = await asyncio.wait([waiting], timeout=_HEARTBEAT)
            if not done:
                await response.write(b": alive\n\n")
                continue
            message = waiting.result()
            if message is None:
                return
            waiting = asyncio.ensure_future(following())
            await response.write(_event(*message))
    finally:
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting


def _event(kind: str, data: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


def _answer(function: Callable[..., Any], *arguments: Any) -> Any:
    with _refusing_bad_queries():
        return function(*arguments)


@contextlib.contextmanager
def _refusing_bad_queries() -> Any:
    """Answer a ValueError of the block with status 400 and its sentence."""
    try:
        yield
    except ValueError as error:
        raise web.HTTPBadRequest(text=json.dumps({"error": str(error)}), content_type="application/json") from None


def _json(found: Any, what: str = "network") -> web.Response:
    if found is None:
        text = json.dumps({"error": f"no such {what} in the intent in force"})
        return web.Response(text=text, status=404, content_type="application/json", headers=_HEADERS)
    response = web.Response(
        text=json.dumps(found), content_type="application/json", headers={**_HEADERS, "Cache-Control": "no-store"}
    )
    if response.text and len(response.text) > 2048:
        response.enable_compression()
    return response
