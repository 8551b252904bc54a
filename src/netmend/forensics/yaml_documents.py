"""Log entries as YAML documents, as `gcloud logging read` prints them where it is not asked for JSON.

Each document is an entry of Google Cloud's logging (LogEntry, Cloud Logging API v2); it becomes one line of JSON, as
`--format=json` prints the same entry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

import yaml

LONGEST: Final = 4 << 20
"""Bytes. A document that has not ended by then is given as it is."""

_ENTRY: Final = re.compile(rb"(?m)^(?:insertId|logName|receiveTimestamp): ")
_PAYLOAD: Final = re.compile(rb"(?m)^(?:textPayload|jsonPayload|protoPayload):")
_KEY: Final = re.compile(rb"\A(?:---[ \t]*\r?\n)?[A-Za-z]\w*:")
_END: Final = re.compile(rb"(?m)^---[ \t]*\r?\n")
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def is_yaml(head: bytes) -> bool:
    """Whether a file that begins with `head` is a stream of such documents."""
    start = head[:65536].lstrip()
    return _KEY.match(start) is not None and _ENTRY.search(start) is not None and _PAYLOAD.search(start) is not None


def to_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Each document as a line of JSON; one that cannot be read is given as it is."""
    rest = b""
    for piece in pieces:
        rest += piece
        *whole, rest = _END.split(rest)
        if len(rest) > LONGEST:
            whole, rest = [*whole, rest], b""
        if whole:
            yield b"".join(map(_line, whole))
    yield _line(rest)


def _line(document: bytes) -> bytes:
    text = document.strip()
    if not text:
        return b""
    if len(text) <= LONGEST:
        words = text.decode("utf-8", "replace")
        try:
            entry = None if _has_aliases(words) else yaml.load(words, Loader=_Loader)
        except (yaml.YAMLError, RecursionError, ValueError):
            entry = None
        if isinstance(entry, dict):
            return json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    return text + b"\n"


def _has_aliases(words: str) -> bool:
    """Whether a part of the document stands for another: gcloud writes none, and so a small document may be vast."""
    if "&" not in words or "*" not in words:
        return False
    return any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(words, Loader=_Loader))
