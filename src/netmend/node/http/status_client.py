"""Asks a running node over its unix socket."""

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from netmend.kernel.unix_http import UnixConnection


class NoNode(Exception):
    """No node answers, or not with what was asked for; the text says why."""


class NobodyListens(NoNode):
    """No process listens at the socket."""


def ask(path: Path, network: str | None = None) -> dict[str, Any]:
    """The status of the node that listens at `path`, or of one of its networks; raises NoNode."""
    status, body = _get(path, "/status" + (f"/{quote(network, safe='')}" if network else ""))
    if status != 200:
        raise NoNode(body.get("error", f"the node answered {status}"))
    return body


def ask_health(path: Path, word: str) -> dict[str, Any]:
    """What the node that listens at `path` says of its health (`netmend.node.views.health`); raises NoNode."""
    status, body = _get(path, f"/health/{word}")
    if "ok" not in body:
        raise NoNode(f"the node at {path} answered {status}, and nothing of its health")
    return body


def _get(path: Path, target: str) -> tuple[int, dict[str, Any]]:
    """The status code and the JSON that the node answers; raises NoNode."""
    connection = UnixConnection(path, timeout=10)
    try:
        connection.request("GET", target)
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
