"""A guest's side of DHCP for tests: messages by hand, replies read by scapy's decoder and by a walk of our own."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from scapy.layers.dhcp import BOOTP, DHCP

from netmend.intent import Network, Pool, Port, Subnet
from netmend.services.dhcp4 import Dhcp4Responder, Drop, LeaseTable, Reply

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
COOKIE = b"\x63\x82\x53\x63"
NOBODY = "0.0.0.0"
NOW = 1_700_000_000.0

MAC = "02:00:00:00:00:01"
OTHER_MAC = "02:00:00:00:00:02"
STRANGER = "02:00:00:00:ff:01"


def packed(address: str) -> bytes:
    return IPv4Address(address).packed


def tlv(code: int, value: bytes) -> bytes:
    return bytes((code, len(value))) + value


def message(
    kind: int | None,
    *,
    mac: str = MAC,
    xid: int = 0x1234,
    ciaddr: str = NOBODY,
    giaddr: str = NOBODY,
    broadcast: bool = False,
    requested: str | None = None,
    server: str | None = None,
    wanted: Iterable[int] | None = None,
    client_id: bytes | None = None,
    max_size: int | None = None,
    more: Iterable[tuple[int, bytes]] = (),
) -> bytes:
    """A BOOTREQUEST in the layout of RFC 2131 figure 1."""
    header = b"".join(
        (
            bytes((1, 1, 6, 0)),
            xid.to_bytes(4, "big"),
            bytes((0, 7)),  # secs
            bytes((0x80 if broadcast else 0, 0)),
            packed(ciaddr),
            bytes(8),
            packed(giaddr),
            bytes.fromhex(mac.replace(":", "")).ljust(16, b"\0"),
            bytes(64 + 128),
        )
    )
    options: list[tuple[int, bytes]] = [] if kind is None else [(53, bytes((kind,)))]
    if client_id is not None:
        options.append((61, client_id))
    if requested is not None:
        options.append((50, packed(requested)))
    if server is not None:
        options.append((54, packed(server)))
    if max_size is not None:
        options.append((57, max_size.to_bytes(2, "big")))
    if wanted is not None:
        options.append((55, bytes(wanted)))
    return header + COOKIE + b"".join(tlv(code, value) for code, value in (*options, *more)) + b"\xff"


@dataclass(frozen=True)
class Seen:
    """What a guest makes of a reply."""

    reply: Reply
    bootp: Any  # scapy's view of the header
    named: dict[str, Any]  # scapy's view of the options: its names, first value
    options: dict[int, bytes]  # parts joined in the order options, file, sname (RFC 3396)
    order: list[int]  # codes as they stand in the options field, END included

    @property
    def kind(self) -> int:
        return self.options[53][0]

    @property
    def yiaddr(self) -> str:
        return str(self.bootp.yiaddr)

    @property
    def to(self) -> tuple[str, int]:
        return self.reply.destination


def read(reply: Reply | None) -> Seen:
    assert reply is not None, "silence"
    payload = reply.payload
    bootp = BOOTP(payload)
    assert bootp.op == 2
    assert DHCP in bootp, "scapy finds no DHCP options"
    named = {entry[0]: entry[1] for entry in bootp[DHCP].options if isinstance(entry, tuple)}
    options: dict[int, bytes] = {}
    order = walk(payload[240:], options)
    overload = options.get(52, b"\0")[0]
    if overload & 1:
        walk(payload[108:236], options)
    if overload & 2:
        walk(payload[44:108], options)
    return Seen(reply, bootp, named, options, order)


def walk(field: bytes, options: dict[int, bytes]) -> list[int]:
    """Read one options field strictly: whole options, then END, then nothing but padding."""
    order, at = [], 0
    while field[at] != 255:
        if field[at] == 0:
            at += 1
            continue
        code, length = field[at], field[at + 1]
        value = field[at + 2 : at + 2 + length]
        assert len(value) == length, f"option {code} runs over the end"
        options[code] = options.get(code, b"") + value
        order.append(code)
        at += 2 + length
    assert not any(field[at + 1 :]), "something follows END"
    return [*order, 255]


def asked_options(datagram: bytes) -> dict[int, bytes]:
    """The options of a request that was answered, so is well-formed; unlike a reply's, they may be followed by more."""
    options: dict[int, bytes] = {}
    for bit, field in ((0, datagram[240:]), (1, datagram[108:236]), (2, datagram[44:108])):
        if bit and not options.get(52, b"\0")[0] & bit:
            continue
        at = 0
        while field[at] != 255:
            if field[at] == 0:
                at += 1
                continue
            options[field[at]] = options.get(field[at], b"") + field[at + 2 : at + 2 + field[at + 1]]
            at += 2 + field[at + 1]
    return options


def subnet(cidr: str = "192.0.2.0/24", **changes: Any) -> Subnet:
    """A subnet whose server is .2 and gateway .1, with a pool of .100 to .109 that is used only if `dynamic`."""
    base = IPv4Network(cidr)
    defaults: dict[str, Any] = {
        "id": f"subnet {cidr}",
        "name": cidr,
        "cidr": base,
        "server_address": base[2],
        "gateway": base[1],
        "pools": (Pool(base[100], base[109]),) if base.num_addresses > 128 else (),
        "lease_time": 3600,
    }
    return Subnet(**(defaults | changes))


def port(mac: str = MAC, *addresses: str, **changes: Any) -> Port:
    return Port(id=f"port {mac}", name=mac, mac=mac, fixed_ips=tuple(map(IPv4Address, addresses)), **changes)


def network(*subnets: Subnet, ports: Iterable[Port] = (), **changes: Any) -> Network:
    return Network(id="network", name="network", subnets=subnets, ports={port.id: port for port in ports}, **changes)


class Server:
    """A responder, asked as a guest asks."""

    def __init__(self, intent: Network, leases: LeaseTable | None = None) -> None:
        self.responder = Dhcp4Responder(intent, leases)
        self.now = NOW

    def ask(self, kind: int, **fields: Any) -> Seen:
        """The reply to a message; `source` is where it comes from."""
        source = fields.pop("source", None)
        return read(self.responder.handle(message(kind, **fields), source, self.now))

    def silent(self, kind: int, **fields: Any) -> Drop:
        """Ask, find no reply, and say why there was none."""
        source = fields.pop("source", None)
        before = dict(self.responder.counters.dropped)
        assert self.responder.handle(message(kind, **fields), source, self.now) is None
        (reason,) = (drop for drop, count in self.responder.counters.dropped.items() if count != before[drop])
        return reason
