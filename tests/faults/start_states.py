"""States of the host that a pass may start from."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.world import DIRECTORY, NETWORK_ID

from netmend.intent.names import Mark
from netmend.kernel import mounts, syscalls


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class StartState:
    """`arrange` once, `before_each` case; `pinnable` False: names cannot be made, namespaces are held by descriptor."""

    arrange: Callable[[], None] = _nothing
    before_each: Callable[[], None] = _nothing
    pinnable: bool = True
    guests_found: bool = True
    foreign_name: str | None = None  # somebody's dead file, which must stay as it was found
    foreign: int = 3


_NAME = Path(DIRECTORY, f"qdhcp-{NETWORK_ID}")


def _stale_name() -> None:
    """The incident: the file is there, the namespace is not."""
    _NAME.unlink(missing_ok=True)
    _NAME.touch(mode=0)


def _half_made_name() -> None:
    """As a netmend leaves it that was killed between file and mount."""
    _NAME.unlink(missing_ok=True)
    _NAME.write_text(str(Mark("namespace", NETWORK_ID)) + "\n")


def _private() -> None:
    mounts.make(DIRECTORY, syscalls.MS_PRIVATE)


def _deleted() -> None:
    """The directory under the mount is gone: `//deleted` in mountinfo."""
    Path("/run/elsewhere").mkdir()
    mounts.bind("/run/elsewhere", DIRECTORY)
    Path("/run/elsewhere").rmdir()


def _read_only() -> None:
    syscalls.mount(None, DIRECTORY, None, syscalls.MS_REMOUNT | syscalls.MS_BIND | syscalls.MS_RDONLY)


START_STATES = {
    "sound": StartState(),
    "stale-name": StartState(before_each=_stale_name, foreign_name=_NAME.name),
    "half-made-name": StartState(before_each=_half_made_name),
    "private": StartState(_private),
    "read-only": StartState(_read_only, pinnable=False),
    "deleted": StartState(_deleted, pinnable=False, guests_found=False),
    "foreign-10000": StartState(foreign=10_000),
}
