"""Container definitions of EDPM and TripleO (edpm_container_manage, tripleo_container_manage, Paunch).

One file a container, called after it; several by name; or a heat template's steps (`docker_config: {step_4: …}`), of
which lists may be put together by functions (`list_concat`). Items that are all template, or functions, are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from netmend.ground.document import Mapping, Sequence
from netmend.lint.declared import DeclaredContainer, Mounts, is_true, located, may_administer
from netmend.propagation.options import podman

_OWN: Final = frozenset(("net", "start_order", "restart", "privileged", "pid", "cgroupns", "detach", "config_id"))
"""Settings of which a definition has one: with `image` and `volumes` alone it may be anything."""
_STEP: Final = re.compile(r"step_\d+\Z")
_DEEPEST: Final = 8


def is_definition(document: Any) -> bool:
    return isinstance(document, Mapping) and any(True for _ in _definitions(document))


def read(document: Mapping) -> Iterator[DeclaredContainer]:
    """The containers; one that has its name from its file alone has none here."""
    for line, name, definition in _definitions(document):
        mounts = Mounts()
        _add_volumes(mounts, definition.get("volumes"))
        privileged = is_true(definition.get("privileged")) or may_administer(definition.get("cap_add"))
        yield mounts.container("edpm", name, line, privileged=privileged)


def _definitions(document: Mapping) -> Iterator[tuple[int, str, Mapping]]:
    """Line, name and definition of each container."""
    if _is_container(document):
        yield document.line, "", document
        return
    yield from _named(document)
    yield from _of_steps(document)


def _named(containers: Mapping) -> Iterator[tuple[int, str, Mapping]]:
    for name, definition in containers.items():
        if _is_container(definition):
            yield containers.line_of(name), str(name), definition


def _of_steps(value: Mapping, depth: int = 0) -> Iterator[tuple[int, str, Mapping]]:
    for key, inner in value.items():
        if isinstance(inner, Mapping) and depth < _DEEPEST:
            if _STEP.match(str(key)):
                yield from _named(inner)
            else:
                yield from _of_steps(inner, depth + 1)


def _is_container(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and "image" in value
        and isinstance(value.get("volumes"), (Sequence, Mapping))
        and not _OWN.isdisjoint(value)
    )


def _add_volumes(mounts: Mounts, value: Any) -> None:
    """Note the `-v` strings of a list, and of the lists within it."""
    if isinstance(value, Mapping):
        for inner in value.values():
            _add_volumes(mounts, inner)
    for line, item in located(value):
        if isinstance(item, str):
            if item.startswith("/"):  # another is a function's argument, or a volume, which is no directory of the host
                mounts.add(line, item, lambda item=item: podman.parse_volume(item))  # type: ignore[misc]
        else:
            _add_volumes(mounts, item)
