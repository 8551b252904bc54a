"""Guests are hostile (invariant I8): whatever is sent, a responder neither fails nor says what nobody can read."""

from functools import partial
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.cost import calls_made_by
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
    Server,
    Solicit,
    duid_ll,
    eui64,
    ia,
    message,
    network,
    opened,
    packed_mac,
    port,
    read,
    relayed,
    subnet,
    tlv,
)

from netmend.services.dhcp6 import Sender

KINDS = [Solicit, Request, Confirm, Renew, Rebind, Release, Decline, Inform]


def full_server() -> Server:
    subnets = subnet(dynamic=True, domain="example.org"), subnet("2001:db8:2::/64", address_mode="dhcpv6-stateless")
    return Server(network(*subnets, ports=[port(MAC, "2001:db8:1::10", hostname="vm1"), port("02:00:00:00:00:02")]))


DUID = full_server().duid
addresses = st.sampled_from(
    ["::", "2001:db8:1::2", "2001:db8:1::10", "2001:db8:1::100", "2001:db8:2::7", "2001:db8:3::1", "fe80::1"]
) | st.ip_addresses(v=6).map(str)
associations = st.builds(
    lambda found, iaid, code: ia(*(() if code == 25 else found), iaid=iaid, code=code),
    st.lists(addresses, max_size=3),
    st.integers(0, 2),
    st.sampled_from([3, 3, 3, 4, 25]),
)
options = st.builds(tlv, st.sampled_from([14, 18, 39, 79, 7, 13]) | st.integers(0, 300), st.binary(max_size=40))
fields: dict[str, Any] = {
    "duid": st.none() | st.sampled_from([duid_ll(MAC), duid_ll(STRANGER)]) | st.binary(min_size=3, max_size=130),
    "server": st.sampled_from([None, DUID, b"\0\1other"]),
    "wanted": st.none() | st.lists(st.integers(0, 140), max_size=20),
    "xid": st.integers(0, 0xFFFFFF),
}
messages = st.builds(
    lambda kind, parts, said: message(kind, *parts, **said),
    st.sampled_from(KINDS),
    st.lists(associations | options, max_size=6),
    st.fixed_dictionaries(fields),
)
requests = messages | st.builds(
    lambda inner, link, peer, more: relayed(inner, link=link, peer=peer, options=more),
    messages,
    addresses,
    addresses | st.just(eui64(MAC)),
    st.lists(st.tuples(st.integers(10, 140), st.binary(max_size=20)), max_size=3),
)
senders = st.builds(
    Sender,
    st.ip_addresses(v=6).map(lambda address: address.packed),
    st.integers(0, 65_535),
    st.sampled_from([None, packed_mac(MAC), packed_mac(STRANGER)]),
    st.booleans(),
)


def check(server: Server, datagram: bytes, sender: Sender) -> None:
    """Ask; a reply must be one that the asker understands."""
    reply = server.responder.handle(datagram, sender, server.now)
    server.responder.take_changes()
    if reply is None:
        return
    seen = read(reply)
    assert len(reply.payload) <= 1500 - 48
    while seen.kind == 13:
        assert seen.payload[1:34] == datagram[1:34]
        datagram = next(value for code, value in _options(datagram[34:]) if code == 9)
        seen = opened(seen)
    assert seen.kind == (7 if seen.option(14) is not None or datagram[0] != 1 else 2)
    assert seen.payload[1:4] == datagram[1:4]
    said = dict(reversed(_options(datagram[4:])))
    assert seen.option(1) == said.get(1)
    assert seen.option(2) == DUID
    assert seen.codes.count(1) <= 1 and seen.codes.count(2) == 1


def _options(data: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at + 4 <= len(data):
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        found.append((int.from_bytes(data[at : at + 2], "big"), data[at + 4 : at + 4 + size]))
        at += 4 + size
    return found


@given(st.lists(st.tuples(requests, senders, st.sampled_from([0.0, 31.0, 3600.0])), max_size=12))
def test_any_conversation(conversation: list[tuple[bytes, Sender, float]]) -> None:
    server = full_server()
    for datagram, sender, seconds in conversation:
        server.now += seconds
        check(server, datagram, sender)
    given_out = [row.address for row in server.responder.leases(server.now) if row.state in ("leased", "reserved")]
    assert len(given_out) == len(set(given_out)), "one address for two clients"


@given(st.binary(max_size=300), st.binary(max_size=300))
@example(b"", b"")
def test_any_bytes(datagram: bytes, more: bytes) -> None:
    server, sender = full_server(), Sender(bytes(16), 546, packed_mac(MAC))
    for each in (datagram, message(Solicit) + more, relayed(message(Solicit, duid=None) + more)):
        server.responder.handle(each, sender, NOW)


@settings(max_examples=300)
@given(requests, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8), st.integers(0, 500))
def test_any_damage(datagram: bytes, damage: list[tuple[int, int]], length: int) -> None:
    damaged = bytearray(datagram)
    for at, value in damage:
        if at < len(damaged):
            damaged[at] = value
    full_server().responder.handle(bytes(damaged[:length]), Sender(bytes(16), 546, packed_mac(MAC)), NOW)


def test_what_a_guest_can_make_a_responder_remember_is_bounded() -> None:
    server = full_server()
    for n in range(3000):
        server.responder.handle(message(Solicit, ia(), wanted=(n, 7)), Sender(bytes(16), 546, packed_mac(MAC)), NOW)
        stranger = message(Solicit, ia(iaid=n), tlv(14, b""), duid=duid_ll(STRANGER), wanted=(n,))
        server.responder.handle(stranger, Sender(bytes(16), 546, packed_mac(STRANGER)), NOW)
    assert len(server.responder._renderings) <= 1024
    assert len(list(server.responder._leases)) <= 10


def test_the_dearest_datagrams_cost_little() -> None:
    """A bound that a quadratic would break by far: 2 KB of empty options, of associations, of envelopes."""
    server, sender = full_server(), Sender(bytes(16), 546, packed_mac(MAC))
    head = message(Solicit)
    room = 2048 - len(head)
    nested = head
    while len(nested) < 2000:
        nested = relayed(nested)
    for datagram in (head + bytes(room & ~3), head + ia() * (room // len(ia())), nested[:2048]):
        server.responder.handle(datagram, sender, NOW)
        assert calls_made_by(partial(server.responder.handle, datagram, sender, NOW)) < 20_000
