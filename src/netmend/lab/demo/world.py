"""The world beyond the routers' uplinks: each uplink's device is a bridge in the sandbox, with a namespace on it that
has the gateway's address; and who answers whom, by real datagrams."""

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from ipaddress import IPv4Address, IPv4Interface
from threading import Event, Thread
from typing import Final

from netmend.intent.network import Intent
from netmend.intent.router import DeviceUplink, Router
from netmend.kernel import addresses, links, netns
from netmend.kernel.links import VethEnd
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.lab.demo.guest import Guest
from netmend.lab.demo.isolation import Finding

PORT: Final = 7008  # where the world and the guests say who they are, and as whom they see the one who asks
_NAME: Final = "world"
_MARK: Final = "the world of netmend's demo"
_MAC: Final = "02:00:00:00:00:01"
_PATIENCE: Final = 10.0  # seconds that an answer is waited for which must come
_QUIET: Final = 0.5  # and one which must not
_AGAIN: Final = 0.2  # seconds after which a datagram is sent again: the first may be lost while neighbours are sought
_QUESTION: Final = b"who are you?"


class World:
    """Everything beyond the uplinks of an intent's routers."""

    def __init__(self, intent: Intent, directory: str) -> None:
        """Make it, with its namespace pinned in `directory`; raises KernelError."""
        with Netns.create(_NAME) as self.namespace, RouteSocket() as route:
            links.set_link(route, links.LOOPBACK, up=True)
        netns.pin(self.namespace, f"{directory}/{_NAME}", _MARK)
        self.routers = [router for router in intent.routers.values() if isinstance(router.uplink, DeviceUplink)]
        for number, device in enumerate(dict.fromkeys(_device(router) for router in self.routers)):
            self._make(number, device)

    def close(self) -> None:
        self.namespace.close()

    def _make(self, number: int, device: str) -> None:
        inner = f"eth{number}"
        with RouteSocket() as route:
            bridge = links.create_bridge(route, device, 1500, 0, _MAC)
            near, far = VethEnd(f"world{number}", 1500, 0), VethEnd(inner, 1500, 0)
            links.create_veth(route, near, far, self.namespace, bridge.index)
            links.set_link(route, bridge, up=True)
        with self.namespace.entered(), RouteSocket() as route:
            end = links.find_link(route, inner)
            assert end is not None
            links.set_link(route, end, up=True)
            for router in self.routers:
                for address in _gateways(router) if _device(router) == device else ():
                    addresses.add_address(route, end, address)


def _device(router: Router) -> str:
    assert isinstance(router.uplink, DeviceUplink)
    return router.uplink.device


def _gateways(router: Router) -> list[IPv4Interface]:
    """The addresses of IPv4 that the router expects of the world."""
    uplink = router.uplink
    assert isinstance(uplink, DeviceUplink)
    return [
        IPv4Interface((gateway, own.network.prefixlen))
        for gateway in uplink.gateways
        for own in uplink.addresses
        if gateway.version == 4 and gateway in own.network
    ]


def look(world: World, guests: Sequence[Guest]) -> list[Finding]:
    """Who reaches whom by way of the routers, and who does not; of guests that have their leases."""
    found = []
    leased = [guest for guest in guests if guest.lease]
    with _answering(world, leased):
        for router in world.routers:
            gateways = _gateways(router)
            if not gateways:
                continue
            outside = gateways[0].ip
            inside = [guest for guest in leased if any(port.network_id == guest.network.id for port in router.ports)]
            found += [_goes_out(router, guest, outside) for guest in inside]
            found += [_comes_in(world, router, guest) for guest in inside if _floating(router, guest)]
            found += _forwards(world, router, inside)
            found += _between(inside)
            others = {
                guest.network.id: guest for guest in leased if guest not in inside and not guest.network.router_ports
            }
            for guest in others.values():
                held = _ask(guest.namespace, outside, PORT, expected=False) is None
                name = f"{guest.port.name}, on {guest.network.name} without a router"
                found.append(Finding("router", held, f"{name}, {'reaches nothing' if held else 'reaches the world'}"))
    return found


def _floating(router: Router, guest: Guest) -> IPv4Address | None:
    return next((each.address for each in router.floating_ips if each.fixed_ip in guest.port.fixed_ips), None)


def _goes_out(router: Router, guest: Guest, outside: IPv4Address) -> Finding:
    assert isinstance(router.uplink, DeviceUplink)
    floating = _floating(router, guest)
    own = next(each.ip for each in router.uplink.addresses if each.version == 4)
    wanted = str(floating or own) if router.snat else str(guest.lease.address.ip) if guest.lease else ""
    answer = _ask(guest.namespace, outside, PORT, expected=True)
    seen = answer.rpartition(" ")[2] if answer else "nothing"
    whose = "its floating IP" if floating else f"the address of router {router.name}"
    said = f"which sees {seen}, {whose}" if seen == wanted else f"which sees {seen}, not {wanted}"
    return Finding("router", seen == wanted, f"{guest.port.name} reaches the world ({outside}), {said}")


def _comes_in(world: World, router: Router, guest: Guest) -> Finding:
    floating = _floating(router, guest)
    assert floating is not None
    answer = _ask(world.namespace, floating, PORT, expected=True)
    held = answer is not None and answer.startswith(f"{guest.port.name} ")
    who = answer.partition(" ")[0] if answer else "nobody"
    return Finding("router", held, f"the world reaches {who} at {floating}, the floating IP of {guest.port.name}")


def _forwards(world: World, router: Router, inside: Sequence[Guest]) -> Iterator[Finding]:
    for forward in router.forwards:
        guest = next((each for each in inside if forward.to_address in each.port.fixed_ips), None)
        if guest is None or forward.address is None or forward.to_port != PORT:
            continue
        answer = _ask(world.namespace, forward.address, forward.port, expected=True)
        who = answer.partition(" ")[0] if answer else "nobody"
        text = f"the world reaches {who} at port {forward.port} of {forward.address}, published for {guest.port.name}"
        yield Finding("router", who == guest.port.name, text)


def _between(inside: Sequence[Guest]) -> Iterator[Finding]:
    """The first guests of two networks of one router."""
    first = {guest.network.id: guest for guest in reversed(inside)}
    one, *others = sorted(first.values(), key=inside.index)
    for other in others:
        assert one.lease is not None
        assert other.lease is not None
        answer = _ask(other.namespace, one.lease.address.ip, PORT, expected=True)
        seen = answer.rpartition(" ")[2] if answer else "nothing"
        held = answer is not None and answer == f"{one.port.name} {other.lease.address.ip}"
        text = f"{other.port.name} reaches {one.port.name} on {one.network.name}, which sees {seen}: no translation"
        yield Finding("router", held, text)


def _ask(namespace: Netns, to: IPv4Address, port: int, *, expected: bool) -> str | None:
    """Who answers there, and as whom they see the one who asks."""
    with namespace.entered():
        asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    with asking:
        asking.settimeout(_AGAIN)
        until = time.monotonic() + (_PATIENCE if expected else _QUIET)
        while time.monotonic() < until:
            with suppress(OSError):  # no route, or nobody there yet
                asking.sendto(_QUESTION, (str(to), port))
                return asking.recv(256).decode(errors="replace")
            time.sleep(0.01)
    return None


@contextmanager
def _answering(world: World, guests: Sequence[Guest]) -> Iterator[None]:
    """In the block, the world and the guests answer datagrams at PORT."""
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for name, namespace in ((_NAME, world.namespace), *((guest.port.name, guest.namespace) for guest in guests)):
            with namespace.entered():
                udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC))
            udp.bind(("0.0.0.0", PORT))
            selector.register(udp, selectors.EVENT_READ, name)
        stop = Event()

        def serve() -> None:
            while not stop.is_set():
                for key, _ in selector.select(0.1):
                    assert isinstance(key.fileobj, socket.socket)
                    with suppress(OSError):
                        _, source = key.fileobj.recvfrom(64)
                        key.fileobj.sendto(f"{key.data} {source[0]}".encode(), source)

        thread = Thread(target=serve, name="netmend-demo-world", daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(stop.set)
        yield
