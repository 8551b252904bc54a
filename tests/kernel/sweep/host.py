"""A host with living devices of all kinds, and dead ones between them; made by pyroute2, ioctl and netmend's codec."""

import errno
import fcntl
import os
import random
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError
from tests.waiting import wait_for

from netmend.intent.names import Mark
from netmend.kernel import link_settings, links, netns, nsdir, tap
from netmend.kernel.link_details import IFF_TUN
from netmend.kernel.link_settings import IFF_MULTICAST, IFF_PROMISC
from netmend.kernel.links import VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.tap import Tap

_PACKET_SOCKET_KIND = 3  # ETH_P_ALL
_TUNSETQUEUE = 0x400454D9
_IFF_DETACH_QUEUE = 0x0400


@dataclass
class Host:
    """Keeps open what must stay open."""

    chance: random.Random
    route: RouteSocket = field(default_factory=RouteSocket)
    other: IPRoute = field(default_factory=IPRoute)
    held: list[object] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    bridges: set[str] = field(default_factory=set)
    """Bridges with nothing but dead ports: they stay."""
    numbers: set[int] = field(default_factory=set)

    def name(self) -> str:
        """A name that no device has, most often one that Neutron would give."""
        while (number := self.chance.getrandbits(40)) in self.numbers:
            pass
        self.numbers.add(number)
        text = f"{number:010x}"
        if self.chance.random() < 0.7:
            return f"tap{text[:8]}-{text[8:]}"
        return f"{self.chance.choice(('veth', 'vnet', 'x-', 'tap'))}{text}"

    def tap(self, flags: int = tap.IFF_TAP | tap.IFF_NO_PI) -> str:
        """A persistent tap that nobody has open."""
        name = self.name()
        with Tap(name, flags) as made:
            made.persist()
        return name

    def pair(self) -> tuple[str, str]:
        """A veth with both ends here, both down."""
        name, peer = self.name(), self.name()
        with Netns.current() as here:
            near = links.create_veth(self.route, VethEnd(name, 1500, 0), VethEnd(peer, 1500, 0), here)
        links.set_link(self.route, near, up=False)
        return name, peer

    def find(self, name: str) -> links.Link:
        found = links.find_link(self.route, name)
        assert found is not None
        return found

    def add(self, **options: object) -> list[str]:
        """A device by pyroute2; none when this kernel lacks the kind."""
        name = self.name()
        try:
            self.other.link("add", ifname=name, **options)
        except NetlinkError as error:
            if error.code != errno.EOPNOTSUPP:
                raise
            return []
        return [name]


def dead_tap(host: Host) -> list[str]:
    return [host.tap()]


def dead_tap_that_was_used(host: Host) -> list[str]:
    name = host.tap()
    with Tap(name, tap.IFF_TAP | tap.IFF_NO_PI):
        links.set_link(host.route, host.find(name), up=True)
    links.set_link(host.route, host.find(name), up=False)
    return [name]


def dead_tap_of_many_queues(host: Host) -> list[str]:
    return [host.tap(tap.IFF_TAP | tap.IFF_NO_PI | tap.IFF_MULTI_QUEUE)]


def dead_tap_with_alias(host: Host) -> list[str]:
    name = host.tap()
    links.set_link(host.route, host.find(name), alias="somebody's", group=host.chance.randrange(9))
    return [name]


def dead_tap_that_is_up(host: Host) -> list[str]:
    """As whoever made it left it: Nova, libvirt, Firecracker, KubeVirt set their taps up."""
    name = host.tap()
    links.set_link(host.route, host.find(name), up=True)
    return [name]


def dead_tap_with_the_kernels_own_address(host: Host) -> list[str]:
    """It had carrier, so the kernel gave it a link-local address, which stays."""
    name = host.tap()
    with Tap(name, tap.IFF_TAP | tap.IFF_NO_PI):
        index = host.find(name).index
        links.set_link(host.route, host.find(name), up=True)
        wait_for(
            lambda: any(message["index"] == index for message in host.other.get_addr()),
            "the kernel gives a link-local address",
        )
    return [name]


def dead_pair(host: Host) -> list[str]:
    return list(host.pair())


def _bridge(host: Host, chosen: str) -> str:
    """The device becomes a port of a bridge, up or down."""
    bridge = f"br-{host.name()[-11:]}"
    made = links.create_bridge(host.route, bridge, 1500, 0, "02:00:00:00:00:01")
    links.set_link(host.route, host.find(chosen), master=made.index)
    if host.chance.random() < 0.5:
        links.set_link(host.route, made, up=True)
    host.bridges.add(bridge)
    return bridge


def dead_tap_on_a_bridge(host: Host) -> list[str]:
    name = host.tap()
    if host.chance.random() < 0.5:
        links.set_link(host.route, host.find(name), up=True)
    _bridge(host, name)
    return [name]


def dead_pair_on_a_bridge(host: Host) -> list[str]:
    ends = host.pair()
    _bridge(host, host.chance.choice(ends))
    return list(ends)


def plug(host: Host, *, guest: bool) -> dict[str, str]:
    """What os-vif makes for a port that a Linux bridge filters: all up, and hearing all that passes."""
    number = host.name()[-10:].replace("-", "0")
    short_id = f"{number[:8]}-{number[8:]}"
    names = {part: f"{part}{short_id}" for part in ("qbr", "qvb", "qvo", "tap")}
    bridge = links.create_bridge(host.route, names["qbr"], 1500, 0, "02:00:00:00:00:01")
    with Netns.current() as here:
        ends = [VethEnd(names[part], 1500, 0) for part in ("qvb", "qvo")]
        links.create_veth(host.route, ends[0], ends[1], here)
    links.set_link(host.route, host.find(names["qvb"]), master=bridge.index)
    if guest:
        with Tap(names["tap"]) as made:
            made.persist()
        links.set_link(host.route, host.find(names["tap"]), master=bridge.index, up=True)
    else:
        del names["tap"]
    for part in ("qvb", "qvo"):
        link_settings.set_flags(host.route, host.find(names[part]), IFF_PROMISC | IFF_MULTICAST)
    for part in ("qbr", "qvb", "qvo"):
        links.set_link(host.route, host.find(names[part]), up=True)
    return names


def dead_hybrid_plug(host: Host) -> list[str]:
    return list(plug(host, guest=host.chance.random() < 0.5).values())


DEAD: list[Callable[[Host], list[str]]] = [
    dead_tap,
    dead_tap,
    dead_tap,
    dead_tap_that_was_used,
    dead_tap_of_many_queues,
    dead_tap_with_alias,
    dead_tap_that_is_up,
    dead_tap_with_the_kernels_own_address,
    dead_tap_on_a_bridge,
    dead_pair_on_a_bridge,
    dead_hybrid_plug,
    dead_pair,
    dead_pair,
]


def open_tap(host: Host) -> list[str]:
    name = host.name()
    held = Tap(name)
    host.held.append(held)
    if host.chance.random() < 0.5:
        held.persist()
    if host.chance.random() < 0.5:
        links.set_link(host.route, host.find(name), up=True)
    return [name]


def tap_with_a_disabled_queue(host: Host) -> list[str]:
    name = host.name()
    held = Tap(name, tap.IFF_TAP | tap.IFF_NO_PI | tap.IFF_MULTI_QUEUE)
    held.persist()
    request = struct.pack("16sH22x", name.encode(), _IFF_DETACH_QUEUE)
    fcntl.ioctl(held._descriptor, _TUNSETQUEUE, request)
    host.held.append(held)
    return [name]


def tap_whose_descriptor_is_on_its_way(host: Host) -> list[str]:
    """In a socket's queue: no process has it."""
    name = host.name()
    ends = socket.socketpair()
    with Tap(name) as held:
        held.persist()
        socket.send_fds(ends[0], [b"x"], [held._descriptor])
    host.held.extend(ends)
    return [name]


def open_tap_on_a_bridge(host: Host) -> list[str]:
    (name,) = open_tap(host)
    return [name, _bridge(host, name)]


def tap_on_a_bridge_of_netmend(host: Host) -> list[str]:
    name = host.tap()
    bridge = _bridge(host, name)
    links.set_link(host.route, host.find(bridge), alias=str(Mark("bridge", "n")))
    return [name, bridge]


def tap_of_libvirts_bridge(host: Host) -> list[str]:
    """Older libvirt gave a bridge its MAC by a tap that nobody holds."""
    bridge = f"virbr{host.name()[-6:].replace('-', '')}"
    with Tap(f"{bridge}-nic") as made:
        made.persist()
    master = links.create_bridge(host.route, bridge, 1500, 0, "02:00:00:00:00:01")
    links.set_link(host.route, host.find(f"{bridge}-nic"), master=master.index)
    return [bridge, f"{bridge}-nic"]


def tap_on_a_bond(host: Host) -> list[str]:
    name = host.tap()
    for bond in host.add(kind="bond"):
        links.set_link(host.route, host.find(name), master=host.find(bond).index)
        return [name, bond]
    return [name, _bridge(host, name), *_listened(host, name)]


def tap_that_is_up_with_a_route(host: Host) -> list[str]:
    """As Calico's, whose guest's address is a route to it."""
    name = host.tap()
    links.set_link(host.route, host.find(name), up=True)
    address = f"10.{host.chance.randrange(256)}.{host.chance.randrange(256)}.{host.chance.randrange(256)}/32"
    host.other.route("replace", dst=address, oif=host.find(name).index, scope=253)
    return [name]


def tap_that_is_up_with_a_given_link_local_address(host: Host) -> list[str]:
    name = host.tap()
    links.set_link(host.route, host.find(name), up=True)
    host.other.addr("add", index=host.find(name).index, address="fe80::1", prefixlen=64)
    return [name]


def tap_with_an_address(host: Host) -> list[str]:
    name = host.tap()
    address = f"10.{host.chance.randrange(256)}.{host.chance.randrange(256)}.1"
    host.other.addr("add", index=host.find(name).index, address=address, prefixlen=24)
    return [name]


def tap_under_another(host: Host) -> list[str]:
    name = host.tap()
    index = host.find(name).index
    upper = host.add(kind="vlan", link=index, vlan_id=7) if host.chance.random() < 0.5 else []
    upper = upper or host.add(kind="macvlan", link=index, macvlan_mode="bridge")
    assert upper, "this kernel has neither vlan nor macvlan"
    return [name, *upper]


def tap_that_is_listened_to(host: Host) -> list[str]:
    name = host.tap()
    if host.chance.random() < 0.5:
        links.set_link(host.route, host.find(name), up=True)
    return [name, *_listened(host, name)]


def hybrid_plug_with_a_guest(host: Host) -> list[str]:
    names = plug(host, guest=True)
    host.held.append(Tap(names["tap"]))
    return list(names.values())


def hybrid_plug_with_a_stranger(host: Host) -> list[str]:
    names = plug(host, guest=False)
    (stranger,) = open_tap(host)
    links.set_link(host.route, host.find(stranger), master=host.find(names["qbr"]).index)
    return [stranger, *names.values()]


def hybrid_plug_with_an_address(host: Host) -> list[str]:
    names = plug(host, guest=False)
    host.other.addr("add", index=host.find(names["qbr"]).index, address="192.0.2.1", prefixlen=24)
    return list(names.values())


def hybrid_plug_that_is_listened_to(host: Host) -> list[str]:
    """As Open vSwitch's userspace datapath does with `qvo`."""
    names = plug(host, guest=False)
    return [*names.values(), *_listened(host, names["qvo"])]


def known_hybrid_plug(host: Host) -> list[str]:
    names = plug(host, guest=False)
    host.known.add(host.chance.choice(list(names.values())))
    return list(names.values())


def _listened(host: Host, name: str) -> list[str]:
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_PACKET_SOCKET_KIND))
    listener.bind((name, 0))
    host.held.append(listener)
    return []


def known_tap(host: Host) -> list[str]:
    name = host.tap()
    host.known.add(name)
    return [name]


def known_pair(host: Host) -> list[str]:
    ends = host.pair()
    host.known.add(host.chance.choice(ends))
    return list(ends)


def tap_of_netmend(host: Host) -> list[str]:
    name = host.tap()
    links.set_link(host.route, host.find(name), alias=str(Mark("guest", "n", "p")))
    return [name]


def tun_for_packets(host: Host) -> list[str]:
    return [host.tap(IFF_TUN | tap.IFF_NO_PI)]


def pair_with_an_end_up(host: Host) -> list[str]:
    ends = host.pair()
    for end in host.chance.sample(ends, host.chance.choice((1, 2))):
        links.set_link(host.route, host.find(end), up=True)
    return list(ends)


def pair_with_an_end_on_a_bridge(host: Host) -> list[str]:
    ends = host.pair()
    links.set_link(host.route, host.find(host.chance.choice(ends)), up=True)
    return [*ends, _bridge(host, host.chance.choice(ends))]


def _into(host: Host, place: Netns) -> list[str]:
    name = host.name()
    near = links.create_veth(host.route, VethEnd(name, 1500, 0), VethEnd(host.name(), 1500, 0), place)
    links.set_link(host.route, near, up=False)
    return [name]


def veth_into_a_held_namespace(host: Host) -> list[str]:
    with Netns.create("held") as place:
        pass
    host.held.append(place)
    return _into(host, place)


def veth_into_a_named_namespace(host: Host) -> list[str]:
    nsdir.prepare()
    name = host.name()
    with Netns.create(name) as place:
        netns.pin(place, f"{nsdir.DEFAULT}/{name}", "theirs")
    with place:
        return _into(host, place)


def other_kinds(host: Host) -> list[str]:
    kind = host.chance.choice(("dummy", "bridge", "bond", "ifb"))
    return host.add(kind=kind) or host.add(kind="bridge")


LIVING: list[Callable[[Host], list[str]]] = [
    open_tap,
    tap_with_a_disabled_queue,
    tap_whose_descriptor_is_on_its_way,
    open_tap_on_a_bridge,
    tap_on_a_bridge_of_netmend,
    tap_of_libvirts_bridge,
    tap_on_a_bond,
    tap_that_is_up_with_a_route,
    tap_that_is_up_with_a_given_link_local_address,
    hybrid_plug_with_a_guest,
    hybrid_plug_with_a_stranger,
    hybrid_plug_with_an_address,
    hybrid_plug_that_is_listened_to,
    known_hybrid_plug,
    tap_with_an_address,
    tap_under_another,
    tap_that_is_listened_to,
    known_tap,
    known_pair,
    tap_of_netmend,
    tun_for_packets,
    pair_with_an_end_up,
    pair_with_an_end_on_a_bridge,
    veth_into_a_held_namespace,
    veth_into_a_named_namespace,
    other_kinds,
]


def has_tun() -> bool:
    return os.access("/dev/net/tun", os.R_OK | os.W_OK)


def device_states() -> dict[tuple[int, str], tuple[int, bool, int]]:
    """By index and name: group, whether it is set up, master."""
    with RouteSocket() as route:
        return {(link.index, link.name): (link.group, link.up, link.master) for link in links.dump_links(route)}
