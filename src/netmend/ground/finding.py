"""A finding of the doctor: a diagnosis, how bad it is, and the containers that suffer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

from netmend.ground.diagnosis import Diagnosis


class Severity(IntEnum):
    """The severity by which findings are ranked."""

    NOTE = 1
    WARNING = 2  # nothing is broken yet, or nobody needs it
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Diagnosis):
    """One thing that a check finds wrong."""

    check: str
    severity: Severity
    suffers: tuple[str, ...] = ()  # labels of mount namespaces
    netns: str | None = None  # the name, where the finding is about one network namespace
    usable_in: tuple[str, ...] = ()  # labels of the mount namespaces where `netns` leads to a namespace
    broken_in: tuple[str, ...] = ()  # and of those where it does not
    directory: str | None = None  # the directory of names that the finding is about
    culprits: tuple[str, ...] = ()  # labels of the mount namespaces that are set up wrongly
    safe: tuple[RemoveName | PinName, ...] = ()  # mends that cannot destroy anything in use (`--fix`)
    key: tuple[object, ...] = field(default=(), compare=False)  # what it is about, down to inodes: the same in two
    # looks only if it stood all the while

    def as_json(self) -> dict[str, Any]:
        """A diagnosis with `check`, `severity`, `suffers`, `culprits`; with `directory`, `netns`, `usable_in` and
        `broken_in` where it is about one (docs/doctor.md)."""
        found: dict[str, Any] = {
            "check": self.check,
            "severity": self.severity.word,
            **Diagnosis.as_json(self),
            "suffers": list(self.suffers),
            "culprits": list(self.culprits),
        }
        if self.directory is not None:
            found["directory"] = self.directory
        if self.netns is not None:
            found |= {"netns": self.netns, "usable_in": list(self.usable_in), "broken_in": list(self.broken_in)}
        return found
