"""Networks whose subnets are on segments, of which this host reaches some."""

import json
from collections.abc import Iterator

import pytest
from tests.neutron.agents import Netmend
from tests.neutron.cloud import Cloud, Resource, address_of, wait_until
from tests.neutron.guests import Guest, run
from tests.neutron.nova import nova_metadata
from tests.neutron.second_host import Guest2, second_host
from tests.neutron.segments import Routed, routed

from netmend.sources.neutron.names import dhcp_device_id, segment_network_id

INSTANCES = ("11111111-2222-4333-8444-555555555555", "66666666-2222-4333-8444-555555555555")
ASK = ("curl", "-s", "-m", "5", "http://169.254.169.254/openstack/latest/meta_data.json")


def own_ports(cloud: Cloud, of: Routed, rack: int, host: str = "node1") -> list[Resource]:
    """DHCP ports on the segment in that rack, by the device id that Neutron's agent on the host would give."""
    device_id = dhcp_device_id(of.network["id"], host, of.segments[rack]["segmentation_id"])
    return [port for port in cloud.dhcp_ports(of.network) if port["device_id"] == device_id]


def generated(port: Resource) -> str:
    return f"host-{address_of(port).replace('.', '-')}.cloud.test"


def routes(lease: dict[str, str]) -> dict[str, str]:
    words = lease.get("staticroutes", "").split()
    return dict(zip(words[::2], words[1::2], strict=True))


def wait_until_addressed(cloud: Cloud, of: Routed, rack: int, *subnets: Resource) -> None:
    """Until our port on the segment has an address in each of these subnets, and in no other."""
    wanted = {subnet["id"] for subnet in subnets}

    def is_so() -> bool:
        ports = own_ports(cloud, of, rack)
        return len(ports) == 1 and {fixed["subnet_id"] for fixed in ports[0]["fixed_ips"]} == wanted

    wait_until(is_so, f"a DHCP port in rack {rack} with {len(wanted)} addresses")


def has_namespace(network_id: str) -> bool:
    return f"qdhcp-{network_id}" in run("ip", "netns").split()


def test_each_that_reaches_this_host_has_a_port_of_its_own(netmend: Netmend, cloud: Cloud) -> None:
    of = routed(cloud, 0, 1, 2)
    network = of.network
    ports = {rack: of.port(cloud, rack, dns_name=f"in-rack{rack}") for rack in (1, 2)}
    with Guest(ports[1]) as one, Guest(ports[2]) as two:
        for rack, guest, other in ((1, one, 2), (2, two, 1)):
            cloud.wait_until_active(ports[rack])
            lease = guest.dhcp()
            assert lease["ip"] == address_of(ports[rack])
            (own,) = own_ports(cloud, of, rack)
            assert lease["serverid"] == lease["dns"] == address_of(own)
            assert own["status"] == "ACTIVE"
            guest.wait_until_reached(lease["serverid"])
            # By way of the gateway: it is not on the link. The server says so of every subnet of a routed network.
            assert routes(lease)[of.subnets[other]["cidr"]] == of.subnets[rack]["gateway_ip"]
            for known in (1, 2):
                assert guest.resolve(f"in-rack{known}.cloud.test", lease["dns"]) == [address_of(ports[known])]
    assert len(cloud.dhcp_ports(network)) == 2
    taps = {rack: f"tap{own_ports(cloud, of, rack)[0]['id'][:11]}" for rack in (1, 2)}
    second = segment_network_id(network["id"], of.segments[2]["id"])
    for rack, network_id in ((1, network["id"]), (2, second)):
        inside = run("ip", "-n", f"qdhcp-{network_id}", "-o", "link")
        assert taps[rack] in inside
        assert taps[3 - rack] not in inside


@pytest.fixture
def nova() -> Iterator[None]:
    with nova_metadata():
        yield


def test_metadata_in_each(netmend: Netmend, cloud: Cloud, nova: None) -> None:
    of = routed(cloud, 1, 1, 2)
    for rack, instance in zip((1, 2), INSTANCES, strict=True):
        port = of.port(cloud, rack, device_id=instance)
        with Guest(port) as guest:
            cloud.wait_until_active(port)
            lease = guest.dhcp()
            assert routes(lease)["169.254.169.254/32"] == lease["serverid"]
            wait_until(lambda guest=guest: guest.inside(*ASK, check=False), "metadata")  # type: ignore[misc]
            said = json.loads(guest.inside(*ASK))
            assert (said["instance"], said["from"]) == (instance, address_of(port))


def test_another_subnet_of_a_segment_comes_and_goes(netmend: Netmend, cloud: Cloud) -> None:
    """The server refuses to change the addresses of such a port: we have a new one, with the address that it had."""
    of = routed(cloud, 2, 1, 2)
    segment = of.segments[2]["id"]
    wait_until_addressed(cloud, of, 2, of.subnets[2])
    (before,) = own_ports(cloud, of, 2)
    modes = {"ipv6_address_mode": "dhcpv6-stateful", "ipv6_ra_mode": "dhcpv6-stateful"}
    later = cloud.subnet(of.network, "10.202.12.0/24", segment_id=segment)
    later6 = cloud.subnet(of.network, "fd48:2::/64", segment_id=segment, **modes)
    wait_until_addressed(cloud, of, 2, of.subnets[2], later, later6)
    (own,) = own_ports(cloud, of, 2)
    assert before["fixed_ips"][0] in own["fixed_ips"]
    both = [{"subnet_id": subnet["id"]} for subnet in (later, later6)]
    port, in_first = of.port(cloud, 2, fixed_ips=both), of.port(cloud, 2)
    with Guest(port) as guest, Guest(in_first) as other:
        for one in (port, in_first):
            cloud.wait_until_active(one)
        addresses = [fixed["ip_address"] for fixed in port["fixed_ips"]]
        lease = guest.dhcp()
        assert lease["ip"] in addresses
        assert routes(lease)[of.subnets[2]["cidr"]] == "0.0.0.0"  # the same link
        assert guest.dhclient(6)["new_ip6_address"] in addresses
        assert other.dhcp()["serverid"] == address_of(before)
        cloud.update("subnet", of.subnets[2], enable_dhcp=False)
        wait_until_addressed(cloud, of, 2, later, later6)
        wait_until(lambda: guest.dhcp(tries=2).get("ip") in addresses, "a lease by the port that is left")
        assert other.dhcp(tries=3) == {}


def test_the_first_one_goes(netmend: Netmend, cloud: Cloud) -> None:
    of = routed(cloud, 3, 1, 2)
    second = segment_network_id(of.network["id"], of.segments[2]["id"])
    port = of.port(cloud, 2)
    with Guest(port) as guest:
        cloud.wait_until_active(port)
        assert guest.dhcp()["ip"] == address_of(port)
        netmend.wait_until_served(second)
        (own,) = own_ports(cloud, of, 2)
        cloud.delete("subnet", of.subnets[1])
        wait_until(lambda: not has_namespace(second), "the other to take the network's name")
        assert has_namespace(of.network["id"])
        wait_until(lambda: not own_ports(cloud, of, 1), "its port to be given back")
        wait_until(lambda: guest.dhcp(tries=2).get("ip") == address_of(port), "a lease")
        assert [port["id"] for port in own_ports(cloud, of, 2)] == [own["id"]]
    cloud.update("network", of.network, admin_state_up=False)
    wait_until(lambda: not cloud.dhcp_ports(of.network), "the ports to be given back")
    wait_until(lambda: not has_namespace(of.network["id"]), "the namespace to go")


def test_one_that_comes_later_moves_none(netmend: Netmend, cloud: Cloud) -> None:
    of = routed(cloud, 4, 1, 2)
    low, high = sorted(of.segments, key=lambda rack: str(of.segments[rack]["id"]))
    cloud.delete("subnet", of.subnets[low])
    wait_until_addressed(cloud, of, high, of.subnets[high])
    links = ("ip", "-n", f"qdhcp-{of.network['id']}", "-o", "link")
    tap = f"tap{own_ports(cloud, of, high)[0]['id'][:11]}"
    wait_until(lambda: tap in run(*links, check=False), "the other to take the network's name")
    netmend.wait_until_served(of.network["id"])
    before = run(*links)
    segment = of.segments[low]["id"]
    later = cloud.subnet(of.network, "10.204.9.0/24", segment_id=segment)
    wait_until_addressed(cloud, of, low, later)
    netmend.wait_until_served(segment_network_id(of.network["id"], segment))
    assert run(*links) == before


def test_a_reserved_port_is_taken_on_its_segment_alone(netmend: Netmend, cloud: Cloud) -> None:
    of = routed(cloud, 5, 1, 2)
    for subnet in of.subnets.values():
        cloud.update("subnet", subnet, enable_dhcp=False)
    wait_until(lambda: not cloud.dhcp_ports(of.network), "the ports to be given back")
    fixed_ips = [{"subnet_id": of.subnets[2]["id"], "ip_address": "10.205.2.200"}]
    reserved = of.port(
        cloud, 2, fixed_ips=fixed_ips, device_owner="network:dhcp", device_id="reserved_dhcp_port"
    )  # fmt: skip
    for subnet in of.subnets.values():
        cloud.update("subnet", subnet, enable_dhcp=True)
    for rack in (1, 2):
        wait_until_addressed(cloud, of, rack, of.subnets[rack])
    assert [port["id"] for port in own_ports(cloud, of, 2)] == [reserved["id"]]
    port = of.port(cloud, 2)
    with Guest(port) as guest:
        cloud.wait_until_active(port)
        assert guest.dhcp()["serverid"] == "10.205.2.200"


@pytest.fixture
def node2(_server: None) -> Iterator[Netmend]:
    """A host in rack3, which this one does not reach."""
    with second_host(physical_networks=["rack3"]) as netmend:
        yield netmend


def test_guests_in_other_segments_have_names_and_no_leases(netmend: Netmend, cloud: Cloud, node2: Netmend) -> None:
    of = routed(cloud, 6, 1, 3)
    port = of.port(cloud, 1)
    elsewhere = of.port(cloud, 3, dns_name="far", **{"binding:host_id": "node2"})
    with Guest(port) as guest:
        cloud.wait_until_active(port)
        lease = guest.dhcp()
        assert guest.resolve("far.cloud.test", lease["dns"]) == [address_of(elsewhere)]
        # It comes to this host's segment with its MAC, and asks.
        guest.inside("ip", "link", "set", guest.device, "address", elsewhere["mac_address"])
        assert guest.dhcp(tries=3) == {}
        guest.inside("ip", "link", "set", guest.device, "address", port["mac_address"])
        assert guest.dhcp()["ip"] == address_of(port)


def test_two_hosts_each_with_a_segment_of_its_own(netmend: Netmend, cloud: Cloud, node2: Netmend) -> None:
    of = routed(cloud, 7, 1, 3)
    hosts = {1: "node1", 3: "node2"}
    ports = {rack: of.port(cloud, rack, dns_name=f"rack{rack}", **{"binding:host_id": hosts[rack]}) for rack in hosts}
    for served in (netmend, node2):
        served.wait_until_served(of.network["id"])
    wait_until(lambda: len(cloud.dhcp_ports(of.network)) == 2, "two DHCP ports")
    for rack, host in hosts.items():
        with (Guest if host == "node1" else Guest2)(ports[rack]) as guest:
            if host == "node1":
                cloud.wait_until_active(ports[rack])
            (own,) = own_ports(cloud, of, rack, host)
            assert own["binding:host_id"] == host
            lease = guest.dhcp()
            assert lease["ip"] == address_of(ports[rack])
            assert lease["serverid"] == lease["dns"] == address_of(own)
            for known in hosts:
                assert guest.resolve(f"rack{known}.cloud.test", lease["dns"]) == [address_of(ports[known])]
