"""A server without Neutron's `dns` extension, as it is unless somebody loads it: ports have no `dns_assignment`."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.neutron.agents import Netmend, start_neutrons, stop_neutrons
from tests.neutron.cloud import Cloud, wait_until
from tests.neutron.guests import Guest

CONF = Path("/etc/neutron/plugins/ml2/ml2_conf.ini")
EXTENSION = "extension_drivers = dns\n"


def is_free() -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", 9696))
        except OSError:
            return False
    return True


def restart_server() -> None:
    """With Neutron's agent for the switch, which waits for minutes after a call that nobody answered."""
    for name in ("server-api", "server-rpc"):
        subprocess.run(["session-kill", name], check=True)
    wait_until(is_free, "the address of the API to be free")
    subprocess.run(["server-up"], check=True)
    stop_neutrons("ovs")
    start_neutrons("ovs")


@pytest.fixture(scope="module", autouse=True)
def _without_extension(_server: None) -> Iterator[None]:
    before = CONF.read_text()
    assert EXTENSION in before
    CONF.write_text(before.replace(EXTENSION, ""))
    try:
        restart_server()
        yield
    finally:
        CONF.write_text(before)
        restart_server()


def test_names_are_made_from_addresses_and_the_domain_of_the_agent(cloud: Cloud) -> None:
    network = cloud.network()
    cloud.subnet(network, "10.51.0.0/24")
    cloud.subnet(network, "fd51::/64", ipv6_address_mode="dhcpv6-stateful", ipv6_ra_mode="dhcpv6-stateful")
    port = cloud.port(network)
    assert "dns_assignment" not in port
    with Netmend("dns_domain = agents.test", name="names"), Guest(port) as guest:
        cloud.wait_until_active(port)
        lease = guest.dhcp()
        assert (lease["hostname"], lease["domain"]) == ("host-10-51-0-" + lease["ip"].rpartition(".")[2], "agents.test")
        for address in (fixed["ip_address"] for fixed in port["fixed_ips"]):
            name = f"host-{address.replace('.', '-').replace(':', '-')}.agents.test"
            kind = "AAAA" if ":" in address else "A"
            assert guest.resolve(name, lease["dns"], kind) == [address]
        reverse = ".".join(reversed(lease["ip"].split("."))) + ".in-addr.arpa"
        assert guest.resolve(reverse, lease["dns"], "PTR") == [f"{lease['hostname']}.agents.test."]
