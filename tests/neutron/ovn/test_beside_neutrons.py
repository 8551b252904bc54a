"""netmend on one chassis, the real neutron-ovn-metadata-agent on the other: what guests and OVN see is the same; then
netmend takes over from it."""

import re
from contextlib import ExitStack
from typing import Any

from tests.neutron.cloud import Cloud, Resource
from tests.neutron.guests import Guest
from tests.neutron.ovn.chassis import Chassis, haproxies
from tests.neutron.ovn.instances import INSTANCES, STATEFUL, ask


def made(chassis: Chassis, network: Resource) -> dict[str, Any]:
    """All that an agent has made for a network, as far as guests or OVN can tell."""
    name = f"ovnmeta-{network['id']}"
    near, far = (f"tap{network['id'][:10]}{end}" for end in (0, 1))
    addresses = chassis.run("ip", "-n", name, "-o", "addr", "show", "dev", far)
    link = chassis.run("ip", "-n", name, "-o", "link", "show", "dev", far)
    return {
        "namespaces": chassis.namespaces(),
        "ports": chassis.taps(),
        "iface-id": chassis.interface(near, "external_ids:iface-id"),
        # without lengths of prefixes: Neutron 29 gives fe80::a9fe:a9fe one of 128, older ones 64
        "addresses": set(re.findall(r"inet6? ([^/ ]+)", addresses)),
        "mac": re.findall(r"link/ether (\S+)", link),
        "mtu": re.findall(r"mtu \d+", link),
        "devices": sorted(re.findall(r"(?m)^\d+: (\w+)", chassis.run("ip", "-n", name, "-o", "link", "show", "up"))),
    }


def device(chassis: Chassis, network: Resource) -> str:
    """The index and the peer of the device on the host."""
    return chassis.run("ip", "-o", "link", "show", f"tap{network['id'][:10]}0").split(":")[0]


def test_side_by_side_and_over(cloud: Cloud, one: Chassis, two: Chassis) -> None:
    network = cloud.network()
    cloud.subnet(network, "10.73.0.0/24")
    cloud.subnet(network, "fd73::/64", **STATEFUL)
    ports = [
        cloud.port(network, device_id=instance, **{"binding:host_id": name})
        for instance, name in zip(INSTANCES, ("node1", "node2"), strict=True)
    ]
    with one.netmend() as first, two.neutrons_agent() as neutrons, ExitStack() as later:
        with Guest(ports[0], one.host) as here, Guest(ports[1], two.host) as there:
            first.wait_until_serves(network["id"])
            for guest in (here, there):
                assert guest.dhcp()
            ours, theirs = ask(here), ask(there)
            assert {*ours} == {*theirs} and (ours["path"], ours["tenant"]) == (theirs["path"], theirs["tenant"])
            assert [ours["instance"], theirs["instance"]] == list(INSTANCES)
            by_netmend, by_neutron = made(one, network), made(two, network)
            more = by_netmend.pop("addresses") - by_neutron.pop("addresses")
            assert by_netmend == by_neutron
            assert all(address.startswith("fe80:") for address in more)  # agents of old give none of IPv6
            assert len(haproxies()) == 1
            neutrons.kill()
            neutrons.wait()
            before = device(two, network)
            second = later.enter_context(two.netmend())
            second.wait_until_serves(network["id"])
            assert not haproxies() and device(two, network) == before
            assert ask(there) == theirs and made(one, network) == made(two, network)
        second.wait_until_serves()
        two.wait_until_clean(network)
