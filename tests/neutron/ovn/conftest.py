"""A server with ML2/OVN in the place of that with Open vSwitch's agents, and two chassis."""

import subprocess
from collections.abc import Iterator

import pytest
from tests.neutron.agents import is_running, stop_neutrons
from tests.neutron.cloud import Cloud, call, wait_until
from tests.neutron.nova import nova_metadata
from tests.neutron.ovn.chassis import Chassis, first_chassis, second_chassis
from tests.neutron.ovn.instances import Instances


@pytest.fixture(scope="session")
def _chassis() -> Iterator[tuple[Chassis, Chassis]]:
    """Both, once the server knows them."""
    for name in ("dhcp", "netmend", "metadata", "l3", "ovs"):
        if is_running(name):
            stop_neutrons(name)
    subprocess.run(["ovn-up"], check=True)
    with first_chassis() as one, second_chassis() as two:
        subprocess.run(["server-up", "ovn"], check=True)

        def known() -> bool:
            agents = call("GET", "agents")["agents"]
            return {one["host"] for one in agents if one["agent_type"] == "OVN Controller agent"} == {"node1", "node2"}

        wait_until(known, "the server to know both chassis")
        yield one, two


@pytest.fixture
def one(_chassis: tuple[Chassis, Chassis]) -> Chassis:
    return _chassis[0]


@pytest.fixture
def two(_chassis: tuple[Chassis, Chassis]) -> Chassis:
    return _chassis[1]


@pytest.fixture
def cloud(_chassis: tuple[Chassis, Chassis]) -> Iterator[Cloud]:
    with nova_metadata(Instances, "10.99.0.1"), Cloud() as cloud:
        yield cloud
