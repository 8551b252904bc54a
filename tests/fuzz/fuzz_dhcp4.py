"""Coverage-guided fuzzing of the DHCPv4 core: conversations of any bytes with a responder that has something of all.

PYTHONPATH=. python tests/fuzz/fuzz_dhcp4.py [libFuzzer options, such as -max_total_time=60]

An input is a row of records: two octets of length, of which the top bit says how to take the rest (as a whole datagram,
or as the options behind a sound header), the next says whether an hour passes before; then so many octets. Found are
exceptions, replies that are malformed or longer than their client accepts, and inputs that take too long (libFuzzer's
-timeout). An input that was found is written to the working directory as crash-* and is run again by naming it.
"""

import atheris

with atheris.instrument_imports(include=["netmend.services.dhcp4"]):
    from netmend.services.dhcp4 import Dhcp4Responder, Reply

from tests.fuzz.campaign import run
from tests.unit.services.dhcp4.guest import (
    DECLINE,
    DISCOVER,
    INFORM,
    MAC,
    NOW,
    OTHER_MAC,
    RELEASE,
    REQUEST,
    STRANGER,
    asked_options,
    message,
    network,
    port,
    subnet,
    walk,
)

from netmend.intent import Boot, BootByArchitecture, Route

HEADERS = 28
LEAST, MTU = 576, 1400

BASE = subnet().cidr
INTENT = network(
    subnet(dynamic=True, routes=(Route(BASE.supernet(8), BASE[3]),), dns_servers=(BASE[53],), domain="example.org"),
    subnet(
        "198.51.100.0/24",
        boot=Boot("192.0.2.69", "x", (BootByArchitecture(frozenset({7}), "http://boot.example/y", "boot.example"),)),
    ),
    ports=[
        port(MAC, "192.0.2.10", "198.51.100.10", hostname="vm1", dhcp_options=((224, b"x" * 300), (108, bytes(4)))),
        port(OTHER_MAC, dhcp_options=((116, b"\0"),), boot=Boot("b" * 70, "f" * 140)),
    ],
    mtu=MTU,
)


def one_input(data: bytes) -> None:
    responder, now, at = Dhcp4Responder(INTENT), NOW, 0
    while at + 2 <= len(data):
        head = int.from_bytes(data[at : at + 2], "big")
        rest = data[at + 2 : at + 2 + (head & 0x3FFF)]
        at += 2 + len(rest)
        now += 3600 if head & 0x4000 else 0
        datagram = message(None, mac=STRANGER)[:-1] + rest if head & 0x8000 else rest
        reply = responder.handle(datagram, ("192.0.2.77", 68), now)
        if reply is not None:
            check(datagram, reply)
        responder.take_changes()
    responder.leases(now)


def check(datagram: bytes, reply: Reply) -> None:
    asked = asked_options(datagram)
    accepted = min(int.from_bytes(asked.get(57, b""), "big"), MTU)
    payload = reply.payload
    assert 300 <= len(payload) <= max(accepted, LEAST) - HEADERS, "length"
    assert payload[0] == 2 and payload[4:8] == datagram[4:8] and payload[24:44] == datagram[24:44], "header"
    said: dict[int, bytes] = {}
    walk(payload[240:], said)
    assert said[53][0] in (2, 5, 6), "message type"
    assert said.get(61) == asked.get(61), "client identifier"
    assert said.get(82) == asked.get(82), "relay information"


def seeds() -> list[bytes]:
    """Whole conversations, for the fuzzer to start from."""

    def record(datagram: bytes) -> bytes:
        return len(datagram).to_bytes(2, "big") + datagram

    def options(datagram: bytes) -> bytes:
        return (0x8000 | len(datagram) - 240).to_bytes(2, "big") + datagram[240:]

    wanted = [1, 3, 6, 12, 15, 26, 42, 51, 58, 59, 66, 67, 108, 119, 121, 249]
    asked = [
        message(DISCOVER, wanted=wanted, max_size=1500, client_id=b"\x01me", more=[(116, b"\1"), (93, b"\0\7")]),
        message(REQUEST, requested="192.0.2.10", server="192.0.2.2", wanted=wanted),
        message(REQUEST, ciaddr="192.0.2.10", more=[(60, b"HTTPClient"), (93, b"\0\7")]),
        message(INFORM, ciaddr="192.0.2.77", giaddr="192.0.2.3", more=[(82, b"\x05\x04\xc6\x33\x64\x00")]),
        message(DISCOVER, mac=STRANGER, requested="192.0.2.105", broadcast=True),
        message(REQUEST, mac=STRANGER, requested="192.0.2.105", server="192.0.2.2"),
        message(DECLINE, mac=STRANGER, requested="192.0.2.105", server="192.0.2.2"),
        message(RELEASE, mac=STRANGER, ciaddr="192.0.2.105", server="192.0.2.2"),
        message(DISCOVER, mac=OTHER_MAC, more=[(116, b"\1"), (118, b"\xc6\x33\x64\x00")]),
    ]
    return [*map(record, asked), *map(options, asked), b"".join(map(record, asked)), b"".join(map(options, asked))]


if __name__ == "__main__":
    run(one_input, seeds())
