"""Two hosts on one server: one is killed, the other takes its networks, the first comes back."""

import signal
import time
from collections.abc import Iterator

import pytest
from tests.neutron.agents import Netmend
from tests.neutron.cloud import Cloud, Resource, call, wait_until
from tests.neutron.guests import Guest, run
from tests.neutron.second_host import Guest2, second_host


@pytest.fixture
def node2() -> Iterator[Netmend]:
    with second_host() as netmend:
        yield netmend


def hosts(network: Resource) -> list[str]:
    return [agent["host"] for agent in call("GET", f"networks/{network['id']}/dhcp-agents")["agents"]]


def test_one_is_killed_the_other_serves_and_the_first_comes_back(cloud: Cloud, node2: Netmend) -> None:
    with Netmend(name="node1") as node1:
        call("PUT", f"agents/{cloud.agent('node2')['id']}", {"agent": {"admin_state_up": False}})
        network = cloud.network()
        cloud.subnet(network, "10.43.0.0/24")
        port = cloud.port(network)
        node1.wait_until_served(network["id"])
        call("PUT", f"agents/{cloud.agent('node2')['id']}", {"agent": {"admin_state_up": True}})
        with Guest(port) as guest:
            assert guest.dhcp()["ip"] == port["fixed_ips"][0]["ip_address"]
        before = cloud.dhcp_ports(network)
        assert hosts(network) == ["node1"]

        node1.end(signal.SIGKILL)
        wait_until(lambda: hosts(network) == ["node2"], "the server to give the network to node2")
        told = time.monotonic()
        node2.wait_until_served(network["id"])
        print(f"node2 serves {time.monotonic() - told:.1f} s after it was told")
        assert [found["id"] for found in cloud.dhcp_ports(network)] == [found["id"] for found in before]
        with Guest2(port) as guest:
            assert guest.dhcp()["ip"] == port["fixed_ips"][0]["ip_address"]

            node1.start()
            node1.wait_until_gone(network["id"])
            wait_until(lambda: f"qdhcp-{network['id']}" not in run("ip", "netns"), "its namespace on node1 to go")
            assert hosts(network) == ["node2"]
            assert len(cloud.dhcp_ports(network)) == 1
            assert guest.dhcp()["ip"] == port["fixed_ips"][0]["ip_address"]
