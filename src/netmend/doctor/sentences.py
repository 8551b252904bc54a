"""Lists, numbers, times and commands as text."""

from __future__ import annotations

from collections.abc import Sequence
from time import gmtime, strftime


def several(items: Sequence[str], limit: int = 6) -> str:
    """`a`, `a and b`, `a, b, c and 4 more`."""
    if len(items) > limit:
        return f"{', '.join(items[: limit - 1])} and {len(items) - limit + 1} more"
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def count(number: int, what: str, plural: str | None = None) -> str:
    """`1 device`, `3 devices`."""
    return f"{number:,} {what if number == 1 else plural or what + 's'}"


def moment(seconds: float) -> str:
    """A time of day as UTC."""
    return strftime("%Y-%m-%d %H:%M:%S UTC", gmtime(seconds))


def script(lines: Sequence[str], *, once: bool = True) -> str:
    """Commands as one text; each line once, unless some are to be repeated."""
    return "\n".join(dict.fromkeys(lines) if once else lines)
