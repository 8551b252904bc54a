"""Requests and their outcomes, without a socket."""

from collections.abc import Mapping

from msgspec import Struct, field

TEXT, JSON, BINARY = "text/plain", "application/json", "application/octet-stream"


class Request(Struct, frozen=True):
    """A guest's request. `path` is percent-decoded and has no query; `headers` are by lower-case name."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Response(Struct, frozen=True):
    """An answer. With `hop_limit`, its packets carry that IP TTL (IMDSv2: a token does not travel past a router)."""

    status: int
    body: bytes = b""
    content_type: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()
    hop_limit: int | None = None


class Forward(Struct, frozen=True):
    """A request for Nova, in the name of this instance. `source` is the guest's address, without a zone; `network_id`,
    the network that it asks on, is for another metadata agent."""

    instance_id: str
    project_id: str
    source: str
    network_id: str = ""


class KeepPassword(Struct, frozen=True):
    """A password to store: 200, or 409 if the instance has one already."""

    instance_id: str
    password: bytes


Outcome = Response | Forward | KeepPassword


def text(status: int, *lines: str) -> Response:
    return Response(status, "\n".join(lines).encode())


def refusal(status: int, why: str) -> Response:
    """An error with its reason, on a line of its own."""
    return Response(status, f"{why}\n".encode())
