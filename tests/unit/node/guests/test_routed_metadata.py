"""The socket of routers' proxies: made, kept, left to others, given back."""

import asyncio
import contextlib
import json
import os
import socket
import stat
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import pytest
from tests.unit.services.metadata.io.stand_in import SECRET, StandIn

from netmend.intent import MetadataProxy
from netmend.node.guests import routed_metadata
from netmend.node.guests.routed_metadata import RoutedServing

ROUTER = "11111111-0000-4000-8000-000000000001"


@dataclass
class Routed:
    socket: Path
    mode: int = 0o644

    def find(
        self, network_id: str | None, router_id: str | None, address: IPv4Address | IPv6Address
    ) -> tuple[str, str] | None:
        return ("vm", "project") if (router_id, str(address)) == (ROUTER, "10.0.0.5") else None


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routed_metadata, "_LOOK_EVERY", 0.02)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def status_of(path: Path) -> int:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        client.sendall(
            b"GET / HTTP/1.1\r\nHost: m\r\nConnection: close\r\n"
            b"X-Neutron-Router-ID: %b\r\nX-Forwarded-For: 10.0.0.5\r\n\r\n" % ROUTER.encode()
        )
        return int(client.recv(65_536).split()[1])


def run(routed: Routed, body: Callable[[RoutedServing], Coroutine[Any, Any, None]]) -> None:
    with StandIn() as nova:
        proxy = MetadataProxy((nova.url,), shared_secret=SECRET)

        async def whole() -> None:
            serving = RoutedServing(routed, lambda: proxy)
            async with serving.serving():
                await body(serving)

        asyncio.run(whole())


def test_it_is_served_as_its_directory_is_owned_and_gone_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "below" / "metadata_proxy"

    async def body(serving: RoutedServing) -> None:
        await until(path.exists)
        assert await asyncio.to_thread(status_of, path) == 200
        found = path.stat()
        assert stat.S_IMODE(found.st_mode) == 0o664
        assert (found.st_uid, found.st_gid) == (path.parent.stat().st_uid, path.parent.stat().st_gid)
        assert os.listdir(path.parent) == ["metadata_proxy"]
        told = json.loads(json.dumps(serving.status()))
        assert (told["socket"], told["problem"], told["answers"]) == (str(path), None, {"200": 1})

    run(Routed(path, 0o664), body)
    assert not path.exists()


def test_what_a_dead_process_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "metadata_proxy"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    before = path.stat().st_ino

    async def body(serving: RoutedServing) -> None:
        await until(lambda: path.stat().st_ino != before)
        assert await asyncio.to_thread(status_of, path) == 200

    run(Routed(path), body)


def test_a_living_agent_keeps_it_until_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "metadata_proxy"
    with socket.socket(socket.AF_UNIX) as theirs:
        theirs.bind(str(path))
        theirs.listen(16)
        theirs.setblocking(False)
        before = path.stat().st_ino

        async def body(serving: RoutedServing) -> None:
            await until(lambda: serving.problem is not None)
            assert serving.problem is not None
            assert str(path) in serving.problem and "stop neutron-metadata-agent" in serving.problem
            assert path.stat().st_ino == before
            theirs.close()
            await until(lambda: serving.problem is None)
            assert await asyncio.to_thread(status_of, path) == 200

        run(Routed(path), body)


def test_an_agent_that_is_too_busy_to_take_a_connection_is_alive(tmp_path: Path) -> None:
    path = tmp_path / "metadata_proxy"
    with contextlib.ExitStack() as stack:
        theirs = stack.enter_context(socket.socket(socket.AF_UNIX))
        theirs.bind(str(path))
        theirs.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(str(path))

        async def told(serving: RoutedServing) -> None:
            await until(lambda: serving.problem is not None)
            assert "stop neutron-metadata-agent" in str(serving.problem)

        before = path.stat().st_ino
        run(Routed(path), told)
        assert path.stat().st_ino == before


def test_a_name_that_is_taken_away_comes_back_and_a_newer_agents_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "metadata_proxy"

    async def body(serving: RoutedServing) -> None:
        await until(path.exists)
        path.unlink()
        await until(path.exists)
        assert await asyncio.to_thread(status_of, path) == 200
        path.unlink()
        with socket.socket(socket.AF_UNIX) as theirs:
            theirs.bind(str(path))
            theirs.listen(16)
            await until(lambda: serving.problem is not None)

    run(Routed(path), body)
    assert path.exists()


def test_where_no_socket_can_be(tmp_path: Path) -> None:
    path = tmp_path / "metadata_proxy"
    path.write_text("a file")

    async def told(serving: RoutedServing) -> None:
        await until(lambda: serving.problem is not None)
        assert "is not served" in str(serving.problem)

    run(Routed(path), told)
    assert path.read_text() == "a file"
    run(Routed(path / "metadata_proxy"), told)
