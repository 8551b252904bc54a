"""Asks an API that speaks Neutron's v2.0 as fast as it answers, and prints what that was as JSON.

    python3 benchmarks/api_load.py URL [SECONDS [TOKEN]]

Standard library alone, so that it runs beside any server; it makes a network of its own and deletes it.
"""

import http.client
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

BULK = 100  # ports in one request
CLIENTS = 4
PAGE = 1000

Body = dict[str, Any]


class Client:
    """One connection."""

    def __init__(self, url: str, token: str = "") -> None:
        self._headers = {"Content-Type": "application/json", **({"X-Auth-Token": token} if token else {})}
        self._where = urlsplit(url)
        self._connection = self._connect()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._where.hostname or "", self._where.port, timeout=120)

    def ask(self, method: str, path: str, body: Body | None = None) -> Any:
        """The answer's body. Raises RuntimeError on a refusal."""
        text = self.fetch(method, path, body)
        return json.loads(text) if text else None

    def fetch(self, method: str, path: str, body: Body | None = None) -> bytes:
        """The same, as it came."""
        data = json.dumps(body) if body is not None else None
        try:
            self._connection.request(method, path, data, self._headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (http.client.HTTPException, ConnectionError):  # a server that closes each connection
            self._connection.close()
            self._connection = self._connect()
            self._connection.request(method, path, data, self._headers)
            answer = self._connection.getresponse()
            text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return text


@contextmanager
def own_network(client: Client) -> Iterator[str]:
    """A network with a subnet of 65,000 addresses, and without ports at the end."""
    network: str = client.ask("POST", "/v2.0/networks", {"network": {"name": "load"}})["network"]["id"]
    subnet = {"network_id": network, "cidr": "10.128.0.0/16", "ip_version": 4}
    client.ask("POST", "/v2.0/subnets", {"subnet": subnet})
    try:
        yield network
    finally:
        for port in client.ask("GET", f"/v2.0/ports?network_id={network}&device_owner=load")["ports"]:
            client.ask("DELETE", f"/v2.0/ports/{port['id']}")
        client.ask("DELETE", f"/v2.0/networks/{network}")


def a_port(network: str) -> Body:
    return {"network_id": network, "device_owner": "load"}


def rate(seconds: float, clients: list[Client], work: Callable[[Client], int]) -> float:
    """How many things a second `clients`, each in a thread, get done together."""
    done = [0] * len(clients)
    until = time.monotonic() + seconds

    def run(number: int) -> None:
        while time.monotonic() < until:
            done[number] += work(clients[number])

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(clients))]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - start)


def page_times(client: Client, pages: int) -> list[float]:
    """Seconds for each of the first `pages` pages of ports; fewer where there are not so many ports."""
    times, marker = [], ""
    for _ in range(pages):
        start = time.monotonic()
        text = client.fetch("GET", f"/v2.0/ports?limit={PAGE}{marker}")
        times.append(time.monotonic() - start)
        ports = json.loads(text)["ports"]
        if len(ports) < PAGE:
            break
        marker = f"&marker={ports[-1]['id']}"
    return times


def load(url: str, seconds: float, token: str = "") -> dict[str, Any]:
    """Creations a second, singly, by several clients at once, and in bulk; seconds a page and an object."""
    clients = [Client(url, token) for _ in range(CLIENTS)]
    one = clients[0]
    with own_network(one) as network:
        single = {"port": a_port(network)}
        several = {"ports": [a_port(network)] * BULK}
        found: dict[str, Any] = {
            "single": rate(seconds, [one], lambda client: bool(client.ask("POST", "/v2.0/ports", single))),
            "parallel": rate(seconds, clients, lambda client: bool(client.ask("POST", "/v2.0/ports", single))),
            "bulk": rate(seconds, [one], lambda client: len(client.ask("POST", "/v2.0/ports", several)["ports"])),
            "pages": page_times(one, 20),
        }
        ids = [port["id"] for port in one.ask("GET", "/v2.0/ports?limit=50&fields=id")["ports"]]
        start = time.monotonic()
        for port_id in ids:
            one.ask("GET", f"/v2.0/ports/{port_id}")
        found["show"] = (time.monotonic() - start) / len(ids)
        found["ports"] = len(one.ask("GET", "/v2.0/ports?fields=id")["ports"])
    return found


if __name__ == "__main__":
    arguments = sys.argv[2:]
    print(json.dumps(load(sys.argv[1], float(arguments[0]) if arguments else 5.0, *arguments[1:2])))
