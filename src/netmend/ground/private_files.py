"""Files that only their owner may read: what netmend keeps holds passwords, user data and Nova's shared secret.

Directories that netmend makes are 0700 and its files 0600, whatever the umask is. Wider ones that it finds are
narrowed, and the caller says so. A directory that holds anything of others is left as it is: it may be /run.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_private_directory(path: Path) -> None:
    """Make `path` with mode 0700, and missing directories above it as usual. An existing one is left alone.

    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)


def write_private(path: Path, text: str) -> None:
    """Put a file of mode 0600 with `text` in the place of `path`, at once and on disk. Raises OSError.

    What is there and no regular file (a pipe, /dev/stdout) is written to.
    """
    if path.exists() and not path.is_file():
        path.write_text(text)
        return
    path = path.resolve()
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def narrow(directory: Path, ours: Sequence[str]) -> list[str]:
    """Take the permissions of others from `directory` and our files in it; returns a sentence for each change.

    `ours` are patterns of names, as `Path.match` reads them. The directory itself is narrowed when it is ours and has
    nothing else in it. What cannot be changed is said too.

    No file is opened for this: closing a descriptor of a database that is open already would end SQLite's locks on it
    (fcntl(2)), and the next reader would take its log away (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    """
    said = []
    try:
        entries = sorted(directory.iterdir())
        mine = [entry for entry in entries if any(entry.match(pattern) for pattern in ours)]
        alone = len(mine) == len(entries) and directory.stat().st_uid == os.geteuid()
    except OSError:
        return []
    for path in [*([directory] if alone else []), *(inner for entry in mine for inner in _all_below(entry))]:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:  # it is gone
            continue
        try:
            found = os.fstat(descriptor)
            if found.st_mode & _OTHERS and stat.S_IFMT(found.st_mode) in {stat.S_IFREG, stat.S_IFDIR}:
                before, after = stat.S_IMODE(found.st_mode), stat.S_IMODE(found.st_mode) & ~_OTHERS
                Path(f"/proc/self/fd/{descriptor}").chmod(after)
                said.append(f"{path}: was {before:04o}, is {after:04o}")
        except OSError as error:
            said.append(f"{path}: others may read it, and its mode cannot be changed: {error.strerror}")
        finally:
            os.close(descriptor)
    return said


def _all_below(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        for entry in sorted(path.iterdir()):
            yield from _all_below(entry)
