"""`netmend run` as a child process, with its intent file, its status, and signals for it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import yaml
from tests.waiting import wait_for

from netmend.node.http.status_client import NoNode, ask

HOME = Path("/run/peers")

Document = dict[str, Any]


class Node:
    """The node of this sandbox. Its file says `networks`, and `fields` beside; it is ended with SIGTERM on leaving."""

    def __init__(self, *networks: Document, **fields: Document) -> None:
        self.config = HOME / "intent.yaml"
        self.log = HOME / "node.log"
        self._socket = HOME / "runtime" / "netmend.sock"
        HOME.mkdir(exist_ok=True)
        self.write(*networks, **fields)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.end(signal.SIGTERM)

    def write(self, *networks: Document, **fields: Document) -> None:
        """Replace the intent file, in one step."""
        self.write_text(yaml.safe_dump({"networks": list(networks), **fields}))

    def write_text(self, text: str) -> None:
        new = self.config.with_suffix(".new")
        new.write_text(text)
        new.rename(self.config)

    def start(self) -> None:
        command = [sys.executable, "-m", "netmend.cli", "run", "-c", str(self.config)]
        command += ["--state-dir", str(HOME / "state"), "--runtime-dir", str(HOME / "runtime")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait(lambda status: all(network["state"].startswith("served") for network in status["networks"]))

    def end(self, number: signal.Signals) -> None:
        """End it by a signal, and wait until it has."""
        self._process.send_signal(number)
        self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self._process.pid, number)

    def status(self, network: str | None = None) -> Document:
        return ask(self._socket, network)

    def wait(self, condition: Callable[[Document], bool], network: str | None = None) -> Document:
        """The first status, of the node or of one network, that `condition` holds for."""

        def look() -> Document | None:
            assert self._process.poll() is None, f"the node ended: {self.last_lines()}"
            try:
                found = self.status(network)
            except NoNode:
                return None
            return found if condition(found) else None

        return wait_for(look, "a status of the node as the test wants it", self.explain)

    def wait_for_answer(self, answers: Callable[[], bool]) -> None:
        """Wait until a guest is answered as it should be, by the newest file."""
        wait_for(answers, "an answer by the newest file", self.explain)

    def wait_until_right(self) -> Document:
        """The first status without anything wrong."""
        return self.wait(lambda status: bool(status["node"]["healthy"]))

    def explain(self) -> str:
        try:
            said = json.dumps(self.status(), indent=1)
        except NoNode as error:
            said = str(error)
        return f"{said}\n{self.last_lines()}"

    def last_lines(self) -> str:
        return "\n".join(self.log.read_text().splitlines()[-30:])
