"""The log of a node: lines wait in a bounded queue, and a thread of their own writes them to standard error or a file.

Nobody may be able to stop a node by not reading its log (invariant I11): a stopped terminal, a logger that hangs, a
full disk. `write` never blocks. What the queue has no room for, and what the descriptor refuses (EPIPE, ENOSPC), is
dropped and counted; the count is in status and metrics, and the log says it itself once lines get through again.
"""

import atexit
import contextlib
import io
import logging
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from netmend.ground import log
from netmend.ground.log import Line, for_a_person, get_logger, utc_time
from netmend.ground.printable import printable, printable_line
from netmend.node.log_format import local_time, oslo_text

_MOST_LINES: Final = 10_000
_MOST_BYTES: Final = 4 << 20
_BATCH: Final = 64 << 10  # octets in one write(2)
_LAST_WORDS: Final = 1.0  # seconds that the end of the process waits for its last lines to be read


class LogWriter:
    """Writes lines in the order of `write`. Thread-safe; every method but `close` returns at once."""

    def __init__(
        self,
        to: int | Path | Callable[[bytes], None],
        *,
        most_lines: int = _MOST_LINES,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        """`to`: a descriptor; a file to append to, which is opened anew when another file has its name (rotation); or
        what sends each line, and raises OSError when it is lost. Raises OSError when the file cannot be opened."""
        self._path = to if isinstance(to, Path) else None
        self._descriptor = _open(to) if isinstance(to, Path) else to if isinstance(to, int) else -1
        self._send = None if isinstance(to, int | Path) else to
        self._most_lines, self._most_bytes = most_lines, most_bytes
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._lost = self._lost_said = 0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="netmend-log", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """Lines that were dropped since the start."""
        return self._lost

    def write(self, line: str) -> None:
        """Queue a line, with or without its newline, or drop it and count it when the queue is full."""
        data = line.rstrip("\n").encode("utf-8", "backslashreplace") + b"\n"
        with self._changed:
            if len(self._lines) >= self._most_lines or self._bytes + len(data) > self._most_bytes:
                self._lost += 1
                return
            self._lines.append(data)
            self._bytes += len(data)
            self._changed.notify()

    def close(self, seconds: float = _LAST_WORDS) -> None:
        """Write what waits, for so long at most."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(seconds)

    def _run(self) -> None:
        while batch := self._next():
            if self._path is not None:
                self._follow(self._path)
            try:
                self._write(batch)
            except OSError:  # nobody reads any more, or the disk is full: there is nowhere to say so but in status
                self._lost += len(batch)
                continue
            if (lost := self._lost) != self._lost_said:
                self._lost_said = lost
                get_logger().warning("log lines lost", since_start=lost)

    def _write(self, batch: list[bytes]) -> None:
        if self._send is None:
            _write_all(self._descriptor, b"".join(batch))
        else:
            for line in batch:
                self._send(line)

    def _follow(self, path: Path) -> None:
        """Open the file anew where its name does not lead to ours; keep ours while that cannot be done."""
        ours = os.fstat(self._descriptor)
        try:
            if os.path.samestat(path.stat(), ours):
                return
        except FileNotFoundError:
            pass
        except OSError:
            return
        try:
            new = _open(path)
        except OSError:
            return
        os.close(self._descriptor)
        self._descriptor = new

    def _next(self) -> list[bytes]:
        """Lines for one write; none at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._closing)
            batch: list[bytes] = []
            size = 0
            while self._lines and (not batch or size + len(self._lines[0]) <= _BATCH):
                batch.append(self._lines.popleft())
                size += len(batch[-1])
            self._bytes -= size
        return batch


def _open(path: Path) -> int:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY, 0o640)
    if os.fstat(descriptor).st_size == 0:  # Kolla's fluentd reads as another user, whatever our umask is
        with contextlib.suppress(PermissionError):
            os.fchmod(descriptor, 0o644)
    return descriptor


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:  # whoever shares the descriptor made it non-blocking (open(2), O_NONBLOCK)
            _until_writable(descriptor)


def _until_writable(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.poll()


class _Stream(io.TextIOBase):
    """What others print to standard error (a traceback of a thread, a warning of a library), as lines of the log."""

    encoding = "utf-8"

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer
        self._begun = ""
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        with self._lock:
            *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._writer.write(printable_line(line))
        return len(text)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2


class _Records(logging.Handler):
    """Records of Python's own logging, as libraries use it, in the form of the node's log."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            logger = get_logger()
            level = "critical" if record.levelno > logging.ERROR else logging.getLevelName(record.levelno).lower()
            say = getattr(logger, level, logger.warning)
            say(record.getMessage(), logger=record.name, exc_info=record.exc_info or None)
        except Exception:
            self.handleError(record)


class Output(Struct, frozen=True):
    """One place where the log goes, and in which form; `now` gives its time stamps."""

    writer: LogWriter
    render: Callable[[Line], str] = log.as_json
    now: Callable[[], str] = utc_time

    def write(self, line: Line) -> None:
        """Write one line."""
        self.writer.write(self.render({**line, "timestamp": self.now()}))


_outputs: list[Output] = []


def lines_lost() -> int:
    """Lines of this process's log that nobody can read any more."""
    return sum(output.writer.lost for output in _outputs)


def stderr_output(*, as_oslo: bool = False) -> Output:
    """Standard error: lines are for a person on a terminal, JSON anywhere else; or in oslo.log's text format."""
    if as_oslo:
        return Output(LogWriter(2), oslo_text, local_time)
    return Output(LogWriter(2), for_a_person if os.isatty(2) else log.as_json)


def file_output(path: Path, *, as_json: bool = False) -> Output:
    """A file, in oslo.log's text format or as JSON. Raises OSError."""
    writer = LogWriter(path)
    return Output(writer) if as_json else Output(writer, oslo_text, local_time)


def log_to_stderr(*, debug: bool = False) -> None:
    """Send the log, Python's logging and whatever is printed to standard error through one LogWriter.

    Lines are for a person on a terminal, JSON anywhere else. `debug`: those of libraries too, whatever their level.
    """
    log_to(stderr_output(), debug=debug)


def log_to(*outputs: Output, debug: bool = False) -> None:
    """As `log_to_stderr`, to each of these; what others print to standard error goes to the first alone."""
    _outputs[:] = outputs
    for output in outputs:
        atexit.register(output.writer.close)
    log.configure(lambda _: None, _to_outputs)
    sys.stderr = _Stream(outputs[0].writer)
    level = logging.DEBUG if debug else logging.WARNING
    logging.basicConfig(handlers=[_Records(level)], level=level)


def close_log() -> None:
    """Let the last lines out, at the end of the process."""
    for output in _outputs:
        output.writer.close()


def _to_outputs(line: Line) -> str:
    safe = _safe_to_show(line)
    for output in _outputs:
        output.write(safe)
    return ""


def _safe_to_show(line: Line) -> Line:
    """Text of guests and tenants is in these lines: what a terminal obeys is shown as an escape."""
    return {key: printable(value) if isinstance(value, str) else value for key, value in line.items()}
