"""schemathesis, which makes requests of the API's own description, finds nothing."""

import subprocess
from pathlib import Path

import pytest
from tests.peers.api.store_node import CLIENTS, ENDPOINT, StoreNode

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = 10  # of each operation
pytestmark = pytest.mark.timeout(600)  # thousands of requests, on a machine that may be busy


def test_schemathesis_finds_nothing() -> None:
    with StoreNode() as node:
        command = [
            str(CLIENTS / "schemathesis"),
            "--config-file",
            str(CONFIGURATION),
            "run",
            f"{ENDPOINT}/openapi.json",
        ]
        command += ["-H", f"X-Auth-Token: {node.token}", "--max-examples", str(EXAMPLES), "--seed", "1", "--no-color"]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=580)
        assert ended.returncode == 0, ended.stdout[-8000:]
        assert "defect" not in node.log.read_text()
