"""A whole node and a real browser on one small host: the sandbox that the test runs in."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError
from tests.waiting import wait_for

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
    return {"networks": [_network(number, ports) | more for number in range(count)]}


def _network(number: int, ports: int) -> dict[str, Any]:
    block = f"10.{number // 256}.{number % 256}"
    return {
        "name": f"network-{number:04}",
        "subnets": [{"cidr": f"{block}.0/24", "gateway": f"{block}.1"}],
        "ports": [
            {"name": f"vm-{number:04}-{port:03}", "fixed_ips": [f"{block}.{10 + port}"]} for port in range(ports)
        ],
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
        """Start the node on the file and wait until it answers."""
        self._run("-c", str(self.config), "--listen", ADDRESS, *arguments)

    def start_store(self, *arguments: str) -> None:
        """Start the node on its store and wait until it answers."""
        self._run("--store", "--api-listen", ADDRESS, *arguments)

    def _run(self, *arguments: str) -> None:
        directories = ["--state-dir", str(self.directory / "state"), "--runtime-dir", str(self.directory / "run")]
        with self.log.open("ab") as log:
            self._node = subprocess.Popen(
                [sys.executable, "-m", "netmend.cli", "run", *arguments, *directories, "--netns-dir", "/run/netns"],
                stderr=log,
                stdout=log,
            )
        self.wait_for("")

    def wait_for(self, path: str, seconds: float = 60) -> bytes:
        def answer() -> bytes | None:
            try:
                return self.get(path)
            except OSError:
                assert self._node is not None
                assert self._node.poll() is None, self.log.read_text()
                return None

        return wait_for(answer, f"the node answers /{path}", lambda: self.log.read_text()[-2000:], seconds=seconds)

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


LOADED = """performance.getEntriesByType("resource")
  .map((one) => [one.name, one.startTime, one.duration, one.responseStatus].join(" ")).join("; ")"""


def _answers() -> str:
    """Whether the node answers, for the words of a failure."""
    try:
        return f"answers {Host.get('view/overview')[:60]!r}"
    except OSError as error:
        return f"does not answer: {error}"


def _complaints(message: ConsoleMessage) -> list[str]:
    """What a browser complains of, but for this: it drops what is under way when devices come or go on its host."""
    wrong = message.type in {"error", "warning"} and "ERR_NETWORK_CHANGED" not in message.text
    return [message.text] if wrong else []


@contextmanager
def opened(found: Browser, view: str = "#/", **settings: Any) -> Iterator[Page]:
    """The page at a view; what a script throws, and what the policy refuses, fails the test."""
    settings.setdefault("viewport", {"width": 1440, "height": 900})
    context = found.new_context(**settings)
    try:
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.extend(_complaints(message)))
        page.goto(URL + view)
        try:
            page.wait_for_selector("[data-connection=live]")
        except PlaywrightError as error:
            loaded = page.evaluate(LOADED)
            raise AssertionError(f"{view}: not live; {loaded}; {complaints}; the node: {_answers()}") from error
        yield page
        assert not complaints, complaints
    finally:
        context.close()
