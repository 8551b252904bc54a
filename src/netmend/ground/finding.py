"""What a check says: evidence, cause, mend, and who suffers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple


class Severity(IntEnum):
    """How bad; findings are ranked by it."""

    NOTE = 1
    WARNING = 2
    """Nothing is broken yet, or nobody needs it."""
    ERROR = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class RemoveName(NamedTuple):
    """A dead name may be removed: the file at `path` on the host, while it is the plain file `inode`."""

    path: str
    inode: int


class PinName(NamedTuple):
    """A living namespace may be given its name back: `path` on the host leads to namespace `inode` again.

    It is reached through `through` (a path below /proc). The name is absent or a plain file there now.
    """

    path: str
    inode: int
    through: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    check: str
    severity: Severity
    summary: str
    """One line."""
    evidence: tuple[str, ...]
    """What was read, and where."""
    cause: str
    mend: str
    """Shell commands, one a line, to be typed on the host as root as they stand; `#` starts a remark."""
    suffers: tuple[str, ...] = ()
    netns: str | None = None
    """The name, where the finding is about one network namespace."""
    usable_in: tuple[str, ...] = ()
    broken_in: tuple[str, ...] = ()
    directory: str | None = None
    culprits: tuple[str, ...] = ()
    """Labels of the mount namespaces that are set up wrongly."""
    safe: tuple[RemoveName | PinName, ...] = ()
    """Mends that cannot destroy anything in use (`--fix`)."""
    key: tuple[object, ...] = field(default=(), compare=False)
    """What the finding is about, down to inodes: the same in two looks only if it stood all the while."""


class Diagnosis(NamedTuple):
    """A finding in four words, for a log or a breaker."""

    summary: str
    evidence: tuple[str, ...]
    cause: str
    mend: str


def as_diagnosis(finding: Finding) -> Diagnosis:
    return Diagnosis(finding.summary, finding.evidence, finding.cause, finding.mend)
