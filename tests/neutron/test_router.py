"""Networks with a real router of Neutron's L3 agent: router advertisements, floating IPs, ports of the router's."""

import pytest
from tests.neutron.agents import Netmend
from tests.neutron.cloud import Cloud, Resource, address_of, call, wait_until
from tests.neutron.guests import Guest
from tests.neutron.wire import Wire

DHCP6 = ("udp", "port", "546", "or", "udp", "port", "547")
ASK = "also request dhcp6.bootfile-url;"


pytestmark = pytest.mark.usefixtures("l3_agent")


def routed(cloud: Cloud, prefix: str, mode: str, **fields: object) -> tuple[Resource, Resource]:
    """A network with a subnet of this mode, behind a router that advertises it."""
    network = cloud.network()
    subnet = cloud.subnet(network, prefix, ipv6_address_mode=mode, ipv6_ra_mode=mode, **fields)
    cloud.router(subnet)
    return network, subnet


def test_slaac(netmend: Netmend, cloud: Cloud) -> None:
    network, _ = routed(cloud, "fd49:0::/64", "slaac")
    port = cloud.port(network)
    with Guest(port) as guest, Wire(guest, *DHCP6) as wire:
        wait_until(lambda: address_of(port) in guest.addresses6(), "its address by the router's advertisement")
        assert guest.dhclient(6, "-S", seconds=4) == {}
        assert [line for line in wire.lines() if ".547 >" in line] == []


def test_stateless(netmend: Netmend, cloud: Cloud) -> None:
    network, _ = routed(cloud, "fd49:1::/64", "dhcpv6-stateless", dns_nameservers=["2001:db8::53"])
    option = {"opt_name": "bootfile-url", "opt_value": "tftp://[2001:db8::1]/boot", "ip_version": 6}
    port = cloud.port(network, extra_dhcp_opts=[option])
    with Guest(port) as guest:
        wait_until(lambda: address_of(port) in guest.addresses6(), "its address by the router's advertisement")
        told = guest.dhclient(6, "-S", conf=ASK)
        assert told["new_dhcp6_name_servers"] == "2001:db8::53"
        assert told["new_dhcp6_bootfile_url"] == "tftp://[2001:db8::1]/boot"
        assert guest.addresses6() == [address_of(port)]


def test_stateful(netmend: Netmend, cloud: Cloud) -> None:
    network, _ = routed(cloud, "fd49:2::/64", "dhcpv6-stateful")
    port = cloud.port(network)
    with Guest(port) as guest:
        wait_until(lambda: "default via fe80" in guest.inside("ip", "-6", "route"), "the router's advertisement")
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
