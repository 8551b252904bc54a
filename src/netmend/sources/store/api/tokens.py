"""Who may ask: bearers of a token of the file, and whoever can open the unix socket.

The file has one token a line, followed, if its bearer's objects shall belong to a project, by the project's id; `#`
starts a comment. It must be readable by its owner alone. Tokens are compared by their digests, in a time that tells
nothing.
"""

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Middleware

from netmend.sources.store.api.errors import Handler, json_response
from netmend.sources.store.errors import StoreError

PROJECT = "netmend.project"  # of a request: the project its new objects belong to
_TOKEN_MIN = 16  # characters
_OPEN = frozenset({"/", "/openapi.json"})


class Tokens:
    """The tokens of a file."""

    def __init__(self, known: dict[str, str]) -> None:
        """`known` maps tokens to projects."""
        self._digests = [(sha256(token.encode()).digest(), project) for token, project in known.items()]

    def project_of(self, token: str) -> str | None:
        """The project of a token's bearer, None when there is no such token. Looks at all, whichever it is."""
        digest = sha256(token.encode(errors="surrogateescape")).digest()
        found = None
        for known, project in self._digests:
            if hmac.compare_digest(known, digest):
                found = project
        return found


def read_tokens(path: Path) -> Tokens:
    """The tokens of `path`, which is made, with one new token in it, when it is not there. Raises StoreError."""
    try:
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(32) + "\n")
        mode = path.stat().st_mode
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"tokens {path}: cannot be read or made: {error}") from error
    if mode & 0o077:
        raise StoreError(f"tokens {path}: others may read or write it (mode {mode & 0o777:o}); chmod 600 {path}")
    known: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) > 2 or len(words[0]) < _TOKEN_MIN:
            raise StoreError(
                f"{path}:{number}: a line is a token of at least {_TOKEN_MIN} characters and, at most, a project's id"
            )
        known[words[0]] = words[1] if len(words) == 2 else ""
    if not known:
        raise StoreError(f"tokens {path}: holds no token; remove it, and one is made")
    return Tokens(known)


def guard(tokens: Tokens | None) -> Middleware:
    """Middleware that lets in who may ask; `tokens` None: everybody."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if tokens is None or request.path in _OPEN or _by_unix_socket(request):
            return await handler(request)
        kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
        token = request.headers.get("X-Auth-Token") or (bearer.strip() if kind.lower() == "bearer" else "")
        project = tokens.project_of(token) if token else None
        if project is None:
            response = json_response(
                {
                    "error": {
                        "code": 401,
                        "title": "Unauthorized",
                        "message": "The request you have made requires authentication.",
                    }
                },
                401,
            )
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        request[PROJECT] = project
        return await handler(request)

    return check


def _by_unix_socket(request: web.Request) -> bool:
    transport = request.transport
    return transport is not None and isinstance(transport.get_extra_info("sockname"), str | bytes)
