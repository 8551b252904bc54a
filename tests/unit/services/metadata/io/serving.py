"""The server on loopback: guests are 127.0.1.x, told apart by the address they connect from."""

import socket
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Self

from msgspec.structs import replace
from tests.waiting import PATIENCE

from netmend.intent import Instance, MetadataProxy, Network, Port, Subnet
from netmend.services.metadata.io import Limits, MetadataServer, MetadataStore

WEB, DB, STRANGER = "127.0.1.11", "127.0.1.12", "127.0.1.99"
DEFAULT = Limits()
SUBNET = Subnet("subnet", "v4", IPv4Network("127.0.1.0/24"), IPv4Address("127.0.1.2"))


def port(number: int, name: str) -> Port:
    return Port(
        f"port-{number}",
        name,
        f"02:00:00:00:00:{number:02x}",
        (IPv4Address(f"127.0.1.{number}"),),
        instance=Instance(f"i-{name}", user_data=name.encode()),
        device_id=f"vm-{name}",
    )


def network(name: str = "blue", *ports: Port, **more: object) -> Network:
    ports = ports or (port(11, "web"), port(12, "db"))
    made = Network(name, name, subnets=(SUBNET,), ports={each.id: each for each in ports}, metadata="embedded")
    return replace(made, project_id="project", **more)


class Serving:
    """A server with networks, each on a port of its own."""

    def __init__(self, directory: Path, limits: Limits = DEFAULT) -> None:
        self.proxy: MetadataProxy | None = None
        self.store = MetadataStore(directory / "metadata.sqlite", b"k" * 32)
        self.suspects: list[str] = []
        self.server = MetadataServer(self.store, lambda: self.proxy, self.suspects.append, limits)
        self.ports: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.close()
        self.store.close()

    def serve(self, *networks: Network) -> None:
        for each in networks:
            listener = socket.create_server(("127.0.0.1", 0), backlog=64)
            self.ports[each.id] = listener.getsockname()[1]
            self.server.serve(each, [listener])

    def connect(self, source: str = WEB, name: str = "blue") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.ports[name]), timeout=PATIENCE, source_address=(source, 0))

    def ask(
        self,
        path: str,
        source: str = WEB,
        name: str = "blue",
        *,
        method: str = "GET",
        body: bytes = b"",
        headers: str = "",
    ) -> tuple[int, bytes]:
        """Status and body of one request on a connection of its own."""
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        request = f"{method} {path} HTTP/1.1\r\nHost: metadata\r\nConnection: close\r\n{length}{headers}\r\n"
        with self.connect(source, name) as guest:
            guest.sendall(request.encode() + body)
            return read_answer(guest)


def read_answer(guest: socket.socket) -> tuple[int, bytes]:
    """Everything until the server ends the connection, as one answer; status 0 when there is none."""
    received = b""
    try:
        while chunk := guest.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    if not received:
        return 0, b""
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), body
