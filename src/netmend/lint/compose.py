"""Compose files: `services.NAME.volumes`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netmend.ground.document import Mapping, Sequence
from netmend.lint.declared import DeclaredContainer, DeclaredMount, Refused, is_true, read_only_decided
from netmend.propagation.options.docker import parse_compose
from netmend.propagation.options.request import OptionError


def is_compose(document: Any) -> bool:
    return isinstance(document, Mapping) and isinstance(document.get("services"), Mapping)


def read(document: Mapping) -> Iterator[DeclaredContainer]:
    services = document["services"]
    for name, service in services.items():
        if isinstance(service, Mapping):
            mounts, refused = _mounts(service.get("volumes"))
            called = service.get("container_name")
            yield DeclaredContainer(
                "compose",
                str(called or name),
                services.line_of(name),
                tuple(mounts),
                tuple(refused),
                is_true(service.get("privileged")) or "SYS_ADMIN" in capabilities(service.get("cap_add")),
            )


def capabilities(value: Any) -> set[str]:
    """Names without `CAP_`, in capitals; `ALL` counts as SYS_ADMIN."""
    names = {str(name).upper().removeprefix("CAP_") for name in value or ()} if isinstance(value, list) else set()
    return names | {"SYS_ADMIN"} if "ALL" in names else names


def _mounts(volumes: Any) -> tuple[list[DeclaredMount], list[Refused]]:
    mounts: list[DeclaredMount] = []
    refused: list[Refused] = []
    for index, volume in enumerate(volumes if isinstance(volumes, Sequence) else ()):
        line = volumes.line_of(index)
        written = volume if isinstance(volume, str) else f"{volume.get('source', '')}:{volume.get('target', '')}"
        if "$" in written:
            continue  # a variable: what it will be is not known here
        try:
            mounts.append(DeclaredMount(parse_compose(read_only_decided(volume, "read_only")), line, written))
        except OptionError as error:
            refused.append(Refused(line, written, str(error)))
    return mounts, refused
