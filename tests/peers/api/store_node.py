"""A node whose intent is its store's, with the API on its usual address, and OpenStack's own clients for it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.blocks import blocks
from tests.peers.node import HOME, Node

CHECKOUT = Path(__file__).parents[3]
CLIENTS = CHECKOUT / ".tools/clients/bin"
ENDPOINT = "http://127.0.0.1:9696"


class StoreNode(Node):
    """`netmend run --store`; in force while entered."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = HOME / "state" / "api-tokens"

    def start(self) -> None:
        command = [sys.executable, "-m", "netmend.cli", "run", "--store"]
        command += ["--state-dir", str(HOME / "state"), "--runtime-dir", str(HOME / "runtime")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait(lambda status: True)
        self.wait(lambda _: "agent" in self.api_log())

    def api_log(self) -> str:
        """`agent` once the API answers."""
        from netmend.cli.api_client import ApiClient, ApiError

        try:
            return "agent" if ApiClient(HOME / "runtime/api.sock").list("agents") else ""
        except ApiError:
            return ""

    @property
    def token(self) -> str:
        return self.tokens.read_text().split()[0]

    def write_clouds(self) -> Path:
        """Write the clouds.yaml of docs/openstack.md, with the token of this node."""
        (block,) = [block for block in blocks() if block.kind == "yaml clouds"]
        path = HOME / "clouds.yaml"
        path.write_text(block.text.replace("THE-TOKEN", self.token))
        return path


class OpenStack:
    """python-openstackclient."""

    def __init__(self, node: StoreNode) -> None:
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(HOME),
            "OS_CLOUD": "netmend",
            "OS_CLIENT_CONFIG_FILE": str(node.write_clouds()),
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(CLIENTS / "openstack"), *words]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False, timeout=120)

    def __call__(self, *words: str) -> Any:
        """What the command prints as JSON; nothing for commands that print nothing."""
        prints = not {"list", "show", "create"}.isdisjoint(words[:4])
        ended = self.run(*words, *(["-f", "json"] if prints else []))
        assert ended.returncode == 0, f"{' '.join(words)}: {ended.stderr}"
        return json.loads(ended.stdout) if prints else None


def run_python(node: StoreNode, script: str) -> str:
    """Run a script with the clients' libraries; what it prints."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(HOME), "ENDPOINT": ENDPOINT, "TOKEN": node.token,
                   "OS_CLIENT_CONFIG_FILE": str(node.write_clouds())}  # fmt: skip
    ended = subprocess.run(
        [str(CLIENTS / "python"), "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
