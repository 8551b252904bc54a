"""The way of a packet by intent is the way that real packets take: who is reached, and seen from where."""

import select
import socket
from contextlib import ExitStack, suppress
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.reconcile.test_routers import (
    BLOCKS,
    BLOCKS6,
    FLOATING,
    OWN,
    WORLD,
    WORLD6,
    Stage,
    intent,
    router,
    stage,
)
from tests.waiting import wait_for

from netmend.intent import FloatingIp, Intent, PortForward, Router
from netmend.kernel import links, routes
from netmend.kernel.netlink import RouteSocket
from netmend.routing.path import Packet, Way, routers_with, source_of, way_from_world, way_of_guest

Address = IPv4Address | IPv6Address
Asked = tuple[str, Address, int]  # who asks, which address, which port
QUIET = 2000  # milliseconds without an event, after which nothing comes
BLUE, GREEN = BLOCKS["blue"][10], BLOCKS["green"][10]
TARGETS: tuple[tuple[Address, int], ...] = (
    (BLUE, 80), (GREEN, 80), (BLOCKS6["blue"][10], 80), (BLOCKS6["green"][10], 80), (WORLD.ip, 80), (WORLD6.ip, 80),
    (FLOATING, 80), (OWN.ip, 8080), (OWN.ip, 8081), (BLOCKS["green"][77], 80),
)  # fmt: skip
ROUTERS: dict[str, Router | None] = {
    "none": None,
    "plain": router(),
    "without-snat": router(snat=False),
    "without-uplink": router(uplink=None),
    "published": router(
        floating_ips=(FloatingIp(FLOATING, BLUE),), forwards=(PortForward("tcp", 8080, GREEN, 80, OWN.ip),)
    ),
    "published-by-default": router(forwards=(PortForward("tcp", 8080, GREEN, 80),)),
}


def by_model(wanted: Intent, client: str, to: Address, port: int) -> tuple[str, str] | None:
    """The name of the place that is reached, and the client's address as it is seen there."""
    way: Way | None
    if client == "world":
        source: Address | None = WORLD.ip if to.version == 4 else WORLD6.ip
        assert source is not None
        first = next(routers_with(wanted, to), None)
        way = way_from_world(wanted, first, Packet(source, to, 6, port)) if first else None
    else:
        network = next(one for one in wanted.networks.values() if one.name == client)
        guest = next(iter(network.ports.values()))
        source = source_of(network, guest, to)
        assert source is not None
        way = way_of_guest(wanted, network, guest, Packet(source, to, 6, port))
    if way is None or not way.arrives:
        return None
    if way.port is not None:
        assert way.packet.port == 80
        return way.port.name.removeprefix("guest-"), str(way.packet.source)
    return ("world", str(way.packet.source)) if to in (WORLD.ip, WORLD6.ip) else None


def know_the_way_back(made: Stage) -> None:
    """The world has routes to the networks by the router, and all have tried whether their addresses are free."""
    with made.world.namespace.entered(), RouteSocket() as route:
        link = links.find_link(route, "eth0")
        assert link is not None
        for block in BLOCKS.values():
            routes.add_route(route, link, block, OWN.ip)
    for place in (*made.guests.values(), made.world):
        with place.namespace.entered():
            wait_for(_are_addresses_tried, "whether addresses are free")


def _are_addresses_tried() -> bool:
    lines = Path("/proc/thread-self/net/if_inet6").read_text().splitlines()
    return not any(int(line.split()[4], 16) & 0x40 for line in lines)  # IFA_F_TENTATIVE, linux/if_addr.h


def in_reality(made: Stage, asked: list[Asked]) -> dict[Asked, tuple[str, str]]:
    """All at once: who accepts each connection, and from where; what nobody accepts is left out."""
    places = {**made.guests, "world": made.world}
    homes: dict[str, tuple[Any, ...]] = {name: (BLOCKS[name][10], BLOCKS6[name][10]) for name in made.guests}
    homes["world"] = (WORLD.ip, WORLD6.ip)
    found: dict[Asked, tuple[str, str]] = {}
    waiting = select.poll()
    with ExitStack() as stack:
        listeners, asking, accepted = {}, {}, {}
        for name, own in homes.items():
            for home in own:
                listener = stack.enter_context(places[name].listening(home, 80))
                listeners[listener.fileno()] = listener, name
                waiting.register(listener, select.POLLIN)
        for number, (client, to, port) in enumerate(asked):
            with places[client].namespace.entered():
                one = stack.enter_context(
                    socket.socket(socket.AF_INET if to.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
                )
            one.setblocking(False)
            with suppress(OSError):  # in progress; or there is no route, which the poll says too
                one.connect((str(to), port))
            asking[one.fileno()] = one, number
            waiting.register(one, select.POLLOUT)
        while events := waiting.poll(QUIET):
            for descriptor, _ in events:
                if descriptor in listeners:
                    listener, name = listeners[descriptor]
                    connection, peer = listener.accept()
                    stack.callback(connection.close)
                    accepted[connection.fileno()] = connection, name, str(peer[0])
                    waiting.register(connection, select.POLLIN)
                elif descriptor in asking:
                    waiting.unregister(descriptor)
                    one, number = asking[descriptor]
                    if not one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                        with suppress(OSError):
                            one.send(bytes((number,)))
                else:
                    waiting.unregister(descriptor)
                    connection, name, seen = accepted[descriptor]
                    if said := connection.recv(1):
                        found[asked[said[0]]] = name, seen
    return found


@pytest.mark.parametrize("name", ROUTERS)
def test_who_is_reached_by_the_model_is_reached_by_packets(name: str) -> None:
    wanted = intent(ROUTERS[name])
    asked = [
        (client, to, port)
        for client in ("blue", "green", "world")
        for to, port in TARGETS
        if client != "world" or to not in (WORLD.ip, WORLD6.ip)
    ]
    with stage(wanted) as made:
        know_the_way_back(made)
        real = in_reality(made, asked)
    by_intent = {one: by_model(wanted, *one) for one in asked}
    assert real == {one: reached for one, reached in by_intent.items() if reached}
    assert len(real) < len(asked)
