"""A guest's side of DHCPv6 for tests: messages made and replies read by scapy, and by a walk of our own."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network
from typing import Any

from scapy.layers import dhcp6

from netmend.intent import Network, Pool6, Port, Subnet6
from netmend.services.dhcp6 import Dhcp6Responder, Drop, Reply, Sender
from netmend.services.leases.table import LeaseTable

NOW = 1_700_000_000.0
MAC, OTHER_MAC, STRANGER = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:ff:01"
NETWORK_ID = "0b6ee5f2-3c1c-4f5e-9d2b-6a1f4c0e7d11"

SUCCESS, NO_ADDRESSES, NO_BINDING, NOT_ON_LINK, USE_MULTICAST, NO_PREFIX = 0, 2, 3, 4, 5, 6
DNS, DOMAINS, SNTP, REFRESH, FQDN, NTP, BOOT, SOL_MAX_RT, INF_MAX_RT = 23, 24, 31, 32, 39, 56, 59, 82, 83

Solicit, Request, Confirm = dhcp6.DHCP6_Solicit, dhcp6.DHCP6_Request, dhcp6.DHCP6_Confirm
Renew, Rebind = dhcp6.DHCP6_Renew, dhcp6.DHCP6_Rebind
Release, Decline, Inform = dhcp6.DHCP6_Release, dhcp6.DHCP6_Decline, dhcp6.DHCP6_InfoRequest


def packed_mac(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def duid_ll(mac: str = MAC) -> bytes:
    return b"\x00\x03\x00\x01" + packed_mac(mac)


def duid_llt(mac: str = MAC) -> bytes:
    return b"\x00\x01\x00\x01\x2b\xad\xf0\x0d" + packed_mac(mac)


def eui64(mac: str, prefix: str = "fe80::") -> str:
    octets = packed_mac(mac)
    host = bytes((octets[0] ^ 2,)) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return str(IPv6Address(int(IPv6Address(prefix)) | int.from_bytes(host, "big")))


def tlv(code: int, value: bytes) -> bytes:
    return code.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


def ia(*addresses: str, iaid: int = 1, code: int = 3, valid: int = 0) -> bytes:
    """An identity association of the kind `code`, encoded."""
    inner = b"".join(
        bytes(dhcp6.DHCP6OptIAAddress(addr=address, preflft=valid, validlft=valid)) for address in addresses
    )
    made = {3: dhcp6.DHCP6OptIA_NA, 4: dhcp6.DHCP6OptIA_TA, 25: dhcp6.DHCP6OptIA_PD}[code]
    return tlv(code, bytes(made(iaid=iaid))[4:] + inner)


def message(
    kind: Any,
    *parts: bytes,
    duid: bytes | None = duid_ll(),
    server: bytes | None = None,
    wanted: Iterable[int] | None = (DNS, DOMAINS),
    xid: int = 0xABCDEF,
) -> bytes:
    """A client's message; `parts` are encoded options beside the usual ones."""
    head = bytes(kind(trid=xid))
    options = [] if duid is None else [tlv(1, duid)]
    if server is not None:
        options.append(tlv(2, server))
    if wanted is not None:
        options.append(tlv(6, b"".join(code.to_bytes(2, "big") for code in wanted)))
    options.append(tlv(8, bytes(2)))  # elapsed time
    return head + b"".join((*options, *parts))


def relayed(
    inner: bytes,
    *,
    link: str = "2001:db8:1::1",
    peer: str = eui64(STRANGER),
    hops: int = 0,
    options: Iterable[tuple[int, bytes]] = (),
) -> bytes:
    """A Relay-forward around a message."""
    head = bytes(dhcp6.DHCP6_RelayForward(hopcount=hops, linkaddr=link, peeraddr=peer))
    return head + b"".join(tlv(code, value) for code, value in options) + tlv(9, inner)


def walk(data: bytes) -> list[tuple[int, bytes]]:
    """Read options strictly: each whole, nothing after the last."""
    found, at = [], 0
    while at < len(data):
        code, size = int.from_bytes(data[at : at + 2], "big"), int.from_bytes(data[at + 2 : at + 4], "big")
        value = data[at + 4 : at + 4 + size]
        assert at + 4 <= len(data) and len(value) == size, f"option {code} runs over the end"
        found.append((code, value))
        at += 4 + size
    return found


@dataclass(frozen=True)
class Association:
    """What a guest makes of an identity association in a reply."""

    iaid: int
    t1: int
    t2: int
    addresses: dict[str, tuple[int, int]]  # preferred and valid lifetime
    status: int | None


@dataclass(frozen=True)
class Seen:
    """What a guest makes of a reply."""

    payload: bytes
    port: int
    packet: Any  # scapy's view
    options: list[tuple[int, bytes]]

    @property
    def kind(self) -> int:
        return self.payload[0]

    @property
    def codes(self) -> list[int]:
        return [code for code, _ in self.options]

    def option(self, code: int) -> bytes | None:
        return next((value for found, value in self.options if found == code), None)

    @property
    def status(self) -> int | None:
        value = self.option(13)
        return None if value is None else int.from_bytes(value[:2], "big")

    @property
    def associations(self) -> list[Association]:
        return [_association(code, value) for code, value in self.options if code in (3, 4, 25)]

    @property
    def addresses(self) -> list[str]:
        """Those that are given, in all associations."""
        return [address for each in self.associations for address, (_, valid) in each.addresses.items() if valid]


def _association(code: int, value: bytes) -> Association:
    at = 4 if code == 4 else 12
    inner = walk(value[at:])
    addresses = {
        str(IPv6Address(each[:16])): (int.from_bytes(each[16:20], "big"), int.from_bytes(each[20:24], "big"))
        for found, each in inner
        if found == 5
    }
    status = next((int.from_bytes(each[:2], "big") for found, each in inner if found == 13), None)
    t1, t2 = (0, 0) if code == 4 else (int.from_bytes(value[4:8], "big"), int.from_bytes(value[8:12], "big"))
    return Association(int.from_bytes(value[:4], "big"), t1, t2, addresses, status)


REPLIES = {2: dhcp6.DHCP6_Advertise, 7: dhcp6.DHCP6_Reply, 13: dhcp6.DHCP6_RelayReply}


def read(reply: Reply | None) -> Seen:
    assert reply is not None, "silence"
    payload = reply.payload
    packet = REPLIES[payload[0]](payload)
    assert bytes(packet) == payload, "scapy reads it otherwise than it was written"
    return Seen(payload, reply.port, packet, walk(payload[34 if payload[0] == 13 else 4 :]))


def opened(seen: Seen) -> Seen:
    """The message in a Relay-reply."""
    inner = seen.option(9)
    assert inner is not None
    return read(Reply(inner, seen.port))


def subnet(cidr: str = "2001:db8:1::/64", **changes: Any) -> Subnet6:
    """A stateful subnet whose server is ::2 and gateway ::1, with a pool of ::100 to ::109, used only if `dynamic`."""
    base = IPv6Network(cidr)
    defaults: dict[str, Any] = {
        "id": f"subnet {cidr}",
        "name": cidr,
        "cidr": base,
        "server_address": base[2],
        "gateway": base[1],
        "address_mode": "dhcpv6-stateful",
        "pools": (Pool6(base[0x100], base[0x109]),),
        "lease_time": 3600,
    }
    return Subnet6(**(defaults | changes))


def port(mac: str = MAC, *addresses: str, **changes: Any) -> Port:
    return Port(id=f"port {mac}", name=mac, mac=mac, fixed_ips6=tuple(map(IPv6Address, addresses)), **changes)


def network(*subnets: Subnet6, ports: Iterable[Port] = (), **changes: Any) -> Network:
    return Network(id=NETWORK_ID, name="network", subnets6=subnets, ports={port.id: port for port in ports}, **changes)


class Server:
    """A responder, asked as a guest asks."""

    def __init__(self, intent: Network, leases: LeaseTable | None = None) -> None:
        self.responder = Dhcp6Responder(intent, leases)
        self.now = NOW

    @property
    def duid(self) -> bytes:
        return self.responder.duid

    def ask(self, datagram: bytes, mac: str | None = MAC, **sender: Any) -> Seen:
        return read(self.responder.handle(datagram, self._sender(mac, sender), self.now))

    def silent(self, datagram: bytes, mac: str | None = MAC, **sender: Any) -> Drop:
        """Ask, find no reply, and say why there was none."""
        before = dict(self.responder.counters.dropped)
        assert self.responder.handle(datagram, self._sender(mac, sender), self.now) is None
        (reason,) = (drop for drop, count in self.responder.counters.dropped.items() if count != before[drop])
        return reason

    @staticmethod
    def _sender(mac: str | None, fields: dict[str, Any]) -> Sender:
        address = fields.pop("address", eui64(mac or STRANGER))
        return Sender(IPv6Address(address).packed, 546, packed_mac(mac) if mac else None, **fields)
