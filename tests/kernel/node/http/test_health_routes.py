"""Health in three words, of a real node: over HTTP, and by `netmend health`."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.waiting import PATIENCE, wait_for

from netmend.node.http.status_client import ask, ask_health
from netmend.node.lock import hold_lock, is_held

GOOD = "networks: [{name: blue, subnets: [{cidr: 10.0.0.0/24}]}]"
WAITING_PORT = """
networks:
  - name: blue
    subnets: [{cidr: 10.0.0.0/24}]
    ports: [{name: two, mac: "fa:16:3e:00:00:02", fixed_ips: [10.0.0.12], plug: {netns: not-there}}]
"""
INTENT, SOCKET, PORT = Path("/run/intent.yaml"), Path("/run/netmend/netmend.sock"), 9696
WORDS = ("live", "ready", "whole")


@contextmanager
def node(*options: str) -> Iterator[None]:
    words = ["run", "-c", str(INTENT), "--state-dir", "/run/state", "--listen", f"127.0.0.1:{PORT}", *options]
    process = subprocess.Popen([sys.executable, "-m", "netmend.cli", *words])
    try:
        wait_for(lambda: SOCKET.exists() or process.poll() is not None, "the node listens")
        assert process.poll() is None
        yield
    finally:
        process.kill()
        process.wait()


def over_http(word: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=PATIENCE)
    try:
        connection.request("GET", f"/health/{word}")
        answer = connection.getresponse()
        body: dict[str, Any] = json.loads(answer.read())
    finally:
        connection.close()
    return answer.status, body


def command(*words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "netmend.cli", "health", *words], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def statuses() -> list[int]:
    return [over_http(word)[0] for word in WORDS]


def test_a_node_in_health() -> None:
    INTENT.write_text(GOOD)
    with node():
        wait_for(lambda: statuses() == [200, 200, 200], "the node is whole", lambda: over_http("whole"))
        assert over_http("ready") == (200, {"health": "ready", "ok": True, "wrong": []})
        assert command() == (0, "ready: yes\n")
        code, text = command("whole", "--json")
        assert (code, json.loads(text)) == (0, {"health": "whole", "ok": True, "wrong": []})


def test_a_port_that_waits_is_wrong_and_its_network_is_served() -> None:
    INTENT.write_text(WAITING_PORT)
    with node():
        wait_for(lambda: statuses() == [200, 200, 503], "it is ready and not whole", lambda: over_http("whole"))
        (wrong,) = over_http("whole")[1]["wrong"]
        assert wrong.startswith("network blue: ") and "not-there" in wrong
        assert command("whole") == (1, f"whole: no\n{wrong}\n")
        assert command("ready")[0] == 0


def test_a_newer_file_that_cannot_be_used_is_wrong_and_guests_are_served() -> None:
    INTENT.write_text(GOOD)
    with node():
        wait_for(lambda: statuses() == [200, 200, 200], "the node is whole")
        INTENT.write_text("networks: 3")
        wait_for(lambda: statuses() == [200, 200, 503], "it is ready and not whole")
        assert over_http("whole")[1]["wrong"][0].startswith("a newer intent cannot be used: ")


def test_a_network_without_names_of_its_namespace_is_not_served() -> None:
    """The directory of names cannot be used: nothing is created, and the process works."""
    INTENT.write_text(GOOD)
    Path("/run/a-file").write_text("")
    with node("--netns-dir", "/run/a-file"):
        wait_for(lambda: statuses() == [200, 503, 503], "it is live, and not ready", lambda: over_http("ready"))
        assert any("blue is not served: " in sentence for sentence in over_http("ready")[1]["wrong"])


SILENT = """
import asyncio
from pathlib import Path
from netmend.node.intake.file import FileSource
from netmend.node.intake.source import ServerSilent
from netmend.node.node import Node
from netmend.node.settings import Settings

class Away(FileSource):
    async def follow(self, take, problem):
        problem(ServerSilent("the server does not answer"))
        await asyncio.Event().wait()

asyncio.run(Node(Away(Path("/run/intent.yaml")), Settings(state=Path("/run/state"))).run())
"""


def test_a_server_that_is_away_makes_none_of_the_three_false() -> None:
    INTENT.write_text(GOOD)
    process = subprocess.Popen([sys.executable, "-c", SILENT])
    try:
        wait_for(lambda: SOCKET.exists() or process.poll() is not None, "the node listens")
        wait_for(lambda: ask(SOCKET)["intent"]["problem"], "the node knows that it is away")
        wait_for(lambda: ask_health(SOCKET, "whole")["ok"], "it is whole", lambda: ask_health(SOCKET, "whole"))
        assert not ask(SOCKET)["node"]["healthy"], "status shows it"
    finally:
        process.kill()
        process.wait()


def test_other_words_and_no_node() -> None:
    code, text = command("well")
    assert code == 2 and "live" in text
    code, text = command("live")
    assert code == 2 and text.startswith("netmend health: no node runs here")


def test_a_node_that_starts_is_live_and_not_ready() -> None:
    lock = Path("/run/netmend/lock")
    assert not is_held(lock)
    with hold_lock(lock):
        assert is_held(lock)
        assert command("live") == (0, "live: yes\n")
        assert command("ready") == (1, "ready: no\nthe node starts, and does not listen yet\n")
    assert not is_held(lock)
