"""Nomad's job files, HCL and JSON: `volumes` and `mount` in the `config` of tasks of the drivers docker and podman.

HCL is read as far as blocks, strings, lists and plain values go (HCL native syntax specification); what is an
expression stays text, and is taken for a template where it matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from netmend.ground.document import Mapping, Mark, Sequence
from netmend.lint.declared import DeclaredContainer, Mounts, Unreadable, is_true, located, may_administer
from netmend.propagation.options import docker, podman

_JOB: Final = re.compile(r'(?m)^\s*job\s+"[^"\n]*"\s*\{')
_TOKEN: Final = re.compile(
    r'(?P<remark>\#[^\n]*|//[^\n]*|/\*.*?\*/)|(?P<document><<-?\s*"?(?P<end>\w+)"?\n.*?\n\s*(?P=end)\b)'
    r'|"(?P<text>(?:\\.|[^"\\])*)"|(?P<mark>[{}\[\],=:])|(?P<line>\n)|(?P<word>[^\s{}\[\],=:"#]+)',
    re.S,
)
_DRIVERS: Final = ("docker", "podman")


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
        tasks = group.get("Tasks") if isinstance(group, Mapping) else None
        for task in tasks if isinstance(tasks, Sequence) else ():
            if isinstance(task, Mapping) and task.get("Driver") in _DRIVERS:
                config = task.get("Config")
                if isinstance(config, Mapping):
                    yield _container(str(task.get("Name", "")), str(task["Driver"]), config)


def read(text: str) -> Iterator[DeclaredContainer]:
    """The tasks of a job file. Raises Unreadable where a brace or a quote is not closed."""
    for name, task in _tasks(_Reader(text).read(), ""):
        config = task.get("config")
        driver = str(task.get("driver", ""))
        if isinstance(config, Mapping) and driver in _DRIVERS:
            yield _container(name, driver, config)


def _tasks(block: Mapping, name: str) -> Iterator[tuple[str, Mapping]]:
    for key, value in block.items():
        kind, _, label = key.partition(" ")
        for one in value if isinstance(value, Sequence) else [value]:
            if not isinstance(one, Mapping):
                continue
            if kind == "task":
                yield label or name, one
            elif kind in ("job", "group"):
                yield from _tasks(one, label)


def _container(name: str, driver: str, config: Mapping) -> DeclaredContainer:
    mounts = Mounts()
    parse = podman.parse_volume if driver == "podman" else docker.parse_volume
    for line, volume in located(config.get("volumes")):
        mounts.add(line, str(volume), lambda volume=volume: parse(str(volume)))  # type: ignore[misc]
    for key in ("mount", "mounts"):
        value = config.get(key)
        for one in value if isinstance(value, Sequence) else [value]:
            if isinstance(one, Mapping) and str(one.get("type", "volume")) == "bind":
                _add_mount(mounts, one)
    privileged = is_true(config.get("privileged")) or may_administer(config.get("cap_add"))
    return mounts.container("nomad", name, config.line, privileged=privileged)


def _add_mount(mounts: Mounts, mount: Mapping) -> None:
    options = mount.get("bind_options")
    if isinstance(options, Sequence) and options:
        options = options[0]
    propagation = options.get("propagation") if isinstance(options, Mapping) else None
    words = [f"type=bind,source={mount.get('source', '')},target={mount.get('target', '')}"]
    if propagation:
        words.append(f"bind-propagation={propagation}")
    if is_true(mount.get("readonly")):
        words.append("readonly")
    written = ",".join(words)
    mounts.add(mount.line, written, lambda: docker.parse_mount(written))


class _Reader:
    """HCL as mappings and lists that know their lines; a block's key is its type and its labels."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, int]] = []
        line = 1
        for found in _TOKEN.finditer(text):
            kind = found.lastgroup or ""
            if kind not in ("remark", "end"):
                self._tokens.append((kind, found["text"] if kind == "text" else found[0], line))
            elif found["document"] is not None:
                self._tokens.append(("text", "{{ document }}", line))
            line += found[0].count("\n")
        self._at = 0

    def read(self) -> Mapping:
        return self._body(1, whole=True)

    def _body(self, line: int, *, whole: bool = False) -> Mapping:
        found = Mapping(Mark(line, 1))
        while self._at < len(self._tokens):
            kind, text, at = self._tokens[self._at]
            self._at += 1
            if kind == "mark" and text == "}":
                return found
            if kind not in ("word", "text"):
                continue
            labels = [text]
            while self._at < len(self._tokens) and self._tokens[self._at][0] in ("word", "text"):
                labels.append(self._tokens[self._at][1])
                self._at += 1
            mark = self._tokens[self._at][1] if self._at < len(self._tokens) else ""
            self._at += 1
            key = " ".join(labels)
            if mark == "{":
                self._put(found, key, self._body(at), at, repeated=True)
            elif mark in ("=", ":"):
                self._put(found, key, self._value(at), at, repeated=False)
        if not whole:
            raise Unreadable(line, "a block that begins here is not closed")
        return found

    @staticmethod
    def _put(found: Mapping, key: str, value: Any, line: int, *, repeated: bool) -> None:
        """A block that stands there several times is a list of them."""
        if repeated and key in found:
            before = found[key]
            if not isinstance(before, Sequence):
                listed = Sequence(Mark(line, 1))
                listed.append(before)
                listed.mark_of.append(found.mark_of[key])
                found[key] = before = listed
            before.append(value)
            before.mark_of.append(Mark(line, 1))
            return
        found[key] = value
        found.mark_of[key] = Mark(line, 1)

    def _value(self, line: int) -> Any:
        while self._at < len(self._tokens):
            kind, text, at = self._tokens[self._at]
            self._at += 1
            if kind == "line":
                continue
            if text == "[" and kind == "mark":
                return self._list(at)
            if text == "{" and kind == "mark":
                return self._body(at)
            if kind == "text":
                return text.replace('\\"', '"')
            words = [text]
            while self._at < len(self._tokens) and self._tokens[self._at][0] == "word":
                words.append(self._tokens[self._at][1])
                self._at += 1
            return text if len(words) == 1 else "${" + " ".join(words) + "}"
        raise Unreadable(line, "a value is missing")

    def _list(self, line: int) -> Sequence:
        found = Sequence(Mark(line, 1))
        while self._at < len(self._tokens):
            kind, text, at = self._tokens[self._at]
            if kind == "mark" and text == "]":
                self._at += 1
                return found
            if kind == "line" or text == ",":
                self._at += 1
                continue
            found.append(self._value(at))
            found.mark_of.append(Mark(at, 1))
        raise Unreadable(line, "a list that begins here is not closed")
