"""Lines of a log as oslo.log writes them (its `logging_default_format_string`), for what reads logs of OpenStack.

    2026-11-30 09:13:51.482 1234 WARNING netmend [-] resync reason network=... reason='...'

A traceback follows, each line of it after `TIME PROCESS ERROR NAME `, as oslo.log's `logging_exception_prefix` has it.
"""

import os
from typing import Final

import structlog

TIME: Final = "%Y-%m-%d %H:%M:%S.%f"
"""What `timestamp` must be, in local time."""
_FIRST: Final = frozenset({"timestamp", "level", "event", "logger", "exception"})


def oslo_text(_: object, __: str, line: structlog.typing.EventDict) -> str:
    """A renderer of structlog: one line, and one for each line of a traceback."""
    moment, name = str(line["timestamp"])[:-3], line.get("logger", "netmend")
    begin = f"{moment} {os.getpid()}"
    more = "".join(f" {key}={value!r}" for key, value in line.items() if key not in _FIRST)
    event = str(line["event"]).replace("\n", "\\n")
    lines = [f"{begin} {str(line['level']).upper()} {name} [-] {event}{more}"]
    lines += [f"{begin} ERROR {name} {one}" for one in str(line.get("exception") or "").splitlines()]
    return "\n".join(lines)
