"""The file of tokens: one a line, followed, if its bearer's objects shall belong to a project, by the project's id; `#`
starts a comment. It must be readable by its owner alone. Tokens are compared by their digests, in a time that tells
nothing."""

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from netmend.sources.store.errors import StoreError

_TOKEN_MIN = 16  # characters


class Tokens:
    """The tokens of a file."""

    def __init__(self, known: dict[str, str]) -> None:
        """`known` maps tokens to projects."""
        self._digests = [(sha256(token.encode()).digest(), project) for token, project in known.items()]

    def project_of(self, token: str) -> str | None:
        """The project of a token's bearer, None for an unknown token. Compares with all, in constant time."""
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
