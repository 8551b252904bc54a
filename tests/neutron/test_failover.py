"""Two hosts on one server: one is killed, the other takes its networks, the first comes back."""

import signal
import time
from collections.abc import Iterator
from threading import Event, Thread

import pytest
from tests.neutron.agents import FILES, Netmend
from tests.neutron.cloud import Cloud, Resource, call, wait_until
from tests.neutron.guests import Guest, run

from netmend.sources.neutron.configuration import configuration
from netmend.sources.neutron.rpc import Server

HOST2 = (
    "host = node2",
    "transport_url = rabbit://guest:guest@10.99.0.1:5672/",
    "interface_driver = linuxbridge",
)
# A mount namespace of its own comes with `ip netns exec`; in it, names of namespaces of its own.
IN_HOST2 = ("ip", "netns", "exec", "node2", "sh", "-c", 'mount -t tmpfs tmpfs /run/netns && exec "$0" "$@"')


# The server gives a network only to a host on which an agent says that it can reach it. The switch of node2 is a Linux
# bridge here, so nobody does: this is what Neutron's agent for Open vSwitch would report.
SWITCH_AGENT = {
    "binary": "neutron-openvswitch-agent",
    "host": "node2",
    "topic": "N/A",
    "agent_type": "Open vSwitch agent",
    "start_flag": True,
    "configurations": {
        "tunnel_types": ["vxlan"],
        "tunneling_ip": "10.99.0.2",
        "bridge_mappings": {},
        "datapath_type": "netdev",
        "devices": 0,
    },
}


@pytest.fixture
def switch_agent() -> Iterator[None]:
    found = configuration(FILES)
    server, ended = Server(found.conf, found.policy.host), Event()

    def report() -> None:
        while not ended.is_set():
            server.report_state(SWITCH_AGENT, 30)
            ended.wait(3)

    thread = Thread(target=report)
    thread.start()
    yield
    ended.set()
    thread.join()
    server.close()


@pytest.fixture
def node2(switch_agent: None) -> Iterator[Netmend]:
    """A second host: network and mount namespaces of its own, on the management bridge."""
    run("ip", "netns", "add", "node2")
    run("ip", "link", "add", "mgmt2", "type", "veth", "peer", "name", "eth0", "netns", "node2")
    run("ip", "link", "set", "mgmt2", "master", "mgmt0", "up")
    run("ip", "-n", "node2", "addr", "add", "10.99.0.2/24", "dev", "eth0")
    for device in ("lo", "eth0"):
        run("ip", "-n", "node2", "link", "set", device, "up")
    netmend = Netmend(*HOST2, name="node2")
    netmend.start(prefix=IN_HOST2)
    yield netmend
    netmend.end()
    run("ip", "netns", "del", "node2", check=False)
    run("ip", "link", "del", "mgmt2", check=False)
    for agent in call("GET", "agents?host=node2")["agents"]:
        call("DELETE", f"agents/{agent['id']}")


class Guest2(Guest):
    """A guest on the second host, on the network's Linux bridge."""

    def __enter__(self) -> "Guest2":
        run("ip", "netns", "add", self.name)
        near = f"g{self.port['id'][:11]}"
        run("ip", "-n", "node2", "link", "add", near, "type", "veth", "peer", "name", self.device, "netns", self.name)
        run("ip", "-n", "node2", "link", "set", near, "master", f"brq{self.port['network_id'][:11]}", "up")
        run("ip", "-n", self.name, "link", "set", self.device, "address", self.port["mac_address"], "up")
        return self


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
        wait_until(lambda: hosts(network) == ["node2"], "the server to give the network to node2", seconds=120)
        told = time.monotonic()
        node2.wait_until_served(network["id"], seconds=10)
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
