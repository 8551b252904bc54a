"""`docker run`, `podman run`, `nerdctl run` as people write them: in scripts, units of systemd, Ansible's commands.

A script may have the engine in a variable, as Kolla's and EDPM's wrappers of haproxy and dnsmasq do: `CLI="docker"`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from netmend.lint.declared import DeclaredContainer, Mounts, may_administer
from netmend.propagation.options import docker, podman
from netmend.propagation.options.run_flags import RUN, flags

_ENGINE: Final = re.compile(
    r"""^\s*(?:local |export |readonly )?(\w+)=["']?(?:[^"'\n]*[\s/])?(docker|podman|nerdctl)["']?\s*$""", re.M
)
"""A variable with the name of an engine, which other words may precede (`nsenter … podman`)."""


def is_script(text: str) -> bool:
    return RUN.search(_with_engines(text)) is not None


def read(text: str, first_line: int = 1) -> Iterator[DeclaredContainer]:
    """Each command that starts a container; lines that end with a backslash are one."""
    text = _with_engines(text)
    for number, lines in _commands(text):
        whole = " ".join(line.rstrip().removesuffix("\\") for line in lines)
        for found in RUN.finditer(whole):
            rest = whole[found.end() :]
            words = _words(rest)
            yield from_words(found[1], words, [(first_line + number - 1 + n, line) for n, line in enumerate(lines)])


def from_words(engine: str, words: Sequence[str], lines: Sequence[tuple[int, str]]) -> DeclaredContainer:
    """A container from the words behind `run`; `lines` are those of the file, to find each option's own."""
    mounts = Mounts()
    name, privileged = "", False
    for key, value in flags(words):
        if key == "volume":
            parse = podman.parse_volume if engine == "podman" else docker.parse_volume
            mounts.add(_line(lines, value), value, lambda value=value, parse=parse: parse(value))  # type: ignore[misc]
        elif key == "mount":
            parse = podman.parse_mount if engine == "podman" else docker.parse_mount
            mounts.add(_line(lines, value), value, lambda value=value, parse=parse: parse(value))  # type: ignore[misc]
        elif key == "name":
            name = value
        elif key == "cap":
            privileged = privileged or may_administer(value)
        elif key == "privileged":
            privileged = True
    return mounts.container("command line", name or engine, lines[0][0], privileged=privileged)


def _with_engines(text: str) -> str:
    """The text with variables that name an engine replaced where they begin a command; a variable's first value
    counts."""
    for name, engine in dict(reversed(_ENGINE.findall(text))).items():
        text = re.sub(rf"\$(?:{name}\b|\{{{name}\}})(?=\s+(?:container\s+)?(?:run|create)\s)", engine, text)
    return text


def _words(text: str) -> list[str]:
    """As far as the command goes; quotes that do not match end it."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    words: list[str] = []
    try:
        for word in lexer:
            if word and set(word) <= set(";&|"):
                break
            words.append(word)
    except ValueError:
        pass
    return words


def _commands(text: str) -> Iterator[tuple[int, list[str]]]:
    """Line and physical lines of each command; remarks are left out."""
    pending: list[str] = []
    began = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not pending:
            if line.lstrip().startswith(("#", ";")):
                continue
            began = number
        pending.append(line)
        if not line.rstrip().endswith("\\"):
            yield began, pending
            pending = []
    if pending:
        yield began, pending


def _line(lines: Sequence[tuple[int, str]], written: str) -> int:
    return next((number for number, line in lines if written in line), lines[0][0])
