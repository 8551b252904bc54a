"""A file's bytes, when it is the kind of file that intent can be in."""

import os
import stat
from pathlib import Path

SIZE_MAX = 256 * 1024 * 1024  # bytes; a network of 65,000 ports takes about 10 MB


class UnreadableError(Exception):
    """The reason for which a file cannot be read, in words."""


def read(path: Path) -> bytes:
    """The content of the regular file `path`. Raises UnreadableError; never blocks on a pipe or a device."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except FileNotFoundError:
        raise UnreadableError("there is no such file") from None
    except PermissionError:
        raise UnreadableError("may not be read by this user (permission denied)") from None
    except (OSError, ValueError) as error:
        raise UnreadableError(f"cannot be opened: {_reason(error)}") from error
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise UnreadableError("is a directory, not a file")
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError("is not a regular file; it is read again at each change, so a pipe will not do")
        if status.st_size > SIZE_MAX:
            raise UnreadableError(f"is {status.st_size} bytes large; at most {SIZE_MAX} are read")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(SIZE_MAX + 1)
    except OSError as error:
        raise UnreadableError(f"cannot be read: {_reason(error)}") from error
    finally:
        os.close(descriptor)
    if len(content) > SIZE_MAX:
        raise UnreadableError(f"grew past {SIZE_MAX} bytes while it was read")
    return content


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
