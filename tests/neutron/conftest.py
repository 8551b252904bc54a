"""These tests run inside the sandbox of tools/neutron, beside a real server: `make test-neutron`."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.neutron.agents import Netmend, is_running, start_neutrons, stop_neutrons
from tests.neutron.cloud import Cloud, Refused, call, wait_until

_LONGEST = 900  # seconds of a test
_INSIDE = Path("/usr/local/bin/agents-up")
if _INSIDE.exists():  # programs of the sandbox, not those that set-up made for the machine outside
    os.environ["PATH"] = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if ".tools" not in part)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.parent.name == "ovn")  # another server, and other switches, until the end
    for item in items:
        item.add_marker(pytest.mark.timeout(_LONGEST))
        if not _INSIDE.exists():
            item.add_marker(pytest.mark.skip(reason="runs in tools/neutron: make test-neutron"))


def _start(name: str, kind: str) -> None:
    """One of Neutron's own agents, until the server takes it for alive."""
    if not is_running(name):
        start_neutrons(name)

    def is_alive() -> bool:
        agents = call("GET", "agents?host=node1")["agents"]
        return any(agent["alive"] for agent in agents if agent["agent_type"] == kind)

    wait_until(is_alive, f"Neutron's {kind} to be alive")


@pytest.fixture(scope="session")
def _server() -> None:
    """The API answers, Neutron's agent for the switch runs, and its own DHCP agent does not."""
    subprocess.run(["server-up"], check=True)
    for name in ("dhcp", "netmend", "metadata"):
        if is_running(name):
            stop_neutrons(name)
    _start("ovs", "Open vSwitch agent")
    for port in call("GET", "ports?device_owner=compute:nova")["ports"]:  # of a run that was ended
        call("DELETE", f"ports/{port['id']}")
    for network in call("GET", "networks")["networks"]:
        try:
            call("DELETE", f"networks/{network['id']}")
        except Refused as refused:
            print(refused)


@pytest.fixture(scope="module")
def _shared_netmend(_server: None) -> Iterator[Netmend]:
    with Netmend("enable_isolated_metadata = true") as netmend:
        yield netmend


@pytest.fixture
def netmend(_shared_netmend: Netmend) -> Netmend:
    """One that all tests of a module share; a module whose tests start and end it has none."""
    return _shared_netmend


@pytest.fixture(scope="module")
def l3_agent(_server: None) -> Iterator[None]:
    """Neutron's, at work."""
    _start("l3", "L3 agent")
    yield
    stop_neutrons("l3")


@pytest.fixture
def cloud(_server: None) -> Iterator[Cloud]:
    with Cloud() as cloud:
        yield cloud


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """What netmend said and knew, beside a failure."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    netmend = getattr(item, "funcargs", {}).get("netmend")
    if report.failed and isinstance(netmend, Netmend):
        report.sections.append(("netmend", f"{json.dumps(netmend.status(), indent=1)}\n{netmend.tail()}"))
