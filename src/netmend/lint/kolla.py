"""Kolla-Ansible's container definitions: `volumes` of a service, and the lists that they are put together from.

In a role's defaults a service is a mapping with `container_name`, and its volumes are often named apart, as
`neutron_dhcp_agent_default_volumes`. Items that are all template are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from netmend.ground.document import Mapping, Sequence
from netmend.lint.declared import DeclaredContainer, DeclaredMount, Refused, is_true
from netmend.propagation.options.docker import parse_volume
from netmend.propagation.options.request import OptionError

_LIST: Final = re.compile(r"(.+?)(_default|_extra)?_volumes\Z")


def is_definition(document: Any) -> bool:
    return isinstance(document, Mapping) and (
        any(_LIST.match(key) and isinstance(value, Sequence) for key, value in document.items())
        or any(True for _ in _services(document))
    )


def read(document: Mapping) -> Iterator[DeclaredContainer]:
    powerful = {
        str(service["container_name"]) for _, service in _services(document) if is_true(service.get("privileged"))
    }
    for line, service in _services(document):
        name = str(service["container_name"])
        mounts, refused = _mounts(service.get("volumes"))
        yield DeclaredContainer("kolla", name, line, tuple(mounts), tuple(refused), name in powerful)
    for key, value in document.items():
        found = _LIST.match(key)
        if found and isinstance(value, Sequence):
            mounts, refused = _mounts(value)
            yield DeclaredContainer(
                "kolla", found[1], document.line_of(key), tuple(mounts), tuple(refused), found[1] in powerful
            )


def _services(document: Mapping) -> Iterator[tuple[int, Mapping]]:
    """Line and definition of every service: one alone, or those of `<project>_services`."""
    if "container_name" in document:
        yield document.line, document
    for value in document.values():
        if isinstance(value, Mapping):
            for name, service in value.items():
                if isinstance(service, Mapping) and "container_name" in service:
                    yield value.line_of(name), service


def _mounts(volumes: Any) -> tuple[list[DeclaredMount], list[Refused]]:
    mounts: list[DeclaredMount] = []
    refused: list[Refused] = []
    for index, volume in enumerate(volumes if isinstance(volumes, Sequence) else ()):
        if not isinstance(volume, str) or "{{" in volume or "{%" in volume or not volume.strip():
            continue
        try:
            mounts.append(DeclaredMount(parse_volume(volume), volumes.line_of(index), volume))
        except OptionError as error:
            refused.append(Refused(volumes.line_of(index), volume, str(error)))
    return mounts, refused
