"""A store with its API on a free port of loopback, and a client for it that keeps Neutron's words."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from netmend.ground.listen import Listen
from netmend.sources.store import Store, agents
from netmend.sources.store.api.application import application
from netmend.sources.store.api.context import Context
from netmend.sources.store.api.server import ApiServer
from netmend.sources.store.api.token_file import Tokens

Body = Any
HOST = "node1"


class Client:
    """One connection. `headers` go with every request."""

    def __init__(self, port: int, **headers: str) -> None:
        self.port = port
        self._headers = {"Content-Type": "application/json", **headers}
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, method: str, path: str, body: Body = None, **headers: str) -> tuple[int, Body]:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, data, {**self._headers, **more})
        answer = self._connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None

    def make(self, kind: str, **fields: Any) -> Body:
        """A new object; `binding__host_id` is `binding:host_id`."""
        body = {name.replace("__", ":"): value for name, value in fields.items()}
        status, found = self.ask("POST", f"/v2.0/{kind}s", {kind: body})
        assert status == 201, found
        return found[kind]

    def get(self, path: str) -> Body:
        status, found = self.ask("GET", f"/v2.0/{path}")
        assert status == 200, found
        return found

    def refused(self, method: str, path: str, body: Body = None, **headers: str) -> tuple[int, str, str]:
        """Status, type and message of a refusal."""
        status, found = self.ask(method, f"/v2.0/{path}", body, **headers)
        assert status >= 400, found
        error = found["NeutronError"]
        assert set(error) == {"type", "message", "detail"}
        return status, error["type"], error["message"]


@contextmanager
def serve(directory: Path, tokens: dict[str, str] | None = None, **context: Any) -> Iterator[tuple[Store, Client]]:
    store = Store(directory / "store.sqlite")
    try:
        known = Context(store, HOST, **context)
        store.write(lambda tx: agents.register(tx, HOST, {})).result()
        listeners = Listen(socket_path=directory / "api.sock").open()
        server = ApiServer(lambda: application(known, Tokens(tokens) if tokens else None), listeners)
        server.start()
        try:
            assert server.port is not None
            yield store, Client(server.port)
        finally:
            server.close()
    finally:
        store.close()
