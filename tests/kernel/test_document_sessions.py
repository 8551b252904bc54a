"""The sessions of the documents, typed in a sandbox as they are shown (tests/sessions.py says what may differ)."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from tests.blocks import CHECKOUT, blocks
from tests.sessions import agrees, commands, compare, environment, sessions, typed
from tests.waiting import wait_for

NODE = ["netmend", "run", "-c", "examples/two-networks.yaml"]
OFFICE = """\
networks:
  - name: blue
    subnets: [{cidr: 10.10.0.0/24}]
    mtu: '1500'
  - name: green
    subnets: [{cidr: 10.0.0.0/24, gateway: 10.0.1.1}]
    ports:
      - {name: db, mac: "fa:16:3e:00:00:01", fixed_ips: [10.0.0.11]}
      - name: web
        fixed_ips: [10.0.0.12]
        mac: fa:16:3e:00:00:01
"""
GREEN = """\
networks:
  - name: green
    subnets: [{cidr: 10.1.0.0/24}]
    ports: [{name: db, fixed_ips: [10.1.0.5]}]
"""
METADATA = """\
networks:
  - name: blue
    metadata: embedded
    subnets: [{cidr: 192.0.2.0/24}]
    ports:
      - name: web
        mac: fa:16:3e:00:00:01
        fixed_ips: [192.0.2.11]
        plug: {netns: guest}
        instance:
          instance_type: small
          availability_zone: here
          public_keys: {laptop: ssh-ed25519 AAAA}
          meta: {role: web}
"""


def prints(command: str, shown: str) -> bool:
    return agrees(shown, typed(command))


@contextmanager
def node(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(words, cwd=CHECKOUT, env=environment(), stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: "served" in typed("netmend status"), "a network is served", every=0.1)
        yield process
    finally:
        process.terminate()
        process.wait(60)


def test_readme() -> None:
    (demo,) = sessions("README.md", "output")
    printed = typed("netmend demo --once")
    assert agrees(demo.text, printed), printed
    before, running, after, incident = sessions("README.md")
    for guest in ("blue-one", "blue-two", "green-one", "green-two"):
        typed(f"ip netns add guest-{guest} && ip -n guest-{guest} link set lo up")
    compare(before)
    with node(*NODE):
        wait_for(lambda: "eth0" in typed("ip -n guest-blue-two -br link"), "the guest's device")
        (discover, shown), *asked = commands(running)
        assert agrees(shown, typed(discover)), typed(discover)
        typed(discover.replace("one", "two"))  # as the reader's other guests have done by then
        for command, output in asked:
            wait_for(partial(prints, command, output), command, partial(typed, command), every=0.5)
    compare(after)
    compare(incident)


def test_mistakes_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "office.yaml").write_text(OFFICE)
    (block,) = sessions("docs/intent-file.md")
    compare(block, tmp_path)


def test_apply(tmp_path: Path) -> None:
    file = tmp_path / "green.yaml"
    file.write_text(GREEN)
    (block,) = sessions("docs/store.md")
    process = subprocess.Popen(["netmend", "run", "--store"], env=environment(), stderr=subprocess.DEVNULL)
    try:
        wait_for(Path("/run/netmend/api.sock").exists, "the API's socket")
        (first, created), (second, changed) = commands(block)
        assert agrees(created, typed(first, tmp_path))
        file.write_text(GREEN.replace("10.1.0.5", "10.1.0.6"))
        assert agrees(changed, typed(second, tmp_path))
    finally:
        process.terminate()
        process.wait(60)


def test_metadata(tmp_path: Path) -> None:
    file = tmp_path / "intent.yaml"
    file.write_text(METADATA)
    (block,) = sessions("docs/metadata.md")
    typed("ip netns add guest && ip -n guest link set lo up")
    with node("netmend", "run", "-c", str(file)):
        wait_for(lambda: "eth0" in typed("ip -n guest -br link"), "the guest's device")
        # what a client of DHCP does; not every machine's udhcpc has a script that heeds option 121
        typed("ip -n guest addr add 192.0.2.11/24 dev eth0")
        typed("ip -n guest link set eth0 up && ip -n guest route add 169.254.169.254 dev eth0")
        for command, shown in commands(block):
            printed = typed(f"ip netns exec guest {command.replace('curl', 'curl -s')}")
            assert agrees(shown, printed), f"{command}\n{printed}"


def test_scenarios() -> None:
    (block,) = sessions("docs/scenarios.md")
    compare(block)


def test_no_session_is_left_out() -> None:
    known = {
        "README.md": 4,
        "docs/intent-file.md": 1,
        "docs/store.md": 1,
        "docs/scenarios.md": 1,
        "docs/metadata.md": 1,
    }
    found = [block.document for block in blocks() if block.kind == "console"]
    assert {name: found.count(name) for name in found} == known


@pytest.fixture(autouse=True)
def _programs() -> None:
    if shutil.which("udhcpc") is None:
        pytest.fail("set-up has not made .tools/bin/udhcpc: make setup")
