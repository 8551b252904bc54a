"""Guests are hostile (invariant I8): whatever is sent, a responder neither fails nor says what a client cannot take."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.services.dhcp4.guest import (
    MAC,
    NOW,
    STRANGER,
    Server,
    asked_options,
    message,
    network,
    port,
    read,
    subnet,
)

HEADERS = 28


def full_server() -> Server:
    subnets = subnet(dynamic=True), subnet("198.51.100.0/24")
    return Server(
        network(*subnets, ports=[port(MAC, "192.0.2.10", "198.51.100.10", hostname="vm1"), port("02:00:00:00:00:02")])
    )


addresses = st.sampled_from(
    ["0.0.0.0", "192.0.2.2", "192.0.2.10", "192.0.2.100", "192.0.2.255", "198.51.100.2", "198.51.100.10", "203.0.113.1"]
) | st.ip_addresses(v=4).map(str)
fields: dict[str, Any] = {
    "mac": st.sampled_from([MAC, STRANGER, "02:00:00:00:00:02"]),
    "xid": st.integers(0, 0xFFFFFFFF),
    "ciaddr": addresses,
    "giaddr": addresses,
    "broadcast": st.booleans(),
    "requested": st.none() | addresses,
    "server": st.none() | addresses,
    "wanted": st.none() | st.binary(max_size=80),
    "client_id": st.none() | st.binary(min_size=1, max_size=255),
    "max_size": st.none() | st.integers(0, 65_535),
    "more": st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=60)), max_size=6),
}
requests = st.builds(message, st.integers(0, 9), **fields)


def check(server: Server, datagram: bytes) -> None:
    """Ask; a reply must be one that the asker understands, at the size it accepts."""
    reply = server.responder.handle(datagram, ("192.0.2.77", 68), NOW)
    if reply is None:
        return
    seen = read(reply)
    options = asked_options(datagram)
    accepted = max(576, int.from_bytes(options.get(57, b""), "big"))
    assert 300 <= len(reply.payload) <= min(accepted, 1500) - HEADERS
    assert reply.payload[4:8] == datagram[4:8]
    assert reply.payload[28:44] == datagram[28:44]
    assert seen.kind in (2, 5, 6)
    if 61 in options:
        assert seen.options[61] == options[61]
    if reply.mac is not None:
        assert reply.mac == datagram[28:34]


@given(st.lists(requests, max_size=12))
def test_any_well_formed_conversation(datagrams: list[bytes]) -> None:
    server = full_server()
    for datagram in datagrams:
        check(server, datagram)


@given(st.binary(max_size=700), st.binary(max_size=400))
@example(b"", b"")
def test_any_bytes(datagram: bytes, options: bytes) -> None:
    server = full_server()
    server.responder.handle(datagram, None, NOW)
    server.responder.handle(message(1)[:-1] + options, None, NOW)
    server.responder.handle(message(1, mac=STRANGER)[:-1] + options + b"\xff", None, NOW)


@settings(max_examples=300)
@given(requests, st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=8), st.integers(0, 700))
def test_any_damage(datagram: bytes, damage: list[tuple[int, int]], length: int) -> None:
    damaged = bytearray(datagram)
    for at, value in damage:
        if at < len(damaged):
            damaged[at] = value
    full_server().responder.handle(bytes(damaged[:length]), None, NOW)


def test_what_a_guest_can_make_a_responder_remember_is_bounded() -> None:
    server = full_server()
    for n in range(3000):
        wanted = n.to_bytes(3, "big")
        server.responder.handle(message(1, wanted=wanted), None, NOW)
        server.responder.handle(message(1, mac=STRANGER, client_id=wanted, wanted=wanted), None, NOW)
    assert len(server.responder._renderings) <= 1024
    assert len(list(server.responder._leases)) <= 10
