"""The way of a packet by intent, in words; real packets are in tests/kernel/routing."""

from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network, ip_address
from typing import Any

import pytest
from msgspec.structs import replace

from netmend.intent import (
    DeviceUplink,
    FloatingIp,
    HostUplink,
    Intent,
    Network,
    Port,
    PortForward,
    Route,
    Router,
    RouterPort,
    RouterRoute,
    Subnet,
    Subnet6,
)
from netmend.routing.path import Packet, Way, answer_of, routers_with, source_of, way_from_world, way_of_guest

NUMBERS = {"blue": 1, "green": 2, "red": 3}
OUT = DeviceUplink("ext", "fa:16:3e:00:00:99", (IPv4Interface("203.0.113.2/24"),), (IPv4Address("203.0.113.1"),))
A_FLOATING = FloatingIp(IPv4Address("203.0.113.9"), IPv4Address("10.2.0.10"))


def router_port(name: str, router: str, address: str | None = None) -> RouterPort:
    number = NUMBERS[name]
    own = (IPv4Interface(address or f"10.{number}.0.1/24"), IPv6Interface(f"2001:db8:{number}::1/64"))
    return RouterPort(f"{router}-{name}", router, name, f"fa:16:3e:00:01:0{number}", own)


def network(name: str, *ports: RouterPort, **of_subnet: Any) -> Network:
    number = NUMBERS[name]
    block, block6 = IPv4Network(f"10.{number}.0.0/24"), IPv6Network(f"2001:db8:{number}::/64")
    guest = Port(f"port-{name}", f"vm-{name}", "fa:16:3e:00:00:01", (block[10],), fixed_ips6=(block6[10],))
    subnet = replace(Subnet(f"s-{name}", f"s-{name}", block, block[2], gateway=block[1]), **of_subnet)
    subnet6 = Subnet6(f"s6-{name}", f"s6-{name}", block6, block6[2], ra_mode="slaac")
    return Network(name, name, subnets=(subnet,), subnets6=(subnet6,), ports={guest.id: guest}, router_ports=ports)


def world(*routers: Router, **of_blue: Any) -> Intent:
    by_network = {port.network_id: port for router in routers for port in router.ports}
    networks = [
        network(name, *filter(None, [by_network.get(name)]), **(of_blue if name == "blue" else {})) for name in NUMBERS
    ]
    return Intent({one.id: one for one in networks}, routers={router.id: router for router in routers})


def router(name: str = "r", *networks: str, uplink: Any = OUT, **more: Any) -> Router:
    return Router(name, name, tuple(router_port(each, name) for each in networks or ("blue", "green")), uplink, **more)


def way(intent: Intent, to: str, *, start: str = "blue", protocol: int | None = None, port: int | None = None) -> Way:
    one = intent.networks[start]
    guest = next(iter(one.ports.values()))
    target = ip_address(to)
    source = source_of(one, guest, target)
    assert source is not None
    return way_of_guest(intent, one, guest, Packet(source, target, protocol, port))


def texts(found: Way) -> list[str]:
    return [f"{stop.kind} {stop.name} {stop.text}" for stop in found.stops]


def test_on_one_network_the_network_carries_it() -> None:
    found = way(world(), "10.1.0.10", start="blue")
    assert found.arrives and [stop.kind for stop in found.stops] == ["port", "network", "port"]


def test_between_networks_nothing_is_translated() -> None:
    found = way(world(router()), "10.2.0.10")
    assert found.arrives and found.port is not None and found.port.name == "vm-green"
    assert texts(found) == [
        "port vm-blue sends from 10.1.0.10 to 10.2.0.10",
        "network blue carries it to the router at 10.1.0.1",
        "router r forwards to network green",
        "network green carries it to 10.2.0.10",
        "port vm-green has 10.2.0.10",
    ]
    assert found.packet == Packet(IPv4Address("10.1.0.10"), IPv4Address("10.2.0.10"))


def test_out_it_is_seen_as_the_uplinks_address_or_the_floating_ip() -> None:
    assert str(way(world(router()), "198.51.100.7").packet.source) == "203.0.113.2"
    floating = router(floating_ips=(FloatingIp(IPv4Address("203.0.113.8"), IPv4Address("10.1.0.10")),))
    assert str(way(world(floating), "198.51.100.7").packet.source) == "203.0.113.8"
    as_it_is = way(world(router(snat=False)), "198.51.100.7")
    assert str(as_it_is.packet.source) == "10.1.0.10" and as_it_is.stops[-1].kind == "world"


@pytest.mark.parametrize(
    ("intent", "to", "why"),
    [
        (world(), "10.2.0.10", "neither a port nor a router of netmend's on network blue has the address 10.1.0.1"),
        (world(gateway=None), "10.2.0.10", "subnet s-blue has no gateway, so its guests have no route to 10.2.0.10"),
        (world(router()), "10.2.0.77", "no port on network green has the address 10.2.0.77"),
        (world(router()), "10.2.0.1", "10.2.0.1 is router r's own address"),
        (world(router(uplink=None)), "8.8.8.8", "router r has no uplink, and 8.8.8.8 is on none of its networks"),
        (world(router()), "2001:db8:9::1", "router r has no IPv6 gateway on its uplink"),
        (world(router(uplink=HostUplink())), "2001:db8:9::1", "router r goes out by way of the host, for IPv4 alone"),
        (world(router()), "10.1.0.77", "no port on network blue has the address 10.1.0.77"),
    ],
)
def test_where_it_ends_and_why(intent: Intent, to: str, why: str) -> None:
    found = way(intent, to)
    assert not found.arrives and found.why == why


def test_guests_follow_routes_that_dhcp_gives_them() -> None:
    by_other = Route(IPv4Network("10.2.0.0/16"), IPv4Address("10.1.0.50"))
    found = way(world(router(), routes=(by_other,)), "10.2.0.10")
    assert found.why == "neither a port nor a router of netmend's on network blue has the address 10.1.0.50"
    longer = Route(IPv4Network("10.2.0.10/32"), IPv4Address("10.1.0.1"))
    assert way(world(router(), routes=(by_other, longer)), "10.2.0.10").arrives
    on_link = Route(IPv4Network("10.9.0.0/24"), IPv4Address("0.0.0.0"))
    assert way(world(router(), routes=(on_link,)), "10.9.0.1").why == "no port on network blue has the address 10.9.0.1"


def test_a_circle_of_routes_ends() -> None:
    first = router("r", "blue", uplink=None, routes=(RouterRoute(IPv4Network("10.9.0.0/16"), IPv4Address("10.1.0.1")),))
    found = way(world(first), "10.9.0.1")
    assert found.why == "the routes lead in a circle"


def test_two_routers_on_one_uplink_meet() -> None:
    here = router("r", "blue")
    there = router("q", "green", uplink=replace(OUT, addresses=(IPv4Interface("203.0.113.3/24"),)))
    there = replace(there, floating_ips=(A_FLOATING,))
    found = way(world(here, there), "203.0.113.9")
    assert found.port is not None and found.port.name == "vm-green"
    assert (str(found.packet.source), str(found.packet.destination)) == ("203.0.113.2", "10.2.0.10")
    elsewhere = replace(there, uplink=replace(there.uplink, device="other"))  # type: ignore[type-var]
    assert way(world(here, elsewhere), "203.0.113.9").stops[-1].kind == "world"


class TestFromTheWorld:
    def ask(self, one: Router, to: str, port: int | None = None) -> Way:
        intent = world(one)
        packet = Packet(ip_address("198.51.100.7"), ip_address(to), 6 if port else None, port)
        return way_from_world(intent, one, packet)

    def test_a_floating_ip_and_a_published_port_lead_to_guests(self) -> None:
        one = router(
            floating_ips=(A_FLOATING,),
            forwards=(PortForward("tcp", 2222, IPv4Address("10.1.0.10"), 22),),
        )
        assert [each.id for each in routers_with(world(one), ip_address("203.0.113.9"))] == ["r"]
        assert str(self.ask(one, "203.0.113.9").packet.destination) == "10.2.0.10"
        found = self.ask(one, "203.0.113.2", 2222)
        assert found.port is not None and found.packet.port == 22
        refused = self.ask(one, "203.0.113.2", 2223)
        assert refused.why == ("router r lets nothing in by its uplink but answers, floating IPs and published ports")

    def test_without_translation_guests_are_reached_as_they_are(self) -> None:
        open_one = router(snat=False)
        assert self.ask(open_one, "10.1.0.10").arrives
        assert list(routers_with(world(router()), ip_address("10.1.0.10"))) == []
        assert self.ask(open_one, "10.9.0.1").why == "10.9.0.1 is on no network of router r"


def test_the_answer_has_to_find_its_way_too() -> None:
    intent = world(router(), gateway=None)
    found = way(intent, "10.1.0.10", start="green")
    back = answer_of(intent, found)
    assert found.arrives and back is not None
    assert back.why == "subnet s-blue has no gateway, so its guests have no route to 10.2.0.10"
    assert answer_of(intent, way(intent, "198.51.100.1", start="green")) is None


def test_ipv6_follows_the_router_that_is_advertised() -> None:
    found = way(world(router()), "2001:db8:2::a")
    assert found.arrives and found.packet.source == IPv6Address("2001:db8:1::a")
