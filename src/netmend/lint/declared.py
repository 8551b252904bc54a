"""What a file declares of one container, in one shape for all kinds of files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

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
    privileged: bool = False
    """Privileged, or with CAP_SYS_ADMIN: it can make and enter namespaces."""


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One mistake. `file` is the name given."""

    check: str
    severity: Severity
    file: str
    line: int
    container: str
    summary: str
    cause: str
    mend: str
    evidence: tuple[str, ...] = field(default=())


class Unreadable(ValueError):
    """A file that cannot be linted; `line` is 0 where the whole file is meant."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line
        self.why = why
