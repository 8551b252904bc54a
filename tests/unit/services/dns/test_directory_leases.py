"""Names of guests with a dynamic lease: DHCP enters what DNS answers."""

from msgspec.structs import replace
from tests.unit.services.dhcp4.guest import REQUEST, STRANGER
from tests.unit.services.dhcp4.guest import Server as Dhcp
from tests.unit.services.dns.asker import NETWORK_ID, Server, code, data, port, subnet

from netmend.intent import Dns, Network, Pool
from netmend.services.dhcp4 import LeaseTable
from netmend.services.dns import DnsResponder
from netmend.services.leases.names import LeasedNames

POOL = subnet(dynamic=True)
POOL = replace(POOL, pools=(Pool(POOL.cidr[100], POOL.cidr[110]),))
WEB = port("web", "10.0.0.10")
LEASING = replace(port("dyn"), mac="02:00:00:00:00:01")
NAMELESS = replace(port(None, name="x"), mac="02:00:00:00:00:02")


class World:
    """DHCP and DNS of one network."""

    def __init__(self) -> None:
        ports = {one.id: one for one in (WEB, LEASING, NAMELESS)}
        intent = Network(NETWORK_ID, "net", subnets=(POOL,), ports=ports, dns=Dns("o.example"))
        self.dns = Server(intent)
        self.names = LeasedNames(lambda: self.dhcp.now)
        self.dhcp = Dhcp(intent, LeaseTable(names=self.names))
        self.dns.responder = DnsResponder(intent, self.dns.domains, self.names)

    def lease(self, mac: str, address: str, *more: tuple[int, bytes]) -> None:
        assert self.dhcp.ask(REQUEST, mac=mac, server="10.0.0.2", requested=address, more=more).yiaddr == address

    def addresses(self, name: str) -> list[str]:
        return data(self.dns.ask(name))

    def reverse(self, last: int) -> list[str]:
        return data(self.dns.ask(f"{last}.0.0.10.in-addr.arpa", "PTR"))


def test_a_port_with_a_lease_has_its_name_forward_and_reverse() -> None:
    world = World()
    assert world.addresses("dyn.o.example") == [] and world.reverse(100) == []
    world.lease(LEASING.mac, "10.0.0.100", (12, b"another"))
    assert world.addresses("dyn.o.example") == world.addresses("dyn") == ["10.0.0.100"]
    assert world.reverse(100) == ["dyn.o.example."]
    assert code(world.dns.ask("another.o.example")) == "NXDOMAIN"


def test_a_port_without_a_name_is_called_by_its_address() -> None:
    world = World()
    world.lease(NAMELESS.mac, "10.0.0.101")
    assert world.addresses("host-10-0-0-101.o.example") == ["10.0.0.101"]
    assert world.reverse(101) == ["host-10-0-0-101.o.example."]


def test_a_guest_that_is_no_port_has_the_name_that_it_sent() -> None:
    world = World()
    assert code(world.dns.ask("laptop.o.example")) == "NXDOMAIN"
    world.lease(STRANGER, "10.0.0.102", (12, b"Laptop"))
    assert world.addresses("laptop.o.example") == ["10.0.0.102"]
    assert world.reverse(102) == ["laptop.o.example."]
    world.dhcp.now += 10 * 86_400
    world.dns.now += 31
    assert code(world.dns.ask("laptop.o.example")) == "NXDOMAIN"
    assert world.reverse(102) == []


def test_no_guest_takes_a_name_that_intent_gives() -> None:
    world = World()
    for last, name in ((102, b"web"), (103, b"dyn"), (104, b"wpad"), (105, b"host-10-0-0-10")):
        world.lease(f"02:00:00:00:ff:{last:02x}", f"10.0.0.{last}", (12, name))
    assert world.addresses("web.o.example") == ["10.0.0.10"]
    assert world.addresses("dyn.o.example") == []
    assert code(world.dns.ask("wpad.o.example")) == code(world.dns.ask("host-10-0-0-10.o.example")) == "NXDOMAIN"
    assert [world.reverse(last) for last in (102, 103, 104, 105)] == [[], [], [], []]


def test_a_name_is_the_first_guest_s() -> None:
    world = World()
    world.lease(STRANGER, "10.0.0.102", (12, b"laptop"))
    world.lease("02:00:00:00:ff:02", "10.0.0.103", (81, b"\0\0\0laptop.o.example"))
    assert world.addresses("laptop.o.example") == ["10.0.0.102"]
    assert world.reverse(103) == []
