"""Lists a directory as another mount namespace sees it, through /proc/PID/root (proc(5)). Read-only."""

import os
import stat
from dataclasses import dataclass
from typing import Literal

from netmend.kernel.errors import KernelError


@dataclass(frozen=True, slots=True)
class Entry:
    """A directory entry itself, not what is mounted on it elsewhere; times in seconds since the epoch."""

    kind: Literal["file", "link", "directory", "other"]
    device: int
    inode: int
    changed: float
    mode: int
    size: int
    target: str = ""  # where a symbolic link leads
    leads_nowhere: bool = False


def through(pid: int, path: str) -> str:
    """The path by which process `pid` sees `path`."""
    return f"/proc/{pid}/root{path}"


def entries(directory: str) -> dict[str, Entry]:
    """Every entry of the directory, symbolic links not followed. A name with a mount on it shows the mounted object.

    Raises KernelError when the directory cannot be read; entries that vanish meanwhile are left out.
    """
    found: dict[str, Entry] = {}
    try:
        with os.scandir(directory) as listing:
            for entry in listing:
                seen = _entry(entry.path)
                if seen is not None:
                    found[entry.name] = seen
    except OSError as error:
        raise KernelError("list", directory, error.errno or 0) from error
    return found


def entry(path: str) -> Entry | None:
    """One entry, not followed; None when it is not there. Raises KernelError."""
    try:
        return _entry(path)
    except OSError as error:
        raise KernelError("look at", path, error.errno or 0) from error


def _entry(path: str) -> Entry | None:
    target, leads_nowhere = "", False
    try:
        seen = os.stat(path, follow_symlinks=False)  # DirEntry.stat would do, but may be cached
        if stat.S_ISLNK(seen.st_mode):
            target = os.readlink(path)
            leads_nowhere = not os.path.exists(path)
    except (FileNotFoundError, ProcessLookupError):
        return None
    kind: Literal["file", "link", "directory", "other"] = "other"
    for test, called in ((stat.S_ISLNK, "link"), (stat.S_ISREG, "file"), (stat.S_ISDIR, "directory")):
        if test(seen.st_mode):
            kind = called  # type: ignore[assignment]
    return Entry(
        kind, seen.st_dev, seen.st_ino, seen.st_ctime, stat.S_IMODE(seen.st_mode), seen.st_size, target, leads_nowhere
    )
