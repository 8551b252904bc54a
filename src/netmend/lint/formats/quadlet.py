"""Podman's Quadlets (podman-systemd.unit(5)): `Volume=`, `Mount=`, `PodmanArgs=` of containers and pods.

Files of the other kinds (`.kube`, `.volume`, `.network`, `.image`, `.build`) declare no mount of a container.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import PurePath
from typing import Final

from netmend.lint.declared import DeclaredContainer, Mounts, may_administer
from netmend.propagation.options import podman
from netmend.propagation.options.run_flags import flags

_ENDINGS: Final = (".container", ".pod", ".kube")
_SECTIONS: Final = ("Container", "Pod", "Kube")


def is_quadlet(name: str, text: str) -> bool:
    if name.removesuffix(".j2").endswith(_ENDINGS):
        return True
    return any(line.strip() in ("[Container]", "[Pod]", "[Kube]") for line in text.splitlines()[:200])


def read(name: str, text: str) -> Iterator[DeclaredContainer]:
    mounts = Mounts()
    called, line_of_section, privileged, known = PurePath(name.removesuffix(".j2")).stem, 1, False, False
    for line, section, key, value in settings(text):
        if section not in ("Container", "Pod"):
            continue
        known = True
        if key == "":
            line_of_section = line
        elif key in ("ContainerName", "PodName") and "{" not in value:
            called = value
        elif key in ("Volume", "Mount") and value:
            mounts.add(line, f"{key}={value}", lambda key=key, value=value: podman.parse_quadlet(key, value))  # type: ignore[misc]
        elif key == "AddCapability":
            privileged = privileged or may_administer(value)
        elif key == "PodmanArgs":
            privileged = _arguments(mounts, line, value) or privileged
    if known:
        yield mounts.container("quadlet", called, line_of_section, privileged=privileged)


def _arguments(mounts: Mounts, line: int, value: str) -> bool:
    """Note the mounts among arguments of `podman run`; whether they make the container privileged."""
    try:
        words = shlex.split(value)
    except ValueError:
        words = value.split()
    privileged = False
    for key, said in flags(words):
        if key == "volume":
            mounts.add(line, f"PodmanArgs=-v {said}", lambda said=said: podman.parse_volume(said), "PodmanArgs")  # type: ignore[misc]
        elif key == "mount":
            mounts.add(line, f"PodmanArgs=--mount {said}", lambda said=said: podman.parse_mount(said), "PodmanArgs")  # type: ignore[misc]
        elif key in ("privileged", "cap"):
            privileged = privileged or key == "privileged" or may_administer(said)
    return privileged


def settings(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Line, section, key, value; an empty key where a section begins. Backslashes join lines (systemd.syntax(7)).

    Lines of Jinja are passed over.
    """
    section, pending, began = "", "", 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if line.startswith(("{%", "{#")) or (not pending and (not line or line[0] in "#;")):
            continue
        if pending and line[:1] in ("#", ";"):
            continue
        began = began if pending else number
        pending += line
        if pending.endswith("\\"):
            pending = pending[:-1].rstrip() + " "
            continue
        if pending.startswith("[") and pending.endswith("]"):
            section = pending[1:-1]
            yield began, section, "", ""
        elif "=" in pending:
            key, _, value = pending.partition("=")
            yield began, section, key.strip(), value.strip()
        pending = ""
