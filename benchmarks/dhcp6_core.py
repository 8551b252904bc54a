"""The DHCPv6 core by itself: bytes in, bytes out, no socket, one thread.

python -m benchmarks dhcp6_core [--quick]

The reference of a request's time is the least that any server in Python must do for it: find the MAC in a dictionary
and join a ready reply around the client's own transaction. It looks at no option and honours no wish.
"""

import random
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, IPv6Network

from benchmarks.dhcp_core import AT_LEAST_40_000, a_second, seconds
from benchmarks.record import Figure, Record, Sample, at_most
from msgspec.structs import replace

from netmend.intent import Network, Pool6, Port, Subnet6
from netmend.intent.eui64 import link_local_address
from netmend.services.dhcp6 import Dhcp6Responder, Sender, packets

TITLE = "DHCPv6 core: requests a second, load and change of 65,000 ports"
NOW = 1_700_000_000.0
CIDR = IPv6Network("2001:db8:1::/64")
SERVER, FIRST = CIDR[2], int(CIDR[1 << 16])
MAC_BASE = 0x020000000000
NETWORK = "0b6ee5f2-3c1c-4f5e-9d2b-6a1f4c0e7d11"
WANTED = b"".join(code.to_bytes(2, "big") for code in (23, 24, 39, 31, 56, 82))  # what Debian's clients ask for
SOLICIT, REQUEST, RENEW = 1, 3, 5


def subnet(*, dynamic: bool = False) -> Subnet6:
    return Subnet6(
        id="subnet",
        name="subnet",
        cidr=CIDR,
        server_address=SERVER,
        gateway=CIDR[1],
        address_mode="dhcpv6-stateful",
        pools=(Pool6(CIDR[1 << 20], CIDR[-1]),),
        dynamic=dynamic,
        dns_servers=(SERVER,),
        domain="example.org",
    )


def mac(number: int) -> bytes:
    return (MAC_BASE + number).to_bytes(6, "big")


def port(number: int) -> Port:
    own = (IPv6Address(FIRST + number),)
    return Port(f"{number:032x}", f"vm-{number}", mac(number).hex(":"), hostname=f"vm-{number}", fixed_ips6=own)


def network(ports: int, *, dynamic: bool = False) -> Network:
    known = {each.id: each for each in map(port, range(ports))}
    return Network(NETWORK, "network", subnets6=(subnet(dynamic=dynamic),), ports=known)


def sender(number: int) -> Sender:
    return Sender(link_local_address(mac(number).hex(":")).packed, 546, mac(number))


def option(code: int, value: bytes) -> bytes:
    return code.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


def request(number: int, kind: int, server: bytes | None, *addresses: bytes) -> bytes:
    """A message of the client with this number, as dhclient -6 sends it."""
    named = option(2, server) if server else b""
    inner = b"".join(option(5, address + bytes(8)) for address in addresses)
    association = option(3, mac(number)[2:] + bytes(8) + inner)
    client = option(1, b"\0\3\0\1" + mac(number))
    head = bytes((kind,)) + (number & 0xFFFFFF).to_bytes(3, "big")
    return head + client + named + option(6, WANTED) + option(8, bytes(2)) + association


Asked = Sequence[tuple[bytes, Sender]]


def floor(asked: Asked) -> Callable[[tuple[bytes, Sender]], bytes]:
    """The reference: ready replies by MAC."""
    responder = Dhcp6Responder(network(len(asked)))
    ready: dict[bytes | None, bytes] = {}
    for datagram, who in asked:
        reply = responder.handle(datagram, who, NOW)
        assert reply is not None
        ready[who.mac] = reply.payload[4:]
    return lambda each: b"".join((b"\x02", each[0][1:4], ready[each[1].mac]))


def throughput(hosts: int, rounds: int) -> list[Figure]:
    responder = Dhcp6Responder(network(hosts))
    duid = responder.duid
    addresses = [IPv6Address(FIRST + number).packed for number in range(hosts)]
    conversations: dict[str, list[tuple[bytes, Sender]]] = {
        "Solicit of a port": [(request(n, SOLICIT, None), sender(n)) for n in range(hosts)],
        "Request of a port": [(request(n, REQUEST, duid, addresses[n]), sender(n)) for n in range(hosts)],
        "Renew of a port": [(request(n, RENEW, duid, addresses[n]), sender(n)) for n in range(hosts)],
    }
    reference_of = floor(conversations["Solicit of a port"])
    figures = []
    for what, asked in conversations.items():
        random.Random(1).shuffle(asked)
        ours = a_second(lambda each: responder.handle(each[0], each[1], NOW), asked, rounds)
        reference = a_second(reference_of, asked, rounds)
        figures.append(Figure(what, "/s", ours, reference, "a bare look-up and join, nothing parsed", AT_LEAST_40_000))
    strangers = Dhcp6Responder(network(hosts, dynamic=True))
    new = [
        (request(10**6 + n, REQUEST, strangers.duid, CIDR[(1 << 20) + n].packed), sender(10**6 + n))
        for n in range(hosts)
    ]
    leased = a_second(lambda each: strangers.handle(each[0], each[1], NOW), new, rounds)
    figures.append(Figure("Request of a stranger, its lease given and extended", "/s", leased))
    reply = responder.handle(*conversations["Solicit of a port"][0], NOW)
    assert reply is not None
    macs, addressed = (bytes(6), bytes(6)), (SERVER.packed, 547)
    framed = a_second(lambda _: packets.udp_frame(macs, addressed, addressed, reply.payload), new, rounds)
    return [*figures, Figure("frames around a reply", "/s", framed)]


def large_network(ports: int, rounds: int) -> list[Figure]:
    intent = network(ports)
    more = replace(intent, ports={**intent.ports, port(ports).id: port(ports)})
    responder = Dhcp6Responder(intent)
    asked, who = request(ports, SOLICIT, None), sender(ports)

    def add_one() -> None:
        responder.update(more)
        assert responder.handle(asked, who, NOW) is not None

    added: list[float] = []
    for _ in range(rounds):
        added += seconds(add_one, 1, 1000.0).runs
        responder.update(intent)
    load = seconds(lambda: Dhcp6Responder(intent), rounds, 1000.0)
    return [
        Figure(f"load of {ports:,} ports", "ms", load, aim=at_most(700.0)),
        Figure("one port more, until it is answered", "ms", Sample.of(added), aim=at_most(50.0)),
    ]


def hostile(rounds: int) -> list[Figure]:
    """The dearest datagrams that are let in: all empty options; all associations; envelopes in envelopes."""
    responder, who = Dhcp6Responder(network(10)), sender(1)
    start = request(1, SOLICIT, None)
    room = 2048 - len(start)
    nested = start
    while len(nested) + 38 <= 2048 and nested.count(b"\x0c\0") < 9:
        nested = b"\x0c\0" + bytes(32) + option(9, nested)
    worst = {
        "2 KB of empty options": start + b"\xe0\0\0\0" * (room // 4),
        "2 KB of associations": start + option(3, bytes(12)) * (room // 16),
        "2 KB of addresses in one association": start + option(3, bytes(12) + option(5, bytes(24)) * (room // 28 - 1)),
        "nine envelopes": nested,
    }
    return [
        Figure(what, "µs", seconds(lambda: responder.handle(datagram, who, NOW), rounds * 20, 1e6))  # noqa: B023
        for what, datagram in worst.items()
    ]


def measure(*, quick: bool) -> Record:
    rounds = 3 if quick else 9
    figures = throughput(1_000, rounds) + large_network(6_500 if quick else 65_000, rounds) + hostile(rounds)
    return Record(TITLE, figures, notes=["1,000 ports with host names, in random order, each time the same bytes"])
