"""Names, metadata and IPv6 for guests of the real cloud."""

import json
from collections.abc import Iterator

import pytest
from tests.neutron.agents import Netmend
from tests.neutron.cloud import Cloud, Resource, wait_until
from tests.neutron.guests import Guest
from tests.neutron.nova import nova_metadata

INSTANCE = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def nova() -> Iterator[None]:
    with nova_metadata():
        yield


def leased(cloud: Cloud, guest: Guest) -> dict[str, str]:
    cloud.wait_until_active(guest.port)
    lease = guest.dhcp()
    assert lease, "no lease"
    return lease


def test_metadata_of_an_isolated_network_comes_from_nova(netmend: Netmend, cloud: Cloud, nova: None) -> None:
    network = cloud.network()
    cloud.subnet(network, "10.42.0.0/24")
    port = cloud.port(network, device_id=INSTANCE)
    with Guest(port) as guest:
        address = leased(cloud, guest)["ip"]

        def ask() -> str:
            url = "http://169.254.169.254/openstack/latest/meta_data.json"
            return guest.inside("curl", "-s", "-m", "5", url, check=False)

        wait_until(ask, "metadata")
        said = json.loads(ask())
        assert said == {
            "path": "/openstack/latest/meta_data.json",
            "instance": INSTANCE,
            "tenant": port["project_id"],
            "from": address,
        }


def test_names(netmend: Netmend, cloud: Cloud) -> None:
    network = cloud.network()
    cloud.subnet(network, "10.42.1.0/24")
    one, two = cloud.port(network, dns_name="one"), cloud.port(network)
    addresses: list[str] = [port["fixed_ips"][0]["ip_address"] for port in (one, two)]
    with Guest(one) as guest:
        server = leased(cloud, guest)["dns"]
        wait_until(lambda: guest.resolve("one.cloud.test", server), "an answer")
        assert guest.resolve("one.cloud.test", server) == [addresses[0]]
        generated = f"host-{addresses[1].replace('.', '-')}.cloud.test"
        assert guest.resolve(generated, server) == [addresses[1]]
        reverse = ".".join(reversed(addresses[1].split("."))) + ".in-addr.arpa"
        assert guest.resolve(reverse, server, "PTR") == [f"{generated}."]


def test_a_name_changes(netmend: Netmend, cloud: Cloud) -> None:
    network = cloud.network()
    cloud.subnet(network, "10.42.2.0/24")
    port = cloud.port(network, dns_name="before")
    with Guest(port) as guest:
        server = leased(cloud, guest)["dns"]
        cloud.update("port", port, dns_name="after")
        wait_until(lambda: guest.resolve("after.cloud.test", server), "the new name")
        assert guest.resolve("before.cloud.test", server) == []


def ask_dhcp6(guest: Guest, *options: str) -> str:
    """What dhclient says of a lease by DHCPv6."""
    command = ["dhclient", "-6", "-d", "-1", "-v", "-lf", f"/tmp/{guest.name}.leases", "-pf", f"/tmp/{guest.name}.pid"]
    return guest.inside("timeout", "20", *command, "-sf", "/bin/true", *options, guest.device, check=False)


def stateful(cloud: Cloud, prefix: str, **fields: object) -> tuple[Resource, Resource]:
    network = cloud.network()
    modes = {"ipv6_address_mode": "dhcpv6-stateful", "ipv6_ra_mode": "dhcpv6-stateful"}
    subnet = cloud.subnet(network, prefix, **modes, **fields)
    return network, subnet


def test_an_address_by_dhcpv6(netmend: Netmend, cloud: Cloud) -> None:
    network, _ = stateful(cloud, "fd42:3::/64")
    port = cloud.port(network)
    with Guest(port) as guest:
        cloud.wait_until_active(port)
        wait_until(
            lambda: "fe80" in guest.inside("ip", "-6", "addr") and "tentative" not in guest.inside("ip", "addr"), "DAD"
        )
        ask_dhcp6(guest)
        leases = guest.inside("cat", f"/tmp/{guest.name}.leases", check=False)
        assert port["fixed_ips"][0]["ip_address"] in leases
