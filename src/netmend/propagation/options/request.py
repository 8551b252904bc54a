"""What every engine's option comes down to, and the error for one that it refuses."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import Literal

from netmend.propagation.flags import MountFlag, flag_of


class OptionError(ValueError):
    """An option that the engine refuses, in the engine's words; ``option`` is what was written."""

    def __init__(self, option: str, words: str) -> None:
        super().__init__(words)
        self.option = option


def comma_separated(spec: str) -> list[str]:
    """The fields of a `--mount`, which are CSV (RFC 4180) as Go's encoding/csv reads it. Raises OptionError."""
    try:
        return next(csv.reader([spec]), [])
    except csv.Error as error:
        raise OptionError(spec, f"parse error: {error}") from None


@dataclass(frozen=True, slots=True)
class MountRequest:
    """One mount into a container, as an engine understood it."""

    source: str  # a path of the host; for other kinds a volume's name or nothing
    target: str
    propagation: str  # what the runtime sets: `[r]private`, `[r]shared`, `[r]slave`, `[r]unbindable`; empty for nothing
    asked: bool = True  # whether the option named it; otherwise it is the engine's default
    kind: Literal["bind", "volume", "tmpfs", "other"] = "bind"
    read_only: bool = False
    recursive: bool = True  # mounts below the source come along (MS_REC on the bind)
    create_source: bool = False  # the engine makes the source, as a directory, where it is missing
    further: tuple[str, ...] = ()  # other words of the option, which have no part in propagation

    @property
    def flag(self) -> MountFlag:
        return flag_of(self.propagation) if self.propagation else MountFlag(0)

    @property
    def direction(self) -> Literal["both", "in", "none"]:
        """Which way later mounts travel where the host allows it: both, into the container only, or not at all."""
        word = self.propagation.removeprefix("r")
        if word == "shared":
            return "both"
        return "in" if word == "slave" else "none"
