"""The parts of one log line, and what all formats share: words for levels, the look of a traceback."""

from __future__ import annotations

import re
from dataclasses import dataclass

from netmend.forensics.clocks import Clock

LEVELS = ("", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_LEVEL = {
    "trace": "DEBUG", "debug": "DEBUG", "dbg": "DEBUG", "fine": "DEBUG", "verbose": "DEBUG", "d": "DEBUG",
    "info": "INFO", "information": "INFO", "audit": "INFO", "notice": "INFO", "note": "INFO", "system": "INFO",
    "i": "INFO", "normal": "INFO",
    "warn": "WARNING", "warning": "WARNING", "w": "WARNING",
    "err": "ERROR", "error": "ERROR", "exception": "ERROR", "severe": "ERROR", "e": "ERROR",
    "fatal": "CRITICAL", "panic": "CRITICAL", "critical": "CRITICAL", "crit": "CRITICAL", "alert": "CRITICAL",
    "emer": "CRITICAL", "emerg": "CRITICAL", "emergency": "CRITICAL", "f": "CRITICAL",
}  # fmt: skip
PRIORITY = ("CRITICAL", "CRITICAL", "CRITICAL", "ERROR", "WARNING", "INFO", "INFO", "DEBUG")
"""By syslog severity (RFC 5424, section 6.2.1)."""

_EXCEPTION = re.compile(
    r"(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception|NotFound|Timeout|Failure|Interrupted|AlreadyExists|Argument"
    r"|NotReady|Unavailable|Exit|Interrupt|_Remote)(?::|$)"
)

_FAILURE = re.compile(
    r"\b(?:errors?|errno|fail(?:ed|ures?|s|ing)?|fatal|panic|refused|denied|cannot|can't|unable to|timed out|timeout"
    r"|no such|not permitted|unreachable|corrupt(?:ed|ion)?|exhausted|segfault|fault|killed|aborted|dropp(?:ed|ing)"
    r"|overflow|(?:table|cache|queue|list|buffer|disk) (?:is )?full|limit (?:was |is )?(?:reached|exceeded)|stuck"
    r"|stalled)\b",
    re.IGNORECASE,
)
_GO_FRAME = re.compile(r"goroutine \d+ \[|created by [\w./*()-]+|[\w.-]+(?:/[\w.-]+)*\.[\w.()*]+\([^)]*\)$")


@dataclass(frozen=True, slots=True)
class Wrapping:
    """What stands around a text."""

    format: str
    clock: Clock | None
    """Reads the stamp of the wrapping; None where it has none."""
    zoned: bool
    """The stamp says its zone."""
    level: str = ""
    service: str = ""
    writer: str = ""
    """The writer's name as it stands there, for when neither it nor the text inside names a service."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one line says. `clock` reads the stamp of any line of the same make; None: the line has no stamp."""

    format: str
    message: str
    clock: Clock | None = None
    level: str = ""
    service: str = ""
    continuation: bool = False
    """Part of the record above: a traceback's line. `message` is then an exception's line, or empty."""
    text: str = ""
    """What the line says where `message` is empty."""
    unknown: bool = False
    """In no known format, and not the look of a traceback's line either."""


def level(word: str) -> str:
    """One of LEVELS for any spelling."""
    return _LEVEL.get(word.lower(), "")


def priority_level(digits: bytes) -> str:
    """The level for `facility * 8 + severity` in digits; empty for anything else."""
    return PRIORITY[int(digits) & 7] if digits.isdigit() and len(digits) <= 3 else ""


def text_of(data: bytes) -> str:
    """Bytes of a log as text."""
    return data.decode("utf-8", "replace").strip()


def exception(text: str) -> str:
    """The text when it is an exception's own line, `module.Name: what`; else empty."""
    return text if _EXCEPTION.match(text) else ""


def speaks_of_failure(text: str) -> bool:
    """Whether a text without a level has a word that is used of failures."""
    return _FAILURE.search(text) is not None


def is_trace(text: str) -> bool:
    """Whether a text, without its indentation, looks like part of a traceback."""
    return text.startswith(
        ("Traceback (most recent call last)", "During handling of", "The above exception was", "~", "^")
    ) or bool(_EXCEPTION.match(text) or _GO_FRAME.match(text))


def is_trace_line(raw: bytes) -> bool:
    """Whether a whole line, indentation included, looks like part of a traceback."""
    text = text_of(raw)
    return not text or raw[:1] in (b" ", b"\t") or is_trace(text)


def headline(text: str) -> str:
    """A text of several lines in one: its first line, and the exception in which its traceback ends."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        return text.strip()
    first = lines[0].strip()
    last = next((said for line in reversed(lines) if (said := exception(line.strip()))), "")
    if first.startswith("Traceback (most recent call last)"):
        return last or first
    return f"{first}: {last}" if last and last not in first else first
