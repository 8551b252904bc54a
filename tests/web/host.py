"""A whole node and a real browser on one small host: the sandbox that the test runs in."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import Browser, Page, sync_playwright

ADDRESS = "127.0.0.1:9696"
URL = f"http://{ADDRESS}/"
CHROMIUM = [
    "--no-sandbox",  # we are root of the sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


def networks(count: int, ports: int, **more: Any) -> dict[str, Any]:
    """An intent file of `count` networks with so many ports each, as it is written by a program."""
    return {
        "networks": [
            {
                "name": f"network-{number:04}",
                "subnets": [
                    {
                        "cidr": f"10.{number // 256}.{number % 256}.0/24",
                        "gateway": f"10.{number // 256}.{number % 256}.1",
                    }
                ],
                "ports": [
                    {
                        "name": f"vm-{number:04}-{port:03}",
                        "fixed_ips": [f"10.{number // 256}.{number % 256}.{10 + port}"],
                    }
                    for port in range(ports)
                ],
                **more,
            }
            for number in range(count)
        ]
    }


class Host:
    """Where the node keeps its things, and the node."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.config = directory / "networks.yaml"
        self.log = directory / "log"
        self._node: subprocess.Popen[bytes] | None = None

    def write(self, intent: dict[str, Any]) -> None:
        """Put another intent in place of the file's, in one step. JSON is YAML, and quicker to read."""
        fresh = self.config.with_suffix(".new")
        fresh.write_text(yaml.safe_dump(intent, sort_keys=False))
        fresh.rename(self.config)

    def start(self, *arguments: str) -> None:
        """Start the node and wait until its page answers."""
        with self.log.open("ab") as log:
            self._node = subprocess.Popen(
                [
                    sys.executable, "-m", "netmend.cli", "run", "-c", str(self.config), "--listen", ADDRESS,
                    "--state-dir", str(self.directory / "state"), "--runtime-dir", str(self.directory / "run"),
                    "--netns-dir", "/run/netns", *arguments,
                ],
                stderr=log, stdout=log,
            )  # fmt: skip
        self.wait_for("view/overview")

    def wait_for(self, path: str, seconds: float = 60) -> bytes:
        until = time.monotonic() + seconds
        while True:
            try:
                return self.get(path)
            except OSError as error:
                assert self._node is not None
                assert self._node.poll() is None, self.log.read_text()
                assert time.monotonic() < until, f"{path}: {error}\n{self.log.read_text()[-2000:]}"
                time.sleep(0.05)

    @staticmethod
    def get(path: str, headers: dict[str, str] | None = None) -> bytes:
        """The body of an answer; raises urllib.error.HTTPError."""
        with urllib.request.urlopen(urllib.request.Request(URL + path, headers=headers or {}), timeout=30) as answer:
            body: bytes = answer.read()
            return body

    @staticmethod
    def status(path: str, headers: dict[str, str] | None = None) -> int:
        """The code of an answer."""
        try:
            Host.get(path, headers)
        except urllib.error.HTTPError as error:
            return error.code
        return 200

    @property
    def pid(self) -> int:
        assert self._node is not None
        return self._node.pid

    def stop(self) -> None:
        if self._node is not None:
            with suppress(ProcessLookupError):
                os.kill(self._node.pid, signal.SIGTERM)
            self._node.wait(30)
            self._node = None


@contextmanager
def host(intent: dict[str, Any], *arguments: str) -> Iterator[Host]:
    """A host whose node serves `intent`."""
    with tempfile.TemporaryDirectory(prefix="netmend-web-") as directory:
        found = Host(Path(directory))
        found.write(intent)
        try:
            found.start(*arguments)
            yield found
        finally:
            found.stop()


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window, with a profile of its own."""
    program = shutil.which("chromium")
    assert program is not None, "there is no chromium; make test-web sets it up"
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
        try:
            yield found
        finally:
            found.close()


@contextmanager
def opened(found: Browser, view: str = "#/", **settings: Any) -> Iterator[Page]:
    """The page at a view; what a script throws, and what the policy refuses, fails the test."""
    settings.setdefault("viewport", {"width": 1440, "height": 900})
    context = found.new_context(**settings)
    try:
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
        )
        page.goto(URL + view)
        page.wait_for_selector("[data-connection=live]")
        yield page
        assert not complaints, complaints
    finally:
        context.close()
