"""Commands of the documents that are shown without output (blocks `sh`), run in a sandbox each block.

What a sandbox cannot run is in NOT_RUN with the reason, and checked as far as possible: files and targets that it
names are there, and lint finds nothing wrong with its mounts.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.blocks import CHECKOUT, Block, blocks
from tests.sessions import environment, run, typed
from tests.waiting import wait_for

EXAMPLE = CHECKOUT / "examples/two-networks.yaml"
INDEX = "asks the package index; tests/package installs the wheel and its files"
KOLLA = "needs a deployment by Kolla"
SWITCH = "needs Neutron's switch; tests/neutron runs it so"
TESTS = "is what runs the tests, this one too"
NOT_RUN = {
    "make run": "is `netmend demo` after set-up: the output below it is compared in test_document_sessions.py",
    "make test": TESTS,
    "python3 -m venv /opt/netmend": INDEX,
    "/opt/netmend/bin/pip install --require-hashes -r requirements/run.txt": INDEX,
    "/opt/netmend/bin/pip install --no-deps .": INDEX,
    "pip wheel -q --no-deps --require-hashes -w wheels -r requirements/run.txt": INDEX,
    "pip wheel -q --no-deps -w wheels .": INDEX,
    "ln -s /opt/netmend/bin/netmend /usr/local/bin/netmend": "changes the machine",
    "man /opt/netmend/share/man/man1/netmend.1": "is for people; tests/package finds the page in the wheel",
    ".venv/bin/pytest tests/unit/services/dhcp4": TESTS,
    ".venv/bin/pytest tests/unit/cli/test_main.py -k version": TESTS,
    ".venv/bin/pytest tests/kernel/test_document_sessions.py -x": TESTS,
    ".venv/bin/ruff check . && .venv/bin/mypy && tools/check-layout": TESTS,
    "bash .ci/run": TESTS,
    "make bench": "takes an hour",
    "python -m benchmarks dhcp fairness": "takes minutes; its names are compared with what --list prints",
    "docker stop neutron_dhcp_agent": KOLLA,
    "kolla-ansible deploy --limit NODE --tags neutron": KOLLA,
    "docker exec neutron_dhcp_agent netmend status": KOLLA,
    "tools/image build registry.example/netmend:0.1.0": "needs an engine; tests/engine/image runs what it builds",
    "helm upgrade neutron openstack-helm/neutron --reuse-values "
    "-f deploy/openstack-helm/netmend.yaml": "needs a deployment by OpenStack-Helm",
    "netmend agent --config-file /etc/neutron/neutron.conf "
    "--config-file /etc/neutron/neutron_ovn_metadata_agent.ini": "needs OVN; tests/ovn runs it so",
    "openstack network agent list --host NODE": "needs Neutron; tests/neutron asks for the same by its API",
    "docker run -d --name netmend --privileged --network host --pid host --restart always --ulimit nofile=65536 "
    "-v /run/netns:/run/netns:shared -v /run/netmend:/run/netmend -v /var/lib/netmend:/var/lib/netmend "
    "-v /etc/netmend:/etc/netmend:ro netmend netmend run -c /etc/netmend/networks.yaml": "needs an engine and an image",
    "helm template CHART | netmend lint -": "needs a chart; tests/unit/lint reads manifests",
    "docker inspect $(docker ps -q) | netmend lint -": "needs an engine; tests/unit/lint reads what engines print",
    "netmend flows show": SWITCH,
    "netmend flows show 3cadf421": SWITCH,
    "netmend flows trace 3cadf421 tcp,dl_dst=fa:16:3e:70:84:74,nw_src=10.0.0.147,nw_dst=10.0.0.140,tp_dst=443": SWITCH,
    "netmend flows trace 3cadf421 arp,arp_spa=10.0.0.99 --json": SWITCH,
    "netmend flows audit": SWITCH,
    "netmend flows audit --config-file /etc/neutron/neutron.conf": SWITCH,
    "netmend agent --config-file /etc/neutron/neutron.conf --config-file /etc/neutron/dhcp_agent.ini "
    "--config-file /etc/neutron/metadata_agent.ini": "needs Neutron; tests/neutron runs it so",
}
FOUND = {  # exit codes of what was found; else 0
    "netmend doctor": {0, 1},
    "netmend lint": {0, 1},
    "netmend sweep": {0, 3},
    "netmend lab incident": {
        0,
        1,
    },  # 1 where the machine is too busy for its pace; tests/kernel/lab judges what it shows
}
SERVES = ("netmend run ", "netmend lab incident")  # until it is interrupted
ALL = [block for block in blocks() if block.kind == "sh"]


def lines(block: Block) -> Iterator[str]:
    """The commands of a block, without comments."""
    for line in block.text.replace("\\\n", " ").splitlines():
        words = re.sub(r"(^|\s)#.*", "", line)
        if words.strip():
            yield " ".join(words.split())


def nothing(_: Path) -> None:
    """Most commands need no files."""


def mountinfo(directory: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (directory / name).write_bytes(Path("/proc/self/mountinfo").read_bytes())


def files_to_lint(directory: Path) -> None:
    (directory / "compose.yaml").write_text(
        "services:\n  dhcp:\n    image: agent\n    volumes: [/run/netns:/run/netns]\n"
    )
    (directory / "dhcp.container").write_text("[Container]\nImage=agent\nVolume=/run/netns:/run/netns:shared\n")
    (directory / "daemonset.yaml").write_text(
        "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: dhcp}\nspec:\n  template:\n    spec:\n"
        "      containers: [{name: dhcp, image: agent}]\n"
    )
    (directory / "deploy").mkdir()
    shutil.copy(directory / "compose.yaml", directory / "deploy")
    kolla = Path("/usr/share/kolla-ansible/ansible/roles/neutron/defaults/main.yml")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/usr/share"], check=True)
    kolla.parent.mkdir(parents=True)
    kolla.write_text('neutron_services:\n  a:\n    container_name: a\n    volumes: ["/run/netns:/run/netns:shared"]\n')


def dead_devices(directory: Path) -> None:
    """A device that Neutron's agents left, and what the control plane knows."""
    shutil.copy(EXAMPLE, directory / "intent.yaml")
    (directory / "ports.json").write_text('[{"id": "0f9d4f5c-5c0f-4d6c-9d3e-6a3c0e6e2b11", "name": "web"}]')
    made = typed("ip link add qvb12345678-9a type veth peer name qvo12345678-9a", directory)
    assert made == "", made
    typed("netmend sweep --kind neutron --yes --min-age 0 --assume-all-seen", directory)
    assert "qvb" not in typed("ip -br link", directory)


def logs(directory: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/var/log"], check=True)
    line = "2026-11-23 04:01:12.123 7 ERROR neutron.agent.linux.utils [-] Exit code: 1; Stderr: Invalid argument\n"
    places = [Path("/var/log/kolla/neutron"), directory / "node1", directory / "node2"]
    for place in places:
        place.mkdir(parents=True)
    for file in (*(place / "dhcp.log" for place in places), Path("/var/log/syslog"), directory / "own.log"):
        file.write_text(line)
    (directory / "journal.export").write_text("__REALTIME_TIMESTAMP=1795406472123456\nMESSAGE=hello\nPRIORITY=6\n\n")


def a_store(directory: Path) -> None:
    shutil.copy(EXAMPLE, directory / "networks.yaml")
    assert run("netmend import -c networks.yaml", directory).returncode == 0


PREPARE: dict[str, Callable[[Path], None]] = {
    "docs/doctor.md": mountinfo,
    "docs/lint.md": files_to_lint,
    "docs/sweep.md": dead_devices,
    "docs/timeline.md": logs,
    "docs/store.md": a_store,
}


@contextmanager
def serving(command: str, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command that runs until it is interrupted."""
    words = ["env", "--default-signal=INT", *shlex.split(command)]
    process = subprocess.Popen(
        words, cwd=directory, env=environment(), start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        process.communicate(timeout=60)


@pytest.mark.parametrize("block", ALL, ids=str)
def test_commands(block: Block, tmp_path: Path) -> None:
    directory = CHECKOUT if "benchmarks" in block.text else tmp_path
    wanted = [line for line in lines(block) if line not in NOT_RUN]
    if wanted:
        PREPARE.get(block.document, nothing)(directory)
    for line in wanted:
        command = line.replace("FILE", str(EXAMPLE))
        if command.startswith(SERVES) and "--once" not in command:
            with serving(command, directory) as process:
                if "run" in command:
                    wait_for(lambda: run("netmend status").returncode < 2, command, every=0.2)
                else:
                    assert process.stdout is not None
                    assert any(line.startswith(b"round 1") for line in process.stdout)
            assert process.returncode == 0, command
            continue
        if "netmend apply" in command:
            with serving("netmend run --store", directory):
                wait_for(Path("/run/netmend/api.sock").exists, "the API's socket")
                expect(command, directory)
            continue
        (journal,) = [*Path("/run/state/sweep").glob("sweep-*.jsonl")] if "--restore" in command else [None]
        expect(re.sub(r"/var/lib/netmend/sweep/\S+", str(journal), command), directory)


def expect(command: str, directory: Path) -> None:
    """Run a command, which must end as one that did what it is for."""
    if shutil.which("jq") is None:
        command = command.partition(" | jq ")[0]
    done = run(command, directory, HOME=str(directory))
    codes = next((codes for start, codes in FOUND.items() if command.startswith(start)), {0})
    assert done.returncode in codes, f"{command}: {done.returncode}\n{done.stdout}"
    assert "Traceback" not in done.stdout


def test_what_is_not_run_is_shown_somewhere() -> None:
    shown = {line for block in ALL for line in lines(block)}
    assert NOT_RUN.keys() - shown == set()


@pytest.mark.parametrize("command", NOT_RUN)
def test_what_is_not_run_names_what_there_is(command: str) -> None:
    words = shlex.split(command.replace("|", " ").replace("$(", " "))
    for word in words:
        if re.match(r"(tests|tools|requirements|\.ci)/", word):
            assert (CHECKOUT / word).exists(), word
    if words[0] == "make":
        assert re.search(rf"(?m)^{words[1]}:", (CHECKOUT / "Makefile").read_text())
    if "benchmarks" in words:
        assert set(words[words.index("benchmarks") + 1 :]) <= set(typed("python -m benchmarks --list").split())


def test_the_container_that_is_shown_has_right_mounts(tmp_path: Path) -> None:
    (command,) = [command for command in NOT_RUN if command.startswith("docker run")]
    (tmp_path / "start.sh").write_text(f"#!/bin/sh\n{command}\n")
    done = run("netmend lint start.sh", tmp_path)
    assert done.returncode == 0, done.stdout
    (tmp_path / "start.sh").write_text(f"#!/bin/sh\n{command.replace('/run/netns:shared', '/run/netns')}\n")
    assert run("netmend lint start.sh", tmp_path).returncode == 1
