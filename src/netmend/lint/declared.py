"""What a file declares of one container, in one shape for all kinds of files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from netmend.ground.diagnosis import Diagnosis
from netmend.ground.finding import Severity
from netmend.propagation.options.request import MountRequest

Kind = Literal["compose", "quadlet", "kubernetes", "docker inspect", "kolla"]


@dataclass(frozen=True, slots=True)
class DeclaredMount:
    """One mount, where it stands (`line` counts from 1), and the text of it."""

    request: MountRequest
    line: int
    written: str


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

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line
        self.why = why


def is_true(value: object) -> bool:
    """Whether the engines take a field for true: their readers still know YAML 1.1, where `yes` and `on` are."""
    return value is True or (isinstance(value, str) and value.lower() in ("yes", "on", "y"))


def read_only_decided(mount: Any, key: str) -> Any:
    """The mount's long form with its field `key` as true or false; a short form as it is."""
    return {**mount, key: is_true(mount[key])} if isinstance(mount, dict) and key in mount else mount
