"""The output of `docker inspect` (and of `podman inspect`, which has the same shape)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netmend.ground.document import Mapping, Sequence
from netmend.lint.compose import capabilities
from netmend.lint.declared import DeclaredContainer, DeclaredMount, Refused
from netmend.propagation.options.docker import parse_compose, parse_volume
from netmend.propagation.options.request import OptionError


def is_inspect(document: Any) -> bool:
    return isinstance(document, Sequence) and any(isinstance(one, Mapping) and "HostConfig" in one for one in document)


def read(document: Sequence) -> Iterator[DeclaredContainer]:
    for one in document:
        if isinstance(one, Mapping) and isinstance(one.get("HostConfig"), Mapping):
            yield _container(one, one["HostConfig"])


def _located(value: Any) -> list[tuple[int, Any]]:
    return [(value.line_of(index), item) for index, item in enumerate(value)] if isinstance(value, Sequence) else []


def _container(one: Mapping, host: Mapping) -> DeclaredContainer:
    mounts: list[DeclaredMount] = []
    refused: list[Refused] = []
    binds, long = host.get("Binds"), host.get("Mounts")
    for line, bind in _located(binds):
        try:
            mounts.append(DeclaredMount(parse_volume(str(bind)), line, str(bind)))
        except OptionError as error:
            refused.append(Refused(line, str(bind), str(error)))
    for line, mount in _located(long):
        if not isinstance(mount, Mapping):
            continue
        options = mount.get("BindOptions")
        propagation = options.get("Propagation") if isinstance(options, Mapping) else None
        written = {"type": mount.get("Type"), "source": mount.get("Source"), "target": mount.get("Target")}
        if mount.get("ReadOnly") is True:
            written["read_only"] = True
        if propagation:
            written["bind"] = {"propagation": propagation}
        shown = f"{mount.get('Source')}:{mount.get('Target')}" + (f":{propagation}" if propagation else "")
        try:
            mounts.append(DeclaredMount(parse_compose(written), line, shown))
        except OptionError as error:
            refused.append(Refused(line, shown, str(error)))
    name = str(one.get("Name") or one.get("Id") or "").removeprefix("/")
    powers = host.get("Privileged") is True or "SYS_ADMIN" in capabilities(host.get("CapAdd"))
    return DeclaredContainer("docker inspect", name, one.line, tuple(mounts), tuple(refused), powers)
