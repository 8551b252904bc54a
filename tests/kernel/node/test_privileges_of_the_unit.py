"""deploy/systemd/netmend.service leaves a node all that it needs: capabilities, system calls, kinds of sockets."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.waiting import wait_for

from netmend.node.http.status_client import NoNode, ask_health

UNIT = Path(__file__).parents[3] / "deploy" / "systemd" / "netmend.service"
SOCKET, LOG = Path("/run/netmend/netmend.sock"), Path("/run/node.log")
INTENT = """
networks:
  - name: blue
    dns: {}
    metadata: embedded
    subnets: [{cidr: 10.0.0.0/24}, {cidr: "2001:db8::/64"}]
    ports: [{name: one, mac: "fa:16:3e:00:00:01", fixed_ips: [10.0.0.11]}]
  - {name: red, subnets: [{cidr: 10.0.0.0/24}]}
"""


def settings(name: str) -> list[str]:
    """The values of a setting of the unit, in order."""
    return re.findall(rf"(?m)^{name}=(.*)$", UNIT.read_text())


def is_whole() -> bool:
    try:
        return bool(ask_health(SOCKET, "whole")["ok"])
    except NoNode:
        return False


@contextmanager
def node(*prefix: str) -> Iterator[subprocess.Popen[bytes]]:
    """A node that serves all kinds of services, started by the words of `prefix`."""
    Path("/run/intent.yaml").write_text(INTENT)
    command = [sys.executable, "-m", "netmend.cli", "run", "-c", "/run/intent.yaml", "--state-dir", "/run/state"]
    with LOG.open("wb") as log:
        process = subprocess.Popen([*prefix, *command], stderr=log)
    try:

        def serves() -> bool:
            assert process.poll() is None, LOG.read_text()
            return is_whole()

        wait_for(serves, "the node is whole", LOG.read_text)
        yield process
        os.kill(int(Path("/run/netmend/lock").read_text()), signal.SIGTERM)  # strace passes none on
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="no setpriv (util-linux) here")
def test_its_capabilities_are_enough() -> None:
    (line,) = settings("CapabilityBoundingSet")
    names = [name.removeprefix("CAP_").lower() for name in line.split()]
    bounds = ",".join(["-all", *(f"+{name}" for name in names)])
    with node("setpriv", f"--bounding-set={bounds}", "--no-new-privs") as process:
        held = re.search(r"(?m)^CapBnd:\t([0-9a-f]+)$", Path(f"/proc/{process.pid}/status").read_text())
        assert held is not None and int(held[1], 16).bit_count() == len(names)
        Path("/run/intent.yaml").write_text("networks: [{name: green, subnets: [{cidr: 10.0.1.0/24}]}]")
        wait_for(lambda: "intent changed" in LOG.read_text() and is_whole(), "the new intent is served", LOG.read_text)
        assert "a capability is missing" not in LOG.read_text()


def system_calls(words: Sequence[str]) -> set[str]:
    """What stands behind names of systemd's sets."""
    found: set[str] = set()
    for word in words:
        if not word.startswith("@"):
            found.add(word)
            continue
        shown = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True)
        found |= system_calls(
            [one.strip() for one in shown.stdout.splitlines()[1:] if one[:1] == " " and "#" not in one]
        )
    return found


@pytest.mark.skipif(
    shutil.which("strace") is None or shutil.which("systemd-analyze") is None, reason="no strace or systemd here"
)
def test_its_system_calls_and_sockets_are_enough() -> None:
    allowed: set[str] = set()
    for line in settings("SystemCallFilter"):
        words = shlex.split(line.removeprefix("~"))
        allowed = allowed - system_calls(words) if line.startswith("~") else allowed | system_calls(words)
    trace = Path("/run/trace")
    with node("strace", "-f", "-qq", "-o", str(trace)):
        Path("/run/intent.yaml").write_text("networks: []")
        wait_for(lambda: "intent changed" in LOG.read_text(), "the new intent is seen", LOG.read_text)
    text = trace.read_text(errors="replace")
    called = set(re.findall(r"(?m)^\d+ +(\w+)\(", text))
    assert {"setns", "unshare", "mount"} <= called, "the trace is that of a node"
    # execve starts the node, and is gone once the node's own filter is there; which calls it tries in vain is in it
    assert called - allowed == set()
    (families,) = settings("RestrictAddressFamilies")
    assert set(re.findall(r"socket\((AF_\w+)", text)) <= set(families.split())
    kinds = set(re.findall(r"(?:setns|unshare)\((?:\d+(?:<[^>]*>)?, )?(\w+)\)", text))
    assert {kind.removeprefix("CLONE_NEW").lower() for kind in kinds if "NEW" in kind} <= set(
        settings("RestrictNamespaces")[0].split()
    )
    assert "setns(" not in re.sub(r"setns\(\d+(?:<[^>]*>)?, CLONE_NEW\w+", "", text), "setns(fd, 0) is refused"
    assert (
        re.findall(r"mmap\([^)]*PROT_WRITE\|PROT_EXEC[^)]*\)|mprotect\([^)]*PROT_WRITE\|PROT_EXEC[^)]*\)", text) == []
    )
