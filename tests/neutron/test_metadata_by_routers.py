"""Metadata by way of a router: the haproxy of Neutron's L3 agent asks at the socket of neutron-metadata-agent, in whose
place netmend is."""

import json

import pytest
from tests.neutron.agents import FILES, Netmend, start_neutrons, stop_neutrons
from tests.neutron.cloud import Cloud, Resource, address_of, wait_until
from tests.neutron.guests import Guest
from tests.neutron.nova import nova_metadata

pytestmark = pytest.mark.usefixtures("l3_agent")

META_DATA = "/openstack/latest/meta_data.json"


def metadata_from(guest: Guest, host: str, *options: str) -> Resource:
    """What Nova was told of the guest that asks by way of its router, which may still be on its way."""
    command = ("curl", "-s", "-m", "5", *options, f"http://{host}{META_DATA}")
    wait_until(lambda: "instance" in guest.inside(*command, check=False), "metadata")
    said: Resource = json.loads(guest.inside(*command))
    return said


def routed_guest(cloud: Cloud, cidr: str, instance: str) -> tuple[Resource, Resource]:
    network = cloud.network()
    subnet = cloud.subnet(network, cidr)
    cloud.router(subnet)
    return subnet, cloud.port(network, device_id=instance)


def test_metadata_by_way_of_the_router(cloud: Cloud) -> None:
    instance = "11111111-2222-4333-8444-555555555555"
    subnet, port = routed_guest(cloud, "10.49.2.0/24", instance)
    with nova_metadata(), Netmend("enable_isolated_metadata = true") as netmend, Guest(port) as guest:
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


def test_metadata_by_way_of_the_router_over_ipv6(cloud: Cloud) -> None:
    """Asked from a link-local address, which says no more than the MAC that it is made of."""
    instance = "11111111-2222-4333-8444-666666666666"
    network = cloud.network()
    cloud.router(cloud.subnet(network, "fd49:4::/64", ipv6_address_mode="slaac", ipv6_ra_mode="slaac"))
    port = cloud.port(network, device_id=instance)
    with nova_metadata(), Netmend(), Guest(port) as guest:
        wait_until(lambda: address_of(port) in guest.addresses6(), "its address by the router's advertisement")
        # Nobody answers for the address on the link; the router takes what is sent to it by its own.
        via = guest.inside("ip", "-6", "route", "show", "default").split()[2]
        guest.inside("ip", "-6", "route", "add", "fe80::a9fe:a9fe/128", "via", via, "dev", guest.device)
        said = metadata_from(guest, f"[fe80::a9fe:a9fe%25{guest.device}]")
        assert said["instance"] == instance


def test_a_metadata_agent_of_neutrons_keeps_its_socket_until_it_ends(cloud: Cloud) -> None:
    instance = "11111111-2222-4333-8444-777777777777"
    _, port = routed_guest(cloud, "10.49.3.0/24", instance)
    start_neutrons("metadata")
    try:
        with nova_metadata(), Netmend() as agent, Guest(port) as guest:
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
    with Netmend(files=FILES[:2]) as agent:
        assert (agent.status() or {})["routed_metadata"] is None
