"""The DHCPv4 core by itself: bytes in, bytes out, no socket, one thread.

python -m benchmarks dhcp_core [--quick]

The reference of a request's time is the least that any server in Python must do for it: find the MAC in a dictionary
and join a ready reply around the client's own octets. It looks at no option and honours no wish.
"""

import random
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import TypeVar

from benchmarks.record import Aim, Figure, Record, Sample, at_most
from msgspec.structs import replace

from netmend.intent import Network, Pool, Port, Subnet
from netmend.services.dhcp4 import Dhcp4Responder
from netmend.services.dhcp4.frames import udp_frame

TITLE = "DHCPv4 core: requests a second, load and change of 65,000 ports"
NOW = 1_700_000_000.0
CIDR = IPv4Network("10.0.0.0/8")
SERVER, FIRST = CIDR[2], int(CIDR[1 << 16])
MAC_BASE = 0x020000000000
WANTED = bytes((1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42))  # what Debian's dhclient asks for
DISCOVER, REQUEST = 1, 3
T = TypeVar("T")
AT_LEAST_40_000 = Aim("ours", 40_000.0, False)


def subnet(*, dynamic: bool = False) -> Subnet:
    return Subnet(
        id="subnet",
        name="subnet",
        cidr=CIDR,
        server_address=SERVER,
        gateway=CIDR[1],
        pools=(Pool(CIDR[1 << 20], CIDR[-2]),),
        dynamic=dynamic,
        dns_servers=(SERVER,),
        domain="example.org",
    )


def port(number: int) -> Port:
    mac = (MAC_BASE + number).to_bytes(6, "big").hex(":")
    return Port(f"{number:032x}", f"vm-{number}", mac, (IPv4Address(FIRST + number),), hostname=f"vm-{number}")


def network(ports: int, *, dynamic: bool = False) -> Network:
    return Network(
        "network", "network", subnets=(subnet(dynamic=dynamic),), ports={p.id: p for p in map(port, range(ports))}
    )


def request(number: int, kind: int, *options: tuple[int, bytes], ciaddr: bytes = bytes(4)) -> bytes:
    """A message of the client with this number, as dhclient sends it."""
    chaddr = (MAC_BASE + number).to_bytes(6, "big") + bytes(10)
    header = b"\x01\x01\x06\x00" + number.to_bytes(4, "big") + bytes(4) + ciaddr + bytes(12) + chaddr + bytes(192)
    said = ((53, bytes((kind,))), *options, (12, b"debian"), (55, WANTED))
    return header + b"\x63\x82\x53\x63" + b"".join(bytes((code, len(value))) + value for code, value in said) + b"\xff"


def a_second(handle: Callable[[T], object], datagrams: Sequence[T], rounds: int) -> Sample:
    """Calls a second, over all datagrams at a time, after one warm-up."""
    runs = []
    for number in range(rounds + 1):
        start = time.perf_counter()
        for datagram in datagrams:
            handle(datagram)
        if number:
            runs.append(len(datagrams) / (time.perf_counter() - start))
    return Sample.of(runs)


def seconds(run: Callable[[], object], rounds: int, scale: float = 1.0) -> Sample:
    runs = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        runs.append((time.perf_counter() - start) * scale)
    return Sample.of(runs)


def floor(datagrams: Sequence[bytes]) -> Callable[[bytes], bytes]:
    """The reference: ready replies by MAC."""
    responder = Dhcp4Responder(network(len(datagrams)))
    ready: dict[bytes, tuple[bytes, bytes]] = {}
    for datagram in datagrams:
        reply = responder.handle(datagram, None, NOW)
        assert reply is not None
        ready[datagram[28:34]] = (reply.payload[12:24], reply.payload[44:])

    def handle(datagram: bytes) -> bytes:
        addresses, rest = ready[datagram[28:34]]
        return b"".join(
            (b"\x02\x01\x06\x00", datagram[4:8], b"\0\0", datagram[10:12], addresses, datagram[24:44], rest)
        )

    return handle


def throughput(hosts: int, rounds: int) -> list[Figure]:
    responder = Dhcp4Responder(network(hosts))
    addresses = [IPv4Address(FIRST + number).packed for number in range(hosts)]
    conversations = {
        "DISCOVER of a port": [request(n, DISCOVER) for n in range(hosts)],
        "REQUEST of a port (SELECTING)": [
            request(n, REQUEST, (54, SERVER.packed), (50, addresses[n])) for n in range(hosts)
        ],
        "REQUEST of a port (RENEWING)": [request(n, REQUEST, ciaddr=addresses[n]) for n in range(hosts)],
    }
    figures = []
    for what, datagrams in conversations.items():
        random.Random(1).shuffle(datagrams)
        ours = a_second(lambda datagram: responder.handle(datagram, None, NOW), datagrams, rounds)
        reference = a_second(floor(conversations["DISCOVER of a port"]), datagrams, rounds)
        figures.append(Figure(what, "/s", ours, reference, "a bare look-up and join, nothing parsed", AT_LEAST_40_000))
    strangers = Dhcp4Responder(network(hosts, dynamic=True))
    new = [request(10**6 + n, REQUEST, (54, SERVER.packed), (50, CIDR[(1 << 20) + n].packed)) for n in range(hosts)]
    leased = a_second(lambda datagram: strangers.handle(datagram, None, NOW), new, rounds)
    figures.append(Figure("REQUEST of a stranger, its lease given and extended", "/s", leased))
    reply = responder.handle(conversations["DISCOVER of a port"][0], None, NOW)
    assert reply is not None
    payload, mac = reply.payload, bytes(6)
    framed = a_second(lambda _: udp_frame(mac, mac, (SERVER.packed, 67), (SERVER.packed, 68), payload), new, rounds)
    return [*figures, Figure("frames around a reply", "/s", framed)]


def large_network(ports: int, rounds: int) -> list[Figure]:
    intent = network(ports)
    more = replace(intent, ports={**intent.ports, port(ports).id: port(ports)})
    responder = Dhcp4Responder(intent)
    asked = request(ports, DISCOVER)

    def add_one() -> None:
        responder.update(more)
        assert responder.handle(asked, None, NOW) is not None

    added: list[float] = []
    for _ in range(rounds):
        added += seconds(add_one, 1, 1000.0).runs
        responder.update(intent)
    load = seconds(lambda: Dhcp4Responder(intent), rounds, 1000.0)
    return [
        Figure(f"load of {ports:,} ports", "ms", load, aim=at_most(700.0)),
        Figure("one port more, until it is answered", "ms", Sample.of(added), aim=at_most(50.0)),
    ]


def hostile(rounds: int) -> list[Figure]:
    """The dearest datagrams that are let in: all padding; all options of no length; options that never fit."""
    responder = Dhcp4Responder(network(10))
    start = request(1, DISCOVER)[:-1]
    room = 2048 - len(start) - 1
    worst = {
        "2 KB of padding": start + bytes(room) + b"\xff",
        "2 KB of empty options": start + b"\xe0\0" * (room // 2) + b"\xff",
        "2 KB of one option in parts": start + b"\xe0\1x" * (room // 3) + b"\xff",
        "a client identifier that leaves no room": start
        + b"\x3d\xff"
        + bytes(255)
        + b"\x52\xff"
        + bytes(255)
        + b"\xff",
    }
    return [
        Figure(what, "µs", seconds(lambda: responder.handle(datagram, None, NOW), rounds * 20, 1e6))  # noqa: B023
        for what, datagram in worst.items()
    ]


def measure(*, quick: bool) -> Record:
    rounds = 3 if quick else 9
    figures = throughput(1_000, rounds) + large_network(6_500 if quick else 65_000, rounds) + hostile(rounds)
    return Record(TITLE, figures, notes=["1,000 ports with host names, in random order, each time the same bytes"])
