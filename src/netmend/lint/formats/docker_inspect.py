"""The output of `docker inspect` and `podman inspect`: a list of containers, one, one a line, or the mounts of one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from netmend.ground.document import Mapping, Sequence
from netmend.lint.declared import DeclaredContainer, Mounts, is_true, located, may_administer
from netmend.propagation.options import docker, podman
from netmend.propagation.options.request import MountRequest

_PODMANS_OWN = ("OCIRuntime", "ConmonPidFile", "ImageName", "BoundingCaps", "Rootfs")
"""Keys of a container that `podman inspect` prints and `docker inspect` does not."""


_BIND: Final = re.compile(r"/[^:]*:/")


def is_inspect(document: Any) -> bool:
    return any("HostConfig" in one for one in _objects(document))


def read(document: Any) -> Iterator[DeclaredContainer]:
    for one in _objects(document):
        if isinstance(one.get("HostConfig"), Mapping):
            yield _container(one, one["HostConfig"])


def is_part(document: Any) -> bool:
    """What `-f '{{json .HostConfig}}'`, `.HostConfig.Binds` or `.Mounts` prints of one container."""
    if isinstance(document, Mapping):
        return "Binds" in document and ("NetworkMode" in document or "Privileged" in document)
    if not isinstance(document, Sequence) or not document:
        return False
    return all(isinstance(one, str) and _BIND.match(one) for one in document) or all(
        isinstance(one, Mapping) and {"Type", "Destination", "Propagation"} <= one.keys() for one in document
    )


def read_part(document: Any) -> Iterator[DeclaredContainer]:
    if isinstance(document, Mapping):
        yield _container(document, document)
        return
    mounts = Mounts()
    modes = {word for one in document if isinstance(one, str) for word in one.rpartition(":")[2].split(",")}
    parse = podman.parse_volume if modes & {"bind", "rbind"} else docker.parse_volume
    for line, one in located(document):
        if isinstance(one, str):
            mounts.add(line, one, lambda one=one: parse(one))  # type: ignore[misc]
        elif one["Type"] == "bind":
            words = f"type=bind,source={one.get('Source')},target={one['Destination']}"
            words += f",bind-propagation={one['Propagation']}" if one["Propagation"] else ""
            words += ",readonly" if one.get("RW") is False else ""
            mounts.add(line, words, lambda words=words: docker.parse_mount(words))  # type: ignore[misc]
    yield mounts.container("docker inspect", "container", document.mark.line, privileged=False)


def _objects(document: Any) -> list[Mapping]:
    if isinstance(document, Mapping):
        return [document]
    return [one for one in document if isinstance(one, Mapping)] if isinstance(document, Sequence) else []


def _is_podmans(one: Mapping, host: Mapping) -> bool:
    """Podman prints every bind with its effective options, `rbind` among them, which Docker refuses as a mode."""
    if any(key in one for key in _PODMANS_OWN):
        return True
    modes = [str(bind).rpartition(":")[2].split(",") for _, bind in located(host.get("Binds"))]
    return any({"bind", "rbind"} & set(words) for words in modes)


def _container(one: Mapping, host: Mapping) -> DeclaredContainer:
    mounts = Mounts()
    parse = podman.parse_volume if _is_podmans(one, host) else docker.parse_volume
    for line, bind in located(host.get("Binds")):
        mounts.add(line, str(bind), lambda bind=bind: parse(str(bind)))  # type: ignore[misc]
    for line, mount in located(host.get("Mounts")):
        if isinstance(mount, Mapping):
            add_api_mount(mounts, line, mount)
    name = str(one.get("Name") or one.get("Id") or "container").removeprefix("/")
    powers = is_true(host.get("Privileged")) or may_administer(host.get("CapAdd"))
    return mounts.container("docker inspect", name, one.line, privileged=powers)


def add_api_mount(mounts: Mounts, line: int, mount: Mapping) -> None:
    """A mount as Docker's API has it (`Type`, `Source`, `Target`, `BindOptions.Propagation`, `ReadOnly`)."""
    options = mount.get("BindOptions")
    propagation = options.get("Propagation") if isinstance(options, Mapping) else None
    written: dict[str, object] = {
        "type": mount.get("Type"),
        "source": mount.get("Source"),
        "target": mount.get("Target"),
    }
    if is_true(mount.get("ReadOnly")):
        written["read_only"] = True
    if propagation:
        written["bind"] = {"propagation": propagation}
    if mount.get("Type") not in ("bind", "volume"):
        return
    shown = f"{mount.get('Source')}:{mount.get('Target')}" + (f":{propagation}" if propagation else "")

    def parse() -> MountRequest:
        return docker.parse_compose(written)

    mounts.add(line, shown, parse)
