"""The verbs as a user types them: exit codes, sentences, JSON, and no traceback whatever is wrong."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import wait_for

from netmend.kernel import links, nsdir, syscalls
from netmend.kernel.netlink import RouteSocket

INTENT = """
networks:
  - name: blue
    subnets:
      - cidr: 10.0.0.0/24
        gateway: 10.0.0.1
    ports:
      - {name: one, mac: "fa:16:3e:00:00:01", fixed_ips: [10.0.0.11]}
"""


def netmend(*arguments: str, code: int) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end; its code and its manners are checked."""
    command = [sys.executable, "-m", "netmend.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr + done.stdout
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


def write_intent(text: str = INTENT) -> str:
    path = Path("/run/intent.yaml")
    path.write_text(text)
    return str(path)


def status_text() -> str:
    return netmend("status", code=status_code()).stdout


@contextmanager
def node(config: str, code: int = 0, prefix: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    """A running node whose status ends with `code`."""
    command = [*prefix, sys.executable, "-m", "netmend.cli", "run", "-c", config, "--state-dir", "/run/state"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(
            lambda: status_code() == code,
            f"status ends with {code}",
            lambda: netmend("status", code=status_code()).stdout,
        )
        yield process
    finally:
        process.kill()
        process.wait()


def status(code: int = 0) -> dict[str, object]:
    found: dict[str, object] = json.loads(netmend("status", "--json", code=code).stdout)
    return found


def test_plan_run_status_down() -> None:
    config = write_intent()
    planned = json.loads(netmend("plan", "-c", config, "--json", code=3).stdout)
    assert planned["steps"] == 5
    assert [step["step"] for step in planned["networks"][0]["steps"]] == [
        "SetRules",
        "MakeDevice",
        "MakeNamespace",
        "PinNamespace",
        "MakeDevice",
    ]
    with node(config) as process:
        assert [network["state"] for network in status()["networks"]] == ["served"]  # type: ignore[attr-defined]
        assert "10.0.0.11" in netmend("status", "blue", code=0).stdout
        assert "no network nowhere" in netmend("status", "nowhere", code=2).stderr
        assert "nothing to do" in netmend("plan", "-c", config, code=0).stdout
        assert f"pid {process.pid}" in netmend("run", "-c", config, "--state-dir", "/run/state", code=2).stderr
        assert "stop it first" in netmend("down", "-c", config, code=2).stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert "nothing to do" in netmend("plan", "-c", config, code=0).stdout
    assert netmend("down", "-c", config, code=0).stdout.strip() == "3 removed, 0 left"
    with RouteSocket() as route:
        assert [link.name for link in links.dump_links(route)] == ["lo"]
    assert os.listdir("/run/netns") == []


def test_without_a_node_status_says_how_to_start_one() -> None:
    assert "netmend run -c FILE" in netmend("status", code=2).stderr


def test_a_killed_node_is_told_from_none() -> None:
    with node(write_intent()) as process:
        process.kill()
        process.wait()
        assert "it was killed" in netmend("status", code=2).stderr


def test_a_broken_file_changes_nothing_and_is_shown_until_it_is_mended() -> None:
    config = write_intent()
    with node(config):
        write_intent(INTENT.replace("10.0.0.11", "10.9.0.11"))
        wait_for(lambda: status_code() == 1, "status has something to say")
        shown = netmend("status", code=1).stdout
        assert "/run/intent.yaml:8: networks[blue].ports[one].fixed_ips" in shown.replace("\n", "")
        assert "10.0.0.11" in netmend("status", "blue", code=0).stdout
        write_intent(INTENT.replace("10.0.0.11", "10.0.0.12"))
        wait_for(lambda: status_code() == 0, "all is well", status_text)
        assert "10.0.0.12" in netmend("status", "blue", code=0).stdout


def status_code() -> int:
    return subprocess.run([sys.executable, "-m", "netmend.cli", "status"], capture_output=True, check=False).returncode


def test_a_broken_file_at_the_start_is_told_by_line() -> None:
    config = write_intent(INTENT.replace("10.0.0.0/24", "10.0.0.0/99"))
    for verb in ("run", "plan", "check", "down"):
        stderr = netmend(verb, "-c", config, code=2).stderr
        assert stderr.startswith(f"netmend {verb}: /run/intent.yaml:5: networks[blue].subnets[10.0.0.0/99].cidr: ")


def test_no_such_file_and_no_such_verb() -> None:
    assert "/run/none.yaml" in netmend("run", "-c", "/run/none.yaml", code=2).stderr
    netmend("frobnicate", code=2)
    assert "Usage" in netmend("--help", code=0).stdout


def test_a_host_fault_is_diagnosed_once_and_shown() -> None:
    """No name can be made where the directory is read-only: guests are served, and status says what to mend."""
    Path("/run/netns").mkdir()
    syscalls.mount("tmpfs", "/run/netns", "tmpfs", syscalls.MS_RDONLY)
    with node(write_intent(), code=1):
        wait_for(lambda: "held by descriptor" in netmend("status", code=1).stdout, "status says what holds it")
        found = status(code=1)
        assert found["pinning"]["ok"] is False  # type: ignore[index]
        assert "read-only" in found["pinning"]["problem"]  # type: ignore[index]
        assert found["networks"][0]["state"] == "served with reasons"  # type: ignore[index]
        syscalls.mount(None, "/run/netns", None, syscalls.MS_REMOUNT)
        wait_for(lambda: status_code() == 0, "all is well", status_text)
        assert len(os.listdir("/run/netns")) == 1


def test_a_mount_namespace_that_passes_no_names_on_is_named_in_status() -> None:
    """As in a container without `:shared`: guests are served, and status says what the next restart will break."""
    nsdir.prepare()
    with node(write_intent(), prefix=("unshare", "-m", "--propagation", "private")):
        wait_for(lambda: status()["mount_faults"], "the mounts are seen to be wrong")
        faults: list[dict[str, str]] = status()["mount_faults"]  # type: ignore[assignment]
        (fault,) = faults
        assert "is a namespace in netmend, and a plain file in host" in fault["summary"] and fault["evidence"]
        assert "/run/netns" in fault["mend"]
        assert [network["state"] for network in status()["networks"]] == ["served"]  # type: ignore[attr-defined]


def test_a_file_behind_a_link_is_followed_when_the_link_is_changed() -> None:
    """As Kubernetes swaps a ConfigMap: the file is a link into `..data`, which is a link that is replaced."""
    for version, address in (("one", "10.0.0.11"), ("two", "10.0.0.12")):
        Path(f"/run/map/{version}").mkdir(parents=True)
        Path(f"/run/map/{version}/intent.yaml").write_text(INTENT.replace("10.0.0.11", address))
    Path("/run/map/..data").symlink_to("one")
    Path("/run/map/intent.yaml").symlink_to("..data/intent.yaml")
    with node("/run/map/intent.yaml"):
        assert "10.0.0.11" in netmend("status", "blue", code=0).stdout
        Path("/run/map/..tmp").symlink_to("two")
        Path("/run/map/..tmp").rename("/run/map/..data")
        wait_for(lambda: "10.0.0.12" in netmend("status", "blue", code=0).stdout, "the new address is there")
        Path("/run/map/two/intent.yaml").write_text(INTENT.replace("10.0.0.11", "10.0.0.13"))
        wait_for(lambda: "10.0.0.13" in netmend("status", "blue", code=0).stdout, "the next address is there")
