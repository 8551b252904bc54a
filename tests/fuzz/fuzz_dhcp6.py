"""Coverage-guided fuzzing of the DHCPv6 core, the advertiser and the reading of frames: conversations of any bytes with
a responder that has something of all.

PYTHONPATH=. python tests/fuzz/fuzz_dhcp6.py [libFuzzer options, such as -max_total_time=60]

An input is a row of records: two octets of length, of which the top bits say how to take the rest (as a whole datagram,
as options behind a sound header, as what a relay carries, as a frame) and whether an hour passes before; then so many
octets. Found are exceptions, replies that are malformed or longer than the MTU, and inputs that take too long
(libFuzzer's -timeout). An input that was found is written to the working directory as crash-* and is run again by
naming it.
"""

import atheris

with atheris.instrument_imports(include=["netmend.services.dhcp6"]):
    from netmend.services.dhcp6 import Dhcp6Responder, Reply, Sender, packets
    from netmend.services.dhcp6.ra import Advertiser, is_solicitation

from tests.fuzz.campaign import run
from tests.unit.services.dhcp6.guest import (
    MAC,
    NOW,
    STRANGER,
    Confirm,
    Decline,
    Inform,
    Rebind,
    Release,
    Renew,
    Request,
    Solicit,
    duid_ll,
    eui64,
    ia,
    message,
    network,
    packed_mac,
    port,
    relayed,
    subnet,
    tlv,
    walk,
)

HEADERS, MTU = 48, 1400
OWN = "2001:db8:1::10"

BASE = subnet().cidr
INTENT = network(
    subnet(dynamic=True, dns_servers=(BASE[53],), ntp_servers=(BASE[7], BASE[8]), domain="example.org"),
    subnet("2001:db8:2::/64", address_mode="dhcpv6-stateless", ra_mode="slaac", bootfile_url="tftp://x/y"),
    ports=[
        port(MAC, OWN, hostname="vm1", dhcp6_options=((224, b"x" * 300), (56, b"\0\1\0\1x"), (23, b""))),
        port("02:00:00:00:00:02", duid=b"\0\4" + bytes(16), dhcp6_options=((39, b"\0"),)),
    ],
    mtu=MTU,
)
SENDERS = [Sender(bytes(16), 546, packed_mac(mac)) for mac in (MAC, STRANGER)]
SENDERS += [Sender(bytes(16), 547, None), Sender(bytes(16), 546, packed_mac(MAC), True)]


def one_input(data: bytes) -> None:
    responder, advertiser = Dhcp6Responder(INTENT), Advertiser(INTENT, packed_mac(MAC), 0.0)
    now, at, number = NOW, 0, 0
    while at + 2 <= len(data):
        head = int.from_bytes(data[at : at + 2], "big")
        rest = data[at + 2 : at + 2 + (head & 0x0FFF)]
        at += 2 + len(rest)
        now += 3600 if head & 0x1000 else 0
        number += 1
        how = head >> 14
        if how == 3:
            frame(rest, advertiser, now - NOW)
            continue
        datagram = (rest, message(Solicit) + rest, relayed(rest))[how]
        sender = SENDERS[(head >> 13 & 1) + 2 * (number & 1)]
        reply = responder.handle(datagram, sender, now)
        if reply is not None:
            check(datagram, reply, responder.duid)
        responder.take_changes()
    responder.leases(now)


def frame(octets: bytes, advertiser: Advertiser, now: float) -> None:
    packet = packets.read_frame(octets)
    if packet is None:
        return
    packets.has_right_checksum(packet)
    packets.read_udp(packet)
    if is_solicitation(packet.payload, packet.source, packet.hop_limit):
        advertiser.solicit(packet.source, packet.mac, now)
        advertiser.take(now)


def check(datagram: bytes, reply: Reply, duid: bytes) -> None:
    payload = reply.payload
    assert len(payload) <= MTU - HEADERS, "length"
    while payload[0] == 13:
        assert payload[1:34] == datagram[1:34], "envelope"
        datagram = dict(reversed(walk(datagram[34:])))[9]
        payload = dict(walk(payload[34:]))[9]
    assert payload[0] in (2, 7) and payload[1:4] == datagram[1:4], "header"
    said, asked = dict(walk(payload[4:])), dict(reversed(walk(datagram[4:])))
    assert said.get(1) == asked.get(1), "client identifier"
    assert said[2] == duid, "server identifier"


def seeds() -> list[bytes]:
    """Whole conversations, for the fuzzer to start from."""

    def record(datagram: bytes, how: int = 0) -> bytes:
        return (how << 14 | len(datagram)).to_bytes(2, "big") + datagram

    duid = Dhcp6Responder(INTENT).duid
    stranger = duid_ll(STRANGER)
    asked = [
        message(Solicit, ia(), tlv(14, b""), tlv(39, b"\1\3foo"), wanted=(23, 24, 31, 39, 56, 59, 82)),
        message(Request, ia(OWN), server=duid),
        message(Renew, ia(OWN, "2001:db8:9::1"), server=duid),
        message(Rebind, ia(OWN), ia(code=4), ia(code=25)),
        message(Confirm, ia(OWN)),
        message(Release, ia(OWN), server=duid),
        message(Decline, ia(OWN), server=duid),
        message(Inform, wanted=(32, 83)),
        message(Solicit, ia("2001:db8:1::105"), duid=stranger),
        message(Request, ia("2001:db8:1::105"), duid=stranger, server=duid),
        message(Decline, ia("2001:db8:1::105"), duid=stranger, server=duid),
        relayed(relayed(message(Solicit, ia()), peer=eui64(MAC), options=[(18, b"x"), (79, b"\0\1" + bytes(6))])),
    ]
    question = packets.icmp_frame(
        (packed_mac(MAC), bytes(6)), bytes(16), b"\xff\x02" + bytes(14), b"\x85" + bytes(7), 255
    )
    rows = [record(each) for each in asked]
    rows += [record(asked[0][4:], 1), record(asked[0], 2), record(question, 3)]
    return [*rows, b"".join(rows)]


if __name__ == "__main__":
    run(one_input, seeds())
