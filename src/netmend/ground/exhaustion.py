"""Limits of the process or its host that are reached: their names, and how to raise them."""

import errno
import os
import resource
from typing import Final

_WORDS: Final = {
    errno.EMFILE: "this process has no file descriptor left (EMFILE; its limit is {files:,}): raise LimitNOFILE of the "
    "unit, --ulimit nofile of the container, or ulimit -n",
    errno.ENFILE: "this host has no file descriptor left (ENFILE): raise the sysctl fs.file-max",
    errno.ENOMEM: "there is no memory left (ENOMEM): give the host, or the container (--memory), more",
    errno.ENOSPC: "the disk is full (ENOSPC), or a quota of the kernel is used up: make room",
    errno.EDQUOT: "the disk quota is used up (EDQUOT): make room",
    errno.ENOBUFS: "the kernel has no memory left for sockets (ENOBUFS): give the host more",
}


def share_of_descriptors(most: int) -> int:
    """How many descriptors one service may give to its clients: `most`, or a sixteenth of what the process may have.

    There are six such services and listeners. What they leave is the node's own: a client that opens all it can keeps
    no network from being made or mended.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(most, max(8, soft // 16))


def exhausted(error: BaseException) -> str | None:
    """The limit that `error` means, as a sentence with what to do; None if it means none."""
    while error.__cause__ is not None and not isinstance(error, OSError | MemoryError):
        error = error.__cause__
    if isinstance(error, MemoryError):
        return _WORDS[errno.ENOMEM]
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return "no thread can be started: raise TasksMax of the unit, --pids-limit of the container, or ulimit -u"
    number = error.errno if isinstance(error, OSError) else None
    if number not in _WORDS:
        return None
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    where = getattr(error, "filename", None)
    text = _WORDS[number].format(files=files)
    return f"{os.fspath(where)}: {text}" if isinstance(where, str | os.PathLike) else text
