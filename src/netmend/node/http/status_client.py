"""Asks a running node over its unix socket, and has it look again."""

import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from netmend.kernel.unix_http import UnixConnection


class NoNode(Exception):
    """No node answers, or not with what was asked for; the text says why."""


class NobodyListens(NoNode):
    """No process listens at the socket."""


def ask(path: Path, network: str | None = None) -> dict[str, Any]:
    """The status of the node that listens at `path`, or of one of its networks; raises NoNode."""
    return _expect(*_exchange(path, "GET", "/status" + (f"/{quote(network, safe='')}" if network else "")))


def ask_health(path: Path, word: str) -> dict[str, Any]:
    """What the node that listens at `path` says of its health (`netmend.node.views.health`); raises NoNode."""
    status, body = _exchange(path, "GET", f"/health/{word}")
    if "ok" not in body:
        raise NoNode(f"the node at {path} answered {status}, and nothing of its health")
    return body


def ask_reach(path: Path, query: Mapping[str, str]) -> dict[str, Any]:
    """Whether one guest of the node that listens at `path` reaches another (`netmend.node.views.reach`); raises
    NoNode, also where the node does not understand the question."""
    return _expect(*_exchange(path, "GET", f"/view/reach?{urlencode(query)}"))


def try_again(path: Path, network: str | None) -> dict[str, Any]:
    """Have the node that listens at `path` look again now, at one network or at all; returns the id of that network,
    as JSON. Raises NoNode."""
    return _expect(*_exchange(path, "POST", "/view/retry" + (f"?{urlencode({'network': network})}" if network else "")))


def _expect(status: int, body: dict[str, Any]) -> dict[str, Any]:
    if status != 200:
        raise NoNode(body.get("error", f"the node answered {status}"))
    return body


def _exchange(path: Path, method: str, target: str) -> tuple[int, dict[str, Any]]:
    """The status code and the JSON that the node answers; raises NoNode."""
    connection = UnixConnection(path, timeout=10)
    try:
        connection.request(method, target)
        answer = connection.getresponse()
        body: dict[str, Any] = json.loads(answer.read())
    except FileNotFoundError:
        raise NobodyListens(f"no node runs here: there is no {path}; start one with: netmend run -c FILE") from None
    except ConnectionRefusedError:
        raise NobodyListens(f"no node runs here: nobody listens at {path}; it was killed, start it again") from None
    except PermissionError:
        raise NoNode(f"{path}: permission denied; ask as the user who runs the node (root)") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoNode(f"the node at {path} does not answer: {error}") from None
    finally:
        connection.close()
    return answer.status, body
