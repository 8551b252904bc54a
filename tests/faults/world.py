"""A small world to break: intents, foreign objects, and what must be there, worked out without netmend's planner."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

from msgspec.structs import replace

from netmend.intent import Intent, NetnsPlug, Network, Port, Subnet, TapPlug
from netmend.intent.names import Mark, id_from_name
from netmend.kernel import addresses, links, netns, nsdir
from netmend.kernel.links import VethEnd
from netmend.kernel.netlink import Batch, RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.watch import LinkChanged, LinkWatch
from netmend.reconcile.reconciler import Reconciler

NETWORK_ID = "11111111-aaaa-4111-8111-111111111111"
DIRECTORY = nsdir.DEFAULT
GUESTS = ("guest-1", "guest-2", "guest-3")


def _subnet(name: str, cidr: str, server: str) -> Subnet:
    return Subnet(id_from_name("subnet", name), name, IPv4Network(cidr), IPv4Address(server))


def _port(number: int, *, guest: str | None) -> Port:
    port_id = f"{number:08d}-bbbb-4222-8222-222222222222"
    plug = NetnsPlug(guest) if guest else TapPlug(os.getuid())
    return Port(
        port_id, f"p{number}", f"fa:16:3e:00:00:{number:02x}", (IPv4Address(f"10.0.0.{10 + number}"),), plug=plug
    )


def has_tun() -> bool:
    return os.access("/dev/net/tun", os.R_OK | os.W_OK)


FIRST, SECOND = _subnet("first", "10.0.0.0/24", "10.0.0.2"), _subnet("second", "10.0.1.0/24", "10.0.1.2")
THIRD = _subnet("third", "10.0.2.0/24", "10.0.2.2")


def _network(mtu: int, subnets: tuple[Subnet, ...], ports: list[Port]) -> Intent:
    return Intent({NETWORK_ID: Network(NETWORK_ID, "n", mtu, subnets=subnets, ports={p.id: p for p in ports})})


def small() -> Intent:
    """Two subnets and three ports: two guests' namespaces and a tap (a third namespace without /dev/net/tun)."""
    third = _port(3, guest=None if has_tun() else "guest-3")
    return _network(1500, (FIRST, SECOND), [_port(1, guest="guest-1"), _port(2, guest="guest-2"), third])


def changed() -> Intent:
    """`small` with another MTU, one subnet for another, one port less, one moved, one more."""
    moved = replace(_port(2, guest="guest-2"), plug=NetnsPlug("guest-1", "eth7"))
    return _network(1400, (FIRST, THIRD), [_port(1, guest="guest-1"), moved, _port(4, guest="guest-3")])


EMPTY = Intent()


@dataclass(frozen=True)
class Expected:
    """What an intent asks of the kernel, in words of `ip link`."""

    devices: dict[str, tuple[str, int, str | None]] = field(default_factory=dict)  # name -> kind, mtu, master
    guests: dict[str, set[str]] = field(default_factory=dict)  # guest's namespace -> devices
    addresses: set[IPv4Interface] = field(default_factory=set)
    namespace: str | None = None


def expected(intent: Intent, *, guests_found: bool = True) -> Expected:
    """Spelled out by hand for the network of this file, not with the code under test.

    Without `guests_found`, the names of the guests' namespaces are hidden, and what is plugged there must wait.
    """
    if not intent.networks:
        return Expected(guests={guest: set() for guest in GUESTS})
    (network,) = intent.networks.values()
    bridge = "brq11111111-aa"
    devices: dict[str, tuple[str, int, str | None]] = {bridge: ("bridge", network.mtu, None)}
    guests: dict[str, set[str]] = {guest: set() for guest in GUESTS}
    for port in network.ports.values():
        if isinstance(port.plug, NetnsPlug) and not guests_found:
            continue
        name = f"tap{port.id[:11]}"
        devices[name] = ("tun" if isinstance(port.plug, TapPlug) else "veth", network.mtu, bridge)
        if isinstance(port.plug, NetnsPlug):
            guests[port.plug.netns].add(port.plug.device)
    devices[DHCP_TAP] = ("veth", network.mtu, bridge)
    addresses = {IPv4Interface((subnet.server_address, 24)) for subnet in network.subnets}
    return Expected(devices, guests, addresses, f"qdhcp-{NETWORK_ID}")


# uuid5 of the network's id and "dhcp", written out: the name must never change
DHCP_TAP = "tap27864675-bd"


class World:
    """The host side of a sandbox: guests' namespaces, foreign devices and names, and the check."""

    def __init__(self, foreign: int = 3) -> None:
        nsdir.prepare(DIRECTORY)
        self.guests: dict[str, Netns] = {}
        for name in GUESTS:
            with Netns.create(name) as guest:
                netns.pin(guest, f"{DIRECTORY}/{name}", "somebody's")
            self.guests[name] = guest
        taps = [f"tapforeign{number}" for number in range(foreign + foreign % 2)]
        self.foreign = {*taps, "brqforeign"}
        with RouteSocket() as route, Netns.current() as here:
            links.create_bridge(route, "brqforeign", 1500, 0, "02:00:00:00:00:01")
            # Pairs of veths, for the kernel takes 30 ms under its one lock for each bridge that goes with the sandbox.
            for near, far in zip(taps[::2], taps[1::2], strict=True):
                links.create_veth(route, VethEnd(near, 1500, 0), VethEnd(far, 1500, 0), here)
            found = [link for link in links.dump_links(route) if link.name in self.foreign]
            for start in range(0, len(found), 64):
                batch = Batch(route)
                for link in found[start : start + 64]:
                    links.set_link(batch, link, up=False)
                batch.send()
        with Netns.create("other") as other:
            netns.pin(other, f"{DIRECTORY}/qdhcp-00000000-ffff-4fff-8fff-ffffffffffff", "somebody's")
        other.close()
        Path(DIRECTORY, "qdhcp-dead").touch()
        self.foreign_names = {"qdhcp-00000000-ffff-4fff-8fff-ffffffffffff", "qdhcp-dead", *GUESTS}

    def count(self, intent: Intent) -> int:
        """How many devices it asks for on the host."""
        return len(expected(intent).devices)

    def settle(self, reconciler: Reconciler, intent: Intent) -> None:
        """One pass is enough."""

    def check(self, intent: Intent, reconciler: Reconciler, *, pinned: bool = True, guests_found: bool = True) -> None:
        """Observed equals intent exactly: nothing more, nothing less, nothing foreign touched."""
        want = expected(intent, guests_found=guests_found)
        with RouteSocket() as route:
            found = {link.name: link for link in links.dump_links(route) if link.name != "lo"}
        assert set(found) - self.foreign == set(want.devices)
        assert self.foreign <= set(found)
        by_index = {link.index: name for name, link in found.items()}
        for name, (kind, mtu, master) in want.devices.items():
            link = found[name]
            assert (link.kind, link.mtu, by_index.get(link.master)) == (kind, mtu, master), link
            assert link.up and link.alias and link.alias.startswith("netmend:"), link
        for name in self.foreign:
            assert found[name].alias is None and not found[name].up and found[name].group == 0
        for guest, devices in want.guests.items():
            with self.guests[guest].entered(), RouteSocket() as route:
                inside = {link.name: link for link in links.dump_links(route) if link.name != "lo"}
            assert set(inside) == devices, guest
            assert all(link.up for link in inside.values())
        names = nsdir.names(DIRECTORY)
        ours = {want.namespace} if want.namespace and pinned else set()
        assert names - self.foreign_names == ours - self.foreign_names
        assert not guests_found or self.foreign_names <= names
        if want.namespace:
            self._check_namespace(want, reconciler, pinned=pinned)

    def _check_namespace(self, want: Expected, reconciler: Reconciler, *, pinned: bool) -> None:
        place = (
            Netns.open(f"{DIRECTORY}/{want.namespace}")
            if pinned
            else reconciler.open_namespaces[NETWORK_ID].duplicate()
        )
        with place, place.entered(), RouteSocket() as route:
            inside = {link.name: link for link in links.dump_links(route)}
            assert set(inside) == {"lo", "ns-" + DHCP_TAP.removeprefix("tap")}
            assert inside["lo"].alias == str(Mark("namespace", NETWORK_ID))
            inner = inside["ns-" + DHCP_TAP.removeprefix("tap")]
            assert inner.up and inner.mtu == next(iter(want.devices.values()))[1]
            assert addresses.dump_addresses(route)[inner.index] == want.addresses


@contextmanager
def counting_devices(names: set[str]) -> Iterator[list[int]]:
    """How many devices other than `names` there are on the host, after each change of any, while the block runs."""
    watch = LinkWatch()
    with RouteSocket() as route:
        alive = {link.index for link in links.dump_links(route) if link.name not in names and link.name != "lo"}
    counts = [len(alive)]
    yield counts
    for event in watch.read():
        assert event is not None, "the kernel dropped events: the count would be a guess"
        if isinstance(event, LinkChanged) and event.netnsid is None and event.link.name not in names:
            (alive.discard if event.gone else alive.add)(event.link.index)
            counts.append(len(alive))
    watch.close()
