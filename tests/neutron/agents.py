"""netmend, and Neutron's own agents, as processes of the sandbox."""

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.neutron.cloud import PATIENCE
from tests.waiting import wait_for

from netmend.node.http.status_client import NoNode, ask

ETC = Path("/etc/neutron")
LOGS = Path("/var/log/sandbox")
FILES = (ETC / "neutron.conf", ETC / "dhcp_agent.ini", ETC / "metadata_agent.ini")
NETMEND = "/usr/local/bin/netmend"


class Netmend:
    """`netmend agent`, ended on leaving; with `as_run`, `netmend run` of a file that says the same. `options` are lines
    for the section DEFAULT of one more file than `files`."""

    def __init__(
        self,
        *options: str,
        name: str = "netmend",
        state: Path | None = None,
        files: Sequence[Path] = FILES,
        as_run: bool = False,
    ) -> None:
        self.home = Path("/run/test") / name
        self.home.mkdir(parents=True, exist_ok=True)
        self.state = state or self.home / "state"
        self.log = self.home / "log"
        self._files, self._as_run = files, as_run
        self._extra = self.home / "extra.conf"
        self._extra.write_text("[DEFAULT]\n" + "\n".join(options) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.end()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def command(self) -> list[str]:
        places = ["--state-dir", str(self.state), "--runtime-dir", str(self.home / "runtime")]
        files = [str(file) for file in (*self._files, self._extra)]
        if self._as_run:
            intent = self.home / "intent.json"
            intent.write_text(json.dumps({"source": "neutron", "config_files": files}))
            return [NETMEND, "run", "-c", str(intent), *places]
        return [NETMEND, "agent", *(word for file in files for word in ("--config-file", file)), *places]

    def start(self, *, wait: bool = True, prefix: Sequence[str] = ()) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*prefix, *self.command()], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        if wait:
            self.wait_until("it to be in step with the server", lambda status: status["intent"]["synced"])

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(timeout=PATIENCE)

    def status(self, network_id: str | None = None) -> dict[str, Any] | None:
        try:
            return ask(self.home / "runtime" / "netmend.sock", network_id)
        except NoNode:
            return None

    def wait_until(self, what: str, condition: Any, seconds: float = PATIENCE) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            assert self._process is not None
            assert self._process.poll() is None, f"netmend has ended:\n{self.tail()}"
            found = self.status()
            return found if found is not None and condition(found) else None

        try:
            return wait_for(look, what, seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps(self.status(), indent=1)[:4000]}\n{self.tail()}") from None

    def wait_until_served(self, network_id: str, seconds: float = PATIENCE) -> None:
        self.wait_until(
            f"network {network_id} to be served",
            lambda status: any(
                network["id"] == network_id and network["state"] == "served" for network in status["networks"]
            ),
            seconds,
        )

    def wait_until_gone(self, network_id: str, seconds: float = PATIENCE) -> None:
        self.wait_until(
            f"network {network_id} to go",
            lambda status: all(network["id"] != network_id for network in status["networks"]),
            seconds,
        )

    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def tail(self) -> str:
        return "\n".join(self.log.read_text().splitlines()[-25:])


def start_neutrons(*names: str) -> None:
    subprocess.run(["agents-up", *names], check=True)


def stop_neutrons(*names: str) -> None:
    subprocess.run(["agents-stop", *names], check=True)


def is_running(name: str) -> bool:
    try:
        os.kill(int(Path(f"/run/{name}-agent.pid").read_text()), 0)
    except (OSError, ValueError):
        return False
    return True
