"""Reading what a guest sends, within limits."""

import asyncio

from aiohttp import web

from netmend.services.metadata.io.connection import closing
from netmend.services.metadata.io.limits import Limits

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT"))


async def request_body(request: web.BaseRequest, limits: Limits) -> bytes | web.Response:
    """The body, maybe empty; or the reason for which it is refused."""
    if request.method not in _METHODS:
        return closing(405, b"This method is not understood.\n")
    if not request.body_exists:
        return b""
    if (request.content_length or 0) > limits.body:
        return closing(413, b"The request is too large.\n")
    try:
        async with asyncio.timeout(limits.request_time):
            body = await _read(request, limits.body)
    except TimeoutError:
        return closing(408, b"The request did not end in time.\n")
    if len(body) > limits.body:
        return closing(413, b"The request is too large.\n")
    return body


async def _read(request: web.BaseRequest, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit:
            break
    return bytes(body)
