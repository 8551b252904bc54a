"""Ansible's tasks that start containers: `docker_container`, `podman_container`, `kolla_container`, `docker_compose`,
commands.

Modules of community.docker, containers.podman and Kolla-Ansible, under their short names and in full; tasks may stand
in a play, a block, or a file of tasks or handlers.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any, Final

from netmend.ground.document import Mapping, Mark, Sequence
from netmend.lint.declared import DeclaredContainer, Mounts, is_true, located, may_administer
from netmend.lint.formats import command_line, compose
from netmend.lint.formats.kolla import volumes
from netmend.propagation.options import docker, podman

_DOCKER: Final = ("docker_container", "docker_swarm_service", "kolla_container", "kolla_docker")
_PODMAN: Final = ("podman_container",)
_COMPOSE: Final = ("docker_compose", "docker_compose_v2")
_COMMANDS: Final = ("command", "shell", "raw")
_INNER: Final = ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers")


def is_tasks(document: Any) -> bool:
    """A list of tasks or plays, at least one of which starts a container or is known by `hosts`."""
    return isinstance(document, Sequence) and any(
        isinstance(one, Mapping) and ("hosts" in one or "import_playbook" in one or any(True for _ in _modules(one)))
        for one in document
    )


def read(document: Sequence) -> Iterator[DeclaredContainer]:
    for one in document:
        if isinstance(one, Mapping):
            for module, line, arguments in _modules(one):
                yield from _container(module, line, arguments, str(one.get("name") or ""))


def _modules(task: Mapping) -> Iterator[tuple[str, int, Any]]:
    """The modules of a task and of those in its blocks: short name, line, arguments."""
    for key, value in task.items():
        short = str(key).rpartition(".")[2]
        if short in (*_DOCKER, *_PODMAN) and isinstance(value, (Mapping, str)):
            yield (
                short,
                task.line_of(key),
                value if isinstance(value, Mapping) else _arguments(value, task.line_of(key)),
            )
        elif short in _COMPOSE and isinstance(value, Mapping) and compose.is_compose(value.get("definition")):
            yield short, task.line_of(key), value["definition"]
        elif short in _COMMANDS and command_line.is_script(_text(value)):
            yield short, task.line_of(key), _text(value)
        elif key in _INNER and isinstance(value, Sequence):
            for inner in value:
                if isinstance(inner, Mapping):
                    yield from _modules(inner)


def _arguments(text: str, line: int) -> Mapping:
    """A module's arguments in one line, `name=a image=b`."""
    found = Mapping(Mark(line, 1))
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    for word in words:
        key, equals, value = word.partition("=")
        if equals:
            found[key] = value
    return found


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("cmd") or value.get("argv") or ""
    if isinstance(value, Sequence):
        return " ".join(str(word) for word in value)
    return f"{value} "


def _container(module: str, line: int, arguments: Any, task: str) -> Iterator[DeclaredContainer]:
    if module in _COMPOSE:
        yield from compose.read(arguments)
        return
    if isinstance(arguments, str):
        yield from command_line.read(arguments, line)
        return
    engine = "podman" if module in _PODMAN else "docker"
    given = arguments.get("volumes", arguments.get("volume"))
    mounts = volumes(given, engine)
    if isinstance(given, str):
        parse = podman.parse_volume if engine == "podman" else docker.parse_volume
        for text in given.split(","):
            mounts.add(arguments.line_of("volumes"), text, lambda text=text: parse(text))  # type: ignore[misc]
    for at, mount in located(arguments.get("mounts", arguments.get("mount"))):
        _add_mount(mounts, at, mount, engine)
    privileged = is_true(arguments.get("privileged")) or any(
        may_administer(arguments.get(key)) for key in ("capabilities", "cap_add", "capability")
    )
    name = str(arguments.get("name") or task or module)
    yield mounts.container("ansible", name, line, privileged=privileged)


def _add_mount(mounts: Mounts, line: int, mount: Any, engine: str) -> None:
    if isinstance(mount, str):
        parse = podman.parse_mount if engine == "podman" else docker.parse_mount
        mounts.add(line, mount, lambda: parse(mount))
        return
    if not isinstance(mount, Mapping) or str(mount.get("type") or "volume") != "bind":
        return
    fields = [
        f"type=bind,source={mount.get('source', '')},target={mount.get('target', '')}",
        *(f"bind-propagation={mount['propagation']}" for _ in (1,) if mount.get("propagation")),
        *("readonly" for _ in (1,) if is_true(mount.get("read_only"))),
    ]
    written = ",".join(fields)
    mounts.add(line, written, lambda: docker.parse_mount(written))
