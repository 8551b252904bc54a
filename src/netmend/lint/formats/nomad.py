"""Nomad's job files, HCL and JSON: `volumes` and `mount` in the `config` of tasks of the drivers docker and podman, and
`volume_mount` of host volumes.

A job names a host volume, whose path the client's configuration has; one whose destination is a namespace directory is
taken for that of the host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from netmend.ground.document import Mapping, Sequence
from netmend.lint.declared import DeclaredContainer, Mounts, Unreadable, is_true, located, may_administer
from netmend.lint.formats import hcl
from netmend.propagation.options import docker, podman

_JOB: Final = re.compile(r'(?m)^\s*job\s+"[^"\n]*"\s*\{')
_TEMPLATE: Final = re.compile(r"\[\[-?\s*(?:\.|\$|(?:range|if|end|template|include|var|with|define)\b)")
_DRIVERS: Final = ("docker", "podman")
_DIRECTORIES: Final = ("/run/netns", "/var/run/netns", "/run/docker/netns", "/var/run/docker/netns")
_MODES: Final = {"private": "rprivate", "host-to-task": "rslave", "bidirectional": "rshared"}
"""Nomad's `propagation_mode`, and what it asks of the engine (nomad's volume_mount block; private by default)."""


def is_job(text: str) -> bool:
    return _JOB.search(text) is not None


def is_job_document(document: Any) -> bool:
    if not isinstance(document, Mapping):
        return False
    job = document.get("Job", document)
    return isinstance(job, Mapping) and isinstance(job.get("TaskGroups"), Sequence)


def read_document(document: Mapping) -> Iterator[DeclaredContainer]:
    """A job as Nomad's API and `nomad job run -output` have it."""
    job = document.get("Job", document)
    for group in job["TaskGroups"]:
        if not isinstance(group, Mapping):
            continue
        declared = group.get("Volumes")
        volumes = {
            str(name)
            for name, volume in (declared.items() if isinstance(declared, Mapping) else ())
            if isinstance(volume, Mapping) and volume.get("Type", "host") == "host"
        }
        for task in _each(group.get("Tasks")):
            mounted = [
                _VolumeMount(
                    one.line,
                    one.get("Volume"),
                    one.get("Destination"),
                    one.get("PropagationMode") or "private",
                    one.get("ReadOnly"),
                )
                for one in _each(task.get("VolumeMounts"))
            ]
            yield from _of_task(str(task.get("Name", "")), task.get("Driver"), task.get("Config"), volumes, mounted)


def read(text: str) -> Iterator[DeclaredContainer]:
    """The tasks of a job file. Raises Unreadable where a bracket or a quote is not closed, and for a template of Levant
    or Nomad Pack."""
    if (template := _TEMPLATE.search(text)) is not None:
        line = text.count("\n", 0, template.start()) + 1
        why = "a template of Nomad Pack (or Levant): render it first: nomad-pack render PACK, levant render FILE"
        raise Unreadable(line, why, kind="template")
    for name, task, volumes in _tasks(hcl.read(text), "", set()):
        mounted = [
            _VolumeMount(
                one.line,
                one.get("volume"),
                one.get("destination"),
                one.get("propagation_mode", "private"),
                one.get("read_only"),
            )
            for one in _each(task.get("volume_mount"))
        ]
        yield from _of_task(name, task.get("driver"), task.get("config"), volumes, mounted)


def _each(value: Any) -> list[Mapping]:
    """A block, or the blocks of a list."""
    return [one for one in (value if isinstance(value, Sequence) else [value]) if isinstance(one, Mapping)]


def _tasks(block: Mapping, name: str, outer: set[str]) -> Iterator[tuple[str, Mapping, set[str]]]:
    """The tasks below, each with its name and the names of the host volumes of its group."""
    kinds = [(*key.partition(" ")[::2], value) for key, value in block.items()]
    volumes = outer | {
        label
        for kind, label, value in kinds
        if kind == "volume" and any(one.get("type", "host") == "host" for one in _each(value))
    }
    for kind, label, value in kinds:
        for one in _each(value):
            if kind == "task":
                yield label or name, one, volumes
            elif kind in ("job", "group"):
                yield from _tasks(one, label, volumes)


class _VolumeMount(NamedTuple):
    line: int
    volume: Any
    destination: Any
    mode: Any
    read_only: Any


def _of_task(
    name: str, driver: Any, config: Any, volumes: set[str], mounted: list[_VolumeMount]
) -> Iterator[DeclaredContainer]:
    """A task of an engine, or one of another driver that mounts host volumes."""
    mounts = Mounts()
    for one in mounted:
        if mounts.known(*one[1:]) and str(one.volume) in volumes:
            _add_volume_mount(mounts, one)
    privileged = False
    if mounts.known(driver) and driver in _DRIVERS and isinstance(config, Mapping):
        privileged = _add_of_config(mounts, str(driver), config)
    elif not mounts.found and not mounts.unevaluated:
        return
    line = config.line if isinstance(config, Mapping) else mounted[0].line if mounted else 1
    yield mounts.container("nomad", name, line, privileged=privileged)


def _add_volume_mount(mounts: Mounts, mount: _VolumeMount) -> None:
    path = str(mount.destination).rstrip("/")
    if path not in _DIRECTORIES or mount.mode not in _MODES:
        return
    words = f"type=bind,source={path},target={path},bind-propagation={_MODES[mount.mode]}"
    words += ",readonly" if is_true(mount.read_only) else ""
    written = f"volume_mount of {mount.volume} at {path}, propagation_mode {mount.mode}"
    mounts.add(mount.line, written, lambda: docker.parse_mount(words), "volume_mount")


def _add_of_config(mounts: Mounts, driver: str, config: Mapping) -> bool:
    """Note the mounts of an engine's `config`; whether it makes the container privileged."""
    parse = podman.parse_volume if driver == "podman" else docker.parse_volume
    mounts.known(config.get("volumes"))
    for line, volume in located(config.get("volumes")):
        if mounts.known(volume):
            mounts.add(line, str(volume), lambda volume=volume: parse(str(volume)))  # type: ignore[misc]
    for key in ("mount", "mounts"):
        mounts.known(config.get(key))
        for one in _each(config.get(key)):
            if mounts.known(one.get("type")) and str(one.get("type", "volume")) == "bind":
                _add_mount(mounts, one)
    privileged, capabilities = config.get("privileged"), config.get("cap_add")
    mounts.known(privileged, capabilities)
    return is_true(privileged) or may_administer(capabilities)


def _add_mount(mounts: Mounts, mount: Mapping) -> None:
    options = mount.get("bind_options")
    if isinstance(options, Sequence) and options:
        options = options[0]
    propagation = options.get("propagation") if isinstance(options, Mapping) else None
    if not mounts.known(propagation, *(mount.get(key) for key in ("source", "target", "readonly"))):
        return
    words = [f"type=bind,source={mount.get('source', '')},target={mount.get('target', '')}"]
    if propagation:
        words.append(f"bind-propagation={propagation}")
    if is_true(mount.get("readonly")):
        words.append("readonly")
    written = ",".join(words)
    mounts.add(mount.line, written, lambda: docker.parse_mount(written), "mount")
