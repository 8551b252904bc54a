"""Compose files: `services.NAME.volumes`. Sources that are relative or begin with `~` are Compose's to resolve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netmend.ground.document import Mapping
from netmend.lint.declared import DeclaredContainer, Mounts, is_true, located, may_administer
from netmend.propagation.options import podman
from netmend.propagation.options.docker import parse_compose
from netmend.propagation.options.request import MountRequest, OptionError


def is_compose(document: Any) -> bool:
    return isinstance(document, Mapping) and isinstance(document.get("services"), Mapping)


def read(document: Mapping) -> Iterator[DeclaredContainer]:
    services = document["services"]
    for name, service in services.items():
        if isinstance(service, Mapping):
            mounts = Mounts()
            volumes = service.get("volumes")
            for line, volume in located(volumes):
                mounts.add(line, _written(volume), lambda volume=volume: _parse(volume))  # type: ignore[misc]
            privileged = is_true(service.get("privileged")) or may_administer(service.get("cap_add"))
            called = str(service.get("container_name") or name)
            yield mounts.container("compose", called, services.line_of(name), privileged=privileged)


def _written(volume: Any) -> str:
    if not isinstance(volume, Mapping):
        return str(volume or "")
    if volume.get("type") in ("npipe", "tmpfs", "cluster", "image"):
        return ""  # no directory of a Linux host
    bind = volume.get("bind")
    word = bind.get("propagation") if isinstance(bind, Mapping) else None
    return f"{volume.get('source', '')}:{volume.get('target', '')}" + (f":{word}" if word else "")


def _parse(volume: Any) -> MountRequest:
    if isinstance(volume, str):
        try:
            return parse_compose(volume)
        except OptionError as refused:
            try:
                return podman.parse_volume(volume)  # podman-compose hands Podman's own words through (U, O, idmap)
            except OptionError:
                raise refused from None
    if "read_only" in volume:
        volume = {**volume, "read_only": is_true(volume["read_only"])}
    source = str(volume.get("source", ""))
    if volume.get("type") == "bind" and not source.startswith("/"):
        request = parse_compose({**volume, "source": "/" + source})
        return MountRequest(
            source,
            request.target,
            request.propagation,
            asked=request.asked,
            read_only=request.read_only,
            recursive=request.recursive,
        )
    return parse_compose(volume)
