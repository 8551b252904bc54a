"""A guest of the real cloud, served by netmend in the place of Neutron's agents."""

from tests.neutron.agents import Netmend
from tests.neutron.cloud import Cloud, wait_until
from tests.neutron.guests import Guest, run


def test_the_agents_are_alive(netmend: Netmend) -> None:
    def are_alive() -> bool:
        listed = run("openstack", "network", "agent", "list", "--host", "node1")
        rows = (line.split("|") for line in listed.splitlines())
        alive = {row[-2].strip(): row[-4].strip() for row in rows if len(row) > 4}
        return alive["neutron-dhcp-agent"] == alive["neutron-metadata-agent"] == ":-)"

    wait_until(are_alive, "the server to hear of both agents")


def test_what_the_agent_says_of_itself(netmend: Netmend, cloud: Cloud) -> None:
    agent = cloud.agent()
    assert agent["binary"] == "neutron-dhcp-agent"
    assert agent["topic"] == "dhcp_agent"
    assert agent["availability_zone"] == "nova"
    said = agent["configurations"]
    assert said["dhcp_lease_duration"] == 86_400
    assert said["dhcp_driver"] == "neutron.agent.linux.dhcp.Dnsmasq"
    assert {"networks", "subnets", "ports", "log_agent_heartbeats"} <= said.keys()


def test_address_route_mtu_and_name(netmend: Netmend, cloud: Cloud) -> None:
    network = cloud.network(mtu=1400)
    cloud.subnet(network, "10.30.0.0/24", dns_nameservers=["192.0.2.53"])
    port = cloud.port(network, dns_name="web")
    with Guest(port) as guest:
        cloud.wait_until_active(port)
        lease = guest.dhcp()
        assert lease["ip"] == port["fixed_ips"][0]["ip_address"]
        assert lease["mask"] == "24"
        assert lease["router"] == "10.30.0.1"
        assert lease["dns"] == "192.0.2.53"
        assert lease["mtu"] == "1400"
        assert lease["lease"] == "86400"
        assert lease["hostname"] == "web"
        assert lease["domain"] == "cloud.test"
        own = cloud.dhcp_ports(network)[0]
        assert lease["serverid"] == own["fixed_ips"][0]["ip_address"]
        assert own["status"] == "ACTIVE"
        guest.wait_until_reached(lease["serverid"])


def test_a_guest_can_ping_another(netmend: Netmend, cloud: Cloud) -> None:
    network = cloud.network()
    cloud.subnet(network, "10.30.1.0/24")
    one, two = cloud.port(network), cloud.port(network)
    with Guest(one) as first, Guest(two) as second:
        assert first.dhcp()
        address = second.dhcp()["ip"]
        first.wait_until_reached(address)
