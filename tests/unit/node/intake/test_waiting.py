"""While a source has no first intent, status says that the node waits, and why; then the socket is free again."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread, Timer
from typing import Any

import pytest
from tests.waiting import wait_for

from netmend.intent import Intent
from netmend.node.http.status_client import NobodyListens, NoNode, ask, ask_health
from netmend.node.intake.source import Source, first_intent


class Slow(Source):
    """Has its first intent once it may."""

    def __init__(self, why: str | None = None) -> None:
        self.may, self.why = Event(), why

    def first(self) -> Intent:
        self.may.wait(60)
        return Intent()

    def why_waiting(self) -> str | None:
        return self.why

    async def follow(self, take: Callable[[Intent], None], problem: Callable[[str | None], None]) -> None:
        raise NotImplementedError

    def status(self) -> dict[str, Any]:
        return {}

    def reload(self) -> None:
        return

    def served(self, network_id: str) -> None:
        return

    def gone(self, network_id: str) -> None:
        return


@pytest.mark.parametrize(("why", "said"), [("nobody listens", ": nobody listens"), (None, "has not answered yet")])
def test_status_says_why_the_node_waits(why: str | None, said: str, tmp_path: Path) -> None:
    source, path, found = Slow(why), tmp_path / "netmend.sock", list[Any]()
    thread = Thread(target=lambda: found.append(asyncio.run(first_intent(source, path))))
    thread.start()
    try:
        wait_for(lambda: _listens(path), "the socket")
        assert path.stat().st_mode & 0o777 == 0o600
        for network in (None, "blue"):
            with pytest.raises(NoNode) as caught:
                ask(path, network)
            assert "the node runs, and knows no networks yet" in str(caught.value) and said in str(caught.value)
        assert ask_health(path, "live") == {"health": "live", "ok": True, "wrong": []}
        for word in ("ready", "whole"):
            health = ask_health(path, word)
            assert health["health"] == word and not health["ok"] and said in health["wrong"][0]
        with socket.socket(socket.AF_UNIX) as hostile:  # costs the others nothing
            hostile.connect(str(path))
            hostile.sendall(b"x" * 50_000)
            with pytest.raises(NoNode, match="knows no networks yet"):
                ask(path)
    finally:
        source.may.set()
        thread.join()
    assert found == [Intent()] and not path.exists()


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def test_a_source_that_answers_at_once_needs_no_socket(tmp_path: Path) -> None:
    source, path = Slow(), tmp_path / "netmend.sock"
    source.may.set()
    assert asyncio.run(first_intent(source, path)) == Intent()
    with pytest.raises(NobodyListens):
        ask(path)


def test_a_socket_that_cannot_be_made_costs_no_intent(tmp_path: Path) -> None:
    source = Slow()
    later = Timer(2, source.may.set)
    later.start()
    assert asyncio.run(first_intent(source, tmp_path / "nowhere" / "netmend.sock")) == Intent()
    later.join()
