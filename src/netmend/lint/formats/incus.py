"""Incus and LXD: `devices` of an instance or a profile (`incus config show`, `incus profile show`).

A disk device is bound without what is mounted below it and private, unless `recursive` and `propagation` say otherwise
(doc/reference/devices_disk).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netmend.ground.document import Mapping
from netmend.lint.declared import DeclaredContainer, Mounts, is_true
from netmend.propagation.flags import WORDS
from netmend.propagation.options.request import MountRequest, OptionError
from netmend.propagation.paths import clean


def is_instance(document: Any) -> bool:
    devices = document.get("devices") if isinstance(document, Mapping) else None
    return isinstance(devices, Mapping) and any(
        isinstance(one, Mapping) and one.get("type") in ("disk", "nic", "none", "unix-char", "proxy")
        for one in devices.values()
    )


def read(document: Mapping) -> Iterator[DeclaredContainer]:
    config = document.get("config")
    settings = config if isinstance(config, Mapping) else {}
    mounts = Mounts()
    devices = document["devices"]
    for name, device in devices.items():
        if isinstance(device, Mapping) and device.get("type") == "disk" and "source" in device:
            written = f"{device.get('source', '')}:{device.get('path', '')}:{device.get('propagation', 'private')}"
            mounts.add(devices.line_of(name), written, lambda device=device: _parse(device))  # type: ignore[misc]
    yield mounts.container(
        "incus",
        str(document.get("name") or "instance"),
        document.line,
        privileged=is_true(settings.get("security.privileged")),
    )


def _parse(device: Mapping) -> MountRequest:
    word = str(device.get("propagation") or "private")
    if word not in WORDS:
        raise OptionError(word, f"Invalid propagation mode {word!r}")
    source, path = str(device.get("source", "")), str(device.get("path", ""))
    if not source.startswith("/") or not path.startswith("/"):
        return MountRequest(source, path or "/", "", asked=False, kind="volume")
    return MountRequest(
        clean(source),
        clean(path),
        word,
        asked="propagation" in device,
        read_only=is_true(device.get("readonly")),
        recursive=is_true(device.get("recursive")),
    )
