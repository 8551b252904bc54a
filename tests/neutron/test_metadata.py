"""Which networks have metadata by way of us, on the real server."""

import json
from collections.abc import Iterator

import pytest
from tests.neutron.agents import Netmend
from tests.neutron.cloud import Cloud, Resource, wait_until
from tests.neutron.guests import Guest, run
from tests.neutron.nova import nova_metadata

INSTANCE = "11111111-2222-4333-8444-555555555555"
ROUTE = "169.254.169.254/32"
PATH = "/openstack/latest/meta_data.json"
STATEFUL = {"ipv6_address_mode": "dhcpv6-stateful", "ipv6_ra_mode": "dhcpv6-stateful"}


@pytest.fixture(autouse=True)
def _nova() -> Iterator[None]:
    with nova_metadata():
        yield


def routes(lease: dict[str, str]) -> dict[str, str]:
    words = lease.get("staticroutes", "").split()
    return dict(zip(words[::2], words[1::2], strict=True))


def ask(guest: Guest, host: str) -> dict[str, str]:
    command = ("curl", "-g", "-s", "-m", "5", f"http://{host}{PATH}")
    wait_until(lambda: guest.inside(*command, check=False), f"metadata of {host}")
    found: dict[str, str] = json.loads(guest.inside(*command))
    return found


def inside(network: Resource) -> str:
    return run("ip", "-n", f"qdhcp-{network['id']}", "-o", "addr")


def test_by_the_ipv6_address(cloud: Cloud) -> None:
    network = cloud.network()
    cloud.subnet(network, "fd50:0::/64", **STATEFUL)
    port = cloud.port(network, device_id=INSTANCE)
    with Netmend("enable_isolated_metadata = true", name="metadata6") as netmend, Guest(port) as guest:
        cloud.wait_until_active(port)
        netmend.wait_until_served(network["id"])
        assert guest.dhclient(6)["new_ip6_address"] == port["fixed_ips"][0]["ip_address"]
        said = ask(guest, f"[fe80::a9fe:a9fe%25{guest.device}]")
        assert (said["instance"], said["path"]) == (INSTANCE, PATH)
        assert said["tenant"] == port["project_id"]


def test_forced_beside_a_router(cloud: Cloud) -> None:
    network = cloud.network()
    cloud.router(cloud.subnet(network, "10.50.1.0/24"))
    port = cloud.port(network, device_id=INSTANCE)
    with Netmend("force_metadata = true", name="forced"), Guest(port) as guest:
        cloud.wait_until_active(port)
        lease = guest.dhcp()
        assert routes(lease)[ROUTE] == lease["serverid"]
        assert ask(guest, "169.254.169.254")["instance"] == INSTANCE


def test_none_unless_asked_for(cloud: Cloud) -> None:
    network = cloud.network()
    cloud.subnet(network, "10.50.2.0/24")
    port = cloud.port(network, device_id=INSTANCE)
    with Netmend(name="none") as netmend, Guest(port) as guest:
        cloud.wait_until_active(port)
        netmend.wait_until_served(network["id"])
        assert ROUTE not in routes(guest.dhcp())
        assert "169.254.169.254" not in inside(network)


@pytest.mark.parametrize(("option", "is_served"), [("true", True), ("false", False)])
def test_a_metadata_network(cloud: Cloud, option: str, is_served: bool) -> None:
    """One of somebody else's routers, which know the way to our port."""
    network = cloud.network()
    cloud.router(cloud.subnet(network, "169.254.50.0/24"))
    port = cloud.port(network, device_id=INSTANCE)
    options = ("enable_isolated_metadata = true", f"enable_metadata_network = {option}")
    with Netmend(*options, name="metadata") as netmend, Guest(port) as guest:
        cloud.wait_until_active(port)
        netmend.wait_until_served(network["id"])
        lease = guest.dhcp()
        assert ("169.254.169.254" in inside(network)) == is_served
        if is_served:
            guest.inside("ip", "route", "replace", ROUTE, "via", lease["serverid"])
            assert ask(guest, "169.254.169.254")["instance"] == INSTANCE


def test_limits_are_those_of_neutrons_files(cloud: Cloud) -> None:
    """A guest that asks more often than `[metadata_rate_limiting]` says is told so, and another one is not."""
    network = cloud.network()
    cloud.subnet(network, "10.50.3.0/24")
    ports = [cloud.port(network, device_id=INSTANCE) for _ in range(2)]
    options = (
        "enable_isolated_metadata = true",
        "[metadata_rate_limiting]",
        "rate_limit_enabled = true",
        "base_window_duration = 3600",
        "base_query_rate_limit = 4",
        "burst_query_rate_limit = 100",
    )
    with Netmend(*options, name="limits") as netmend, Guest(ports[0]) as guest, Guest(ports[1]) as other:
        netmend.wait_until_served(network["id"])
        for one in (guest, other):
            cloud.wait_until_active(one.port)
            assert one.dhcp()
        url = f"http://169.254.169.254{PATH}"
        ask = ("curl", "-s", "-m", "20", "-o", "/dev/null", "-w", "%{http_code} ")
        wait_until(lambda: guest.inside(*ask, url, check=False) == "200 ", "metadata")
        codes = [guest.inside(*ask, url) for _ in range(5)]
        assert codes[-1] == "429 " and codes.count("200 ") <= 3
        assert other.inside(*ask, url) == "200 "
