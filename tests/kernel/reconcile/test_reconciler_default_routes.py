"""The default routes of a network's namespace: they follow the gateways of its subnets, as Neutron's agent has it."""

import subprocess
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from msgspec.structs import replace

from netmend.intent import Intent, Network, Subnet, Subnet6
from netmend.intent.names import dhcp_port, id_from_name, inner_name, namespace_name
from netmend.kernel import links
from netmend.kernel.addresses import remove_address
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.routes import NOWHERE, Address, Block, add_route, dump_set_routes, remove_route
from netmend.reconcile.reconciler import Reconciler
from netmend.wiring.own_addresses import own_addresses

FOUR, SIX = IPv4Network("10.0.0.0/24"), IPv6Network("2001:db8::/64")
ALL4, ALL6 = IPv4Network("0.0.0.0/0"), IPv6Network("::/0")
SUBNET = Subnet(id_from_name("subnet", "four"), "four", FOUR, FOUR[2], FOUR[1])
SUBNET6 = Subnet6(id_from_name("subnet", "six"), "six", SIX, SIX[2], SIX[1])
SECOND = Subnet(id_from_name("subnet", "second"), "second", IPv4Network("10.0.1.0/24"), IPv4Address("10.0.1.2"))
NETWORK = Network(id_from_name("network", "n"), "n", subnets=(SUBNET,), subnets6=(SUBNET6,))
DEVICE = inner_name(dhcp_port(NETWORK).id)
DEFAULTS = {(ALL4, FOUR[1]), (ALL6, SIX[1])}


def run(reconciler: Reconciler, network: Network) -> None:
    report = reconciler.run(Intent({network.id: network}))
    assert report.right == {network.id}, reconciler.resync.all()
    assert reconciler.run(Intent({network.id: network})).planned_steps == 0


def routes() -> set[tuple[Block, Address | None]]:
    with Netns.open(f"/run/netns/{namespace_name(NETWORK.id)}") as place, place.entered(), RouteSocket() as route:
        found = links.find_link(route, DEVICE)
        assert found
        return dump_set_routes(route).get(found.index, set())


def gateways(four: IPv4Address | None, six: IPv6Address | None) -> Network:
    return replace(NETWORK, subnets=(replace(SUBNET, gateway=four),), subnets6=(replace(SUBNET6, gateway=six),))


def test_by_the_gateways() -> None:
    reconciler = Reconciler()
    run(reconciler, NETWORK)
    assert routes() == DEFAULTS


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (gateways(FOUR[9], SIX[9]), {(ALL4, FOUR[9]), (ALL6, SIX[9])}),
        (gateways(None, None), set()),
        (replace(NETWORK, subnets6=()), {(ALL4, FOUR[1])}),
        (replace(NETWORK, subnets=(SECOND, SUBNET)), DEFAULTS),  # the first that has one
        (replace(NETWORK, subnets=(replace(SECOND, gateway=IPv4Address("10.0.1.1")), SUBNET)),
         {(ALL4, IPv4Address("10.0.1.1")), (ALL6, SIX[1])}),
        (gateways(FOUR[2], SIX[1]), {(ALL6, SIX[1])}),  # netmend's own address is no way out
        (gateways(None, IPv6Address("fe80::1")), {(ALL6, IPv6Address("fe80::1"))}),
        (gateways(IPv4Address("169.254.0.1"), None),
         {(ALL4, IPv4Address("169.254.0.1")), (IPv4Network("169.254.0.1"), None)}),
    ],
)  # fmt: skip
def test_they_follow_a_change(network: Network, expected: set[tuple[Block, Address | None]]) -> None:
    reconciler = Reconciler()
    run(reconciler, NETWORK)
    run(reconciler, network)
    assert routes() == expected
    run(reconciler, NETWORK)
    assert routes() == DEFAULTS


def test_a_gateway_outside_its_subnet_and_another_one() -> None:
    reconciler = Reconciler()
    for four, six in (("192.0.2.1", "2001:db8:1::1"), ("198.51.100.1", "2001:db8:2::1")):
        run(reconciler, gateways(IPv4Address(four), IPv6Address(six)))
        assert routes() == {
            (ALL4, IPv4Address(four)),
            (IPv4Network(four), None),
            (ALL6, IPv6Address(six)),
            (IPv6Network(six), None),
        }
    run(reconciler, NETWORK)
    assert routes() == DEFAULTS


def test_what_others_change_is_put_right() -> None:
    reconciler = Reconciler()
    run(reconciler, NETWORK)
    with Netns.open(f"/run/netns/{namespace_name(NETWORK.id)}") as place, place.entered(), RouteSocket() as route:
        found = links.find_link(route, DEVICE)
        assert found
        remove_route(route, found, ALL4, FOUR[1])
        add_route(route, found, ALL6, SIX[7])
        add_route(route, found, IPv4Network("203.0.113.0/24"), FOUR[3])
        for words in ("-4 route add blackhole 203.0.114.0/24", "-4 route add unreachable 10.0.0.9"):
            subprocess.run(["ip", *words.split()], check=True)
        subprocess.run(["ip", "-6", "route", "add", "prohibit", "2001:db8::9"], check=True)
        assert len(dump_set_routes(route)[NOWHERE.index]) == 3
    run(reconciler, NETWORK)
    assert routes() == DEFAULTS
    with Netns.open(f"/run/netns/{namespace_name(NETWORK.id)}") as place, place.entered(), RouteSocket() as route:
        assert set(dump_set_routes(route)) == {found.index}
    with Netns.open(f"/run/netns/{namespace_name(NETWORK.id)}") as place, place.entered(), RouteSocket() as route:
        for address in own_addresses(NETWORK):
            remove_address(route, found, address)  # the kernel takes the routes by way of them with it
        links.set_link(route, found, up=False)
    run(reconciler, NETWORK)
    assert routes() >= DEFAULTS


def test_a_route_that_the_kernel_refuses_leaves_guests_served() -> None:
    """A gateway that is the broadcast address of the link."""
    reconciler = Reconciler()
    network = gateways(FOUR[255], SIX[1])
    report = reconciler.run(Intent({network.id: network}))
    assert routes() == {(ALL6, SIX[1])}
    report = reconciler.run(Intent({network.id: network}))
    (reason,) = reconciler.resync.all()
    assert report.wrong == {network.id} and reason.serves and "add route default via 10.0.0.255" in reason.text
