"""Ignition, Butane and OpenShift's MachineConfig: the units and files that they write, each a text of its own.

Contents are inline, or in a `data:` URL, which gzip may have compressed (Ignition's specification 3, `compression`).
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes

from netmend.ground.document import Mapping, Sequence

_LONGEST: Final = 4_000_000
"""Bytes of a compressed file that are looked at."""


class Embedded(NamedTuple):
    """A file within a file."""

    name: str  # empty for another configuration
    text: str | None  # None: it cannot be read
    line: int  # of the key that holds it
    why: str = ""  # it cannot be read


def is_ignition(document: Any) -> bool:
    if not isinstance(document, Mapping):
        return False
    return (
        "ignition" in document
        or (document.get("kind") == "MachineConfig")
        or ("variant" in document and "version" in document and ("systemd" in document or "storage" in document))
    )


def embedded(document: Mapping) -> Iterator[Embedded]:
    """The units and files of a configuration, and the configurations that it merges or is replaced by."""
    spec = document.get("spec")
    config = spec.get("config") if isinstance(spec, Mapping) else document
    if not isinstance(config, Mapping):
        return
    systemd, storage = _mapping(config, "systemd"), _mapping(config, "storage")
    for unit in _items(systemd.get("units")):
        for part in (unit, *_items(unit.get("dropins"))):
            contents = part.get("contents")
            if isinstance(contents, str):
                yield Embedded(str(unit.get("name", "unit")), contents, part.line_of("contents"))
    for file in _items(storage.get("files")):
        for contents in (file.get("contents"), *_items(file.get("append"))):
            if isinstance(contents, Mapping):
                yield from _contents(str(file.get("path", "file")), contents)
    other = _mapping(_mapping(config, "ignition"), "config")
    for contents in (*_items(other.get("merge")), *_items(other.get("append")), other.get("replace")):
        if isinstance(contents, Mapping):
            yield from _contents("", contents)


def _contents(name: str, contents: Mapping) -> Iterator[Embedded]:
    text = contents.get("inline")
    if isinstance(text, str):
        yield Embedded(name, text, contents.line_of("inline"))
        return
    source = contents.get("source", contents.get("local"))
    if not isinstance(source, str) or not source:
        return
    line = contents.line_of("source")
    if not source.startswith("data:"):
        yield Embedded(name, None, line, "is elsewhere")
        return
    try:
        yield Embedded(name, _data(source, str(contents.get("compression") or "")), line)
    except ValueError as error:
        yield Embedded(name, None, line, str(error))


def _mapping(document: Mapping, key: str) -> Mapping:
    found = document.get(key)
    return found if isinstance(found, Mapping) else Mapping(document.mark)


def _items(value: Any) -> list[Mapping]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, Sequence) else []


def _data(url: str, compression: str) -> str:
    """The text of a `data:` URL (RFC 2397), decompressed; empty for what is no text. Raises ValueError where it is
    damaged, with the reason as the end of a sentence."""
    head, _, body = url.partition(",")
    data = unquote_to_bytes(body)
    if head.endswith(";base64"):
        try:
            data = base64.b64decode(data, validate=False)
        except binascii.Error as error:
            raise ValueError("is damaged base64") from error
    if compression == "gzip":
        data = _decompressed(data)
    elif compression:
        raise ValueError(f"is compressed by {compression}")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ""


def _decompressed(data: bytes) -> bytes:
    """gzip's data; as much of it as anything that declares containers has."""
    try:
        return zlib.decompressobj(wbits=31).decompress(data, _LONGEST)
    except zlib.error as error:
        raise ValueError("is damaged gzip data") from error
