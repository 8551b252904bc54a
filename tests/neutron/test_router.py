"""Networks with a real router of Neutron's L3 agent: router advertisements, floating IPs, and metadata by way of it."""

import json
from collections.abc import Iterator

import pytest
from tests.neutron.agents import FILES, Netmend, is_running, start_neutrons, stop_neutrons
from tests.neutron.cloud import Cloud, Resource, call, wait_until
from tests.neutron.guests import Guest
from tests.neutron.nova import nova_metadata
from tests.neutron.wire import Wire

DHCP6 = ("udp", "port", "546", "or", "udp", "port", "547")
ASK = "also request dhcp6.bootfile-url;"


@pytest.fixture(scope="module", autouse=True)
def _l3(_server: None) -> Iterator[None]:
    """Neutron's L3 agent at work."""
    if not is_running("l3"):
        start_neutrons("l3")

    def is_alive() -> bool:
        return any(
            agent["alive"] for agent in call("GET", "agents?host=node1")["agents"] if agent["agent_type"] == "L3 agent"
        )

    wait_until(is_alive, "Neutron's L3 agent to be alive", seconds=60)
    yield
    stop_neutrons("l3")


def routed(cloud: Cloud, prefix: str, mode: str, **fields: object) -> tuple[Resource, Resource]:
    """A network with a subnet of this mode, behind a router that advertises it."""
    network = cloud.network()
    subnet = cloud.subnet(network, prefix, ipv6_address_mode=mode, ipv6_ra_mode=mode, **fields)
    cloud.router(subnet)
    return network, subnet


def address_of(port: Resource) -> str:
    return str(port["fixed_ips"][0]["ip_address"])


def test_slaac(netmend: Netmend, cloud: Cloud) -> None:
    network, _ = routed(cloud, "fd49:0::/64", "slaac")
    port = cloud.port(network)
    with Guest(port) as guest, Wire(guest, *DHCP6) as wire:
        wait_until(
            lambda: address_of(port) in guest.addresses6(), "its address by the router's advertisement", seconds=60
        )
        assert guest.dhclient(6, "-S", seconds=4) == {}
        assert [line for line in wire.lines() if ".547 >" in line] == []


def test_stateless(netmend: Netmend, cloud: Cloud) -> None:
    network, _ = routed(cloud, "fd49:1::/64", "dhcpv6-stateless", dns_nameservers=["2001:db8::53"])
    option = {"opt_name": "bootfile-url", "opt_value": "tftp://[2001:db8::1]/boot", "ip_version": 6}
    port = cloud.port(network, extra_dhcp_opts=[option])
    with Guest(port) as guest:
        wait_until(
            lambda: address_of(port) in guest.addresses6(), "its address by the router's advertisement", seconds=60
        )
        told = guest.dhclient(6, "-S", conf=ASK)
        assert told["new_dhcp6_name_servers"] == "2001:db8::53"
        assert told["new_dhcp6_bootfile_url"] == "tftp://[2001:db8::1]/boot"
        assert guest.addresses6() == [address_of(port)]


def test_stateful(netmend: Netmend, cloud: Cloud) -> None:
    network, _ = routed(cloud, "fd49:2::/64", "dhcpv6-stateful")
    port = cloud.port(network)
    with Guest(port) as guest:
        wait_until(
            lambda: "default via fe80" in guest.inside("ip", "-6", "route"), "the router's advertisement", seconds=60
        )
        assert guest.addresses6() == []
        assert guest.dhclient(6)["new_ip6_address"] == address_of(port)


def generated(address: str) -> str:
    return f"host-{address.replace('.', '-')}.cloud.test"


def test_a_floating_ip_is_told_nothing_and_has_no_name(netmend: Netmend, cloud: Cloud) -> None:
    outside = cloud.network(**{"router:external": True})
    cloud.subnet(outside, "10.49.0.0/24")
    network = cloud.network()
    router = cloud.router(cloud.subnet(network, "10.49.1.0/24"))
    gateway = cloud.gateway(router, outside)
    port = cloud.port(network)
    floating = cloud.floating_ip(outside, port)
    (own,) = call("GET", f"ports?device_id={floating['id']}")["ports"]
    assert own["device_owner"] == "network:floatingip"
    neighbour = cloud.port(outside)
    with Guest(neighbour) as guest:
        cloud.wait_until_active(neighbour)
        server = guest.dhcp()["dns"]
        assert guest.resolve(generated(address_of(neighbour)), server) == [address_of(neighbour)]
        assert guest.resolve(generated(gateway), server) == [gateway]
        assert guest.resolve(generated(floating["floating_ip_address"]), server) == []
        guest.inside("ip", "link", "set", guest.device, "address", own["mac_address"])
        assert guest.dhcp(tries=3) == {}


def test_a_port_of_a_highly_available_router_is_told_nothing(netmend: Netmend, cloud: Cloud) -> None:
    router = cloud.router(ha=True)
    ports = call("GET", f"ports?device_id={router['id']}&device_owner=network:router_ha_interface")["ports"]
    assert ports
    network = {"id": ports[0]["network_id"]}
    subnet = {"id": ports[0]["fixed_ips"][0]["subnet_id"]}
    cloud.update("subnet", subnet, enable_dhcp=True)  # the server makes it without
    port = cloud.port(network)
    with Guest(port) as guest:
        cloud.wait_until_active(port)
        server = guest.dhcp()["dns"]
        assert guest.resolve(generated(address_of(port)), server) == [address_of(port)]
        assert guest.resolve(generated(address_of(ports[0])), server) == []
        guest.inside("ip", "link", "set", guest.device, "address", ports[0]["mac_address"])
        assert guest.dhcp(tries=3) == {}


META_DATA = "/openstack/latest/meta_data.json"


def metadata_from(guest: Guest, host: str, *options: str) -> Resource:
    """What Nova was told of the guest that asks by way of its router, which may still be on its way."""
    command = ("curl", "-s", "-m", "5", *options, f"http://{host}{META_DATA}")
    wait_until(lambda: "instance" in guest.inside(*command, check=False), "metadata", seconds=60)
    said: Resource = json.loads(guest.inside(*command))
    return said


def routed_guest(cloud: Cloud, cidr: str, instance: str) -> tuple[Resource, Resource]:
    network = cloud.network()
    subnet = cloud.subnet(network, cidr)
    cloud.router(subnet)
    return subnet, cloud.port(network, device_id=instance)


def test_metadata_by_way_of_the_router(netmend: Netmend, cloud: Cloud) -> None:
    """The L3 agent's haproxy asks at the socket of neutron-metadata-agent, in whose place netmend is."""
    instance = "11111111-2222-4333-8444-555555555555"
    subnet, port = routed_guest(cloud, "10.49.2.0/24", instance)
    with nova_metadata(), Guest(port) as guest:
        cloud.wait_until_active(port)
        words = guest.dhcp()["staticroutes"].split()
        assert dict(zip(words[::2], words[1::2], strict=True))["169.254.169.254/32"] == subnet["gateway_ip"]
        said = metadata_from(guest, "169.254.169.254")
        assert (said["instance"], said["from"]) == (instance, address_of(port))
        assert said["tenant"] == port["project_id"]
        claimed = metadata_from(guest, "169.254.169.254", "-H", "X-Forwarded-For: 10.49.2.77")
        assert (claimed["instance"], claimed["from"]) == (instance, address_of(port))
        for header in ("X-Neutron-Router-ID", "X-Neutron-Network-ID"):
            command = ("curl", "-s", "-m", "5", "-H", f"{header}: {port['network_id']}")
            answer = guest.inside(*command, f"http://169.254.169.254{META_DATA}", check=False)
            assert "instance" not in answer or json.loads(answer)["instance"] == instance
        # From an address that is no port's, nobody is told anything.
        guest.inside("ip", "address", "add", "10.49.2.200/24", "dev", guest.device)
        stranger = ("curl", "-s", "-m", "5", "--interface", "10.49.2.200", f"http://169.254.169.254{META_DATA}")
        assert "instance" not in guest.inside(*stranger, check=False)
        status = netmend.status()
        assert status is not None and status["routed_metadata"]["problem"] is None
        assert status["routed_metadata"]["answers"]["200"] >= 2


def test_metadata_by_way_of_the_router_over_ipv6(netmend: Netmend, cloud: Cloud) -> None:
    """Asked from a link-local address, which says no more than the MAC that it is made of."""
    instance = "11111111-2222-4333-8444-666666666666"
    network = cloud.network()
    cloud.router(cloud.subnet(network, "fd49:4::/64", ipv6_address_mode="slaac", ipv6_ra_mode="slaac"))
    port = cloud.port(network, device_id=instance)
    with nova_metadata(), Guest(port) as guest:
        wait_until(
            lambda: address_of(port) in guest.addresses6(), "its address by the router's advertisement", seconds=60
        )
        said = metadata_from(guest, f"[fe80::a9fe:a9fe%25{guest.device}]")
        assert said["instance"] == instance


def test_a_metadata_agent_of_neutrons_keeps_its_socket_until_it_ends(cloud: Cloud) -> None:
    instance = "11111111-2222-4333-8444-777777777777"
    _, port = routed_guest(cloud, "10.49.3.0/24", instance)
    start_neutrons("metadata")
    try:
        with nova_metadata(), Netmend(name="routed") as agent, Guest(port) as guest:
            status = agent.wait_until("it to find the socket taken", lambda found: found["routed_metadata"]["problem"])
            assert "stop neutron-metadata-agent" in status["routed_metadata"]["problem"]
            assert status["node"]["healthy"] is False
            cloud.wait_until_active(port)
            guest.dhcp()
            assert metadata_from(guest, "169.254.169.254")["instance"] == instance
            stop_neutrons("metadata")
            agent.wait_until("it to have the socket", lambda found: found["routed_metadata"]["problem"] is None)
            assert metadata_from(guest, "169.254.169.254")["instance"] == instance
            assert (agent.status() or {})["routed_metadata"]["answers"]["200"] >= 1
    finally:
        stop_neutrons("metadata")


def test_without_metadata_agents_file_the_socket_is_not_our_business(cloud: Cloud) -> None:
    with Netmend(name="routed", files=FILES[:2]) as agent:
        assert (agent.status() or {})["routed_metadata"] is None
