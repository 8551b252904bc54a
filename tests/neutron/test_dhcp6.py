"""What the table of features in docs/neutron.md says of IPv6, on the real server and with real clients."""

import pytest
from tests.neutron.agents import Netmend
from tests.neutron.cloud import Cloud, Resource
from tests.neutron.guests import Guest, run
from tests.neutron.wire import Wire

DHCP6 = ("udp", "port", "546", "or", "udp", "port", "547")
STATEFUL = {"ipv6_address_mode": "dhcpv6-stateful", "ipv6_ra_mode": "dhcpv6-stateful"}
STATELESS = {"ipv6_address_mode": "dhcpv6-stateless", "ipv6_ra_mode": "dhcpv6-stateless"}
SLAAC = {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}
# What dhclient asks for besides what it always does, and how it takes itself for iPXE (RFC 8415 section 21.15).
ASK = "also request dhcp6.bootfile-url, dhcp6.sntp-servers, dhcp6.domain-search;"
IPXE = "option dhcp6.classes code 15 = string; send dhcp6.classes 00:04:69:50:58:45;"


def replies(wire: Wire, guest: Guest) -> list[str]:
    """DHCPv6 messages to the guest."""
    return [line for line in wire.lines() if f"> {guest.port['mac_address']}" in line and ".547 >" in line]


def address_of(port: Resource, subnet: Resource | None = None) -> str:
    fixed_ips = port["fixed_ips"]
    return next(str(fixed["ip_address"]) for fixed in fixed_ips if subnet is None or fixed["subnet_id"] == subnet["id"])


class TestExtraOptions:
    OPTIONS = (
        {"opt_name": "bootfile-url", "opt_value": "tftp://[2001:db8::1]/boot", "ip_version": 6},
        {"opt_name": "23", "opt_value": "2001:db8::54,2001:db8::55", "ip_version": 6},
        {"opt_name": "sntp-server", "opt_value": "2001:db8::123", "ip_version": 6},
        {"opt_name": "bootfile-name", "opt_value": "of-ipv4", "ip_version": 4},
    )

    def test_by_name_and_number(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "fd44:0::/64", dns_nameservers=["2001:db8::53"], **STATEFUL)
        port = cloud.port(network, extra_dhcp_opts=list(self.OPTIONS))
        with Guest(port) as guest:
            cloud.wait_until_active(port)
            lease = guest.dhclient(6, conf=ASK)
            assert lease["new_ip6_address"] == address_of(port)
            assert lease["new_dhcp6_bootfile_url"] == "tftp://[2001:db8::1]/boot"
            assert lease["new_dhcp6_name_servers"] == "2001:db8::54 2001:db8::55"
            assert lease["new_dhcp6_sntp_servers"] == "2001:db8::123"
            assert lease["new_dhcp6_domain_search"] == "cloud.test."

    def test_of_another_port_are_not_told(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "fd44:1::/64", dns_nameservers=["2001:db8::53"], **STATEFUL)
        cloud.port(network, extra_dhcp_opts=list(self.OPTIONS))
        port = cloud.port(network)
        with Guest(port) as guest:
            cloud.wait_until_active(port)
            lease = guest.dhclient(6, conf=ASK)
            assert lease["new_dhcp6_name_servers"] == "2001:db8::53"
            assert "new_dhcp6_bootfile_url" not in lease

    @pytest.mark.parametrize(("sent", "file"), [("", "http://[2001:db8::1]/snp.efi"), (IPXE, "http://[2001:db8::1]/i")])
    def test_for_ipxe(self, netmend: Netmend, cloud: Cloud, sent: str, file: str) -> None:
        network = cloud.network()
        cloud.subnet(network, "fd44:2::/64", **STATEFUL)
        options = [
            {"opt_name": "tag:ipxe6,59", "opt_value": "http://[2001:db8::1]/i", "ip_version": 6},
            {"opt_name": "tag:!ipxe6,59", "opt_value": "http://[2001:db8::1]/snp.efi", "ip_version": 6},
        ]
        port = cloud.port(network, extra_dhcp_opts=options)
        with Guest(port) as guest:
            cloud.wait_until_active(port)
            assert guest.dhclient(6, conf=sent + ASK)["new_dhcp6_bootfile_url"] == file


class TestModes:
    def test_stateless_tells_options_and_gives_no_address(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "fd44:3::/64", dns_nameservers=["2001:db8::53"], **STATELESS)
        option = {"opt_name": "bootfile-url", "opt_value": "tftp://[2001:db8::1]/boot", "ip_version": 6}
        port = cloud.port(network, extra_dhcp_opts=[option])
        with Guest(port) as guest:
            cloud.wait_until_active(port)
            lease = guest.dhclient(6, "-S", conf=ASK)
            assert lease["new_dhcp6_name_servers"] == "2001:db8::53"
            assert lease["new_dhcp6_bootfile_url"] == "tftp://[2001:db8::1]/boot"
            assert "new_ip6_address" not in lease
            assert "new_ip6_address" not in guest.dhclient(6, seconds=5)

    def test_without_modes_as_stateful(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "fd44:4::/64")
        port = cloud.port(network)
        with Guest(port) as guest:
            cloud.wait_until_active(port)
            assert guest.dhclient(6)["new_ip6_address"] == address_of(port)

    def test_slaac_and_the_router_alone_are_told_nothing(self, netmend: Netmend, cloud: Cloud) -> None:
        """And are told by the same node as soon as the network has a subnet for DHCPv6."""
        network = cloud.network()
        subnets = [
            cloud.subnet(network, "fd44:5::/64", **SLAAC),
            cloud.subnet(network, "fd44:6::/64", ipv6_ra_mode="slaac"),
        ]
        ports = [cloud.port(network, fixed_ips=[{"subnet_id": subnet["id"]}]) for subnet in subnets]
        netmend.wait_until_served(network["id"])
        for port in ports:
            with Guest(port) as guest, Wire(guest, *DHCP6) as wire:
                assert guest.dhclient(6, seconds=4) == {}
                assert guest.dhclient(6, "-S", seconds=4) == {}
                assert replies(wire, guest) == []
                assert wire.lines(), "dhclient has asked"
        later = cloud.subnet(network, "fd44:7::/64", **STATEFUL)
        port = cloud.port(network, fixed_ips=[{"subnet_id": later["id"]}])
        with Guest(port) as guest:
            cloud.wait_until_active(port)
            assert guest.dhclient(6)["new_ip6_address"] == address_of(port, later)

    def test_a_prefix_shorter_than_64_is_not_served(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        short = cloud.subnet(network, "fd44:8::/60", **STATEFUL)
        long = cloud.subnet(network, "fd44:8:0:100::/80", **STATEFUL)
        ports = [cloud.port(network, fixed_ips=[{"subnet_id": subnet["id"]}]) for subnet in (short, long)]
        with Guest(ports[0]) as guest, Guest(ports[1]) as other:
            cloud.wait_until_active(ports[1])
            assert other.dhclient(6)["new_ip6_address"] == address_of(ports[1])
            assert "new_ip6_address" not in guest.dhclient(6, seconds=5)
            assert len(cloud.dhcp_ports(network)[0]["fixed_ips"]) == 2  # Neutron asks for one all the same


def test_no_name_server_is_told_where_the_subnet_says_so(netmend: Netmend, cloud: Cloud) -> None:
    network = cloud.network()
    cloud.subnet(network, "fd44:b::/64", dns_nameservers=["::"], **STATEFUL)
    port = cloud.port(network)
    with Guest(port) as guest:
        cloud.wait_until_active(port)
        lease = guest.dhclient(6)
        assert lease["new_ip6_address"] == address_of(port)
        assert "new_dhcp6_name_servers" not in lease


def test_all_addresses_of_a_port_in_one_subnet(netmend: Netmend, cloud: Cloud) -> None:
    network = cloud.network()
    subnet = cloud.subnet(network, "fd44:9::/64", **STATEFUL)
    port = cloud.port(network, fixed_ips=[{"subnet_id": subnet["id"]}] * 2)
    addresses = {fixed["ip_address"] for fixed in port["fixed_ips"]}
    with Guest(port) as guest:
        cloud.wait_until_active(port)
        assert guest.dhclient(6)["new_ip6_address"] in addresses
        server = cloud.dhcp_ports(network)[0]["fixed_ips"][0]["ip_address"]
        guest.inside("ip", "addr", "add", f"{min(addresses)}/64", "dev", guest.device, "nodad")
        for address in addresses:
            generated = f"host-{address.replace(':', '-')}.cloud.test"
            assert guest.resolve(generated, server, "AAAA") == [address]


def test_a_reserved_port_is_taken(netmend: Netmend, cloud: Cloud) -> None:
    network = cloud.network()
    subnet = cloud.subnet(network, "fd44:a::/64", enable_dhcp=False)
    fixed = [{"subnet_id": subnet["id"], "ip_address": "fd44:a::200"}]
    reserved = cloud.port(network, device_owner="network:dhcp", device_id="reserved_dhcp_port", fixed_ips=fixed)
    cloud.update("subnet", subnet, enable_dhcp=True)
    port = cloud.port(network)
    with Guest(port) as guest:
        cloud.wait_until_active(port)
        lease = guest.dhclient(6)
        assert lease["new_ip6_address"] == address_of(port)
        assert lease["new_dhcp6_name_servers"] == "fd44:a::200"
    assert [own["id"] for own in cloud.dhcp_ports(network)] == [reserved["id"]]
    assert "fd44:a::200/64" in run("ip", "-n", f"qdhcp-{network['id']}", "-6", "-o", "addr")
