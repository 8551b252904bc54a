"""Lines of a log as oslo.log writes them (its `logging_default_format_string`), for what reads logs of OpenStack.

    2026-11-30 09:13:51.482 1234 WARNING netmend [-] resync reason network=... reason='...'

A traceback follows, each line of it after `TIME PROCESS ERROR NAME `, as oslo.log's `logging_exception_prefix` has it.
"""

import os
from datetime import datetime
from typing import Final

from netmend.ground.log import Line

_FIRST: Final = frozenset({"timestamp", "level", "event", "logger", "exception"})


def local_time() -> str:
    """Now in local time, to the millisecond, as oslo.log writes it."""
    return datetime.now().isoformat(" ", "milliseconds")


def oslo_text(line: Line) -> str:
    """One line, and one for each line of a traceback; `timestamp` is as `local_time` gives it."""
    moment, name = line["timestamp"], line.get("logger", "netmend")
    begin = f"{moment} {os.getpid()}"
    more = "".join(f" {key}={value!r}" for key, value in line.items() if key not in _FIRST)
    event = str(line["event"]).replace("\n", "\\n")
    lines = [f"{begin} {str(line['level']).upper()} {name} [-] {event}{more}"]
    lines += [f"{begin} ERROR {name} {one}" for one in str(line.get("exception") or "").splitlines()]
    return "\n".join(lines)
