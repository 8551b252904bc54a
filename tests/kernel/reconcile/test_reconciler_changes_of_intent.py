"""Every field of a port and of a network, changed while netmend runs: the kernel then holds what a start from nothing
with the new intent makes, and the plan said so."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Network
from typing import Any

import pytest
from msgspec.structs import fields, replace
from tests.kernel.vswitch import VSwitch
from tests.waiting import wait_for

from netmend.firewall.rules import TABLE
from netmend.intent import (
    AddressPair,
    Boot,
    Dns,
    Instance,
    Intent,
    NetnsPlug,
    Network,
    NoPlug,
    OvsWiring,
    PidPlug,
    Port,
    Subnet,
    Subnet6,
    TapPlug,
)
from netmend.intent.names import id_from_name, namespace_name
from netmend.intent.network import BridgeWiring, DhcpPort, Wiring
from netmend.intent.router import RouterPort
from netmend.kernel import links, netns, nsdir
from netmend.kernel.addresses import dump_addresses
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.nft.socket import NftSocket
from netmend.kernel.nft.tables import read_table
from netmend.kernel.routes import dump_set_routes
from netmend.reconcile.reconciler import Reconciler

BLOCK, BLOCK6 = IPv4Network("10.0.0.0/24"), IPv6Network("2001:db8::/64")
SUBNET = Subnet(id_from_name("subnet", "four"), "four", BLOCK, BLOCK[2], BLOCK[1])
SUBNET6 = Subnet6(id_from_name("subnet", "six"), "six", BLOCK6, BLOCK6[2], BLOCK6[1])
OUTSIDE = IPv4Address("198.51.100.1")
# blocks of one address: netmend's own is outside, with that as its peer
ONE = replace(SUBNET, cidr=IPv4Network("10.0.0.11/32"), server_address=IPv4Address("169.254.1.1"))
ONE6 = replace(SUBNET6, cidr=IPv6Network("2001:db8::11/128"), server_address=IPv6Address("fd00::1"))
ROUTER_PORT = RouterPort(  # its router is in no intent here: tests of routers have what is in its namespace
    id_from_name("port", "router"),
    id_from_name("router", "r"),
    id_from_name("network", "n"),
    "fa:16:3e:00:00:0e",
    (IPv4Interface("10.0.0.1/24"),),
)
WIRINGS: dict[str, Wiring] = {
    "bridge": BridgeWiring(),
    "ovs": OvsWiring(own_tags=True),
    "ovs-veth": OvsWiring(veth=True, own_tags=True),
}
GUEST_DEVICES = ("eth0", "lan0", "gw0")
OLD, NEW = "old", "new"  # namespaces of the guest, made anew for each change: the host has no id for them

PORT_CHANGES: dict[str, list[Any]] = {
    "id": [id_from_name("port", "another")],
    "name": ["b"],
    "mac": ["fa:16:3e:00:00:0b"],
    "fixed_ips": [(IPv4Address("10.0.0.12"),)],
    "hostname": ["b"],
    "dhcp_options": [((252, b"x"),)],
    "boot": [Boot("10.0.0.9", "file")],
    "plug": [
        NetnsPlug(NEW),
        NetnsPlug(OLD, "lan0"),
        NetnsPlug("missing"),
        PidPlug(os.getpid(), "gw0"),
        PidPlug(4_000_000),
        TapPlug(0),
        NoPlug(),
    ],
    "fixed_ips6": [(IPv6Address("2001:db8::12"),)],
    "client_id": [b"\1me"],
    "duid": [b"\0\3\0\1abcdef"],
    "dhcp6_options": [((24, b"x"),)],
    "instance": [Instance("i-1")],
    "device_id": ["b"],
    "project_id": ["b"],
    "ipxe_dhcp_options": [((67, b"x"),)],
    "ipxe_dhcp6_options": [((59, b"x"),)],
    "names": [((IPv4Address("10.0.0.11"), "b.example"),)],
    "port_security": [False],
    "security_groups": [()],
    "allowed_address_pairs": [(AddressPair(IPv4Network("10.9.0.0/16"), "fa:16:3e:00:00:0c"),)],
}
NETWORK_CHANGES: dict[str, list[Any]] = {
    "id": [id_from_name("network", "another")],
    "name": ["m"],
    "mtu": [1400, 9000],
    "wiring": ["others"],  # the two other wirings
    "subnets": [(), (replace(SUBNET, server_address=BLOCK[3]),), (replace(SUBNET, gateway=OUTSIDE),), (ONE,)],
    "ports": [{}],
    "subnets6": [(SUBNET6,), (ONE6,)],
    "dhcp_port": [DhcpPort(id_from_name("port", "dhcp"), "fa:16:3e:00:00:dd")],
    "dns": [Dns("example")],
    "metadata": ["embedded"],
    "project_id": ["b"],
    "router_ports": [(ROUTER_PORT,)],
}


@dataclass(frozen=True)
class Change:
    """What a network becomes, and how its guest was plugged before."""

    label: str
    before: Network
    after: Network


def the_network(wiring: str, port: Port) -> Network:
    one = Network(id_from_name("network", "n"), "n", subnets=(SUBNET,), ports={port.id: port})
    return replace(one, wiring=WIRINGS[wiring])


def changes(wiring: str) -> Iterator[Change]:
    plugs = (NetnsPlug(OLD), PidPlug(os.getpid(), "gw0"), TapPlug(0))
    for plug in plugs:
        port = Port(id_from_name("port", "a"), "a", "fa:16:3e:00:00:0a", (IPv4Address("10.0.0.11"),), plug=plug)
        before = the_network(wiring, port)
        for name, values in PORT_CHANGES.items():
            if plug != plugs[0] and name not in {"id", "mac", "plug"}:
                continue
            for value in values:
                changed = replace(port, **{name: value})
                yield Change(f"port {plug} {name}={value}", before, replace(before, ports={changed.id: changed}))
        for name, values in NETWORK_CHANGES.items():
            if plug != plugs[0] and name not in {"mtu", "ports", "wiring"}:
                continue
            if name == "wiring":
                others = (the_network(other, port).wiring for other in WIRINGS)
                values = [other for other in others if other != before.wiring]  # noqa: PLW2901
            for value in values:
                yield Change(f"network {plug} {name}={value}", before, replace(before, **{name: value}))


@pytest.mark.parametrize(("kind", "cases"), [(Port, PORT_CHANGES), (Network, NETWORK_CHANGES)])
def test_no_field_is_left_out(kind: type, cases: dict[str, list[Any]]) -> None:
    assert {field.name for field in fields(kind)} == set(cases)


def links_here() -> dict[str, tuple[object, ...]]:
    with RouteSocket() as route:
        found = links.dump_links(route)
        addresses, routes = dump_addresses(route), dump_set_routes(route)
    names = {link.index: link.name for link in found}
    return {
        link.name: (
            link.kind,
            link.mac if link.alias is None or link.kind == "bridge" else None,  # the others are the kernel's choice
            link.mtu,
            link.up,
            names.get(link.master),
            link.group,
            link.alias,
            link.owner,
            # The kernel gives a guest's device an address of its own, when it likes.
            sorted(map(str, addresses.get(link.index, ()))) if link.name not in {"lo", *GUEST_DEVICES} else [],
            sorted(map(str, routes.get(link.index, ()))),
        )
        for link in found
        if not link.name.startswith(("ovs-", "br-"))
    }


def state(switch: VSwitch | None, network: Network) -> dict[str, object]:
    """What there is on the host, in the guest's namespaces and in the network's, and the ports of the switch."""
    found: dict[str, object] = {"host": links_here()}
    for name in (OLD, NEW, namespace_name(network.id)):
        if name in nsdir.names("/run/netns"):
            with Netns.open(f"/run/netns/{name}") as place, place.entered():
                found[name] = links_here()
    found["rules"] = sorted(read_table(NftSocket(), TABLE).elements)
    found["names"] = sorted(nsdir.names("/run/netns"))
    if switch is not None:
        found["switch"] = {
            name: (switch.get("Interface", name, "external_ids"), switch.get("Interface", name, "type"))
            for name in sorted(switch.ports())
        }
    return found


def is_there(switch: VSwitch, network: Network, expected: dict[str, Any]) -> bool:
    return state(switch, network) == expected


def differences(switch: VSwitch, network: Network, expected: dict[str, Any]) -> str:
    now = state(switch, network)
    differs = [key for key in {**now, **expected} if now.get(key) != expected.get(key)]
    return "\n".join(f"{key}: {now.get(key)}\n  anew: {expected.get(key)}" for key in differs)


def settle(reconciler: Reconciler, wanted: Intent) -> None:
    """Passes until one finds nothing to do; those that wait for a guest's namespace find nothing either."""
    for _ in range(5):
        if not reconciler.run(wanted).planned_steps:
            return
    raise AssertionError([reason.text for reason in reconciler.resync.all()])


def is_there_by_another_pass(running: Reconciler, switch: VSwitch, network: Network, expected: dict[str, Any]) -> bool:
    """As a node makes one, when it hears of a device."""
    running.run(Intent({network.id: network}))
    return is_there(switch, network, expected)


@pytest.mark.parametrize("wiring", WIRINGS)
def test_a_change_while_it_runs_leaves_what_a_start_from_nothing_makes(wiring: str) -> None:
    wrong: list[str] = []
    nsdir.prepare()
    with VSwitch() as switch:
        for change in changes(wiring):
            for name in (OLD, NEW):
                with Netns.create(name) as place:
                    netns.pin(place, f"/run/netns/{name}", "theirs")
            before, after = (Intent({one.id: one}) for one in (change.before, change.after))
            settle(anew := Reconciler(), after)
            expected = state(switch, change.after)
            settle(anew, Intent())
            anew.close()
            settle(running := Reconciler(), before)
            was = state(switch, change.after)
            planned = running.plan(after)
            settle(running, after)
            if expected != was and not any(plan.steps for plan in planned):
                wrong.append(f"{change.label}: the plan said that there is nothing to do")
            wait_for(  # the switch takes its device away, and leaves one of that name down, when it likes
                partial(is_there_by_another_pass, running, switch, change.after, expected),
                f"{change.label}: what a start from nothing makes",
                partial(differences, switch, change.after, expected),
            )
            settle(running, Intent())
            running.close()
            for name in (OLD, NEW):
                netns.unpin(f"/run/netns/{name}", None)
    assert not wrong, "\n".join(wrong)


def test_a_guest_keeps_what_it_made_of_its_device() -> None:
    nsdir.prepare()
    with Netns.create(OLD) as place:
        netns.pin(place, f"/run/netns/{OLD}", "theirs")
    port = Port(id_from_name("port", "a"), "a", "fa:16:3e:00:00:0a", plug=NetnsPlug(OLD))
    one = the_network("bridge", port)
    wanted = Intent({one.id: one})
    settle(Reconciler(), wanted)
    with place.entered(), RouteSocket() as route:
        device = links.find_link(route, "eth0")
        assert device is not None
        links.set_link(route, device, mac="02:00:00:00:00:99", mtu=1400)
    assert Reconciler().plan(wanted) == []


def test_a_device_of_an_older_netmend_is_marked_anew_and_stays() -> None:
    nsdir.prepare()
    with Netns.create(OLD) as place:
        netns.pin(place, f"/run/netns/{OLD}", "theirs")
    port = Port(id_from_name("port", "a"), "a", "fa:16:3e:00:00:0a", plug=NetnsPlug(OLD))
    one = the_network("bridge", port)
    wanted = Intent({one.id: one})
    settle(reconciler := Reconciler(), wanted)
    with RouteSocket() as route:
        (device,) = [link for link in links.dump_links(route) if link.alias and ":guest:" in link.alias]
        links.set_link(route, device, alias=f"netmend:guest:{one.id}:{port.id}")
    assert [str(step) for plan in reconciler.plan(wanted) for step in plan.steps] == [f"set alias of {device.name}"]
    settle(reconciler, wanted)
    assert links_here()[device.name][6] == device.alias
