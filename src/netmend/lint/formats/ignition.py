"""Ignition, Butane and OpenShift's MachineConfig: the units and files that they write, each a text of its own."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

from netmend.ground.document import Mapping, Sequence


class Embedded(NamedTuple):
    """A file within a file: its name, its text, and the line where that begins."""

    name: str
    text: str
    line: int


def is_ignition(document: Any) -> bool:
    if not isinstance(document, Mapping):
        return False
    return (
        "ignition" in document
        or (document.get("kind") == "MachineConfig")
        or ("variant" in document and "version" in document and ("systemd" in document or "storage" in document))
    )


def embedded(document: Mapping) -> Iterator[Embedded]:
    spec = document.get("spec")
    config = spec.get("config") if isinstance(spec, Mapping) else document
    if not isinstance(config, Mapping):
        return
    systemd, storage = config.get("systemd"), config.get("storage")
    for unit in _items(systemd.get("units") if isinstance(systemd, Mapping) else None):
        for part in (unit, *_items(unit.get("dropins"))):
            contents = part.get("contents")
            if isinstance(contents, str):
                yield Embedded(str(unit.get("name", "unit")), contents, part.line_of("contents"))
    for file in _items(storage.get("files") if isinstance(storage, Mapping) else None):
        contents = file.get("contents")
        if isinstance(contents, Mapping):
            text = contents.get("inline")
            if not isinstance(text, str):
                text = _data(str(contents.get("source", "")))
            if text:
                yield Embedded(str(file.get("path", "file")), text, contents.line)


def _items(value: Any) -> list[Mapping]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, Sequence) else []


def _data(url: str) -> str:
    """The text of a `data:` URL (RFC 2397); empty for another one, or for what is no text."""
    head, comma, body = url.partition(",")
    if not comma or not head.startswith("data:"):
        return ""
    if not head.endswith(";base64"):
        return unquote(body)
    try:
        return base64.b64decode(body, validate=False).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
