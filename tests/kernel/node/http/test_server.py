"""The node's HTTP server with a real node behind it: who may ask, what is refused, and that readers see what is so."""

import http.client
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.waiting import PATIENCE, wait_for

INTENT = """
networks:
  - name: blue
    subnets: [{cidr: 10.0.0.0/24, gateway: 10.0.0.1}]
    ports:
      - {name: one, mac: "fa:16:3e:00:00:01", fixed_ips: [10.0.0.11], hostname: first}
      - {name: two, mac: "fa:16:3e:00:00:02", fixed_ips: [10.0.0.12], plug: {netns: not-there}}
  - {name: green, subnets: [{cidr: 10.0.0.0/24}]}
"""
PORT = 9696


@contextmanager
def node() -> Iterator[None]:
    Path("/run/intent.yaml").write_text(INTENT)
    command = [sys.executable, "-m", "netmend.cli", "run", "-c", "/run/intent.yaml", "--state-dir", "/run/state"]
    process = subprocess.Popen([*command, "--listen", f"127.0.0.1:{PORT}"], stderr=subprocess.PIPE, text=True)
    try:

        def listens() -> bool:
            assert process.poll() is None, process.communicate()[1]
            return Path("/run/netmend/netmend.sock").exists()

        wait_for(listens, "the node listens")
        wait_for(lambda: ask("/view/overview")[1]["states"]["served"] >= 1, "a network is served")
        yield
    finally:
        process.kill()
        process.wait()


def ask(path: str, headers: dict[str, str] | None = None, method: str = "GET") -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=PATIENCE)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    kind = answer.getheader("Content-Type", "")
    return answer.status, json.loads(body) if kind.startswith("application/json") else body


def test_views_say_what_is_so() -> None:
    with node():
        overview = ask("/view/overview")[1]
        assert overview["states"] == {"not served": 0, "waiting": 0, "served with reasons": 1, "served": 1}
        assert (overview["intent"]["ports"], overview["namespaces"]) == (2, {"wanted": 2, "usable": 2})
        assert overview["reasons"][0]["reason"].startswith("waiting for the guest's namespace not-there")
        assert overview["breaker"] is None
        listed = ask("/view/networks?sort=name&limit=1&offset=1")[1]
        assert (listed["total"], [row["name"] for row in listed["rows"]]) == (2, ["green"])
        assert ask("/view/networks/blue")[1]["services"]["dhcp4"]["messages"]["received"] == {}
        ports = ask("/view/networks/blue/ports?q=FIRST")[1]
        assert [(row["name"], row["fixed_ips"], row["last_answered"]) for row in ports["rows"]] == [
            ("one", ["10.0.0.11"], None)
        ]
        assert ask("/view/ports?q=fa:16:3e:00:00:02")[1]["rows"][0]["network_name"] == "blue"
        assert ask("/view/networks/blue/leases")[1]["total"] == 0
        wait_for(lambda: len(ask("/view/history?span=60")[1]["at"]) >= 2, "two seconds of history")
        history = ask("/view/history?span=60")[1]
        assert (history["wanted"][-1], history["found"][-1], history["surplus"][-1]) == (5, 4, 0)
        kinds = [event["kind"] for event in ask("/view/events")[1]]
        assert "pass" in kinds
        assert "reason" in kinds
        drawn = ask("/view/propagation")[1]
        assert drawn["drawings"][0]["title"] == "/run/netns"
        assert ask("/view/propagation/0")[1].startswith(b'<svg xmlns="http://www.w3.org/2000/svg"')


ASKED: list[tuple[str, dict[str, str], int]] = [
    ("/view/overview", {"Host": "127.0.0.1:9696"}, 200),
    ("/view/overview", {"Host": "LOCALHOST:1234"}, 200),
    ("/view/overview", {"Host": "[::1]:9696"}, 200),
    ("/view/overview", {"Host": "rebound.example"}, 421),
    ("/metrics", {"Host": "127.0.0.1.rebound.example:9696"}, 421),
    ("/", {"Host": ""}, 421),
    ("/status", {"Origin": "http://elsewhere.example"}, 403),
    ("/status", {"Origin": "null"}, 403),
    ("/view/live", {"Sec-Fetch-Site": "cross-site"}, 403),
    ("/page/main.js", {"Sec-Fetch-Site": "same-site"}, 403),
    ("/", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
    ("/", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
    ("/view/networks?limit=0", {}, 400),
    ("/view/networks?sort=__class__", {}, 400),
    ("/view/networks/nobody", {}, 404),
    ("/view/networks/nobody/ports", {}, 404),
    ("/view/propagation/9999", {}, 404),
    ("/page/../page.py", {}, 404),
    ("/page/%2e%2e/page.py", {}, 404),
    ("/view/history?span=99999999999", {}, 400),
]


def test_who_may_ask_and_what_is_refused() -> None:
    with node():
        wrong = [(path, headers, code, got) for path, headers, code in ASKED if (got := ask(path, headers)[0]) != code]
        assert not wrong
        assert ask("/view/overview", method="POST")[0] == 405


def test_changes_come_as_events() -> None:
    with node():
        stream = socket.create_connection(("127.0.0.1", PORT))
        stream.sendall(b"GET /view/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        read_until(stream, b"event: overview")
        fresh = Path("/run/intent.new")
        fresh.write_text(INTENT.replace("name: green", "name: red"))
        fresh.replace("/run/intent.yaml")
        # the overview may name it before, among its reasons
        read_until(stream, b"event: networks", b'"name": "red"')
        stream.close()


def read_until(stream: socket.socket, *marks: bytes) -> bytes:
    """Read until the marks have come, in this order."""
    stream.settimeout(PATIENCE)
    told = b""
    while not re.search(b".*".join(map(re.escape, marks)), told, re.DOTALL):
        part = stream.recv(65536)
        assert part, told
        told += part
    return told
