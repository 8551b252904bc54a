"""Answers at the status socket while a node waits for its first intent: that it waits, and why.

The node has nothing else to say yet, and its HTTP stack takes time to load. Questions of its health are answered in
their own shape (docs/status.md): it is live, and neither ready nor whole. All else is answered 503.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

from netmend.ground.listen import CannotListen, Listen
from netmend.ground.log import get_logger

_HEALTH: Final = re.compile(rb"GET /health/(live|ready|whole)[ ?]")
_PATIENCE: Final = 5.0  # seconds for a client to send its request
log = get_logger()


@contextlib.asynccontextmanager
async def answering(path: Path, why: Callable[[], str | None]) -> AsyncIterator[None]:
    """Answer at the socket `path` in the block; `why` gives the reason of now, None where there is none yet."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(TimeoutError, OSError, ValueError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_PATIENCE):
                request = await reader.readuntil(b"\r\n\r\n")
            reason = why() or "its source was asked, and has not answered yet"
            ok, found = _answer(request, f"the node runs, and knows no networks yet: {reason}")
            body = json.dumps(found).encode()
            head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
            writer.write(head % (b"200 OK" if ok else b"503 Service Unavailable", len(body)) + body)
            await writer.drain()
        writer.close()

    try:
        listener = Listen(address=None, socket_path=path).open().unix
    except CannotListen as error:  # the node itself ends where it cannot have this socket
        log.warning("status is not answered yet", error=str(error))
        yield
        return
    server = await asyncio.start_unix_server(answer, sock=listener)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)


def _answer(request: bytes, waits: str) -> tuple[bool, dict[str, Any]]:
    """Whether it is a good answer, and its JSON."""
    asked = _HEALTH.match(request)
    if asked is None:
        return False, {"error": waits}
    ok = asked[1] == b"live"
    return ok, {"health": asked[1].decode(), "ok": ok, "wrong": [] if ok else [waits]}
