"""The log of a node for systemd's journal, and for syslog, as oslo.log's `use_journal` and `use_syslog` send it."""

import os
import socket
from pathlib import Path
from typing import Final

from netmend.ground.log import Line
from netmend.node.log_format import local_time, oslo_text
from netmend.node.log_writer import LogWriter, Output

JOURNAL: Final = Path("/run/systemd/journal/socket")
SYSLOG: Final = Path("/dev/log")
_PRIORITIES: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}  # syslog(3)
_FACILITIES: Final = {"kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7} | {
    "uucp": 8, "cron": 9, "authpriv": 10, "ftp": 11, **{f"local{number}": 16 + number for number in range(8)}
}  # fmt: skip


def journal_output(program: str, path: Path = JOURNAL) -> Output:
    """systemd's journal, by its own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL); the fields are oslo.log's."""

    def entry(line: Line) -> str:
        fields = {
            "PRIORITY": _PRIORITIES.get(str(line["level"]), 6),
            "SYSLOG_IDENTIFIER": program,
            "SYSLOG_PID": os.getpid(),
            "LOGGER_NAME": line.get("logger", "netmend"),
            "LOGGER_LEVEL": str(line["level"]).upper(),
            "MESSAGE": _message(line),
        }
        return "\n".join(f"{name}={value}" for name, value in fields.items())

    plain = f"PRIORITY=4\nSYSLOG_IDENTIFIER={program}\nMESSAGE="
    return Output(LogWriter(_Datagrams(path, "PRIORITY=", plain)), entry, local_time)


def syslog_output(program: str, facility: str = "LOG_USER", path: Path = SYSLOG) -> Output:
    """The local syslog, as RFC 3164 has it. Raises ValueError for a facility that there is not."""
    name = facility.lower().removeprefix("log_")
    if name not in _FACILITIES:
        raise ValueError(f"syslog_log_facility {facility}: there is no such facility; LOG_USER is one")
    base = _FACILITIES[name] * 8

    def entry(line: Line) -> str:
        return f"<{base + _PRIORITIES.get(str(line['level']), 6)}>{program}[{os.getpid()}]: {oslo_text(line)}"

    return Output(LogWriter(_Datagrams(path, "<", f"<{base + 4}>{program}: ")), entry, local_time)


def _message(line: Line) -> str:
    """The text behind the time, process, level and name that the journal has in fields; on one line."""
    return oslo_text({"timestamp": "", **line}).partition(" [-] ")[2].replace("\n", "\\n")


class _Datagrams:
    """Sends lines to a datagram socket; it never waits for whoever reads there."""

    def __init__(self, path: Path, marked: str, otherwise: str) -> None:
        """Lines that do not begin with `marked` were printed by others, and get `otherwise` before them."""
        self._path, self._marked, self._otherwise = path, marked.encode(), otherwise.encode()
        self._socket: socket.socket | None = None

    def __call__(self, line: bytes) -> None:
        """Raises OSError when nobody reads, or not fast enough."""
        data = line if line.startswith(self._marked) else self._otherwise + line
        try:
            if self._socket is None:
                self._socket = self._connected()
            self._socket.send(data)
        except BlockingIOError:
            raise
        except OSError:  # started anew: its socket is another one
            if self._socket is not None:
                self._socket.close()
            self._socket = None
            self._socket = self._connected()
            self._socket.send(data)

    def _connected(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            made.connect(str(self._path))
        except OSError:
            made.close()
            raise
        return made
