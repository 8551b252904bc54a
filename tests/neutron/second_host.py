"""A second host on the same server, with netmend on it: its switch is a Linux bridge."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

from tests.neutron.agents import FILES, Netmend
from tests.neutron.cloud import call
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
}
SWITCHING = {"tunnel_types": ["vxlan"], "tunneling_ip": "10.99.0.2", "datapath_type": "netdev", "devices": 0}


@contextmanager
def _switch_agent(physical_networks: Sequence[str]) -> Iterator[None]:
    found = configuration(FILES)
    server, ended = Server(found.conf, found.policy.host), Event()
    mappings = {name: f"br-{name}" for name in physical_networks}
    said = {**SWITCH_AGENT, "configurations": {**SWITCHING, "bridge_mappings": mappings}}

    def report() -> None:
        while not ended.is_set():
            server.report_state(said, 30)
            ended.wait(3)

    thread = Thread(target=report)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        server.close()


@contextmanager
def second_host(*options: str, physical_networks: Sequence[str] = ()) -> Iterator[Netmend]:
    """Network and mount namespaces of its own, on the management bridge, and netmend at work there."""
    netmend = Netmend(*HOST2, *options, name="node2")
    try:
        with _switch_agent(physical_networks):
            run("ip", "netns", "add", "node2")
            run("ip", "link", "add", "mgmt2", "type", "veth", "peer", "name", "eth0", "netns", "node2")
            run("ip", "link", "set", "mgmt2", "master", "mgmt0", "up")
            run("ip", "-n", "node2", "addr", "add", "10.99.0.2/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                run("ip", "-n", "node2", "link", "set", device, "up")
            netmend.start(prefix=IN_HOST2)
            yield netmend
    finally:
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
