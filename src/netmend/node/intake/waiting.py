"""Answers at the status socket while a node waits for its first intent: that it waits, and why.

The node has nothing else to say yet, and its HTTP stack takes time to load: each request is answered 503.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from netmend.ground.listen import CannotListen, Listen
from netmend.ground.log import get_logger

_PATIENCE: Final = 5.0  # seconds for a client to send its request
log = get_logger()


@contextlib.asynccontextmanager
async def answering(path: Path, why: Callable[[], str | None]) -> AsyncIterator[None]:
    """Answer at the socket `path` in the block; `why` gives the reason of now, None where there is none yet."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(TimeoutError, OSError, ValueError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_PATIENCE):
                await reader.readuntil(b"\r\n\r\n")
            reason = why() or "it was asked, and has not answered yet"
            body = json.dumps({"error": f"the node runs, and knows no networks yet: {reason}"}).encode()
            head = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n"
            writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
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
