"""Routers for real: guests reach a world beside them, the world reaches floating IPs and published ports, and whatever
somebody breaks is put back."""

import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Interface, IPv6Network, ip_address
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from netmend.intent import (
    DeviceUplink,
    FloatingIp,
    HostUplink,
    Intent,
    NetnsPlug,
    Network,
    Port,
    PortForward,
    Router,
    RouterPort,
    RouterRoute,
    Subnet,
    Subnet6,
)
from netmend.intent.names import (
    id_from_name,
    mac_from_id,
    router_namespace_name,
    router_port_name,
    uplink_host_name,
    uplink_name,
)
from netmend.kernel import addresses, links, netns, nsdir, routes
from netmend.kernel.links import VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.nft.socket import NftSocket
from netmend.kernel.nft.tables import read_table, remove_table
from netmend.reconcile.reconciler import Reconciler
from netmend.reconcile.reports import PassReport
from netmend.reconcile.steps import Plan
from netmend.routing.rules import TABLE

ROUTER_ID = id_from_name("router", "r")
BRIDGE = "external"
WORLD, OWN, FLOATING = IPv4Interface("203.0.113.1/24"), IPv4Interface("203.0.113.2/24"), IPv4Address("203.0.113.10")
WORLD6, OWN6 = IPv6Interface("2001:db8:ffff::1/64"), IPv6Interface("2001:db8:ffff::2/64")
BLOCKS = {"blue": IPv4Network("10.1.0.0/24"), "green": IPv4Network("10.2.0.0/24")}
BLOCKS6 = {"blue": IPv6Network("2001:db8:1::/64"), "green": IPv6Network("2001:db8:2::/64")}


def network(name: str, *, joined: bool = True) -> Network:
    block, block6, network_id = BLOCKS[name], BLOCKS6[name], id_from_name("network", name)
    port = Port(
        id_from_name("port", name), f"guest-{name}", mac_from_id(id_from_name("port", name)), (block[10],),
        plug=NetnsPlug(f"guest-{name}"), fixed_ips6=(block6[10],),
    )  # fmt: skip
    subnets = (Subnet(id_from_name("s", name), name, block, block[2], gateway=block[1]),)
    subnets6 = (Subnet6(id_from_name("s6", name), f"{name}6", block6, block6[2], gateway=block6[1]),)
    own = (router_port(name),) if joined else ()
    return Network(network_id, name, subnets=subnets, subnets6=subnets6, ports={port.id: port}, router_ports=own)


def router_port(name: str) -> RouterPort:
    port_id = id_from_name("router-port", name)
    gateways = (IPv4Interface((BLOCKS[name][1], 24)), IPv6Interface((BLOCKS6[name][1], 64)))
    return RouterPort(port_id, ROUTER_ID, id_from_name("network", name), mac_from_id(port_id), gateways)


def router(**more: Any) -> Router:
    uplink = DeviceUplink(BRIDGE, mac_from_id(ROUTER_ID), (OWN, OWN6), (WORLD.ip, WORLD6.ip))
    return replace(Router(ROUTER_ID, "r", (router_port("blue"), router_port("green")), uplink), **more)


def intent(router: Router | None) -> Intent:
    networks = [network(name, joined=router is not None) for name in BLOCKS]
    return Intent({each.id: each for each in networks}, routers={router.id: router} if router else {})


class Place:
    """A namespace of somebody's, with one device."""

    def __init__(self, name: str) -> None:
        nsdir.prepare()
        with Netns.create(name) as made:
            netns.pin(made, f"/run/netns/{name}", "somebody")
        self.namespace = made

    def give(self, device: str, own: tuple[Any, ...], gateways: tuple[Any, ...] = ()) -> None:
        with self.namespace.entered(), RouteSocket() as route:
            links.set_link(route, links.LOOPBACK, up=True)
            link = links.find_link(route, device)
            assert link is not None
            links.set_link(route, link, up=True)
            for address in own:
                addresses.add_address(route, link, address)
            for gateway in gateways:
                anywhere = IPv4Network("0.0.0.0/0") if gateway.version == 4 else IPv6Network("::/0")
                routes.add_route(route, link, anywhere, gateway)

    @contextmanager
    def listening(self, address: Any, port: int) -> Iterator[socket.socket]:
        family = socket.AF_INET if ip_address(str(address)).version == 4 else socket.AF_INET6
        with self.namespace.entered():
            listener = socket.socket(family, socket.SOCK_STREAM)
        with listener:
            listener.settimeout(10)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((str(address), port))
            listener.listen()
            yield listener

    def connect(self, address: Any, port: int, seconds: float = 10) -> socket.socket:
        family = socket.AF_INET if ip_address(str(address)).version == 4 else socket.AF_INET6
        with self.namespace.entered():
            client = socket.socket(family, socket.SOCK_STREAM)
        client.settimeout(seconds)
        client.connect((str(address), port))
        return client


def seen_as(client: Place, server: Place, at: Any, *, to: Any = None, port: int = 80, at_port: int = 80) -> str:
    """The address that `server`, listening at `at`, sees `client` as, who connects to `to`."""
    with server.listening(at, at_port) as listener, client.connect(at if to is None else to, port) as connection:
        accepted, peer = listener.accept()
        with accepted:
            accepted.sendall(b"x")
            assert connection.recv(1) == b"x"
        return str(peer[0])


def refused(client: Place, to: Any, port: int = 80) -> bool:
    try:
        client.connect(to, port, seconds=0.5).close()
    except OSError:
        return True
    return False


class Stage:
    """Two guests, and a world on a bridge of the host's."""

    def __init__(self, stack: ExitStack) -> None:
        self.guests = {name: Place(f"guest-{name}") for name in BLOCKS}
        self.world = Place("world")
        with RouteSocket() as route:
            bridge = links.create_bridge(route, BRIDGE, 1500, 0, "02:00:00:00:00:01")
            links.set_link(route, bridge, up=True)
            links.create_veth(
                route, VethEnd("to-world", 1500, 0), VethEnd("eth0", 1500, 0), self.world.namespace, bridge.index
            )
        self.world.give("eth0", (WORLD, WORLD6))
        with self.world.namespace.entered(), RouteSocket() as route:
            link = links.find_link(route, "eth0")
            assert link is not None
            for block in BLOCKS6.values():
                routes.add_route(route, link, block, OWN6.ip)
        self.reconciler = Reconciler()
        stack.callback(self.reconciler.close)

    def run(self, intent: Intent, scope: set[str] | None = None) -> PassReport:
        report = self.reconciler.run(intent, scope)
        assert not report.wrong, self.reconciler.resync.all()
        assert not report.defects
        return report

    def planned(self, intent: Intent) -> list[Plan]:
        """What another process would do: to plan lets go of namespaces."""
        other = Reconciler()
        try:
            return other.plan(intent)
        finally:
            other.close()

    def wire_guests(self) -> None:
        for name, guest in self.guests.items():
            own = (IPv4Interface((BLOCKS[name][10], 24)), IPv6Interface((BLOCKS6[name][10], 64)))
            guest.give("eth0", own, (BLOCKS[name][1], BLOCKS6[name][1]))

    def router(self) -> Netns:
        return self.reconciler.open_routers[ROUTER_ID]


@contextmanager
def stage(wanted: Intent) -> Iterator[Stage]:
    with ExitStack() as stack:
        made = Stage(stack)
        made.run(wanted)
        made.wire_guests()
        yield made


def test_guests_reach_the_world_as_the_router_and_each_other_as_themselves() -> None:
    with stage(intent(router())) as made:
        blue, green = made.guests["blue"], made.guests["green"]
        assert seen_as(blue, made.world, WORLD.ip) == str(OWN.ip)
        assert seen_as(blue, green, BLOCKS["green"][10]) == str(BLOCKS["blue"][10])
        assert seen_as(green, blue, BLOCKS6["blue"][10]) == str(BLOCKS6["green"][10])
        assert seen_as(blue, made.world, WORLD6.ip) == str(BLOCKS6["blue"][10])
        assert refused(made.world, BLOCKS6["blue"][10])
        assert not made.planned(intent(router()))


def test_without_a_router_nobody_reaches_anybody() -> None:
    with stage(intent(None)) as made:
        assert refused(made.guests["blue"], BLOCKS["green"][10])
        assert refused(made.guests["blue"], WORLD.ip)


def test_the_world_reaches_a_floating_ip_and_a_published_port_and_nothing_else() -> None:
    blue, green = BLOCKS["blue"][10], BLOCKS["green"][10]
    wanted = router(floating_ips=(FloatingIp(FLOATING, blue),), forwards=(PortForward("tcp", 8080, green, 80, OWN.ip),))
    with stage(intent(wanted)) as made:
        assert seen_as(made.world, made.guests["blue"], blue, to=FLOATING) == str(WORLD.ip)
        assert seen_as(made.guests["blue"], made.world, WORLD.ip) == str(FLOATING)
        assert seen_as(made.world, made.guests["green"], green, to=OWN.ip, port=8080) == str(WORLD.ip)
        assert refused(made.world, OWN.ip, 8081)
        # From inside: to another guest's floating IP, to one's own, and to a published port of one's own.
        assert seen_as(made.guests["green"], made.guests["blue"], blue, to=FLOATING) == str(BLOCKS["blue"][1])
        assert seen_as(made.guests["blue"], made.guests["blue"], blue, to=FLOATING) == str(FLOATING)
        assert seen_as(made.guests["green"], made.guests["green"], green, to=OWN.ip, port=8080) == str(
            BLOCKS["green"][1]
        )


def test_a_connection_ends_with_the_floating_ip_that_it_came_by() -> None:
    blue = BLOCKS["blue"][10]
    with stage(intent(router(floating_ips=(FloatingIp(FLOATING, blue),)))) as made:
        with made.guests["blue"].listening(blue, 80) as listener, made.world.connect(FLOATING, 80) as connection:
            accepted, _ = listener.accept()
            made.run(intent(router()))
            connection.settimeout(1)
            with accepted, pytest.raises(OSError):
                accepted.sendall(b"x")
                connection.recv(1)
        assert refused(made.world, FLOATING)


def test_a_new_address_is_announced() -> None:
    with stage(intent(router())) as made:
        with made.world.namespace.entered():
            hears = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
        with hears:
            hears.settimeout(10)
            hears.bind(("eth0", 0x0806))
            made.run(intent(router(floating_ips=(FloatingIp(FLOATING, BLOCKS["blue"][10]),))))
            frame = hears.recv(100)
            while frame[28:32] != FLOATING.packed:
                frame = hears.recv(100)
        assert frame[6:12].hex(":") == mac_from_id(ROUTER_ID)
        assert frame[38:42] == FLOATING.packed


def test_without_snat_everything_passes_as_it_is() -> None:
    with stage(intent(router(snat=False))) as made:
        with made.world.namespace.entered(), RouteSocket() as route:
            link = links.find_link(route, "eth0")
            assert link is not None
            for block in BLOCKS.values():
                routes.add_route(route, link, block, OWN.ip)
        blue = BLOCKS["blue"][10]
        assert seen_as(made.guests["blue"], made.world, WORLD.ip) == str(blue)
        assert seen_as(made.world, made.guests["blue"], blue) == str(WORLD.ip)
        assert seen_as(made.world, made.guests["blue"], BLOCKS6["blue"][10]) == str(WORLD6.ip)


def test_an_uplink_may_be_a_device_that_is_no_bridge() -> None:
    with ExitStack() as stack:
        made = Stage(stack)
        with RouteSocket() as route:
            far = Place("beyond")
            near = links.create_veth(route, VethEnd("wan", 1400, 0), VethEnd("eth0", 1400, 0), far.namespace)
            far.give("eth0", (WORLD,))
            links.set_link(route, near, up=True)
        wanted = intent(router(uplink=DeviceUplink("wan", mac_from_id(ROUTER_ID), (OWN,), (WORLD.ip,))))
        made.run(wanted)
        made.wire_guests()
        assert seen_as(made.guests["blue"], far, WORLD.ip) == str(OWN.ip)
        assert not made.planned(wanted)
        # It goes, and comes back under the same name: the router waits, and follows.
        with RouteSocket() as route:
            links.delete_link(route, near)
        report = made.reconciler.run(wanted)
        assert report.wrong == {ROUTER_ID}
        assert "waits for device wan" in made.reconciler.resync.all()[0].text


def offered_segment(place: Place, to: Any) -> int:
    """The maximum segment size that the packets of a connection end up with at the other end."""
    with place.connect(to, 80) as client:
        return client.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)


def test_segments_fit_the_narrowest_link() -> None:
    narrow = replace(network("green"), mtu=1280)
    wanted = replace(intent(router()), networks={each.id: each for each in (network("blue"), narrow)})
    with stage(wanted) as made, made.guests["green"].namespace.entered(), RouteSocket() as route:
        link = links.find_link(route, "eth0")
        assert link is not None
        links.set_link(route, link, mtu=1500)  # a guest that does not care
        with made.guests["green"].listening(BLOCKS["green"][10], 80) as listener:
            assert offered_segment(made.guests["blue"], BLOCKS["green"][10]) <= 1240
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) <= 1240


def host_forwards(value: str = "1") -> None:
    Path("/proc/sys/net/ipv4/ip_forward").write_text(value)


def test_by_way_of_the_host() -> None:
    green = BLOCKS["green"][10]
    wanted = intent(router(uplink=HostUplink(), forwards=(PortForward("tcp", 8080, green, 80),)))
    with ExitStack() as stack:
        made = Stage(stack)
        with RouteSocket() as route:
            bridge = links.find_link(route, BRIDGE)
            assert bridge is not None
            addresses.add_address(route, bridge, OWN)
        host_forwards("0")
        report = made.reconciler.run(wanted)
        assert report.wrong == {ROUTER_ID}
        assert "net.ipv4.ip_forward=1" in made.reconciler.resync.all()[0].text
        host_forwards()
        made.run(wanted)
        made.wire_guests()
        assert seen_as(made.guests["blue"], made.world, WORLD.ip) == str(OWN.ip)
        assert seen_as(made.world, made.guests["green"], green, to=OWN.ip, port=8080) == str(WORLD.ip)
        assert seen_as(made.guests["blue"], made.guests["green"], green) == str(BLOCKS["blue"][10])
        with socket.socket() as own:  # a service of the host's is no guest's business
            own.bind(("0.0.0.0", 5000))
            own.listen()
            assert refused(made.guests["blue"], OWN.ip, 5000)
        assert not made.planned(wanted)
        made.run(intent(None))
        nft = NftSocket(1)
        assert not read_table(nft, TABLE).is_right
        nft.close()
        assert not made.planned(intent(None))
        with RouteSocket() as route:
            assert links.find_link(route, uplink_host_name(ROUTER_ID)) is None


def break_rules(made: Stage) -> None:
    with made.router().entered():
        nft = NftSocket(1)
        remove_table(nft, TABLE)
        nft.close()


def break_route(made: Stage) -> None:
    with made.router().entered(), RouteSocket() as route:
        link = links.find_link(route, uplink_name(ROUTER_ID))
        assert link is not None
        destination, gateway = next(each for each in routes.dump_set_routes(route)[link.index] if each[0].version == 4)
        routes.remove_route(route, link, destination, gateway)


def break_address(made: Stage) -> None:
    with made.router().entered(), RouteSocket() as route:
        link = links.find_link(route, uplink_name(ROUTER_ID))
        assert link is not None
        addresses.remove_address(route, link, OWN)


def break_gateway(made: Stage) -> None:
    with made.router().entered(), RouteSocket() as route:
        link = links.find_link(route, router_port_name(router_port("blue").id))
        assert link is not None
        addresses.remove_address(route, link, IPv4Interface((BLOCKS["blue"][1], 24)))
        links.set_link(route, link, up=False, settings={"ipv4.forwarding": 0})


def break_uplink(made: Stage) -> None:
    with RouteSocket() as route:
        link = links.find_link(route, uplink_host_name(ROUTER_ID))
        assert link is not None
        links.delete_link(route, link)


def break_port(made: Stage) -> None:
    with made.router().entered(), RouteSocket() as route:
        link = links.find_link(route, router_port_name(router_port("blue").id))
        assert link is not None
        links.delete_link(route, link)


def break_name(made: Stage) -> None:
    netns.unpin(f"/run/netns/{router_namespace_name(ROUTER_ID)}", None)


BREAKS = [break_rules, break_route, break_address, break_gateway, break_uplink, break_port, break_name]


def test_what_somebody_breaks_is_put_back() -> None:
    wanted = intent(router())
    with stage(wanted) as made:
        for break_it in BREAKS:
            break_it(made)
            assert made.planned(wanted), break_it.__name__
            report = made.run(wanted)
            assert not made.planned(wanted), break_it.__name__
            assert seen_as(made.guests["blue"], made.world, WORLD.ip) == str(OWN.ip), break_it.__name__
            assert report.mended or break_it is break_port, break_it.__name__


def test_another_process_finds_it_all_right_and_its_removal_leaves_nothing() -> None:
    wanted = intent(router())
    with stage(wanted):
        with ExitStack() as stack:
            other = Reconciler()
            stack.callback(other.close)
            assert not other.plan(wanted)
            report = other.run(intent(None))
            assert not report.wrong
        with RouteSocket() as route:
            names = {link.name for link in links.dump_links(route)}
        assert not {name for name in names if name.startswith("qh-")}
        assert router_namespace_name(ROUTER_ID) not in nsdir.names(nsdir.DEFAULT)
        assert sum(name.startswith("tap") for name in names) == 4


def test_a_namespace_of_another_is_left_alone() -> None:
    with ExitStack() as stack:
        made = Stage(stack)
        Place(router_namespace_name(ROUTER_ID))
        report = made.reconciler.run(intent(router()))
        assert ROUTER_ID in report.wrong
        texts = [reason.text for reason in made.reconciler.resync.all()]
        assert any("another program made a namespace of this name" in text for text in texts)
        made.reconciler.run(Intent())
        assert router_namespace_name(ROUTER_ID) in nsdir.names(nsdir.DEFAULT)


def any_router(rng: random.Random) -> Router:
    """Some router on some of the networks."""
    names = rng.sample(sorted(BLOCKS), rng.randint(0, 2))
    own = (OWN, OWN6)[: rng.randint(1, 2)]
    gateways = (WORLD.ip, WORLD6.ip)[: rng.randint(0, len(own))]
    by_device = DeviceUplink(BRIDGE, mac_from_id(ROUTER_ID), own, gateways)
    uplink = rng.choice([None, HostUplink(), by_device, by_device])
    guests = [BLOCKS[name][number] for name in names for number in (10, 11, 12)]
    chosen = rng.sample(guests, rng.randint(0, len(guests)))
    forwards: tuple[PortForward, ...] = ()
    if uplink is not None:
        address = OWN.ip if uplink is by_device else None
        forwards = tuple(
            PortForward(rng.choice(["tcp", "udp"]), 1000 + number, guest, rng.randint(1, 65_535), address)
            for number, guest in enumerate(chosen)
        )
    floating = tuple(FloatingIp(FLOATING + number, guest) for number, guest in enumerate(chosen))
    blocks = [IPv4Network(f"10.{number}.0.0/16") for number in rng.sample(range(100, 110), rng.randint(0, 3))]
    return router(
        ports=tuple(map(router_port, names)),
        uplink=uplink,
        snat=rng.random() < 0.7,
        routes=tuple(RouterRoute(block, rng.choice(guests)) for block in blocks if guests),
        floating_ips=floating if uplink is by_device else (),
        forwards=forwards,
    )


def test_from_any_router_to_any_other_one_pass_is_enough() -> None:
    rng = random.Random(18)
    host_forwards()
    with ExitStack() as stack:
        made = Stage(stack)
        for _ in range(12):
            wanted = any_router(rng)
            on = {port.network_id for port in wanted.ports}
            networks = [network(name, joined=id_from_name("network", name) in on) for name in BLOCKS]
            everything = Intent({each.id: each for each in networks}, routers={wanted.id: wanted})
            made.run(everything)
            assert not made.planned(everything), wanted
            assert not made.run(everything).planned_steps, wanted
        made.run(Intent())
        assert not made.planned(Intent())
