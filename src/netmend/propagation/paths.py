"""Absolute paths as text: components, prefixes, one below another. No file system is asked."""

from __future__ import annotations


def is_under(path: str, directory: str) -> bool:
    """Whether ``path`` is ``directory`` or below it, by components."""
    return directory in ("/", path) or path.startswith(directory + "/")


def join_below(base: str, path: str, top: str) -> str:
    """Put what ``path`` has below ``top`` below ``base``; needs ``is_under(path, top)``."""
    rest = path[len(top) :].strip("/") if top != "/" else path.strip("/")
    if not rest:
        return base
    return f"{base.rstrip('/')}/{rest}"


def normal(path: str) -> str:
    """An absolute path without empty components or a trailing slash. Raises ValueError for a relative one."""
    if not path.startswith("/"):
        raise ValueError(f"{path!r} is not an absolute path")
    return "/" + "/".join(part for part in path.split("/") if part)


def prefixes(path: str) -> list[str]:
    """`/` and every directory on the way to an absolute path, and the path itself."""
    found = ["/"]
    prefix = ""
    for part in path.split("/"):
        if part:
            prefix = f"{prefix}/{part}"
            found.append(prefix)
    return found


def clean(path: str) -> str:
    """Go's path.Clean for an absolute path: no ``//``, ``.``, ``..`` or trailing slash."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)
