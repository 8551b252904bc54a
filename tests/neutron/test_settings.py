"""What options of Neutron's configuration files do for guests, by the table in docs/neutron.md."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.neutron.agents import Netmend
from tests.neutron.cloud import Cloud, Resource, wait_until
from tests.neutron.guests import Guest, end
from tests.neutron.wire import Wire

MANAGEMENT = "10.99.0.1"  # of node1: infrastructure-up
INFINITE = 0xFFFFFFFF


def plain(cloud: Cloud, cidr: str) -> Resource:
    network = cloud.network()
    cloud.subnet(network, cidr)
    return cloud.port(network)


class TestLeaseTimes:
    def test_the_three(self, cloud: Cloud) -> None:
        options = ("dhcp_lease_duration = 3600", "dhcp_renewal_time = 500", "dhcp_rebinding_time = 2000")
        port = plain(cloud, "10.46.0.0/24")
        with Netmend(*options, name="times"), Guest(port) as guest:
            cloud.wait_until_active(port)
            lease = guest.dhcp()
            assert lease["lease"] == "3600"
            # Also to a client that does not ask for them, as udhcpc does not.
            assert lease["opt58"] == f"{500:08x}"
            assert lease["opt59"] == f"{2000:08x}"
            by_dhclient = guest.dhclient(4)
            assert by_dhclient["new_dhcp_lease_time"] == "3600"
            assert by_dhclient["new_dhcp_renewal_time"] == "500"
            assert by_dhclient["new_dhcp_rebinding_time"] == "2000"

    def test_without_end(self, cloud: Cloud) -> None:
        network = cloud.network()
        cloud.subnet(network, "10.46.1.0/24")
        modes = {"ipv6_address_mode": "dhcpv6-stateful", "ipv6_ra_mode": "dhcpv6-stateful"}
        cloud.subnet(network, "fd46:1::/64", **modes)
        port = cloud.port(network)
        with Netmend("dhcp_lease_duration = -1", name="times"), Guest(port) as guest:
            cloud.wait_until_active(port)
            assert guest.dhcp()["lease"] == str(INFINITE)
            assert guest.dhclient(6)["new_max_life"] == str(INFINITE)


def test_the_domain_of_a_port_goes_before_that_of_the_agent(cloud: Cloud) -> None:
    """Where the server has another `dns_domain` than the agents, it is a port's name that counts."""
    network = cloud.network()
    cloud.subnet(network, "10.46.7.0/24")
    port = cloud.port(network, dns_name="web")
    with Netmend("dns_domain = agents.test", name="domain"), Guest(port) as guest:
        cloud.wait_until_active(port)
        lease = guest.dhcp()
        assert (lease["hostname"], lease["domain"]) == ("web", "cloud.test")
        assert guest.resolve("web.cloud.test", lease["dns"]) == [lease["ip"]]
        assert guest.resolve("web.agents.test", lease["dns"]) == []


class TestBroadcast:
    @pytest.mark.parametrize(("option", "to"), [("false", "unicast"), ("true", "broadcast")])
    def test_replies(self, cloud: Cloud, option: str, to: str) -> None:
        port = plain(cloud, "10.46.2.0/24")
        address, mac = port["fixed_ips"][0]["ip_address"], port["mac_address"]
        with Netmend(f"dhcp_broadcast_reply = {option}", name="broadcast"), Guest(port) as guest:
            cloud.wait_until_active(port)
            with Wire(guest, "udp", "dst", "port", "68") as wire:
                assert guest.dhcp()["ip"] == address
                replies = wire.lines()
            assert len(replies) >= 2, "an offer and an acknowledgement"
            frame = f"> {mac}" if to == "unicast" else "> ff:ff:ff:ff:ff:ff"
            packet = f"> {address}.68" if to == "unicast" else "> 255.255.255.255.68"
            for reply in replies:
                assert frame in reply
                assert packet in reply

    def test_a_guest_that_has_its_address_is_answered_there(self, cloud: Cloud) -> None:
        """What it asks from its address, when it renews."""
        options = ("dhcp_broadcast_reply = true", "dhcp_renewal_time = 2", "dhcp_rebinding_time = 60")
        port = plain(cloud, "10.46.3.0/24")
        address = port["fixed_ips"][0]["ip_address"]
        with Netmend(*options, name="broadcast"), Guest(port) as guest:
            cloud.wait_until_active(port)
            assert guest.dhcp()["ip"] == address  # and bears it now
            with Wire(guest, "udp", "dst", "port", "68") as wire:
                command = ["ip", "netns", "exec", guest.name, "dhcpcd", "-4", "-B", "-d", "-p", guest.device]
                with renewing(guest, command):
                    wait_until(lambda: [line for line in wire.lines() if f"> {address}.68" in line], "a renewal")


@contextmanager
def renewing(guest: Guest, command: list[str]) -> Iterator[None]:
    """A client that stays."""
    client = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        end(client)


@contextmanager
def upstream(address: str, answer: str) -> Iterator[None]:
    """A real dnsmasq on the host, which knows outside.test."""
    command = [
        "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces",
        "--pid-file=", f"--listen-address={address}", f"--address=/outside.test/{answer}",
    ]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        end(server)


class TestNamesOfOthers:
    @staticmethod
    def ask(cloud: Cloud, guest: Guest, name: str) -> list[str]:
        cloud.wait_until_active(guest.port)
        server = guest.dhcp()["dns"]
        own = f"host-{guest.port['fixed_ips'][0]['ip_address'].replace('.', '-')}.cloud.test"
        wait_until(lambda: guest.resolve(own, server), "its own name")
        return guest.resolve(name, server)

    def test_by_the_servers_that_are_named(self, cloud: Cloud) -> None:
        port = plain(cloud, "10.46.4.0/24")
        option = f"dnsmasq_dns_servers = {MANAGEMENT}"
        with upstream(MANAGEMENT, "192.0.2.80"), Netmend(option, name="dns"), Guest(port) as guest:
            assert self.ask(cloud, guest, "www.outside.test") == ["192.0.2.80"]

    def test_by_the_resolvers_of_the_host(self, cloud: Cloud, tmp_path: Path) -> None:
        port = plain(cloud, "10.46.5.0/24")
        conf = tmp_path / "resolv.conf"
        conf.write_text("nameserver 127.0.0.99\n")
        netmend = Netmend("dnsmasq_local_resolv = true", name="dns")
        with upstream("127.0.0.99", "192.0.2.81"), Guest(port) as guest:
            try:
                netmend.start(prefix=with_resolv_conf(conf))
                assert self.ask(cloud, guest, "www.outside.test") == ["192.0.2.81"]
            finally:
                netmend.end()

    def test_not_at_all(self, cloud: Cloud, tmp_path: Path) -> None:
        port = plain(cloud, "10.46.6.0/24")
        conf = tmp_path / "resolv.conf"
        conf.write_text("nameserver 127.0.0.99\n")
        netmend = Netmend(name="dns")
        with upstream("127.0.0.99", "192.0.2.81"), Guest(port) as guest:
            try:
                netmend.start(prefix=with_resolv_conf(conf))
                assert self.ask(cloud, guest, "www.outside.test") == []
            finally:
                netmend.end()


def with_resolv_conf(file: Path) -> tuple[str, ...]:
    """Run what follows where /etc/resolv.conf is this file, and all else as it is."""
    script = f'mount --bind {file} /etc/resolv.conf && exec "$0" "$@"'
    return ("unshare", "--mount", "--propagation", "unchanged", "sh", "-c", script)
