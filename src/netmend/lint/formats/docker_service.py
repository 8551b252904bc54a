"""The output of `docker service inspect`: services of a swarm, with the mounts of their tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netmend.ground.document import Mapping, Sequence
from netmend.lint.declared import DeclaredContainer, Mounts, located, may_administer
from netmend.lint.formats.docker_inspect import add_api_mount


def is_service(document: Any) -> bool:
    return any(_container_spec(one) is not None for one in _objects(document))


def read(document: Any) -> Iterator[DeclaredContainer]:
    for one in _objects(document):
        spec = _container_spec(one)
        if spec is None:
            continue
        mounts = Mounts()
        for line, mount in located(spec.get("Mounts")):
            if isinstance(mount, Mapping):
                add_api_mount(mounts, line, mount)
        name = str(one["Spec"].get("Name") or one.get("ID") or "")
        yield mounts.container("docker service", name, one.line, privileged=may_administer(spec.get("CapabilityAdd")))


def _objects(document: Any) -> list[Mapping]:
    if isinstance(document, Mapping):
        return [document]
    return [one for one in document if isinstance(one, Mapping)] if isinstance(document, Sequence) else []


def _container_spec(one: Mapping) -> Mapping | None:
    found: Any = one
    for key in ("Spec", "TaskTemplate", "ContainerSpec"):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else None
