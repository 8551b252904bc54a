"""The real node as a child process, `netmend run`, asked for its status over its unix socket."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from netmend.lab.demo.guest import wait_until
from netmend.node.http.status_client import NoNode, ask
from netmend.node.settings import Settings


class NodeFailed(Exception):
    """The node ended, or did not come up; the text is what it said last."""


class NodeProcess:
    """`netmend run -c FILE` with its files under `directory`, from entering, which raises NodeFailed, to leaving.

    With `page_port` it serves its page at that port of loopback.
    """

    def __init__(self, config: Path, directory: Path, netns_directory: str, page_port: int | None = None) -> None:
        self._settings = Settings(netns_directory, directory / "state", directory / "runtime")
        self._config = config
        self._log = directory / "log"
        self._listen = [] if page_port is None else ["--listen", f"127.0.0.1:{page_port}"]

    def __enter__(self) -> "NodeProcess":
        settings = self._settings
        self._log.parent.mkdir(parents=True, exist_ok=True)
        paths = ["--netns-dir", settings.netns_directory, "--state-dir", settings.state, "--runtime-dir"]
        command = [
            sys.executable,
            "-m",
            "netmend.cli",
            "run",
            "-c",
            self._config,
            *paths,
            settings.runtime,
            *self._listen,
        ]
        with self._log.open("wb") as log:
            try:
                self._process = subprocess.Popen(
                    list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            except OSError as error:
                raise NodeFailed(f"cannot start the node: {sys.executable}: {error.strerror}") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def wait_until_serving(self, seconds: float) -> dict[str, Any]:
        """Its status once every network is served; raises NodeFailed."""
        found: dict[str, Any] = {}

        def serves() -> bool:
            nonlocal found
            if self._process.poll() is not None:
                raise NodeFailed(f"the node ended with exit code {self._process.returncode}: {self._last_words()}")
            try:
                found = self.status()
            except NoNode:
                return False
            return all(network["state"].startswith("served") for network in found["networks"])

        if not wait_until(serves, seconds):
            reasons = [reason["reason"] for reason in found.get("reasons", [])]
            fault = found.get("breaker", {}).get("cause")
            raise NodeFailed(f"not every network is served: {fault or '; '.join(reasons) or self._last_words()}")
        return found

    def status(self, network: str | None = None) -> dict[str, Any]:
        """What `netmend status --json` prints; raises NoNode."""
        return ask(self._settings.socket, network)

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"
