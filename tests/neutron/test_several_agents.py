"""One network with two agents: each has a port of its own, and a guest is told the same whichever of them answers."""

from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from tests.neutron.agents import Netmend
from tests.neutron.cloud import Cloud, Resource, call, wait_until
from tests.neutron.guests import Guest, run
from tests.neutron.second_host import Guest2, second_host

DIFFERING = frozenset(("serverid", "interface", "opt53", "opt54", "opt61"))
MODES = {"ipv6_address_mode": "dhcpv6-stateful", "ipv6_ra_mode": "dhcpv6-stateful"}


@pytest.fixture(scope="module")
def both(_server: None) -> Iterator[tuple[Netmend, Netmend]]:
    with Netmend(name="node1") as node1, second_host() as node2:
        yield node1, node2


def served_by_both(cloud: Cloud, both: tuple[Netmend, Netmend], network: Resource) -> None:
    """As the server's own scheduler has it where dhcp_agents_per_network is 2."""
    hosts = {agent["host"] for agent in call("GET", f"networks/{network['id']}/dhcp-agents")["agents"]}
    for host in {"node1", "node2"} - hosts:
        call("POST", f"agents/{cloud.agent(host)['id']}/dhcp-networks", {"network_id": network["id"]})
    for netmend in both:
        netmend.wait_until_served(network["id"])
    wait_until(lambda: len(cloud.dhcp_ports(network)) == 2, "two DHCP ports")


def addresses(ports: list[Resource], version: int) -> list[str]:
    found = [fixed["ip_address"] for port in ports for fixed in port["fixed_ips"]]
    return [str(one) for one in sorted(map(ip_address, found), key=int) if one.version == version]


def test_each_has_a_port_and_all_answer_alike(cloud: Cloud, both: tuple[Netmend, Netmend]) -> None:
    network = cloud.network(mtu=1400)
    cloud.subnet(network, "10.47.0.0/24")
    port = cloud.port(network, dns_name="web", extra_dhcp_opts=[{"opt_name": "67", "opt_value": "boot.0"}])
    served_by_both(cloud, both, network)
    own = cloud.dhcp_ports(network)
    assert {one["binding:host_id"] for one in own} == {"node1", "node2"}
    assert len({one["device_id"] for one in own}) == 2
    servers = addresses(own, 4)
    leases = []
    for kind, host in ((Guest, "node1"), (Guest2, "node2")):
        with kind(port) as guest:
            lease = guest.dhcp()
            (mine,) = (one for one in own if one["binding:host_id"] == host)
            assert lease["serverid"] == mine["fixed_ips"][0]["ip_address"]
            assert guest.resolve("web.cloud.test", lease["serverid"]) == [lease["ip"]]
            leases.append({key: value for key, value in lease.items() if key not in DIFFERING})
    assert leases[0] == leases[1]
    assert leases[0]["ip"] == port["fixed_ips"][0]["ip_address"]
    assert leases[0]["dns"].split() == servers
    assert leases[0]["boot_file"] == "boot.0"


def test_name_servers_of_the_subnet_win(cloud: Cloud, both: tuple[Netmend, Netmend]) -> None:
    network = cloud.network()
    cloud.subnet(network, "10.47.1.0/24", dns_nameservers=["192.0.2.53"])
    port = cloud.port(network)
    served_by_both(cloud, both, network)
    with Guest(port) as guest:
        assert guest.dhcp()["dns"] == "192.0.2.53"


def test_both_are_told_as_name_servers_by_dhcpv6(cloud: Cloud, both: tuple[Netmend, Netmend]) -> None:
    network = cloud.network()
    cloud.subnet(network, "fd47:2::/64", **MODES)
    port = cloud.port(network)
    served_by_both(cloud, both, network)
    servers = addresses(cloud.dhcp_ports(network), 6)
    for kind in (Guest, Guest2):
        with kind(port) as guest:
            lease = guest.dhclient(6)
            assert lease["new_ip6_address"] == port["fixed_ips"][0]["ip_address"]
            assert lease["new_dhcp6_name_servers"].split() == servers


def test_one_leaves(cloud: Cloud, both: tuple[Netmend, Netmend]) -> None:
    network = cloud.network()
    subnet = cloud.subnet(network, "10.47.3.0/24")
    port = cloud.port(network)
    served_by_both(cloud, both, network)
    call("DELETE", f"agents/{cloud.agent('node2')['id']}/dhcp-networks/{network['id']}")
    both[1].wait_until_gone(network["id"])
    of_others = [own for own in cloud.dhcp_ports(network) if own["binding:host_id"] != "node1"]
    assert [own["device_id"] for own in of_others] == ["reserved_dhcp_port"]  # the server keeps it for the next agent
    cloud.update("subnet", subnet, name="looked at")  # of a port that becomes a reserved one, the server tells nobody
    with Guest(port) as guest:
        own = addresses([own for own in cloud.dhcp_ports(network) if own not in of_others], 4)
        wait_until(lambda: guest.dhcp().get("dns", "").split() == own, "the one that stays alone to be told")
    assert f"qdhcp-{network['id']}" in run("ip", "netns")


def test_moved_to_the_other_and_back(cloud: Cloud, both: tuple[Netmend, Netmend]) -> None:
    """The port goes with it: guests know the same server before and after."""
    network = cloud.network()
    cloud.subnet(network, "10.47.4.0/24")
    port = cloud.port(network)
    agents = {host: cloud.agent(host)["id"] for host in ("node1", "node2")}
    (first,) = (agent["host"] for agent in call("GET", f"networks/{network['id']}/dhcp-agents")["agents"])
    second = "node1" if first == "node2" else "node2"
    netmends, kinds = dict(zip(agents, both, strict=True)), {"node1": Guest, "node2": Guest2}
    netmends[first].wait_until_served(network["id"])
    (before,) = cloud.dhcp_ports(network)
    for left, taken in ((first, second), (second, first)):
        call("DELETE", f"agents/{agents[left]}/dhcp-networks/{network['id']}")
        netmends[left].wait_until_gone(network["id"])
        call("POST", f"agents/{agents[taken]}/dhcp-networks", {"network_id": network["id"]})
        netmends[taken].wait_until_served(network["id"])
        (own,) = cloud.dhcp_ports(network)
        assert own["id"] == before["id"]
        assert own["binding:host_id"] == taken
        with kinds[taken](port) as guest:
            lease = guest.dhcp()
            assert lease["ip"] == port["fixed_ips"][0]["ip_address"]
            assert lease["serverid"] == before["fixed_ips"][0]["ip_address"]
