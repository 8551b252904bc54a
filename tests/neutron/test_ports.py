"""What the table of features in docs/neutron.md says of ports that are not a guest's plain one."""

import pytest
from tests.neutron.agents import Netmend
from tests.neutron.cloud import Cloud, Resource, wait_until
from tests.neutron.guests import Guest, run

NOT_SENT = ("no-such-option", "ntp-server")


def routes(lease: dict[str, str]) -> dict[str, str]:
    words = lease.get("staticroutes", "").split()
    return dict(zip(words[::2], words[1::2], strict=True))


def names_of(port: Resource) -> list[str]:
    return [f"host-{fixed['ip_address'].replace('.', '-')}.cloud.test" for fixed in port["fixed_ips"]]


@pytest.mark.parametrize(
    "owner", ["network:router_ha_interface", "network:floatingip", "network:distributed", "network:dhcp"]
)
def test_ports_without_dhcp(netmend: Netmend, cloud: Cloud, owner: str) -> None:
    """A guest's port becomes such a port and a guest's again. The server tells agents of neither; of a name it does."""
    network = cloud.network()
    cloud.subnet(network, "10.45.0.0/24")
    port, other = cloud.port(network), cloud.port(network)
    with Guest(port) as guest, Guest(other) as living:
        for one in (port, other):
            cloud.wait_until_active(one)
        assert guest.dhcp()["ip"] == port["fixed_ips"][0]["ip_address"]
        cloud.update("port", port, device_owner=owner, dns_name="other")
        wait_until(lambda: guest.dhcp(tries=2) == {}, "silence")
        lease = living.dhcp()
        server = lease["serverid"]
        assert living.resolve("other.cloud.test", server) == []
        assert living.resolve(names_of(other)[0], server) == [lease["ip"]]
        cloud.update("port", port, device_owner="compute:nova", dns_name="")
        wait_until(lambda: guest.dhcp(tries=2), "a lease again")
        assert living.resolve(names_of(port)[0], server) == [port["fixed_ips"][0]["ip_address"]]


def test_several_addresses_in_a_subnet(netmend: Netmend, cloud: Cloud) -> None:
    network = cloud.network()
    subnet = cloud.subnet(network, "10.45.1.0/24")
    fixed_ips = [{"subnet_id": subnet["id"], "ip_address": f"10.45.1.{number}"} for number in (60, 50, 70)]
    port = cloud.port(network, fixed_ips=fixed_ips)
    with Guest(port) as guest:
        cloud.wait_until_active(port)
        lease = guest.dhcp()
        assert lease["ip"] == port["fixed_ips"][-1]["ip_address"]  # as Neutron's dnsmasq: test_taking_over
        assert guest.dhcp("-r", "10.45.1.50")["ip"] == "10.45.1.50"
        for name, fixed in zip(names_of(port), port["fixed_ips"], strict=True):
            address = fixed["ip_address"]
            assert guest.resolve(name, lease["serverid"]) == [address]
            reverse = ".".join(reversed(address.split("."))) + ".in-addr.arpa"
            assert guest.resolve(reverse, lease["serverid"], "PTR") == [f"{name}."]


def test_an_option_that_cannot_be_sent(netmend: Netmend, cloud: Cloud) -> None:
    network = cloud.network()
    cloud.subnet(network, "10.45.2.0/24")
    options = [
        *({"opt_name": name, "opt_value": "no address"} for name in NOT_SENT),
        {"opt_name": "67", "opt_value": "pxelinux.0"},
    ]
    port, other = cloud.port(network, extra_dhcp_opts=options), cloud.port(network)
    with Guest(port) as guest, Guest(other) as neighbour:
        for one in (port, other):
            cloud.wait_until_active(one)
        lease = guest.dhcp()
        assert lease["ip"] == port["fixed_ips"][0]["ip_address"]
        assert lease["boot_file"] == "pxelinux.0"
        assert "ntpsrv" not in lease
        assert neighbour.dhcp()["ip"] == other["fixed_ips"][0]["ip_address"]
        status = netmend.status()
        assert status is not None
        why = status["intent"]["options_not_sent"][port["id"]]
        assert "no-such-option" in why
        assert "ntp-server" in why
        cloud.update("port", port, extra_dhcp_opts=[{"opt_name": name, "opt_value": None} for name in NOT_SENT])
        netmend.wait_until("nothing to be said of it", lambda status: not status["intent"]["options_not_sent"])


def test_metadata_by_way_of_the_port_of_ovn(netmend: Netmend, cloud: Cloud) -> None:
    network = cloud.network()
    subnet = cloud.subnet(network, "10.45.3.0/24")
    port = cloud.port(network)
    with Guest(port) as guest:
        cloud.wait_until_active(port)
        lease = guest.dhcp()
        assert routes(lease)["169.254.169.254/32"] == lease["serverid"]
        inside = ("ip", "-n", f"qdhcp-{network['id']}", "-o", "addr")
        wait_until(lambda: "169.254.169.254" in run(*inside), "the address of metadata")
        fixed = [{"subnet_id": subnet["id"], "ip_address": "10.45.3.222"}]
        device_id = f"ovnmeta-{network['id']}"
        cloud.port(network, device_owner="network:distributed", device_id=device_id, fixed_ips=fixed)
        wait_until(
            lambda: routes(guest.dhcp()).get("169.254.169.254/32") == "10.45.3.222", "metadata by way of it"
        )  # fmt: skip
        wait_until(lambda: "169.254.169.254" not in run(*inside), "the address of metadata to go")
