"""Port security on real bridges: in force before the guest is, put back when somebody changes it, closed in doubt."""

import errno
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network, ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from netmend.firewall.rules import TABLE, device_of
from netmend.ground.nftables import Chain, Element
from netmend.intent import AddressPair, Intent, NetnsPlug, Network, Port, Subnet
from netmend.intent.names import bridge_name, dhcp_port, id_from_name, tap_name
from netmend.kernel import links, netns, nsdir
from netmend.kernel.changes import observe_changes
from netmend.kernel.errors import KernelError
from netmend.kernel.forwarding import with_forwarding
from netmend.kernel.netlink import Request, RouteSocket, attribute
from netmend.kernel.netns import Netns
from netmend.kernel.nft.socket import NftSocket
from netmend.kernel.nft.tables import GETTABLE, change_elements, read_table, remake, remove_table
from netmend.reconcile.reconciler import Reconciler

ID = id_from_name("network", "one")
CIDR = IPv4Network("10.0.0.0/24")
SUBNET = Subnet(id_from_name("subnet", "s"), "s", CIDR, CIDR[2])
EVERYBODY = "ff:ff:ff:ff:ff:ff"
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23  # linux/socket.h, linux/if_packet.h


def port(number: int, **more: Any) -> Port:
    name = f"guest-{number}"
    return Port(
        id_from_name("port", name),
        name,
        f"fa:16:3e:00:00:{number:02x}",
        (CIDR[10 + number],),
        plug=NetnsPlug(name),
        **more,
    )


def network(*ports: Port) -> Network:
    return Network(ID, "one", subnets=(SUBNET,), ports={each.id: each for each in ports})


def intent(*ports: Port) -> Intent:
    return Intent({ID: network(*ports)})


OWN_MAC: str = dhcp_port(network()).mac


class Guest:
    """A namespace that a port is plugged into, with a socket that sends and hears whole frames."""

    def __init__(self, port: Port) -> None:
        self.port = port
        nsdir.prepare()
        with Netns.create(port.name) as made:
            netns.pin(made, f"/run/netns/{port.name}", "somebody")
        self.place = made

    def open(self) -> None:
        with self.place.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.bind(("eth0", 0))
            self.socket.settimeout(0.05)

    def send(self, kind: int, payload: bytes, mac: str | None = None, to: str = EVERYBODY) -> None:
        self.socket.send(octets(to) + octets(mac or self.port.mac) + struct.pack("!H", kind) + payload)

    def claim(self, address: str, mac: str | None = None) -> None:
        """A gratuitous ARP."""
        owner, packed = octets(mac or self.port.mac), ip_address(address).packed
        self.send(0x0806, b"\0\1\x08\0\6\4\0\1" + owner + packed + bytes(6) + packed, mac)

    def heard(self) -> list[bytes]:
        """Frames that came, until none does; but for those of IPv6, by which guests look for each other."""
        found = []
        with pytest.raises(TimeoutError):
            while True:
                data, (_, kind, direction, *_) = self.socket.recvfrom(2000)
                if direction != socket.PACKET_OUTGOING and kind != 0x86DD:
                    found.append(data)
        return found


def octets(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def datagram(source: str, target: str, ports: tuple[int, int], data: bytes = b"data") -> bytes:
    udp = struct.pack("!HHHH", *ports, 8 + len(data), 0) + data
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0)
    header += ip_address(source).packed + ip_address(target).packed
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return header[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + header[12:] + udp


@contextmanager
def two_guests(first: Port, second: Port) -> Iterator[tuple[Guest, Guest, Reconciler]]:
    guests = Guest(first), Guest(second)
    reconciler = Reconciler()
    report = reconciler.run(intent(first, second))
    assert report.right == {ID} and not report.mended
    for guest in guests:
        guest.open()
    time.sleep(0.05)
    guests[1].heard()
    yield (*guests, reconciler)
    reconciler.close()


ATTACKS: dict[str, Callable[[Guest], None]] = {
    "another's MAC": lambda guest: guest.send(0x88B5, b"x" * 46, "fa:16:3e:00:00:02"),
    "netmend's MAC": lambda guest: guest.send(0x0800, datagram("10.0.0.11", "10.0.0.12", (1, 2)), OWN_MAC),
    "netmend's address by ARP": lambda guest: guest.claim("10.0.0.2"),
    "another's address by ARP": lambda guest: guest.claim("10.0.0.12"),
    "another's address": lambda guest: guest.send(0x0800, datagram("10.0.0.12", "10.0.0.255", (1, 2))),
    "a DHCP server": lambda guest: guest.send(0x0800, datagram("10.0.0.11", "255.255.255.255", (67, 68))),
    "another protocol": lambda guest: guest.send(0x88B5, b"x" * 46),
    "a bridge": lambda guest: guest.send(0x0026, b"\x42\x42\3" + bytes(40), to="01:80:c2:00:00:00"),
}


def test_a_guest_speaks_for_itself_alone() -> None:
    with two_guests(port(1), port(2)) as (guest, other, _):
        guest.claim("10.0.0.11")
        guest.send(0x0800, datagram("10.0.0.11", "10.0.0.12", (1, 2)))
        assert len(other.heard()) == 2
        for attack in ATTACKS.values():
            attack(guest)
        assert other.heard() == []
        sender = octets("02:00:00:00:00:00")
        for number in range(3000):
            guest.socket.send(octets(EVERYBODY) + sender[:4] + struct.pack("!H", number) + b"\x88\xb5" + bytes(46))
        assert learned() < 100


def test_nobody_takes_netmends_place_on_the_bridge_also_without_port_security() -> None:
    with two_guests(port(1, port_security=False), port(2)) as (guest, other, reconciler):
        for _ in range(3):
            guest.send(0x0800, datagram("10.0.0.11", "10.0.0.12", (1, 2)), OWN_MAC)
        other.heard()
        guest.heard()
        other.claim("10.0.0.12")
        other.send(0x0800, datagram("10.0.0.12", "10.0.0.2", (1, 2)), to=OWN_MAC)
        assert all(frame[:6] != octets(OWN_MAC) for frame in guest.heard())
        wanted = intent(port(1, port_security=False), port(2))
        assert not reconciler.run(wanted).planned_steps
        with RouteSocket() as route:
            own = links.find_link(route, tap_name(dhcp_port(network()).id))
            assert own
            header = struct.pack("=BxHiHBB", 7, 0, own.index, 0, 4, 0)
            gone = Request(29, 0, header + attribute(2, octets(OWN_MAC)), "remove", "forwarding")
            route.perform([gone])
            assert with_forwarding(route, {own.index: OWN_MAC}) == set()
            (told,) = reconciler.run(wanted).mended
            assert "forwarding" in told.text
            assert with_forwarding(route, {own.index: OWN_MAC}) == {own.index}


def learned() -> int:
    """MAC addresses in the tables of bridges."""
    with RouteSocket() as route:
        return len(route.dump(30, struct.pack("=BxHiHBB", 7, 0, 0, 0, 0, 0), "list", "forwarding"))


def test_without_port_security_all_passes() -> None:
    with two_guests(port(1, port_security=False), port(2)) as (guest, other, _):
        for attack in ATTACKS.values():
            attack(guest)
        # Frames for the MAC of netmend go to netmend, and a bridge with spanning tree off passes what bridges say.
        assert len(other.heard()) >= len(ATTACKS) - 1


def test_address_pairs() -> None:
    pairs = (
        AddressPair(ip_network("10.0.0.100"), "00:00:5e:00:01:01"),
        AddressPair(ip_network("10.0.7.0/24"), "fa:16:3e:00:00:01"),
    )
    with two_guests(port(1, allowed_address_pairs=pairs), port(2)) as (guest, other, reconciler):
        guest.claim("10.0.0.100", "00:00:5e:00:01:01")
        guest.claim("10.0.7.200")
        assert len(other.heard()) == 2
        guest.claim("10.0.0.100")
        guest.claim("10.0.7.1", "00:00:5e:00:01:01")
        assert other.heard() == []
        assert reconciler.run(intent(port(1), port(2))).right == {ID}
        guest.claim("10.0.7.200")
        assert other.heard() == []
        assert reconciler.run(intent(port(1, port_security=False), port(2))).right == {ID}
        guest.claim("10.0.7.200")
        assert len(other.heard()) == 1


def test_the_hosts_stack_gets_nothing_from_a_bridge_and_sends_it_nothing() -> None:
    """Should somebody switch layer 3 of the bridge on, between two looks."""
    with two_guests(port(1, port_security=False), port(2)) as (guest, other, _):
        bridge = bridge_name(ID)
        (Path("/proc/sys/net/ipv6/conf") / bridge / "disable_ipv6").write_text("0")
        (Path("/proc/sys/net/ipv4/conf") / bridge / "rp_filter").write_text("0")
        with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)) as above:
            above.setsockopt(
                SOL_PACKET, PACKET_IGNORE_OUTGOING, 1
            )  # what the bridge itself sends, now that it has IPv6
            above.bind((bridge, 0))
            above.settimeout(0.2)
            guest.claim("10.0.0.11")
            assert other.heard()
            with pytest.raises(TimeoutError):
                above.recv(100)
            above.sendto(b"x" * 46, (bridge, 0x88B5, 0, 0, b"\xff" * 6))
            assert other.heard() == []


def element(name: str) -> Element:
    nft = NftSocket()
    return next(each for each in read_table(nft, TABLE).elements if each.set == name)


def with_rule(name: str, chain: Chain) -> None:
    chains = tuple(chain if each.name == name else each for each in TABLE.chains)
    nft = NftSocket()
    remake(nft, replace(TABLE, chains=chains), read_table(nft, TABLE).elements)


def chain(name: str) -> Chain:
    return next(each for each in TABLE.chains if each.name == name)


TAMPERING: dict[str, Callable[[], None]] = {
    "the table deleted, as by flush ruleset": lambda: remove_table(NftSocket(), TABLE),
    "a port no longer guarded": lambda: change_elements(NftSocket(), TABLE, (), {element("ports")}),
    "an address less": lambda: change_elements(NftSocket(), TABLE, (), {element("addresses4")}),
    "an address more": lambda: change_elements(
        NftSocket(), TABLE, {element("addresses4")._replace(key=element("addresses4").key[:-1] + b"\x63")}, ()
    ),
    "a rule less": lambda: with_rule("from-guest", replace(chain("from-guest"), rules=chain("from-guest").rules[1:])),
    "a rule more": lambda: with_rule(
        "arp", replace(chain("arp"), rules=(chain("arp").rules[1][-1:], *chain("arp").rules))
    ),
    "a rule otherwise": lambda: with_rule("arp", replace(chain("arp"), rules=chain("ipv4").rules)),
    "nobody goes there": lambda: with_rule("prerouting", replace(chain("prerouting"), hook=None)),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_what_somebody_does_to_the_rules_is_mended_and_told(what: str) -> None:
    with two_guests(port(1), port(2)) as (guest, other, reconciler):
        before = read_table(NftSocket(), TABLE)
        TAMPERING[what]()
        after = read_table(NftSocket(), TABLE)
        assert (after.is_right, after.elements) != (True, before.elements)
        report = reconciler.run(intent(port(1), port(2)), scope={"rules"})
        (told,) = report.mended
        assert "port security" in told.text
        mended = read_table(NftSocket(), TABLE)
        assert mended.is_right and mended.elements == before.elements
        guest.claim("10.0.0.12")
        assert other.heard() == []
        assert not reconciler.run(intent(port(1), port(2))).planned_steps


def test_others_tables_are_left_alone_and_their_changes_are_no_reason_to_change_ours() -> None:
    with two_guests(port(1), port(2)) as (_, _, reconciler):
        nft = NftSocket()
        remake(nft, replace(TABLE, name="somebodys"), ())
        before = nft.generation()
        report = reconciler.run(intent(port(1), port(2)))
        assert not report.planned_steps and not report.mended
        assert nft.generation() == before
        assert read_table(nft, replace(TABLE, name="somebodys")).is_right


def test_a_restart_finds_the_rules_and_makes_no_transaction() -> None:
    with two_guests(port(1), port(2)):
        before = NftSocket().generation()
        second = Reconciler()
        assert not second.run(intent(port(1), port(2))).planned_steps
        assert second.plan(intent(port(1), port(2))) == []
        assert NftSocket().generation() == before


def test_rules_are_there_before_the_device_and_until_it_is_gone() -> None:
    seen: list[tuple[str, bool, bool]] = []
    device = tap_name(port(1).id)

    def watch(moment: str, operation: str, target: str) -> None:
        with RouteSocket() as route:
            there = links.find_link(route, device) is not None
        guarded = any(
            device_of(each) == device and each.set == "ports" for each in read_table(NftSocket(), TABLE).elements
        )
        seen.append((operation, there, guarded))

    Guest(port(1))
    reconciler = Reconciler()
    observe_changes(watch)
    try:
        assert reconciler.run(intent(port(1))).right == {ID}
        assert reconciler.run(intent()).right == {ID}
        assert reconciler.run(Intent()).wrong == frozenset()
    finally:
        observe_changes(None)
    assert any(there for _, there, _ in seen)
    assert all(guarded for _, there, guarded in seen if there)
    assert not NftSocket().dump(GETTABLE)


def test_a_port_whose_rules_cannot_be_put_in_force_is_not_opened() -> None:
    """As on a kernel without nftables for bridges."""

    def refuse(moment: str, operation: str, target: str) -> None:
        if operation == "set rules":
            raise KernelError(operation, target, errno.EAFNOSUPPORT)

    guarded, open_ = port(1), port(2, port_security=False)
    Guest(guarded)
    guest = Guest(open_)
    reconciler, wanted = Reconciler(), intent(guarded, open_)
    observe_changes(refuse)
    try:
        report = reconciler.run(wanted)
        assert not report.defects
        (reason,) = reconciler.resync.all()
        assert reason.port_id == guarded.id and reason.serves
        assert "port security is not in force" in reason.text and "nf_tables" in reason.text
        with RouteSocket() as route:
            assert links.find_link(route, tap_name(guarded.id)) is None
            there = links.find_link(route, tap_name(open_.id))
        assert there is not None and there.up
        guest.open()
    finally:
        observe_changes(None)
    assert reconciler.run(wanted).right == {ID}, reconciler.resync.all()
    # Once they are in force, and somebody takes them away, and they cannot be put back: the port is closed.
    remove_table(NftSocket(), TABLE)
    observe_changes(refuse)
    try:
        reconciler.run(wanted)
        with RouteSocket() as route:
            there = links.find_link(route, tap_name(guarded.id))
        assert there is not None and not there.up
    finally:
        observe_changes(None)
    assert reconciler.run(wanted).right == {ID}, reconciler.resync.all()
    with RouteSocket() as route:
        there = links.find_link(route, tap_name(guarded.id))
    assert there is not None and there.up


WIDE, NARROW = "198.51.0.0/16", "198.51.100.0/24"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((), (WIDE, NARROW)),
        ((WIDE,), (NARROW,)),
        ((NARROW,), (WIDE,)),
        ((WIDE,), (NARROW, WIDE)),
        ((NARROW, "10.0.0.11/32"), ("0.0.0.0/0",)),
        (("2001:db8::/32",), ("2001:db8:1::/48", "2001:db8:1:2::/64")),
    ],
)
def test_pairs_may_overlap_and_take_each_others_place(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    """One port's pairs must keep no other port closed: the kernel's sets take no ranges that overlap."""
    first, second = port(1), port(2)
    guests = Guest(first), Guest(second)
    reconciler = Reconciler()
    for blocks in (before, after):
        pairs = tuple(AddressPair(ip_network(block), first.mac) for block in blocks)
        report = reconciler.run(intent(replace(first, allowed_address_pairs=pairs), second))
        assert not report.wrong, [reason.text for reason in reconciler.resync.all()]
    assert reconciler.run(intent(replace(first, allowed_address_pairs=pairs), second)).planned_steps == 0
    for guest in guests:
        guest.open()
        guest.socket.close()
    nft = NftSocket()
    ranges = [one for one in read_table(nft, TABLE).elements if one.set.startswith("ranges")]
    nft.close()
    widest = max((ip_network(block) for block in after), key=lambda block: block.num_addresses)
    (found,) = ranges
    assert (found.key[-len(widest[0].packed) :], found.end[-len(widest[0].packed) :]) == (
        widest[0].packed, widest[-1].packed
    )  # fmt: skip
    reconciler.run(Intent())
    reconciler.close()
