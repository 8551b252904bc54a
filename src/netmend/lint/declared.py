"""What a file declares of one container, in one shape for all formats."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from netmend.ground.diagnosis import Diagnosis
from netmend.ground.document import Sequence
from netmend.ground.finding import Severity
from netmend.propagation.options.request import MountRequest, OptionError

Kind = Literal[
    "ansible",
    "command line",
    "compose",
    "crictl inspect",
    "docker inspect",
    "docker service",
    "edpm",
    "incus",
    "kolla",
    "kubernetes",
    "lxc",
    "nomad",
    "oci",
    "quadlet",
    "unread",  # no container, but a file within the file that may declare some
]

Form = Literal["", "PodmanArgs", "mount", "volume_mount"]
"""How a mount is written, where its format knows several ways."""

_TEMPLATE: Final = re.compile(r"\{\{|\{%|\$|<[%a-zA-Z]|@[A-Z_]+@|(?<!%)%[a-zA-Z{]")
_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]|\\\\")


@dataclass(frozen=True, slots=True)
class DeclaredMount:
    """One mount, where it stands (`line` counts from 1), and the text of it."""

    request: MountRequest
    line: int
    written: str
    form: Form = ""


@dataclass(frozen=True, slots=True)
class Unevaluated:
    """An expression whose value the file alone does not say."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A mount that the engine will refuse, in the engine's words."""

    line: int
    written: str
    words: str


@dataclass(frozen=True, slots=True)
class DeclaredContainer:
    """A container as a file declares it."""

    kind: Kind
    name: str
    line: int
    mounts: tuple[DeclaredMount, ...] = ()
    refused: tuple[Refused, ...] = ()
    privileged: bool = False  # privileged, or with CAP_SYS_ADMIN: it can make and enter namespaces
    ends_early: bool = False  # an init container: what is mounted later is nothing to it
    unevaluated: tuple[Unevaluated, ...] = ()  # of mounts and privileges: what the file alone does not say

    def at(self, line: int) -> DeclaredContainer:
        """The same, all of it at one line of the file: what is encoded there has no lines of its own."""
        return replace(
            self,
            line=line,
            mounts=tuple(replace(one, line=line) for one in self.mounts),
            refused=tuple(replace(one, line=line) for one in self.refused),
            unevaluated=tuple(replace(one, line=line) for one in self.unevaluated),
        )


@dataclass(slots=True)
class Mounts:
    """The mounts of one container while its file is read."""

    found: list[DeclaredMount] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    unevaluated: list[Unevaluated] = field(default_factory=list)

    def known(self, *values: object) -> bool:
        """Whether all of these values are known; those that are not are noted."""
        unknown = [value for value in values if isinstance(value, Unevaluated)]
        self.unevaluated += unknown
        return not unknown

    def add(self, line: int, written: str, parse: Callable[[], MountRequest], form: Form = "") -> None:
        """Note what `parse` makes of an option; what is still a template, or of Windows, is left alone."""
        if not written.strip() or _TEMPLATE.search(written) or _WINDOWS.match(written):
            return
        try:
            self.found.append(DeclaredMount(parse(), line, written, form))
        except OptionError as error:
            self.refused.append(Refused(line, written, str(error)))

    def container(
        self, kind: Kind, name: str, line: int, *, privileged: bool, ends_early: bool = False
    ) -> DeclaredContainer:
        found, refused, unevaluated = tuple(self.found), tuple(self.refused), tuple(dict.fromkeys(self.unevaluated))
        return DeclaredContainer(kind, name, line, found, refused, privileged, ends_early, unevaluated)


@dataclass(frozen=True, slots=True, kw_only=True)
class LintFinding(Diagnosis):
    """One mistake in a file."""

    check: str
    severity: Severity
    file: str  # the name given
    line: int  # from 1
    container: str

    def as_json(self) -> dict[str, Any]:
        """A diagnosis with `check`, `severity`, `file`, `line`, `container` (docs/lint.md)."""
        return {
            "check": self.check,
            "severity": self.severity.word,
            "file": self.file,
            "line": self.line,
            "container": self.container,
            **Diagnosis.as_json(self),
        }


class Unreadable(ValueError):
    """A file that cannot be linted; `line` is 0 where the whole file is meant."""

    def __init__(self, line: int, why: str, *, kind: Literal["unknown", "template", "broken"] = "broken") -> None:
        super().__init__(why)
        self.line = line
        self.why = why
        self.kind = kind


def is_true(value: object) -> bool:
    """Whether the engines take a field for true: their readers still know YAML 1.1, where `yes` and `on` are."""
    return value is True or (isinstance(value, str) and value.lower() in ("true", "yes", "on", "y"))


def may_administer(value: Any) -> bool:
    """Whether a list of capabilities, with or without `CAP_`, in any case, holds SYS_ADMIN or ALL (capabilities(7))."""
    names = value.replace(",", " ").split() if isinstance(value, str) else value if isinstance(value, list) else []
    return not {"SYS_ADMIN", "ALL"}.isdisjoint(str(name).upper().removeprefix("CAP_") for name in names)


def located(value: Any) -> list[tuple[int, Any]]:
    """The items of a list, each with its line; none where it is no list."""
    return [(value.line_of(n), item) for n, item in enumerate(value)] if isinstance(value, Sequence) else []
