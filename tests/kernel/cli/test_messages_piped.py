"""What lists print into a pipe is never cut, however long the names in it are and whatever COLUMNS says."""

import re
import subprocess
from pathlib import Path

from tests.sessions import environment, run, typed
from tests.waiting import wait_for

LONG = "a-name-that-no-terminal-shows-in-full-" + "x" * 190  # 228 characters
INTENT = f"""\
networks:
  - name: {LONG}
    subnets: [{{cidr: 10.0.0.0/24}}]
    ports: [{{name: one, fixed_ips: [10.0.0.9], plug: {{netns: {LONG[:200]}}}}}]
"""


def whole(command: str, directory: Path, name: str = LONG) -> None:
    """Fail unless the command prints the name whole, in one line."""
    for columns in (None, "80"):
        printed = typed(command, directory, **({} if columns is None else {"COLUMNS": columns}))
        assert any(name in line for line in printed.splitlines()), (command, printed)
        assert "…" not in printed


def test_lists_of_a_node(tmp_path: Path) -> None:
    (tmp_path / "intent.yaml").write_text(INTENT)
    whole("netmend plan -c intent.yaml", tmp_path)
    node = subprocess.Popen(
        ["netmend", "run", "-c", "intent.yaml"], cwd=tmp_path, env=environment(), stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: LONG in typed("netmend status"), "the network is there", every=0.2)
        whole("netmend status", tmp_path)
        whole(f"netmend status {LONG}", tmp_path)
    finally:
        node.terminate()
        node.wait(60)


def test_history(tmp_path: Path) -> None:
    (tmp_path / "intent.yaml").write_text(INTENT.replace(f"netns: {LONG[:200]}", "pid: 4194303"))
    assert run("netmend import -c intent.yaml", tmp_path).returncode == 0
    node = subprocess.Popen(
        ["netmend", "run", "--store", "--api-listen", "socket"], cwd=tmp_path, env=environment(),
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(lambda: "4194303" in typed("netmend history"), "the reason is in the history", every=0.2)
        whole("netmend history", tmp_path, "no process 4194303 (tried")
    finally:
        node.terminate()
        node.wait(60)


def test_sweep(tmp_path: Path) -> None:
    made = typed("ip link add qvb12345678-9a type veth peer name qvo12345678-9a")
    assert made == ""
    command = "netmend sweep --kind neutron --list"
    typed(command)  # the first look, which later ones speak of
    wide, narrow = typed(command), typed(command, COLUMNS="30")
    assert "qvb12345678-9a" in wide
    assert "…" not in wide
    assert re.sub(r"\b\d+[ms]\b", "N", narrow) == re.sub(r"\b\d+[ms]\b", "N", wide)


def test_files(tmp_path: Path) -> None:
    (tmp_path / f"{LONG}.yaml").write_text("services:\n  a:\n    image: a\n    volumes: [/run/netns:/run/netns]\n")
    whole(f"netmend lint {LONG}.yaml", tmp_path)
    (tmp_path / "own.log").write_text(f"2026-11-23 04:01:12.123 7 ERROR neutron.agent [-] {LONG}\n")
    printed = typed("netmend timeline own.log", tmp_path)
    assert any(LONG in line for line in printed.splitlines()), printed


def test_doctor(tmp_path: Path) -> None:
    name = f"t-{'x' * 200}"
    typed("mkdir -p /run/netns && mount --bind /run/netns /run/netns && mount --make-shared /run/netns")
    Path(f"/run/netns/{name}").touch()
    whole("netmend doctor", tmp_path, name)
