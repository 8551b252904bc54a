"""`netmend demo` as a user starts it: what it says, with which exit code, and that nothing of it outlives it.

It makes a sandbox inside the sandbox of the test; what it could leave behind would be seen here.
"""

import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request
from ipaddress import IPv6Network
from pathlib import Path
from typing import Any

import pytest
from tests.sessions import agrees, sessions_of
from tests.waiting import wait_for

from netmend.intent.eui64 import eui64_address
from netmend.kernel import links
from netmend.kernel.netlink import RouteSocket

DEMO = [sys.executable, "-m", "netmend.cli", "demo"]


def _run(*arguments: str, path: str | None = None) -> "subprocess.CompletedProcess[str]":
    environment = os.environ if path is None else {**os.environ, "PATH": path}
    return subprocess.run([*DEMO, *arguments], capture_output=True, text=True, check=False, env=environment)


def _traces() -> dict[str, Any]:
    """What a demo could leave: processes, devices, mounts, names of namespaces."""
    with RouteSocket() as route:
        devices = [link.name for link in links.dump_links(route)]
    processes = {entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return {"devices": devices, "processes": processes, "mounts": mounts, "run": sorted(Path("/run").iterdir())}


def test_every_guest_is_served_and_isolation_holds() -> None:
    before = _traces()
    done = _run("--json")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["ok"] is True
    leases = {(guest["network"], guest["name"]): guest for guest in document["guests"]}
    assert {key: (guest["mac"], guest["address"]) for key, guest in leases.items()} == {
        ("blue", "blue-one"): ("fa:16:3e:b1:00:01", "10.10.0.11"),
        ("blue", "blue-two"): ("fa:16:3e:b1:00:02", "10.10.0.12"),
        ("green", "green-one"): ("fa:16:3e:93:00:01", "10.10.0.11"),
        ("green", "green-two"): ("fa:16:3e:93:00:02", "10.10.0.12"),
        ("amber", "amber-one"): ("fa:16:3e:a3:00:01", "10.20.0.11"),
        ("amber", "amber-two"): ("fa:16:3e:a3:00:02", "10.20.0.12"),
    }
    for (network, _), guest in leases.items():
        block = "20" if network == "amber" else "10"
        assert (guest["gateway"], guest["dns_servers"]) == (f"10.{block}.0.1", [f"10.{block}.0.2"])
        assert guest["prefix_length"] == 24
        assert (guest["domain"], guest["lease_time"], guest["problem"]) == (f"{network}.example", 86_400, None)
        assert guest["seconds_to_lease"] > 0
        neighbour = {"one": "two", "two": "one"}[guest["name"].removeprefix(f"{network}-")]
        assert (guest["metadata"], guest["name_resolved"]) == (f"i-{guest['name']}", f"{neighbour}.{network}.example")
        assert guest["address6"] == str(eui64_address(IPv6Network(f"2001:db8:{block}::/64"), guest["mac"]))
    findings = document["isolation"]["findings"]
    assert [finding["check"] for finding in findings if finding["held"]] == [
        *["same-address"] * 2, *["layer-2"] * 6, *["host"] * 3
    ]  # fmt: skip
    routing = document["routing"]["findings"]
    assert [finding["held"] for finding in routing] == [True] * 8, routing
    assert all(devices["wanted"] == devices["found"] for devices in document["devices"])
    assert _traces() == before


def test_what_a_person_sees_names_every_guest() -> None:
    done = _run("--once")
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("blue-one", "blue-two", "green-one", "green-two", "amber-one", "amber-two"):
        assert name in done.stdout
    assert done.stdout.rstrip().endswith("6 of 6 guests served, isolation held, routing worked")


def test_what_intent_promises_and_a_guest_does_not_get_is_told(tmp_path: Path) -> None:
    file = tmp_path / "intent.yaml"
    file.write_text(
        "metadata_proxy: {endpoints: ['http://127.0.0.1:1'], shared_secret: none}\n"
        "networks:\n"
        "  - name: net\n"
        "    metadata: proxy\n"
        "    subnets: [{cidr: 10.10.0.0/24}]\n"
        "    ports: [{name: one, fixed_ips: [10.10.0.11], device_id: i-1, project_id: p-1, plug: {netns: one}}]\n"
    )
    done = _run("--json", "-c", str(file))
    document = json.loads(done.stdout)
    assert (done.returncode, document["ok"]) == (1, False)
    assert "metadata could not be fetched" in document["guests"][0]["problem"]
    assert "503" in document["guests"][0]["problem"]


def test_a_port_that_cannot_be_plugged_is_told_of_and_the_exit_code_says_so(tmp_path: Path) -> None:
    file = tmp_path / "intent.yaml"
    file.write_text(
        "networks:\n"
        "  - name: net\n"
        "    subnets: [{cidr: 10.10.0.0/24}]\n"
        "    ports:\n"
        "      - {name: one, mac: 'fa:16:3e:00:00:01', fixed_ips: [10.10.0.11], plug: {netns: one}}\n"
        "      - {name: two, fixed_ips: [10.10.0.12], plug: {pid: 4194303}}\n"
    )
    done = _run("--json", "-c", str(file))
    document = json.loads(done.stdout)
    assert (done.returncode, document["ok"]) == (1, False)
    assert document["guests"][0]["problem"] is None
    assert {"network": "net", "wanted": 4, "found": 3} in document["devices"]


def test_what_it_says_can_be_tried_works_from_another_terminal() -> None:
    command = ["env", "--default-signal=INT", *DEMO]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert demo.stdout is not None
    try:
        shown = list(itertools.takewhile(lambda line: not line.startswith("blue: served"), demo.stdout))
        (block,) = sessions_of(__file__, "docs/demo.md")
        tried = "".join(itertools.dropwhile(lambda line: not line.startswith("to try"), shown))
        assert agrees(re.sub(r":\d+/", ":N/", block.text), re.sub(r":\d+/", ":N/", tried), generated=True), tried
        page, shell, deletion = (line.strip() for line in shown if line.startswith("    "))
        with urllib.request.urlopen(page, timeout=60) as answer:
            assert b"<html" in answer.read()
        words = shlex.split(shell)
        assert words[-1] == "sh"
        asked = "ip -o link show eth0; readlink /proc/self/ns/net"
        found = subprocess.run(words, input=asked, capture_output=True, text=True, check=True, timeout=60).stdout
        assert "fa:16:3e:b1:00:01" in found and "net:[" in found
        again = subprocess.run(["sh", "-c", deletion], capture_output=True, text=True, check=True, timeout=60).stdout
        assert "alias netmend:dhcp:fb5752ba" in again
    finally:
        demo.kill()
        demo.wait()
        demo.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_nothing_is_left(number: signal.Signals) -> None:
    before = _traces()
    # SIGINT as a terminal has it, also where this suite was started in the background by a shell that ignores it
    command = ["env", "--default-signal=INT", *DEMO]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert demo.stdout is not None
    for line in demo.stdout:
        if line.startswith("blue: served"):  # it stays up
            break
    else:
        pytest.fail("it ended by itself")
    if number == signal.SIGINT:
        os.killpg(demo.pid, number)  # as a terminal does
    else:
        demo.send_signal(number)
    expected = {signal.SIGINT: 0, signal.SIGTERM: 143, signal.SIGKILL: -signal.SIGKILL}
    assert demo.wait(timeout=60) == expected[number]
    demo.stdout.close()

    def clean() -> bool:
        _reap()
        return _traces() == before

    wait_for(clean, "nothing is left", _traces)


def _reap() -> None:
    """Orphans of the demo become children of this sandbox's first process, which is us."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                return
        except ChildProcessError:
            return


def test_without_a_client_it_says_which_package_to_install(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "date", "cat", "mv"):
        (programs / name).symlink_to(shutil.which(name) or "")
    if any(shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin") for name in ("udhcpc", "dhclient")):
        pytest.skip("this machine has a client where it is always looked for")
    done = _run("--once", path=str(programs))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "apt install udhcpc" in done.stderr


def test_without_user_namespaces_it_says_which_sysctl_to_set() -> None:
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    done = _run("--once")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "sysctl -w user.max_user_namespaces=" in done.stderr


def test_a_file_that_it_cannot_use_is_refused_with_a_reason(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.yaml"
    nothing.write_text("networks: []\n")
    done = _run("--once", "-c", str(nothing))
    assert (done.returncode, done.stdout) == (2, "")
    assert "no port is plugged into a namespace by name" in done.stderr
    absent = _run("--once", "-c", str(tmp_path / "absent.yaml"))
    assert absent.returncode == 2
    assert "absent.yaml" in absent.stderr
    assert "Traceback" not in absent.stderr
