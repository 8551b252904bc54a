"""Kolla-Ansible's container definitions: `volumes` of a service, and the lists that they are put together from.

In a role's defaults a service is a mapping with `container_name`, and its volumes are often named apart, as
`neutron_dhcp_agent_default_volumes`; group variables have `run_default_volumes_podman` and the like. Items that are
all template are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from netmend.ground.document import Mapping, Sequence
from netmend.lint.declared import DeclaredContainer, Mounts, is_true, located, may_administer
from netmend.propagation.options import docker, podman

_LIST: Final = re.compile(r"(.+?)(_default|_extra)*_volumes(_docker|_podman)?\Z")


def is_definition(document: Any) -> bool:
    return isinstance(document, Mapping) and (
        any(_LIST.match(key) and isinstance(value, Sequence) for key, value in document.items())
        or any(True for _ in _services(document))
    )


def read(document: Mapping) -> Iterator[DeclaredContainer]:
    powerful = {
        str(service["container_name"])
        for _, service in _services(document)
        if is_true(service.get("privileged")) or may_administer(service.get("cap_add"))
    }
    for line, service in _services(document):
        name = str(service["container_name"])
        mounts = volumes(service.get("volumes"), "")
        yield mounts.container("kolla", name, line, privileged=name in powerful)
    for key, value in document.items():
        found = _LIST.match(key)
        if found and isinstance(value, Sequence):
            mounts = volumes(value, found[3] or "")
            yield mounts.container("kolla", found[1], document.line_of(key), privileged=found[1] in powerful)


def _services(document: Mapping) -> Iterator[tuple[int, Mapping]]:
    """Line and definition of every service: one alone, or those of `<project>_services`."""
    if "container_name" in document:
        yield document.line, document
    for value in document.values():
        if isinstance(value, Mapping):
            for name, service in value.items():
                if isinstance(service, Mapping) and "container_name" in service:
                    yield value.line_of(name), service


def volumes(value: Any, engine: str) -> Mounts:
    """A list of `-v` strings, for Docker unless `engine` ends with podman."""
    mounts = Mounts()
    parse = podman.parse_volume if engine.endswith("podman") else docker.parse_volume
    for line, volume in located(value):
        if isinstance(volume, str):
            mounts.add(line, volume, lambda volume=volume: parse(volume))  # type: ignore[misc]
    return mounts
