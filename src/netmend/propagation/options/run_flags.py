"""The flags of `docker run`, `podman run` and `nerdctl run` that have a part in mounts, in every form they have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

Key = Literal["volume", "mount", "cap", "name", "privileged"]

RUN: Final = re.compile(
    r"(?<![\w./-])(?:[\w./-]*/)?(docker|podman|nerdctl)\s+(?:--?[\w=/.:-]+\s+)*(?:container\s+)?(?:run|create)\s"
)
"""A command that starts or makes a container; the flags come behind it."""
_FLAGS: Final[dict[str, Key]] = {
    "-v": "volume",
    "--volume": "volume",
    "--mount": "mount",
    "--cap-add": "cap",
    "--name": "name",
}


def flags(words: Sequence[str]) -> Iterator[tuple[Key, str]]:
    """What the words say of mounts, capabilities and the name; the rest is passed over."""
    waiting: Key | None = None
    for word in words:
        if waiting is not None:
            yield waiting, word
            waiting = None
            continue
        flag, equals, value = word.partition("=")
        if word in _FLAGS:
            waiting = _FLAGS[word]
        elif equals and flag in _FLAGS:
            yield _FLAGS[flag], value
        elif word.startswith("-v") and len(word) > 2 and not word.startswith("--"):
            yield "volume", word[2:].removeprefix("=")
        elif word == "--privileged" or (flag == "--privileged" and value.lower() != "false"):
            yield "privileged", ""
