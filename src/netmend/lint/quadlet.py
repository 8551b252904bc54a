"""Quadlets: `Volume=` and `Mount=` of the section `[Container]` (podman-systemd.unit(5))."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from netmend.lint.declared import DeclaredContainer, DeclaredMount, Refused
from netmend.propagation.options.podman import parse_quadlet
from netmend.propagation.options.request import OptionError


def is_quadlet(name: str, text: str) -> bool:
    return name.endswith(".container") or any(line.strip() == "[Container]" for line in text.splitlines()[:200])


def read(name: str, text: str) -> DeclaredContainer:
    mounts: list[DeclaredMount] = []
    refused: list[Refused] = []
    called, line_of_section, privileged = PurePath(name).stem, 1, False
    for line, section, key, value in _settings(text):
        if section != "Container":
            continue
        if key == "":
            line_of_section = line
        elif key == "ContainerName":
            called = value
        elif key in ("Volume", "Mount") and "%" not in value and value:
            try:
                mounts.append(DeclaredMount(parse_quadlet(key, value), line, f"{key}={value}"))
            except OptionError as error:
                refused.append(Refused(line, f"{key}={value}", str(error)))
        elif key == "AddCapability":
            privileged = privileged or not {"all", "sys_admin", "cap_sys_admin"}.isdisjoint(value.lower().split())
        elif key == "PodmanArgs":
            privileged = privileged or "--privileged" in value.split()
    return DeclaredContainer("quadlet", called, line_of_section, tuple(mounts), tuple(refused), privileged)


def _settings(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Line, section, key, value; an empty key where a section begins. Backslashes join lines (systemd.syntax(7))."""
    section, pending, began = "", "", 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not pending and (not line or line[0] in "#;"):
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
