"""netmend called as Neutron's agents: what Kolla and OpenStack-Helm look for is there, also on its first start."""

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.waiting import wait_for

from netmend.kernel.unix_http import UnixConnection

NAME = "neutron-dhcp-agent"
ETC, LOGS = Path("/run/etc"), Path("/run/log")
SCRIPT = f"#!{sys.executable}\nfrom netmend.cli.main import main\nmain()\n"
PLACES = ("--state-dir", "/run/state", "--runtime-dir", "/run/netmend")
TEXT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \d+ (INFO|WARNING|ERROR) \S+ \[-\] .+")


@contextmanager
def agent(*options: str, log: Path, name: str = NAME) -> Iterator[subprocess.Popen[bytes]]:
    """The program, where a port is open as a broker's is, and nobody answers behind it."""
    program = Path("/run") / name
    program.write_text(SCRIPT)
    program.chmod(0o755)
    for directory in (ETC, ETC / "more", LOGS):
        directory.mkdir(exist_ok=True)
    (ETC / "neutron.conf").write_text("[DEFAULT]\ntransport_url = rabbit://guest:guest@127.0.0.1:5672/\n")
    (ETC / "more" / "log.conf").write_text(f"[DEFAULT]\nlog_dir = {LOGS}\n")
    with socket.create_server(("127.0.0.1", 5672), backlog=64):
        command = [str(program), "--config-file", str(ETC / "neutron.conf"), *options, *PLACES]
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        try:
            wait_for(lambda: log.exists() or process.poll() is not None, "a log file")
            assert process.poll() is None, process.communicate()[1]
            yield process
        finally:
            process.kill()
            process.communicate()


def test_it_logs_as_oslo_does_where_the_files_say() -> None:
    log = LOGS / f"{NAME}.log"
    with agent("--config-dir", str(ETC / "more"), log=log):
        wait_for(lambda: "waiting for the server" in log.read_text(), "its first words", log.read_text)
        lines = log.read_text().splitlines()
        assert [line for line in lines if not TEXT.fullmatch(line)] == []
        log.rename(LOGS / "old")
        wait_for(lambda: log.exists() and log.read_text(), "it logs by the old name again, as something happens")


def test_an_option_is_stronger_than_a_file() -> None:
    with agent("--config-dir", str(ETC / "more"), "--log-file", "other.log", "--debug", log=LOGS / "other.log"):
        assert not (LOGS / f"{NAME}.log").exists()


def test_a_probe_finds_it_alive_before_the_server_has_said_anything() -> None:
    with agent("--config-dir", str(ETC / "more"), log=LOGS / f"{NAME}.log"):
        wait_for(lambda: Path("/run/netmend/lock").exists(), "its lock")
        health = [sys.executable, "-m", "netmend.cli", "health"]
        wait_for(lambda: subprocess.run([*health, "live"], check=False).returncode == 0, "it is live")
        assert subprocess.run([*health, "ready"], check=False).returncode == 1


@pytest.mark.skipif(shutil.which("pgrep") is None or shutil.which("ss") is None, reason="no pgrep or ss here")
def test_the_rule_of_kollas_healthcheck_port() -> None:
    """It wants a TCP connection to the port from a process that has the name in its command line."""
    rule = f"ss -ntp | grep -qE \":(5672).*,pid=($(pgrep -d '|' -f {NAME})),\""
    with agent("--config-dir", str(ETC / "more"), log=LOGS / f"{NAME}.log"):
        wait_for(lambda: subprocess.run(["bash", "-c", rule], check=False).returncode == 0, "healthcheck_port is green")


def test_the_rule_of_openstack_helms_probe() -> None:
    """It wants an established connection to a port of transport_url from a process with so much of the name."""
    with agent("--config-dir", str(ETC / "more"), log=LOGS / f"{NAME}.log") as process:
        command = Path(f"/proc/{process.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        assert "neutron-dhcp-ag" in command
        wait_for(lambda: established(process.pid, 5672), "a connection to the broker")


METADATA, SOCKET = "neutron-metadata-agent", Path("/run/neutron/metadata_proxy")


@contextmanager
def metadata_agent(*options: str) -> Iterator[subprocess.Popen[bytes]]:
    ETC.mkdir(exist_ok=True)
    (ETC / "metadata_agent.ini").write_text(f"[DEFAULT]\nmetadata_proxy_socket = {SOCKET}\n")
    files = ("--config-file", str(ETC / "metadata_agent.ini"), "--log-dir", str(LOGS))
    with agent(*files, *options, log=LOGS / f"{METADATA}.log", name=METADATA) as process:
        wait_for(SOCKET.is_socket, "its socket", (LOGS / f"{METADATA}.log").read_text)
        yield process


def test_neutron_metadata_agent_is_that_agent_alone() -> None:
    """It is at work before the broker answers, makes no network's namespace, and has no state."""
    with metadata_agent() as process:
        command = Path(f"/proc/{process.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        assert "neutron-metadat" in command  # what OpenStack-Helm's probe looks for
        wait_for(lambda: established(process.pid, 5672), "a connection to the broker")
        netmend = [sys.executable, "-m", "netmend.cli"]
        wait_for(lambda: subprocess.run([*netmend, "health", "ready"], check=False).returncode == 0, "it is ready")
        shown = subprocess.run([*netmend, "status", "--json"], capture_output=True, text=True, check=True)
        status = json.loads(shown.stdout)
        assert (status["intent"]["kind"], status["networks"]) == ("neutron-metadata", [])
        assert not Path("/run/netns").exists() and not Path("/run/state").exists()
        process.terminate()
        assert process.wait(60) == 0
    assert not SOCKET.exists()


def test_the_metadata_rule_of_openstack_helms_probe() -> None:
    """The answer for a router that does not exist must be below 500, though nobody can be asked of it."""
    with metadata_agent():
        connection = UnixConnection(SOCKET, timeout=30)
        headers = {"X-Forwarded-For": "169.254.169.254", "X-Neutron-Router-ID": "pod-health-probe-check-ignore-errors"}
        connection.request("GET", "/", headers=headers)
        assert connection.getresponse().status == 404
        connection.close()


def test_with_the_dhcp_agents_file_it_is_both() -> None:
    dhcp, log = ETC / "dhcp_agent.ini", LOGS / f"{METADATA}.log"
    ETC.mkdir(exist_ok=True)
    dhcp.write_text("[DEFAULT]\ninterface_driver = openvswitch\n")
    with agent("--config-file", str(dhcp), "--log-dir", str(LOGS), log=log, name=METADATA):
        wait_for(lambda: "waiting for the server: no networks are known yet" in log.read_text(), "a node that waits")


def test_without_a_file_it_logs_as_oslo_does_to_standard_error() -> None:
    ETC.mkdir(exist_ok=True)
    (ETC / "neutron.conf").write_text("[DEFAULT]\nlog_config_append = /etc/neutron/logging.conf\n")
    program = Path("/run") / METADATA
    program.write_text(SCRIPT)
    program.chmod(0o755)
    command = [str(program), "--config-file", str(ETC / "neutron.conf"), *PLACES]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert TEXT.fullmatch(process.stderr.readline().rstrip("\n"))
        process.kill()


def established(pid: int, port: int) -> bool:
    """Whether a process has a TCP connection to the port in state ESTABLISHED (proc(5), /proc/net/tcp)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {row[9] for row in rows if row[3] == "01" and int(row[2].partition(":")[2], 16) == port}
    opened = set()
    for one in Path(f"/proc/{pid}/fd").iterdir():
        try:
            opened.add(str(one.readlink()))
        except FileNotFoundError:
            continue
    return any(f"socket:[{inode}]" in opened for inode in inodes)


def test_what_is_missing_is_a_sentence() -> None:
    for directory in (ETC, ETC / "more", LOGS):
        directory.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "netmend.cli", "agent", *PLACES]
    for words, said in (
        ((), "give Neutron's files with --config-file"),
        (("--config-dir", "/run/none"), "--config-dir /run/none: there is no such directory"),
        (("--config-file", "/run/none"), "/run/none"),
    ):
        done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
    (ETC / "neutron.conf").write_text("[DEFAULT]\n")
    logged = ("--config-file", str(ETC / "neutron.conf"), "--log-file", "/run/none/a.log")
    done = subprocess.run([*command, *logged], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "the log file cannot be opened: No such file or directory" in done.stderr
