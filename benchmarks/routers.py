"""Routers: SNAT's throughput and new connections beside one rule of nftables by hand, and a router's making beside the
kernel's floor.

python -m benchmarks routers [--quick]
"""

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from benchmarks import floor
from benchmarks.confined import confined
from benchmarks.record import Figure, Record, Sample, ratio_at_least, ratio_at_most

from netmend.ground.nftables import (
    FAMILY_INET,
    HOOK_POSTROUTING,
    PRIORITY_SNAT,
    Chain,
    InSet,
    Masquerade,
    Meta,
    Set,
    Table,
)
from netmend.intent import DeviceUplink, Intent, NetnsPlug, Network, Port, Router, RouterPort, Subnet
from netmend.intent.names import id_from_name, mac_from_id
from netmend.kernel import addresses, links, netns, nsdir, routes
from netmend.kernel.links import VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.nft.socket import NftSocket
from netmend.kernel.nft.tables import remake, remove_table
from netmend.reconcile.reconciler import Reconciler
from netmend.routing.rules import TABLE, elements_of

BRIDGE, GUEST = "external", "guest"
WORLD, OWN = IPv4Interface("203.0.113.1/24"), IPv4Interface("203.0.113.2/24")
BLOCK = IPv4Network("10.0.0.0/24")
PORT = 5001
BY_HAND = Table(
    "by-hand",
    (Set("uplinks", TABLE.sets[0].fields),),
    (
        Chain(
            "postrouting",
            ((InSet((Meta("oifname"),), "uplinks"), Masquerade()),),
            HOOK_POSTROUTING,
            PRIORITY_SNAT,
            "nat",
        ),
    ),
    FAMILY_INET,
)
REFERENCE = "the same devices with a table of one rule: oifname ... masquerade"


def wanted(count: int, *, with_routers: bool = True, guest: bool = False) -> Intent:
    """Networks, each with a router to the bridge, and one guest on the first."""
    networks, routers = {}, {}
    for number in range(count):
        network_id, router_id = id_from_name("network", str(number)), id_from_name("router", str(number))
        port_id = id_from_name("router-port", str(number))
        subnet = Subnet(id_from_name("subnet", str(number)), "s", BLOCK, BLOCK[2], gateway=BLOCK[1])
        end = RouterPort(port_id, router_id, network_id, mac_from_id(port_id), (IPv4Interface((BLOCK[1], 24)),))
        own = Port(id_from_name("port", GUEST), GUEST, "fa:16:3e:00:00:01", (BLOCK[10],), plug=NetnsPlug(GUEST))
        networks[network_id] = Network(
            network_id,
            str(number),
            subnets=(subnet,),
            ports={own.id: own} if guest and not number else {},
            router_ports=(end,) if with_routers else (),
        )
        address = IPv4Interface((OWN.ip + number, 24))
        uplink = DeviceUplink(BRIDGE, mac_from_id(router_id), (address,), (WORLD.ip,))
        routers[router_id] = Router(router_id, str(number), (end,), uplink)
    return Intent(networks, routers=routers if with_routers else {})


def make_bridge() -> links.Link:
    nsdir.prepare()
    with RouteSocket() as route:
        bridge = links.create_bridge(route, BRIDGE, 1500, 0, "02:00:00:00:00:01")
        links.set_link(route, bridge, up=True)
    return bridge


def place(name: str) -> Netns:
    with Netns.create(name) as made, RouteSocket() as route:
        links.set_link(route, links.LOOPBACK, up=True)
    netns.pin(made, f"{nsdir.DEFAULT}/{name}", "a benchmark's")
    return made


def give(namespace: Netns, address: IPv4Interface, gateway: IPv4Address | None) -> None:
    with namespace.entered(), RouteSocket() as route:
        link = links.find_link(route, "eth0")
        assert link is not None
        links.set_link(route, link, up=True)
        addresses.add_address(route, link, address)
        if gateway is not None:
            routes.add_route(route, link, IPv4Network("0.0.0.0/0"), gateway)


def served(namespace: Netns, serve: Callable[[socket.socket], None]) -> int:
    """A process that serves connections in a namespace; its id."""
    with namespace.entered():
        listener = socket.create_server(("0.0.0.0", PORT), backlog=1024)
    pid = os.fork()
    if pid == 0:
        try:
            while True:
                accepted, _ = listener.accept()
                with accepted, suppress(OSError):
                    serve(accepted)
        finally:
            os._exit(0)
    listener.close()
    return pid


def swallow(accepted: socket.socket) -> None:
    while accepted.recv(1 << 20):
        pass


def throughput(guest: Netns, seconds: float) -> float:
    """Gbit/s that one TCP connection takes out."""
    data, sent = bytes(1 << 20), 0
    with guest.entered():
        client = socket.socket()
    with client:
        client.connect((str(WORLD.ip), PORT))
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            sent += client.send(data)
        return 8 * sent / (time.perf_counter() - start) / 1e9


def connections(guest: Netns, seconds: float) -> float:
    """Connections a second, one after the other."""
    made, start = 0, time.perf_counter()
    with guest.entered():
        while time.perf_counter() - start < seconds:
            with socket.socket() as client:
                client.connect((str(WORLD.ip), PORT))
                made += 1
    return made / (time.perf_counter() - start)


def translate(seconds: float) -> dict[str, float]:
    """Both figures through a router of netmend's, and with a table by hand in the place of its own."""
    bridge, world, guest = make_bridge(), place("world"), place(GUEST)
    with RouteSocket() as route:
        links.create_veth(route, VethEnd("to-world", 1500, 0), VethEnd("eth0", 1500, 0), world, bridge.index)
    give(world, WORLD, None)
    intent = wanted(1, guest=True)
    reconciler = Reconciler()
    assert not reconciler.run(intent).wrong, reconciler.resync.all()
    give(guest, IPv4Interface((BLOCK[10], 24)), BLOCK[1])
    (router,) = intent.routers.values()
    server = served(world, swallow)
    with reconciler.open_routers[router.id].entered():
        nft = NftSocket(FAMILY_INET)
    own = elements_of(router, None)
    by_hand = [element for element in own if element.set == "uplinks"]
    found = {}
    for name in ("ours", "reference"):
        if name == "reference":
            remove_table(nft, TABLE)
            remake(nft, BY_HAND, by_hand)
        found[f"{name} Gbit/s"] = throughput(guest, seconds)
        found[f"{name} connections"] = connections(guest, seconds)
    os.kill(server, 9)
    os.waitpid(server, 0)
    nft.close()
    reconciler.close()
    return found


def make(count: int) -> float:
    """Seconds that `count` routers take on networks that are there."""
    make_bridge()
    reconciler = Reconciler()
    assert not reconciler.run(wanted(count, with_routers=False)).wrong
    intent = wanted(count)
    start = time.perf_counter()
    report = reconciler.run(intent)
    took = time.perf_counter() - start
    assert not report.wrong, reconciler.resync.all()
    reconciler.close()
    return took


def measure(*, quick: bool) -> Record:
    seconds, count, rounds = (0.5, 10, 1) if quick else (3.0, 100, 3)
    found: list[dict[str, Any]] = []
    made: list[tuple[float, float]] = []
    for _ in range(rounds):
        found.append(confined(translate, seconds))
        made.append((confined(make, count), confined(floor.make, count, with_bridge=True)))
    record = Record(f"Routers: SNAT, and {count} routers made on networks that are there")
    for what, unit in (("Gbit/s", "Gbit/s"), ("connections", "1/s")):
        ours, reference = (Sample.of([run[f"{whose} {what}"] for run in found]) for whose in ("ours", "reference"))
        name = "TCP out, one connection" if unit == "Gbit/s" else "new connections, one after the other"
        record.figures.append(Figure(name, unit, ours, reference, REFERENCE, ratio_at_least(0.95)))
    record.figures.append(
        Figure(
            "a router made",
            "ms",
            Sample.of([1000 * ours / count for ours, _ in made]),
            Sample.of([1000 * reference / count for _, reference in made]),
            "the bare kernel: a bridge, a veth and a namespace by netlink; a router has two veths and rules",
            ratio_at_most(2.0),
        )
    )
    return record
