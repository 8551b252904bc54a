"""The lines of the table of features in docs/neutron.md, each on the real server."""

import pytest
from tests.neutron.agents import Netmend
from tests.neutron.cloud import Cloud, Resource, wait_until
from tests.neutron.guests import Guest, run

METADATA = "169.254.169.254/32"


def lease_of(cloud: Cloud, port: Resource, *options: str) -> dict[str, str]:
    with Guest(port) as guest:
        cloud.wait_until_active(port)
        return guest.dhcp(*options)


def routes(lease: dict[str, str]) -> dict[str, str]:
    words = lease.get("staticroutes", "").split()
    return dict(zip(words[::2], words[1::2], strict=True))


class TestSubnets:
    def test_several(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        one = cloud.subnet(network, "10.31.0.0/24")
        two = cloud.subnet(network, "10.31.1.0/24")
        for subnet, other in ((one, two), (two, one)):
            port = cloud.port(network, fixed_ips=[{"subnet_id": subnet["id"]}])
            lease = lease_of(cloud, port)
            assert lease["ip"] == port["fixed_ips"][0]["ip_address"]
            assert lease["router"] == subnet["gateway_ip"]
            assert routes(lease)[other["cidr"]] == "0.0.0.0"
            assert routes(lease)["0.0.0.0/0"] == subnet["gateway_ip"]

    def test_one_that_comes_and_one_that_goes(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "10.31.2.0/24")
        cloud.port(network)
        wait_until(lambda: len(cloud.dhcp_ports(network)) == 1, "a DHCP port")
        later = cloud.subnet(network, "10.31.3.0/24")
        port = cloud.port(network, fixed_ips=[{"subnet_id": later["id"]}])
        assert lease_of(cloud, port)["ip"] == port["fixed_ips"][0]["ip_address"]
        assert len(cloud.dhcp_ports(network)[0]["fixed_ips"]) == 2
        cloud.delete("port", port)
        cloud.delete("subnet", later)
        wait_until(lambda: len(cloud.dhcp_ports(network)[0]["fixed_ips"]) == 1, "the address to be given up")

    def test_dhcp_off_and_on(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        subnet = cloud.subnet(network, "10.31.4.0/24")
        netmend.wait_until_served(network["id"])
        cloud.update("subnet", subnet, enable_dhcp=False)
        netmend.wait_until_gone(network["id"])
        wait_until(lambda: not cloud.dhcp_ports(network), "the DHCP port to be given back")
        wait_until(lambda: f"qdhcp-{network['id']}" not in run("ip", "netns"), "the namespace to go")
        cloud.update("subnet", subnet, enable_dhcp=True)
        netmend.wait_until_served(network["id"])

    def test_without_dhcp_a_port_is_not_told_anything(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "10.31.5.0/24")
        silent = cloud.subnet(network, "10.31.6.0/24", enable_dhcp=False)
        port = cloud.port(network, fixed_ips=[{"subnet_id": silent["id"]}])
        netmend.wait_until_served(network["id"])
        with Guest(port) as guest:
            assert guest.dhcp(tries=3) == {}


class TestRoutes:
    def test_host_routes_and_no_gateway(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        wanted = [{"destination": "192.0.2.0/24", "nexthop": "10.31.7.9"}]
        cloud.subnet(network, "10.31.7.0/24", gateway_ip=None, host_routes=wanted)
        lease = lease_of(cloud, cloud.port(network))
        assert "router" not in lease
        assert routes(lease)["192.0.2.0/24"] == "10.31.7.9"

    def test_a_default_route_among_the_host_routes(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        default = [{"destination": "0.0.0.0/0", "nexthop": "10.31.24.9"}]
        cloud.subnet(network, "10.31.24.0/24", gateway_ip=None, host_routes=default)
        other = cloud.network()
        cloud.subnet(other, "10.31.25.0/24", host_routes=[{"destination": "0.0.0.0/0", "nexthop": "10.31.25.9"}])
        lease = lease_of(cloud, cloud.port(network))
        assert lease["router"] == routes(lease)["0.0.0.0/0"] == "10.31.24.9"
        lease = lease_of(cloud, cloud.port(other))
        assert lease["router"] == routes(lease)["0.0.0.0/0"] == "10.31.25.1"

    def test_metadata_by_way_of_us_where_there_is_no_router(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "10.31.8.0/24")
        lease = lease_of(cloud, cloud.port(network))
        assert routes(lease)[METADATA] == lease["serverid"]

    def test_metadata_by_way_of_the_router_where_there_is_one(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        subnet = cloud.subnet(network, "10.31.9.0/24")
        cloud.router(subnet)
        wait_until(lambda: len(cloud.dhcp_ports(network)) == 1, "a DHCP port")
        port = cloud.port(network)
        assert routes(lease_of(cloud, port))[METADATA] == subnet["gateway_ip"]


class TestOptions:
    def test_extra_options_by_name_and_number(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "10.31.10.0/24")
        options = [
            {"opt_name": "bootfile-name", "opt_value": "pxelinux.0"},
            {"opt_name": "66", "opt_value": "192.0.2.1"},
            {"opt_name": "ntp-server", "opt_value": "192.0.2.123"},
            {"opt_name": "router", "opt_value": "10.31.10.77"},
        ]
        lease = lease_of(cloud, cloud.port(network, extra_dhcp_opts=options))
        assert lease["boot_file"] == "pxelinux.0"
        assert lease["tftp"] == "192.0.2.1"
        assert lease["siaddr"] == "192.0.2.1"
        assert lease["ntpsrv"] == "192.0.2.123"
        assert lease["router"] == "10.31.10.77"

    @pytest.mark.parametrize(
        ("sent", "file"), [((), "undionly.kpxe"), (("-x", "0xaf:010100"), "http://192.0.2.1/i.ipxe")]
    )
    def test_for_ipxe(self, netmend: Netmend, cloud: Cloud, sent: tuple[str, ...], file: str) -> None:
        network = cloud.network()
        cloud.subnet(network, "10.31.11.0/24")
        options = [
            {"opt_name": "tag:ipxe,67", "opt_value": "http://192.0.2.1/i.ipxe"},
            {"opt_name": "tag:!ipxe,67", "opt_value": "undionly.kpxe"},
        ]
        assert lease_of(cloud, cloud.port(network, extra_dhcp_opts=options), *sent)["boot_file"] == file

    def test_the_next_server_and_tags(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "10.31.26.0/24")
        options = [
            {"opt_name": "server-ip-address", "opt_value": "192.0.2.7"},
            {"opt_name": "tag:known,66", "opt_value": "192.0.2.8"},
            {"opt_name": "tag:nobody,67", "opt_value": "never.0"},
        ]
        lease = lease_of(cloud, cloud.port(network, extra_dhcp_opts=options))
        assert lease["siaddr"] == "192.0.2.7"
        assert lease["tftp"] == "192.0.2.8"
        assert "boot_file" not in lease

    def test_they_change(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "10.31.12.0/24")
        port = cloud.port(network)
        with Guest(port) as guest:
            assert "boot_file" not in guest.dhcp()
            cloud.update("port", port, extra_dhcp_opts=[{"opt_name": "67", "opt_value": "new.0"}])
            wait_until(lambda: guest.dhcp().get("boot_file") == "new.0", "the new boot file")

    def test_no_name_server_is_told_where_the_subnet_says_so(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "10.31.13.0/24", dns_nameservers=["0.0.0.0"])
        assert "dns" not in {key for key, value in lease_of(cloud, cloud.port(network)).items() if value}

    def test_mtu_changes(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network(mtu=1400)
        cloud.subnet(network, "10.31.14.0/24")
        with Guest(cloud.port(network)) as guest:
            assert guest.dhcp()["mtu"] == "1400"
            tap = f"tap{cloud.dhcp_ports(network)[0]['id'][:11]}"
            inside = ("ip", "-n", f"qdhcp-{network['id']}", "-o", "link", "show", tap)
            assert "mtu 1400" in run(*inside)
            cloud.update("network", network, mtu=1300)
            wait_until(lambda: guest.dhcp().get("mtu") == "1300", "the new MTU")
            wait_until(lambda: "mtu 1300" in run(*inside), "the new MTU of our port")


class TestPorts:
    def test_an_address_changes(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        subnet = cloud.subnet(network, "10.31.15.0/24")
        port = cloud.port(network)
        with Guest(port) as guest:
            assert guest.dhcp()
            fixed = [{"subnet_id": subnet["id"], "ip_address": "10.31.15.77"}]
            cloud.update("port", port, fixed_ips=fixed)
            wait_until(lambda: guest.dhcp().get("ip") == "10.31.15.77", "the new address")

    def test_a_port_that_was_deleted_is_answered_no_more(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "10.31.16.0/24")
        port = cloud.port(network)
        other = cloud.port(network)
        with Guest(port) as guest, Guest(other) as living:
            assert guest.dhcp()
            cloud.delete("port", port)
            wait_until(lambda: guest.dhcp(tries=2) == {}, "silence")
            assert living.dhcp()

    def test_a_reserved_port_is_taken(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        subnet = cloud.subnet(network, "10.31.17.0/24", enable_dhcp=False)
        fixed = [{"subnet_id": subnet["id"], "ip_address": "10.31.17.200"}]
        reserved = cloud.port(
            network, device_owner="network:dhcp", device_id="reserved_dhcp_port", fixed_ips=fixed
        )  # fmt: skip
        cloud.update("subnet", subnet, enable_dhcp=True)
        port = cloud.port(network)
        assert lease_of(cloud, port)["serverid"] == "10.31.17.200"
        assert [own["id"] for own in cloud.dhcp_ports(network)] == [reserved["id"]]

    def test_our_own_port_is_deleted(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "10.31.18.0/24")
        port = cloud.port(network)
        wait_until(lambda: len(cloud.dhcp_ports(network)) == 1, "a DHCP port")
        before = cloud.dhcp_ports(network)[0]
        with Guest(port) as guest:
            cloud.wait_until_active(port)
            assert guest.dhcp()
            cloud.delete("port", before)
            assert guest.dhcp(tries=5)["ip"] == port["fixed_ips"][0]["ip_address"]
            wait_until(lambda: [own["id"] for own in cloud.dhcp_ports(network)] not in ([], [before["id"]]), "another")
            own = cloud.dhcp_ports(network)[0]["fixed_ips"][0]["ip_address"]
            wait_until(lambda: guest.dhcp(tries=5).get("serverid") == own, "a lease by it")

    def test_our_own_port_is_changed(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        subnets = [cloud.subnet(network, cidr) for cidr in ("10.31.27.0/24", "10.31.28.0/24")]
        port = cloud.port(network, fixed_ips=[{"subnet_id": subnets[1]["id"]}])
        wait_until(lambda: len(cloud.dhcp_ports(network)) == 1, "a DHCP port")
        (own,) = cloud.dhcp_ports(network)
        wait_until(lambda: len(cloud.get("port", own)["fixed_ips"]) == 2, "an address in each subnet")
        with Guest(port) as guest:
            cloud.wait_until_active(port)
            assert guest.dhcp()
            # Another address in one subnet, and none in the other.
            moved = {"subnet_id": subnets[0]["id"], "ip_address": "10.31.27.200"}
            cloud.update("port", own, fixed_ips=[moved])
            wait_until(lambda: len(cloud.get("port", own)["fixed_ips"]) == 2, "an address in each subnet again")
            now = cloud.get("port", own)["fixed_ips"]
            assert moved in now
            (there,) = (fixed["ip_address"] for fixed in now if fixed["subnet_id"] == subnets[1]["id"])
            wait_until(lambda: guest.dhcp(tries=5).get("serverid") == there, "a lease by it")
            inside = run("ip", "-n", f"qdhcp-{network['id']}", "-o", "addr")
            assert "10.31.27.200/24" in inside
            assert f"{there}/24" in inside


class TestNetworks:
    def test_admin_state_down_and_up(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "10.31.19.0/24")
        netmend.wait_until_served(network["id"])
        cloud.update("network", network, admin_state_up=False)
        netmend.wait_until_gone(network["id"])
        wait_until(lambda: f"qdhcp-{network['id']}" not in run("ip", "netns"), "the namespace to go")
        cloud.update("network", network, admin_state_up=True)
        netmend.wait_until_served(network["id"])

    def test_deleted(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "10.31.20.0/24")
        netmend.wait_until_served(network["id"])
        tap = f"tap{cloud.dhcp_ports(network)[0]['id'][:11]}"
        assert tap in run("ovs-vsctl", "list-ports", "br-int")
        cloud.delete("network", network)
        netmend.wait_until_gone(network["id"])
        wait_until(lambda: f"qdhcp-{network['id']}" not in run("ip", "netns"), "the namespace to go")
        assert tap not in run("ovs-vsctl", "list-ports", "br-int")

    def test_shared(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network(shared=True)
        cloud.subnet(network, "10.31.21.0/24")
        port = cloud.port(network, project_id="0123456789abcdef0123456789abcdef")
        assert lease_of(cloud, port)["ip"] == port["fixed_ips"][0]["ip_address"]

    def test_taken_from_the_agent_and_given_back(self, netmend: Netmend, cloud: Cloud) -> None:
        from tests.neutron.cloud import call

        network = cloud.network()
        cloud.subnet(network, "10.31.22.0/24")
        netmend.wait_until_served(network["id"])
        agent = cloud.agent()["id"]
        call("DELETE", f"agents/{agent}/dhcp-networks/{network['id']}")
        netmend.wait_until_gone(network["id"])
        call("POST", f"agents/{agent}/dhcp-networks", {"network_id": network["id"]})
        netmend.wait_until_served(network["id"])
        assert len(cloud.dhcp_ports(network)) == 1

    def test_the_agent_is_turned_off_and_on(self, netmend: Netmend, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "10.31.23.0/24")
        netmend.wait_until_served(network["id"])
        agent = cloud.agent()
        cloud.update("agent", agent, admin_state_up=False)
        try:
            netmend.wait_until_gone(network["id"])
        finally:
            cloud.update("agent", agent, admin_state_up=True)
        netmend.wait_until_served(network["id"])
