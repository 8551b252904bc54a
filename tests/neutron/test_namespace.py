"""What a network's namespace has of routes and devices, by the real server: behaviours that Neutron tests of its DHCP
agent (docs/neutron.md says which)."""

import json

from tests.neutron.agents import Netmend
from tests.neutron.cloud import Cloud, Resource, address_of, wait_until
from tests.neutron.guests import Guest, run

from netmend.sources.neutron.names import dhcp_device_id

STATEFUL = {"ipv6_address_mode": "dhcpv6-stateful", "ipv6_ra_mode": "dhcpv6-stateful"}


def namespace(network: Resource) -> str:
    return f"qdhcp-{network['id']}"


def gateways(network: Resource) -> list[str]:
    """Of the default routes in the namespace, IPv4 first."""
    listed = [json.loads(run("ip", "-j", f"-{version}", "-n", namespace(network), "route")) for version in (4, 6)]
    return [route["gateway"] for routes in listed for route in routes if route["dst"] == "default"]


def on_link(network: Resource) -> list[str]:
    """Addresses with a route of their own on the link."""
    listed = [json.loads(run("ip", "-j", f"-{version}", "-n", namespace(network), "route")) for version in (4, 6)]
    return [route["dst"] for routes in listed for route in routes if "/" not in route["dst"] and "gateway" not in route]


class TestDefaultRoute:
    def test_follows_the_gateway_and_what_others_change_is_put_right(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        pools = [{"start": "10.52.0.20", "end": "10.52.0.99"}]  # the server wants gateways outside them
        subnet = cloud.subnet(network, "10.52.0.0/24", allocation_pools=pools)
        netmend.wait_until_served(network["id"])
        assert gateways(network) == ["10.52.0.1"]
        for gateway in ("10.52.0.9", None, "10.52.0.1"):
            cloud.update("subnet", subnet, gateway_ip=gateway)
            expected = [gateway] if gateway else []
            wait_until(lambda expected=expected: gateways(network) == expected, f"gateways {expected}")  # type: ignore[misc]

    def test_of_a_gateway_outside_the_subnet(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        subnet = cloud.subnet(network, "10.52.1.0/24", gateway_ip="192.0.2.1")
        netmend.wait_until_served(network["id"])
        assert (gateways(network), on_link(network)) == (["192.0.2.1"], ["192.0.2.1"])
        cloud.update("subnet", subnet, gateway_ip="198.51.100.1")
        wait_until(lambda: gateways(network) == ["198.51.100.1"] == on_link(network), "the new gateway alone")
        port = cloud.port(network)
        with Guest(port) as guest:
            cloud.wait_until_active(port)
            assert guest.dhcp()["router"] == "198.51.100.1"

    def test_of_both_versions_each_by_the_first_subnet_with_a_gateway(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "10.52.2.0/24", gateway_ip=None)
        six = cloud.subnet(network, "fd52:2::/64", **STATEFUL)
        four = cloud.subnet(network, "10.52.3.0/24")
        wait_until(lambda: sum(len(port["fixed_ips"]) for port in cloud.dhcp_ports(network)) == 3, "an address in each")
        netmend.wait_until_served(network["id"])
        wait_until(lambda: gateways(network) == [four["gateway_ip"], six["gateway_ip"]], "both default routes")

    def test_answers_go_by_it(self, netmend: Netmend, cloud: Cloud) -> None:
        """Our port is pinged from beyond the network, by way of a router, which the test is."""
        network = cloud.network()
        cloud.subnet(network, "10.52.4.0/24")
        gateway = cloud.port(network, fixed_ips=[{"ip_address": "10.52.4.1"}])
        with Guest(gateway) as router:
            cloud.wait_until_active(gateway)
            server = router.dhcp()["serverid"]
            router.inside("ip", "addr", "add", "203.0.113.7/32", "dev", "lo")
            # The switch lets ARP of the port's own addresses pass alone.
            router.inside("sysctl", "-w", f"net.ipv4.conf.{router.device}.arp_announce=2")
            router.wait_until_reached(server, "-I", "203.0.113.7")


def test_a_device_of_another_hosts_dhcp_port_goes_at_once(netmend: Netmend, cloud: Cloud) -> None:
    """Put into the namespace while netmend runs, with its address, as an agent of before a move left it."""
    network = cloud.network()
    subnet = cloud.subnet(network, "10.52.5.0/24")
    netmend.wait_until_served(network["id"])
    (own,) = cloud.dhcp_ports(network)
    fixed = [{"subnet_id": subnet["id"], "ip_address": "10.52.5.99"}]
    device_id = dhcp_device_id(network["id"], "node9")
    other = cloud.port(
        network, device_owner="network:dhcp", device_id=device_id, fixed_ips=fixed, **{"binding:host_id": "node9"}
    )
    tap = f"tap{other['id'][:11]}"
    run(
        "ovs-vsctl", "add-port", "br-int", tap, "--", "set", "Interface", tap, "type=internal",
        f"external_ids:iface-id={other['id']}", "external_ids:iface-status=active",
    )  # fmt: skip
    wait_until(lambda: tap in run("ip", "-o", "link"), "the device")
    run("ip", "link", "set", tap, "netns", namespace(network))
    run(
        "ip", "-n", namespace(network), "addr", "add", "10.52.5.99/24", "dev", tap, check=False
    )  # it may be gone by now
    run("ip", "-n", namespace(network), "link", "set", tap, "up", check=False)
    wait_until(lambda: tap not in run("ovs-vsctl", "list-ports", "br-int"), "the stray port to go")
    wait_until(lambda: tap not in run("ip", "-n", namespace(network), "-o", "link"), "its device to go")
    inside = run("ip", "-n", namespace(network), "-o", "addr")
    assert tap not in inside and f"tap{own['id'][:11]}" in inside and f"{address_of(own)}/24" in inside
    assert {port["id"] for port in cloud.dhcp_ports(network)} == {own["id"], other["id"]}


def test_the_log_names_what_is_made_and_removed(netmend: Netmend, cloud: Cloud) -> None:
    network = cloud.network()
    cloud.subnet(network, "10.52.6.0/24")
    netmend.wait_until_served(network["id"])
    (own,) = cloud.dhcp_ports(network)
    cloud.update("network", network, admin_state_up=False)
    wait_until(lambda: namespace(network) not in run("ip", "netns"), "the namespace to go")

    def said() -> str:
        return "\n".join(line for line in netmend.log.read_text().splitlines() if network["id"] in line)

    tap, address = f"tap{own['id'][:11]}", address_of(own)
    wait_until(lambda: f"remove namespace {namespace(network)}" in said(), "the log")
    for text in (
        f"add port {tap} to br-int for port {own['id']}",
        f"move {tap} into {namespace(network)} with {address}/24",
        f"delete port {tap} of Open vSwitch: not in intent (port {own['id']})",
        f"remove namespace {namespace(network)} with {address}/24",
    ):
        assert text in said(), text
