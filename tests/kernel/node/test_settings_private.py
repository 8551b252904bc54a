"""Nothing that a node, an import or an export writes can be read by others, whatever the umask and what was there."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

from tests.waiting import wait_for

from netmend.node.http.status_client import NoNode, ask

SECRET = "NovaSharedSecret77"
STATE, RUNTIME = Path("/run/state"), Path("/run/netmend")
INTENT = f"""
metadata_proxy: {{endpoints: ["http://192.0.2.1:8775"], shared_secret: {SECRET}}}
networks:
  - name: blue
    subnets: [{{cidr: 10.0.0.0/24, gateway: 10.0.0.1, dynamic: true}}]
    ports: [{{name: one, mac: "fa:16:3e:00:00:01"}}]
"""


def netmend(*words: str) -> str:
    command = [sys.executable, "-m", "netmend.cli", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def readable_by_others(*tops: Path) -> list[str]:
    found = [path for top in tops for path in (top, *top.rglob("*"))]
    return [str(path) for path in found if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077]


def is_up() -> bool:
    try:
        return bool(ask(RUNTIME / "netmend.sock")["networks"])
    except NoNode:
        return False


def test_nothing_is_for_others() -> None:
    os.umask(0)
    STATE.mkdir(mode=0o755)
    for wide in ("leases.sqlite", "metadata.sqlite", "store.sqlite"):
        (STATE / wide).touch()
        (STATE / wide).chmod(0o644)
    Path("/run/intent.yaml").write_text(INTENT)
    netmend("import", "-c", "/run/intent.yaml", "--state-dir", str(STATE))
    node = subprocess.Popen(
        [sys.executable, "-m", "netmend.cli", "run", "--store", "--state-dir", str(STATE)], stderr=subprocess.PIPE
    )
    try:
        wait_for(is_up, "the node")
        assert SECRET.encode() in b"".join(path.read_bytes() for path in STATE.glob("store.sqlite*"))
        netmend("export", "--state-dir", str(STATE), "-o", "/run/export.yaml")
        assert SECRET in Path("/run/export.yaml").read_text()
        assert readable_by_others(STATE, RUNTIME, Path("/run/export.yaml")) == []
        assert stat.S_IMODE(Path("/run/netns").stat().st_mode) == 0o755  # names are for everybody
    finally:
        node.kill()
        node.wait()
    assert node.stderr is not None
    lines = [json.loads(line) for line in node.stderr.read().splitlines()]
    (told,) = [line["narrowed"] for line in lines if "narrowed" in line]
    assert f"{STATE}/leases.sqlite: was 0644, is 0600" in told
