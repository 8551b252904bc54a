"""What passes on a guest's wire, by tcpdump."""

import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.neutron.guests import Guest, end
from tests.waiting import wait_for


class Wire:
    """Frames that the guest receives or sends while this is entered: `lines` gives them as tcpdump tells them."""

    def __init__(self, guest: Guest, *expression: str) -> None:
        command = ["tcpdump", "-i", guest.device, "-n", "-e", "-l", "-vv", "--immediate-mode", *expression]
        self._command = ["ip", "netns", "exec", guest.name, *command]

    def __enter__(self) -> Self:
        self._directory = tempfile.TemporaryDirectory()
        self._said, self._errors = Path(self._directory.name) / "said", Path(self._directory.name) / "errors"
        with self._said.open("w") as said, self._errors.open("w") as errors:
            self._process = subprocess.Popen(self._command, stdout=said, stderr=errors)
        wait_for(lambda: "listening on" in self._errors.read_text(), "tcpdump")
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        end(self._process)
        self._directory.cleanup()

    def lines(self) -> list[str]:
        """One a frame."""
        time.sleep(0.2)  # for tcpdump to say what has passed
        frames: list[str] = []
        for line in self._said.read_text().splitlines():
            if line[:1].isspace() and frames:
                frames[-1] += line
            else:
                frames.append(line)
        return frames
