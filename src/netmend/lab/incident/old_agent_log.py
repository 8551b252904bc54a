"""The stand-in's log, as oslo.log writes it for Neutron's agents, so that what reads theirs reads this.

The format is oslo.log's `logging_context_format_string` and `logging_exception_prefix` with their defaults; the words
of the records are those of neutron/agent/dhcp/agent.py, neutron/agent/linux/dhcp.py and oslo_privsep/daemon.py.
"""

from __future__ import annotations

import os
import traceback
import uuid
from datetime import UTC, datetime

AGENT = "neutron.agent.dhcp.agent"
DRIVER = "neutron.agent.linux.dhcp"
CONFIG = "neutron.common.config"
PRIVSEP = "oslo.privsep.daemon"
_PRIVILEGED = "neutron.privileged.agent.linux.ip_lib"


class OsloLog:
    """Collects lines until they are taken."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._request = "-"

    def new_request(self) -> None:
        """What follows belongs to another request, as each call of a periodic task does."""
        self._request = f"None req-{uuid.uuid4()} - - - - - -"

    def take(self) -> list[str]:
        """The lines since the last call."""
        lines, self._lines = self._lines, []
        return lines

    def record(self, level: str, logger: str, message: str) -> None:
        self._lines.append(f"{_prefix(level, logger)} [{self._request}] {message}")

    def privileged(self, function: str, *arguments: object) -> None:
        """A call handed to the privileged daemon, at DEBUG."""
        call = f"(3, '{_PRIVILEGED}.{function}', {arguments!r}, {{}})"
        self.record("DEBUG", PRIVSEP, f"privsep: request[{id(self)}]: {call}")

    def exception(self, logger: str, message: str, error: BaseException) -> None:
        """A record at ERROR, and the traceback beneath it."""
        self.record("ERROR", logger, message)
        prefix = _prefix("ERROR", logger)
        for part in traceback.format_exception(error):
            self._lines += [f"{prefix} {line}" for line in part.rstrip("\n").split("\n")]


def _prefix(level: str, logger: str) -> str:
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return f"{stamp} {os.getpid()} {level} {logger}"


def sudo_line(command: str) -> str:
    """What sudo(8) leaves in the authentication log for a command that an operator ran on the host."""
    stamp = datetime.now(UTC).isoformat(timespec="microseconds")
    return f"{stamp} host sudo[{os.getpid()}]:     root : PWD=/root ; USER=root ; COMMAND={command}"
