"""netmend on a node that Neutron's own agent has served, and that agent after netmend."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.neutron.agents import Netmend, is_running, start_neutrons, stop_neutrons
from tests.neutron.cloud import Cloud, Resource, wait_until
from tests.neutron.guests import Guest, run
from tests.neutron.segments import routed

from netmend.kernel import procfs
from netmend.sources.neutron.names import segment_network_id


def helpers(network: Resource | None = None) -> list[str]:
    """Programs that serve the network, or any, for Neutron's agent."""
    lines = (" ".join(procfs.arguments(pid)) for pid in procfs.pids())
    what = network["id"] if network else "/dhcp/"
    return [line.split()[0] for line in lines if line.startswith(("dnsmasq", "haproxy")) and what in line]


def is_steady(network: Resource) -> bool:
    """Whether its dnsmasq is there to stay: 2.90 was seen to end when Neutron's agent tells it of a port that changed;
    it comes back within a minute."""
    before = helpers(network)
    time.sleep(2)
    return "dnsmasq" in before and helpers(network) == before


def device_of(network: Resource, port: Resource) -> str:
    """Everything about the DHCP port's device that a packet would notice."""
    return run("ip", "-n", f"qdhcp-{network['id']}", "-o", "link", "show", f"tap{port['id'][:11]}").split("qdisc")[0]


def namespaces() -> set[str]:
    """Ids of the networks that have one."""
    return {line.split()[0].removeprefix("qdhcp-") for line in run("ip", "netns").splitlines()}


@pytest.fixture
def neutrons(_server: None) -> Iterator[None]:
    """Neutron's own DHCP agent at work; it is still there when the networks go, and takes its helpers away."""
    start_neutrons("dhcp")
    yield
    if not is_running("dhcp"):
        start_neutrons("dhcp")
    try:
        wait_until(lambda: not helpers(), "the helpers of Neutron's agent to end")
    finally:
        stop_neutrons("dhcp")


def kill_neutrons() -> None:
    """End the agent as a container is ended that leaves its helpers behind."""
    pid = Path("/run/dhcp-agent.pid").read_text().strip()
    subprocess.run(["kill", "-9", "--", f"-{pid}"], check=False)


def kill_neutrons_and_leave_helpers(network: Resource) -> None:
    """The same, but not in a moment in which the agent has ended a dnsmasq to start another."""
    kill_neutrons()
    for _ in range(5):
        if helpers(network):
            return
        start_neutrons("dhcp")
        wait_until(lambda: helpers(network), "dnsmasq of Neutron's agent")
        kill_neutrons()
    assert helpers(network)


def test_there_and_back(neutrons: None, cloud: Cloud) -> None:
    network = cloud.network()
    cloud.subnet(network, "10.40.0.0/24")
    port = cloud.port(network)
    with Guest(port) as guest:
        wait_until(lambda: helpers(network), "dnsmasq of Neutron's agent")
        wait_until(lambda: guest.dhcp(tries=3), "a lease of dnsmasq's")
        wait_until(lambda: is_steady(network), "dnsmasq to stay")
        own = cloud.dhcp_ports(network)[0]
        before = device_of(network, own)
        server = own["fixed_ips"][0]["ip_address"]
        kill_neutrons_and_leave_helpers(network)
        # A stray tap of an earlier resync, and a name without a namespace.
        stray = "tap0bad0bad-00"
        iface_id = "0bad0bad-0000-4000-8000-000000000000"
        run(
            "ovs-vsctl", "add-port", "br-int", stray, "--", "set", "Interface", stray, "type=internal",
            f"external_ids:iface-id={iface_id}",
        )  # fmt: skip
        wait_until(lambda: stray in run("ip", "-o", "link"), "the stray tap")
        run("ip", "link", "set", stray, "netns", f"qdhcp-{network['id']}")
        pinging = subprocess.Popen(
            ["ip", "netns", "exec", guest.name, "ping", "-i", "0.02", "-c", "500", "-q", server],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        with Netmend("enable_isolated_metadata = true", name="successor") as netmend:
            netmend.wait_until_served(network["id"])
            assert helpers(network) == []
            assert device_of(network, own) == before
            assert [found["id"] for found in cloud.dhcp_ports(network)] == [own["id"]]
            wait_until(lambda: stray not in run("ovs-vsctl", "list-ports", "br-int"), "the stray tap to go")
            assert guest.dhcp()["ip"] == port["fixed_ips"][0]["ip_address"]
            said, _ = pinging.communicate(timeout=60)
            assert " 0% packet loss" in said, said
        start_neutrons("dhcp")
        wait_until(lambda: helpers(network), "dnsmasq again")
        wait_until(lambda: guest.dhcp(tries=3), "a lease of dnsmasq's again")
        assert device_of(network, own) == before
        assert [found["id"] for found in cloud.dhcp_ports(network)] == [own["id"]]
        kill_neutrons()
        with Netmend(name="successor") as netmend:  # there once more: its mark is on the namespace already
            netmend.wait_until_served(network["id"])
            assert helpers(network) == []
            assert device_of(network, own) == before
            assert guest.dhcp()["ip"] == port["fixed_ips"][0]["ip_address"]


def test_a_guest_with_several_addresses_keeps_its_own(neutrons: None, cloud: Cloud) -> None:
    network = cloud.network()
    subnets = [cloud.subnet(network, cidr) for cidr in ("10.40.2.0/24", "10.40.3.0/24")]
    ports = [
        cloud.port(network, fixed_ips=[{"subnet_id": subnets[0]["id"]}] * 3),
        cloud.port(network, fixed_ips=[{"subnet_id": subnet["id"]} for subnet in subnets]),
    ]
    wait_until(lambda: helpers(network), "dnsmasq of Neutron's agent")
    with Guest(ports[0]) as one, Guest(ports[1]) as two:
        for guest in (one, two):
            wait_until(lambda guest=guest: guest.dhcp(tries=3), "a lease of dnsmasq's")  # type: ignore[misc]
        before = [guest.dhcp()["ip"] for guest in (one, two)]
        kill_neutrons()
        with Netmend(name="successor") as netmend:
            netmend.wait_until_served(network["id"])
            assert [guest.dhcp()["ip"] for guest in (one, two)] == before


def test_segments_there_and_back(neutrons: None, cloud: Cloud) -> None:
    """Neutron's agent has the ports of both in one namespace, where its second dnsmasq finds the addresses in use."""
    of = routed(cloud, 8, 1, 2)
    network = of.network
    ports = [of.port(cloud, rack) for rack in (1, 2)]

    def taps() -> list[str]:
        return sorted(f"tap{own['id'][:11]}" for own in cloud.dhcp_ports(network))

    def all_are_in_one_namespace() -> bool:
        inside = run("ip", "-n", f"qdhcp-{network['id']}", "-o", "link", check=False)
        return len(taps()) == 2 and all(tap in inside for tap in taps()) and "dnsmasq" in helpers(network)

    second = segment_network_id(network["id"], of.segments[2]["id"])
    with Guest(ports[0]) as one, Guest(ports[1]) as two:
        wait_until(all_are_in_one_namespace, "two ports of Neutron's agent, and dnsmasq")
        before = taps()
        kill_neutrons()
        with Netmend(name="successor") as netmend:
            netmend.wait_until_served(network["id"])
            netmend.wait_until_served(second)
            assert helpers(network) == []
            assert taps() == before
            for guest in (one, two):
                cloud.wait_until_active(guest.port)
                assert guest.dhcp()["ip"] == guest.port["fixed_ips"][0]["ip_address"]
        start_neutrons("dhcp")
        wait_until(all_are_in_one_namespace, "Neutron's agent to have both again")
        assert taps() == before
        kill_neutrons()
        with Netmend(name="successor") as netmend:
            netmend.wait_until_served(network["id"])
            cloud.update("network", network, admin_state_up=False)
            wait_until(lambda: not {network["id"], second} & namespaces(), "its namespaces to go")
            assert helpers(network) == []
            assert not set(before) & set(run("ovs-vsctl", "list-ports", "br-int").split())


def test_a_name_without_a_namespace(cloud: Cloud) -> None:
    network = cloud.network()
    name = f"qdhcp-{network['id']}"
    Path(f"/run/netns/{name}").touch()
    try:
        cloud.subnet(network, "10.40.1.0/24")
        port = cloud.port(network)
        with Netmend(name="successor") as netmend, Guest(port) as guest:
            netmend.wait_until_served(network["id"])
            assert guest.dhcp()["ip"] == port["fixed_ips"][0]["ip_address"]
    finally:
        run("ip", "netns", "del", name)


def test_the_namespaces_of_others_are_left_alone(cloud: Cloud) -> None:
    name = "qdhcp-0bad0bad-0000-4000-8000-000000000001"
    run("ip", "netns", "add", name)
    try:
        with Netmend(name="successor") as netmend:
            netmend.wait_until("the first look", lambda status: status["node"]["passes"] > 0)
            assert name in run("ip", "netns")
    finally:
        run("ip", "netns", "del", name)
