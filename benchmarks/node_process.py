"""`netmend run` as a process of its own, as an operator starts it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.earlier import environment_of


class NodeEnded(Exception):
    """The node ended by itself; the text is what it said."""


class NodeProcess:
    """A node started from `config`; its state, runtime directory and log are in `room`."""

    def __init__(self, config: Path, room: Path, module: str = "netmend.cli", *, source: Path | None = None) -> None:
        """`module` is the program; `source` holds another netmend to be started (`earlier`)."""
        self.log = room / "node.log"
        command = [sys.executable, "-m", module, "run", "--config", str(config)]
        command += ["--state-dir", str(room / "state"), "--runtime-dir", str(room / "runtime")]
        with self.log.open("ab") as log:
            self.started = time.monotonic()  # before the process is made
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment_of(source)
            )
        self.pid = self._process.pid

    def check(self) -> None:
        """Raises NodeEnded when it has ended."""
        if self._process.poll() is not None:
            raise NodeEnded(f"code {self._process.returncode}: {self.log.read_text()[-2000:]}")

    def is_running(self) -> bool:
        return self._process.poll() is None

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def end(self, number: int = signal.SIGTERM) -> None:
        """End it by a signal and wait for that; no error when it has ended."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        self._process.wait()

    def __enter__(self) -> "NodeProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
