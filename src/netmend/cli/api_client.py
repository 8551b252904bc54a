"""Speaks to the API of a node from the command line: by its unix socket, or by a URL with a token."""

import http.client
import json
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from netmend.kernel.unix_http import UnixConnection

Body = dict[str, Any]
_PATIENCE = 120.0  # seconds
_PAGE = 1000


class ApiError(Exception):
    """The API cannot be reached, or refused; the text says which request, and what it said."""


class ApiClient:
    """One connection, kept open."""

    def __init__(self, where: Path | str, token: str | None = None) -> None:
        """`where` is the path of a unix socket, or a URL. Raises ApiError."""
        self._where, self._token = where, token
        self._connection: http.client.HTTPConnection
        if isinstance(where, Path):
            self._connection = UnixConnection(where, _PATIENCE)
            return
        parts = urlsplit(where)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ApiError(f"{where}: give a URL such as http://127.0.0.1:9696")
        if parts.scheme == "https":
            context = ssl.create_default_context()
            self._connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=_PATIENCE, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=_PATIENCE)

    def list(self, plural: str, query: str = "") -> list[Body]:
        """All objects of a kind, page by page. Raises ApiError."""
        found: list[Body] = []
        marker = ""
        while True:
            page = self.ask("GET", f"/v2.0/{plural.replace('_', '-')}?limit={_PAGE}{marker}{query}")[plural]
            found += page
            if len(page) < _PAGE:
                return found
            marker = f"&marker={page[-1]['id']}"

    def ask(self, method: str, path: str, body: Body | None = None) -> Body:
        """The answer's body. Raises ApiError."""
        headers = {"Content-Type": "application/json"}
        if self._token is not None:
            headers["X-Auth-Token"] = self._token
        try:
            data = None if body is None else json.dumps(body).encode()
            self._connection.request(method, path, data, headers)
            answer = self._connection.getresponse()
            text = answer.read()
            found: Body = json.loads(text) if text else {}
        except FileNotFoundError:
            raise ApiError(
                f"no API here: there is no {self._where}; start the node with: netmend run --store"
            ) from None
        except ConnectionRefusedError:
            raise ApiError(f"no API here: nobody listens at {self._where}") from None
        except PermissionError:
            raise ApiError(f"{self._where}: permission denied; ask as the user who runs the node (root)") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ApiError(f"the API at {self._where} does not answer: {error}") from None
        if answer.status >= 400:
            said = found.get("NeutronError") or found.get("error") or {}
            raise ApiError(str(said.get("message") or f"the API answered {answer.status}"))
        return found
