"""Middlewares of every HTTP server that the node opens to browsers: they count answers and refuse other sites."""

import socket
import time
from collections.abc import Callable, Collection

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from netmend.node.http.counts import HttpCounts


def counted(counts: HttpCounts) -> Middleware:
    """A middleware that notes every answer in `counts`."""

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        started, status, streamed = time.perf_counter(), 500, False
        try:
            response = await handler(request)
            status, streamed = response.status, not isinstance(response, web.Response)
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            if not streamed:  # a stream ends when its reader leaves
                counts.note(request.method, _route(request), status, time.perf_counter() - started)

    return count


def guarded(
    hosts: Collection[str], url: str, applies: Callable[[web.Request], bool] = lambda request: True
) -> Middleware:
    """A middleware that lets no page of another site use this server through the browser of its visitor.

    A name in `Host` that is none of `hosts` was given to our address by somebody else's DNS (rebinding). `url` is how
    the server is called. Requests by a unix socket are let in: browsers send none.
    """

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if applies(request) and not is_local_socket(request):
            if _name(request.host) not in hosts:
                raise web.HTTPMisdirectedRequest(text=f"not known here by that name; call {url}, or see --http-name\n")
            origin = request.headers.get("Origin")
            if (origin and _name(origin.partition("://")[2]) not in hosts) or _is_cross_site(request):
                raise web.HTTPForbidden(text="other sites may not read this\n")
        return await handler(request)

    return guard


def _route(request: web.Request) -> str:
    """The first part of the path of the route that answers: `status`, `view`, `v2.0`; `none` without a route."""
    resource = request.match_info.route.resource
    return resource.canonical.strip("/").partition("/")[0] or "page" if resource is not None else "none"


def is_local_socket(request: web.Request) -> bool:
    """Whether a request came by a unix socket, and so from the node's own user."""
    found = request.transport.get_extra_info("socket") if request.transport else None
    return found is not None and found.family == socket.AF_UNIX


def _name(host: str) -> str:
    """The name of a `Host` header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if host.count(":") == 1 else host.lower()


def _is_cross_site(request: web.Request) -> bool:
    """Whether a browser says that another site asks (Fetch Metadata). To follow a link to this server is allowed."""
    asked = request.headers.get
    if asked("Sec-Fetch-Site", "none") in {"none", "same-origin"}:
        return False
    return (request.method, asked("Sec-Fetch-Mode"), asked("Sec-Fetch-Dest")) != ("GET", "navigate", "document")
