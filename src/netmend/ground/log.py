"""The log: an event, and fields that say more of it, in one line.

    log = get_logger()
    log.warning("resync reason", network=network.id, reason=text)

Until `configure` is called, lines are JSON on standard error. structlog gives as much, and loads rich and asyncio with
it: a sixth of a second of every start.
"""

import json
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

Line = dict[str, Any]
"""`timestamp`, `level`, `event`, then the fields; `exception` is a traceback's text."""


def utc_time() -> str:
    """Now as RFC 3339 has it, in UTC."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def as_json(line: Line) -> str:
    """The line as a JSON object; a value that JSON does not have is written as Python writes it."""
    return json.dumps(line, default=repr)


def for_a_person(line: Line) -> str:
    """The line for a terminal; a traceback follows it."""
    more = "".join(f" {key}={value!r}" for key, value in line.items() if key not in _FIRST)
    text = f"{line['timestamp']} [{line['level']:<9}] {line['event']:<30}{more}".rstrip()
    return f"{text}\n{line['exception']}" if "exception" in line else text


_FIRST: Final = frozenset({"timestamp", "level", "event", "exception"})


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


_write: Callable[[str], object] = _to_stderr
_render: Callable[[Line], str] = as_json
_now: Callable[[], str] = utc_time


def configure(
    write: Callable[[str], object], render: Callable[[Line], str] = as_json, now: Callable[[], str] = utc_time
) -> None:
    """Send each line, made by `render`, with `now()` as its time stamp, to `write`; both in any thread."""
    global _write, _render, _now  # one log a process
    _write, _render, _now = write, render, now


class Logger:
    """Logs at five levels; `exc_info` is an exception, what sys.exc_info() gives, or True: the one being handled."""

    def debug(self, event: str, **fields: Any) -> None:
        """Log what helps to find a defect."""
        _log("debug", event, fields)

    def info(self, event: str, **fields: Any) -> None:
        """Log what goes as it should."""
        _log("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Log what somebody should look at."""
        _log("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """Log what does not work."""
        _log("error", event, fields)

    def critical(self, event: str, **fields: Any) -> None:
        """Log what ends the process."""
        _log("critical", event, fields)

    def exception(self, event: str, **fields: Any) -> None:
        """Log an error with the traceback of the exception that is being handled."""
        _log("error", event, {"exc_info": True, **fields})


_LOGGER: Final = Logger()


def get_logger() -> Logger:
    """The process's logger."""
    return _LOGGER


def _log(level: str, event: str, fields: Line) -> None:
    line = {"timestamp": _now(), "level": level, "event": event, **fields}
    if "exc_info" in line and (text := _traceback(line.pop("exc_info"))) is not None:
        line["exception"] = text
    _write(_render(line))


def _traceback(info: Any) -> str | None:
    if isinstance(info, tuple):
        info = info[1]
    elif info is True:
        info = sys.exc_info()[1]
    return "".join(traceback.format_exception(info)).rstrip("\n") if isinstance(info, BaseException) else None
