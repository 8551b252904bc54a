"""What isolates a network is looked at in each pass, mended and told: whatever somebody else made of it."""

import os
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_interface
from pathlib import Path

import pytest

from netmend.intent import Intent, NetnsPlug, Network, Port, Subnet, Subnet6, TapPlug
from netmend.intent.names import bridge_name, dhcp_port_id, id_from_name, inner_name, namespace_name, tap_name
from netmend.kernel import addresses, links, netns, nsdir
from netmend.kernel.device_settings import differing_settings
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.reconcile.reconciler import Reconciler
from netmend.wiring.settings import OWN_PORT, settings_of

ID = id_from_name("network", "one")
CIDR = IPv4Network("10.0.0.0/24")
PORT = Port(id_from_name("port", "p"), "p", "fa:16:3e:00:00:01", (CIDR[10],), plug=NetnsPlug("guest"))
NETWORK = Network(ID, "one", subnets=(Subnet(id_from_name("subnet", "s"), "s", CIDR, CIDR[2]),), ports={PORT.id: PORT})
BRIDGE, TAP, INNER = bridge_name(ID), tap_name(PORT.id), inner_name(dhcp_port_id(ID))
CONF = Path("/proc/sys/net")


def sysctl(path: str, value: int) -> None:
    (CONF / path).write_text(str(value))


def on_host(name: str, **settings: int) -> None:
    with RouteSocket() as route:
        found = links.find_link(route, name)
        assert found
        links.set_link(route, found, settings={key.replace("__", "."): value for key, value in settings.items()})


def add_address(name: str, address: str) -> None:
    with RouteSocket() as route:
        found = links.find_link(route, name)
        assert found
        addresses.add_address(route, found, ip_interface(address))


def inside(change: Callable[[], None]) -> None:
    with Netns.open(f"/run/netns/{namespace_name(ID)}") as home, home.entered():
        change()


def loopback_down() -> None:
    with RouteSocket() as route:
        links.set_link(route, links.LOOPBACK, up=False)


def without_arp() -> None:
    with RouteSocket() as route:
        own = links.find_link(route, INNER)
        assert own and own.has_arp
        links.set_link(route, own, arp=False)


TAMPERING: dict[str, Callable[[], None]] = {
    "IPv6 back on on all devices": lambda: sysctl("ipv6/conf/all/disable_ipv6", 0),
    "advertisements accepted": lambda: sysctl(f"ipv6/conf/{BRIDGE}/accept_ra", 2),
    "link-local addresses made": lambda: sysctl(f"ipv6/conf/{TAP}/addr_gen_mode", 0),
    "the host forwards": lambda: sysctl("ipv4/ip_forward", 1),
    "the host forwards IPv6": lambda: sysctl("ipv6/conf/all/forwarding", 1),
    "no reverse path filter": lambda: sysctl(f"ipv4/conf/{BRIDGE}/rp_filter", 0),
    "ARP answered": lambda: sysctl(f"ipv4/conf/{BRIDGE}/arp_ignore", 0),
    "ARP answered for others": lambda: sysctl(f"ipv4/conf/{BRIDGE}/proxy_arp", 1),
    "loopback addresses routed": lambda: sysctl(f"ipv4/conf/{BRIDGE}/route_localnet", 1),
    "an address on the bridge": lambda: add_address(BRIDGE, "10.0.0.200/24"),
    "an address on a port": lambda: add_address(TAP, "10.9.9.9/32"),
    "spanning tree": lambda: on_host(BRIDGE, bridge__stp_state=1),
    "a bridge that forgets at once": lambda: on_host(BRIDGE, bridge__ageing_time=0),
    "multicast snooping": lambda: on_host(BRIDGE, bridge__mcast_snooping=1),
    "an endless table of MAC addresses": lambda: on_host(BRIDGE, bridge__fdb_max_learned=0),
    "an isolated port": lambda: on_host(TAP, port__isolated=1),
    "a port that does not learn": lambda: on_host(TAP, port__learning=0),
    "a port that gets no broadcasts": lambda: on_host(TAP, port__bcast_flood=0),
    "frames sent back": lambda: on_host(TAP, port__hairpin=1),
    "the namespace forwards": lambda: inside(lambda: sysctl("ipv4/ip_forward", 1)),
    "the namespace forwards IPv6": lambda: inside(lambda: sysctl("ipv6/conf/all/forwarding", 1)),
    "the namespace without IPv6": lambda: inside(lambda: sysctl("ipv6/conf/all/disable_ipv6", 1)),
    "netmend's own device without ARP": lambda: inside(without_arp),
    "the namespace accepts advertisements": lambda: inside(lambda: sysctl(f"ipv6/conf/{INNER}/accept_ra", 1)),
    "the namespace's loopback down": lambda: inside(loopback_down),
}


def assert_isolated() -> None:
    with RouteSocket() as route:
        for name in (BRIDGE, TAP, tap_name(dhcp_port_id(ID))):
            found = links.find_link(route, name)
            assert found and found.up
            wanted = settings_of(is_bridge=name == BRIDGE, is_switched=False)
            assert differing_settings(found.data, wanted) == ()
            assert found.index not in addresses.dump_addresses(route)
    with Netns.open(f"/run/netns/{namespace_name(ID)}") as home, home.entered(), RouteSocket() as route:
        own = links.find_link(route, INNER)
        assert own and own.has_arp and differing_settings(own.data, OWN_PORT) == ()
        lo = links.find_link(route, "lo")
        assert lo and lo.up


@pytest.mark.parametrize("what", TAMPERING)
def test_is_mended_and_told(what: str) -> None:
    nsdir.prepare()
    with Netns.create("guest") as guest:
        netns.pin(guest, "/run/netns/guest", "somebody")
    reconciler, wanted = Reconciler(), Intent({ID: NETWORK})
    assert reconciler.run(wanted).right == {ID}
    assert_isolated()
    assert reconciler.run(wanted).planned_steps == 0
    TAMPERING[what]()
    planned = reconciler.plan(wanted)
    assert len(planned) == 1
    report = reconciler.run(wanted)
    assert report.right == {ID}
    assert report.mended and {found.network_id for found in report.mended} == {ID}
    assert [str(step) for plan in planned for step in plan.steps] == [found.text for found in report.mended]
    assert_isolated()
    again = reconciler.run(wanted)
    assert again.planned_steps == 0 and not again.mended


def test_nothing_is_told_of_a_pass_that_makes_what_was_not_there_or_was_left_half_made() -> None:
    reconciler = Reconciler()
    wanted = Intent({ID: Network(ID, "one", subnets=NETWORK.subnets)})
    assert not reconciler.run(wanted).mended
    with RouteSocket() as route:
        bridge = links.find_link(route, BRIDGE)
        assert bridge
        links.set_link(route, bridge, alias="", up=False, settings={"ipv4.forwarding": 1})
    report = reconciler.run(wanted)
    assert report.planned_steps and not report.mended


def test_a_host_that_forwards_gives_new_devices_settings_that_are_put_right_before_they_are_up() -> None:
    sysctl("ipv4/ip_forward", 1)
    sysctl("ipv6/conf/all/forwarding", 1)
    sysctl("ipv6/conf/default/forwarding", 1)
    tap = Port(id_from_name("port", "t"), "t", "fa:16:3e:00:00:02", (CIDR[11],), plug=TapPlug(0))
    ports = {tap.id: tap} if os.access("/dev/net/tun", os.R_OK | os.W_OK) else {}
    wanted = Intent({ID: Network(ID, "one", subnets=NETWORK.subnets, ports=ports)})
    reconciler = Reconciler()
    report = reconciler.run(wanted)
    assert report.right == {ID}, report
    assert reconciler.run(wanted).planned_steps == 0


def test_a_namespace_whose_devices_are_born_without_ipv6() -> None:
    """As on a host that was booted with `ipv6.disable_ipv6=1`: its IPv4 would not be served either."""
    six = IPv6Network("2001:db8::/64")
    subnets6 = (Subnet6(id_from_name("subnet", "six"), "six", six, six[2]),)
    wanted = Intent({ID: Network(ID, "one", subnets=NETWORK.subnets, subnets6=subnets6)})
    reconciler = Reconciler()
    report = reconciler.run(wanted)
    assert report.right == {ID}, report
    inside(lambda: sysctl("ipv6/conf/all/disable_ipv6", 1))
    with RouteSocket() as route:
        own = links.find_link(route, tap_name(dhcp_port_id(ID)))
        assert own
        links.delete_link(route, own)
    report = reconciler.run(wanted)
    assert report.right == {ID}, report
    assert reconciler.run(wanted).planned_steps == 0
