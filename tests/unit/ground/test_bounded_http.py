"""An HTTP server that nobody can fill, hold up or exhaust: real connections over loopback and a Unix socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from netmend.ground.bounded_http import HttpLimits, read_body, serving

LIMITS = HttpLimits(connections=4, header=3600.0, idle=3600.0, pause=3600.0, body=3600.0)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Server:
    """A server that answers GET at once, GET /slow when told to, and POST with the length of the body."""

    def __init__(self, limits: HttpLimits) -> None:
        self.limits = limits
        self.go_on = asyncio.Event()
        self.asked = asyncio.Semaphore(0)  # released for each slow request that is under way

    @asynccontextmanager
    async def up(self, directory: Path) -> AsyncIterator[tuple[int, str]]:
        app = web.Application()
        app.router.add_get("/", self._get)
        app.router.add_get("/slow", self._slow)
        app.router.add_post("/", self._post)
        tcp = socket.create_server(("127.0.0.1", 0))
        unix = socket.socket(socket.AF_UNIX)
        unix.bind(str(directory / "s"))
        unix.listen()
        async with serving(web.AppRunner(app, shutdown_timeout=0.1), [(tcp, None), (unix, None)], self.limits):
            yield tcp.getsockname()[1], str(directory / "s")

    async def _get(self, _: web.Request) -> web.Response:
        return web.Response(text="here")

    async def _slow(self, _: web.Request) -> web.Response:
        self.asked.release()
        await self.go_on.wait()
        return web.Response(text="at last")

    async def _post(self, request: web.Request) -> web.Response:
        return web.Response(text=str(len(await read_body(request, 1000, self.limits))))


def run(directory: Path, limits: HttpLimits, test: Callable[[Server, int, str], Awaitable[None]]) -> None:
    async def whole() -> None:
        server = Server(limits)
        async with server.up(directory) as (port, path):
            await test(server, port, path)

    asyncio.run(asyncio.wait_for(whole(), 120))


async def connect(port: int) -> Connection:
    return await asyncio.open_connection("127.0.0.1", port)


async def ask(connection: Connection, request: bytes = GET) -> bytes:
    """The status line; empty when the connection was ended."""
    reader, writer = connection
    try:
        writer.write(request)
        await writer.drain()
        line = await reader.readline()
        while (await reader.readline()).strip():
            pass
    except ConnectionError:
        return b""
    return line


def test_idle_connections_make_room_and_the_unix_socket_is_apart(tmp_path: Path) -> None:
    async def test(server: Server, port: int, path: str) -> None:
        idle = [await connect(port) for _ in range(40)]
        assert b" 200 " in await ask(await connect(port))
        assert b" 200 " in await ask(await asyncio.open_unix_connection(path))
        for reader, _ in idle[:30]:
            assert await reader.read() == b""  # ended, to make room

    run(tmp_path, LIMITS, test)


def test_the_connection_that_waited_longest_goes_first(tmp_path: Path) -> None:
    async def test(_: Server, port: int, __: str) -> None:
        first = await connect(port)
        assert b" 200 " in await ask(first)  # kept alive: it waits
        others = [await connect(port) for _ in range(3)]
        for other in others:
            assert b" 200 " in await ask(other)
        last = await connect(port)
        assert b" 200 " in await ask(last)
        await first[0].read()
        assert first[0].at_eof()
        for other in others:
            assert b" 200 " in await ask(other)

    run(tmp_path, LIMITS, test)


def test_where_each_has_a_request_under_way_a_new_one_is_told_503(tmp_path: Path) -> None:
    async def test(server: Server, port: int, path: str) -> None:
        busy = [asyncio.create_task(ask(await connect(port), GET.replace(b"/ ", b"/slow "))) for _ in range(4)]
        for _ in busy:
            await server.asked.acquire()
        assert b" 503 " in await ask(await connect(port))
        server.go_on.set()
        assert all(b" 200 " in line for line in await asyncio.gather(*busy))
        assert b" 200 " in await ask(await connect(port))

    run(tmp_path, LIMITS, test)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "])
def test_a_request_that_does_not_come_ends_its_connection(tmp_path: Path, sent: bytes) -> None:
    async def test(_: Server, port: int, __: str) -> None:
        reader, writer = await connect(port)
        writer.write(sent)
        assert await reader.read() == b""  # a test that hangs has failed

    run(tmp_path, HttpLimits(header=0.05), test)


def test_a_body_that_does_not_come_is_told_408(tmp_path: Path) -> None:
    async def test(_: Server, port: int, __: str) -> None:
        request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf "
        assert b" 408 " in await ask(await connect(port), request)

    run(tmp_path, HttpLimits(pause=0.05), test)


def test_a_body_that_drips_ends_with_its_time(tmp_path: Path) -> None:
    async def test(_: Server, port: int, __: str) -> None:
        reader, writer = await connect(port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")

        async def drip() -> None:
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert b" 408 " in await reader.readline()
        dripping.cancel()

    run(tmp_path, HttpLimits(pause=60.0, body=0.2), test)


@pytest.mark.parametrize(
    "request_",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n",  # none of it need come
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + 1001 * b"x" + b"\r\n",
    ],
)
def test_a_body_that_is_too_long_is_told_413(tmp_path: Path, request_: bytes) -> None:
    async def test(_: Server, port: int, __: str) -> None:
        assert b" 413 " in await ask(await connect(port), request_)

    run(tmp_path, LIMITS, test)


def test_a_body_within_limits_is_whole(tmp_path: Path) -> None:
    async def test(_: Server, port: int, __: str) -> None:
        connection = await connect(port)
        request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + 1000 * b"x"
        assert b" 200 " in await ask(connection, request)
        assert await connection[0].read(4) == b"1000"

    run(tmp_path, LIMITS, test)


@pytest.mark.parametrize(
    ("request_", "rest", "answer"),
    [
        (b"GET /" + 9_000 * b"x" + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"", b" 400 "),
        (b"NONSENSE\r\n\r\n", b"", b" 400 "),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: deflate\r\nContent-Length: 4\r\n\r\n", b"xxxx", b" 200 "),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\n", b"xxxx", b" 200 "),
    ],
)
def test_what_is_no_request_has_its_answer_and_is_no_defect(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, request_: bytes, rest: bytes, answer: bytes
) -> None:
    async def test(_: Server, port: int, __: str) -> None:
        connection = await connect(port)
        connection[1].write(request_)
        await asyncio.sleep(0.1)  # so that the rest is read by itself
        assert answer in await ask(connection, rest)

    run(tmp_path, LIMITS, test)
    assert caplog.records == []
