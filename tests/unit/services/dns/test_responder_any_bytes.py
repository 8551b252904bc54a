"""Guests are hostile (invariant I8): whatever is sent, a responder neither fails, nor answers answers, nor says more
than the asker takes; what it remembers is bounded."""

from typing import Any

import dns.message
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.services.dns.asker import NETWORK_ID, NOW, Server, network, port

from netmend.services.dns import DnsResponder, Domains, Forward
from netmend.services.dns.guests import OUTSIDE, PORT, STRANGER
from netmend.services.dns.responder import REMEMBERED

labels = st.sampled_from(
    [b"web", b"DB", b"office", b"example", b"in-addr", b"arpa", b"ip6", b"10", b"0", b"f", b"d", b"host-10-0-0-13",
     b"org", b"localhost", b"com", b"host-fd00--13"]
) | st.binary(min_size=1, max_size=63)  # fmt: skip
wire_names = st.lists(labels, max_size=12).map(lambda parts: b"".join(bytes((len(p),)) + p for p in parts) + b"\0")
types = st.sampled_from(
    [1, 2, 5, 6, 12, 15, 16, 28, 33, 41, 43, 48, 64, 65, 249, 250, 251, 252, 253, 254, 255]
) | st.integers(0, 65_535)
extras: Any = st.sampled_from([b"", b"\0\0\x29\x04\xd0\0\0\x80\0\0\0", b"\0\0\x29\0\0\0\1\0\0\0\0"]) | st.binary(
    max_size=30
)


def build(name: bytes, rdtype: int, rdclass: int, flags: int, *, extra: bytes, additional: int) -> bytes:
    head = b"\x12\x34" + flags.to_bytes(2, "big") + b"\0\1\0\0\0\0" + additional.to_bytes(2, "big")
    return head + name + rdtype.to_bytes(2, "big") + rdclass.to_bytes(2, "big") + extra


queries = st.builds(
    build, wire_names, types, st.sampled_from([1, 1, 1, 3, 255]), st.integers(0, 0x7FFF) | st.sampled_from([0, 0x100]),
    extra=extras, additional=st.integers(0, 3),
)  # fmt: skip


def check(server: Server, message: bytes, *, tcp: bool = False) -> None:
    answer = server.responder.handle(message, NOW, tcp=tcp)
    if isinstance(answer, bytes):
        assert answer[:2] == message[:2] and answer[2] & 0x80
        assert not message[2] & 0x80
        assert len(answer) <= (65_535 if tcp else 1232)
        dns.message.from_wire(answer, ignore_trailing=False)
        if not tcp:
            again = server.responder.remembered(message, NOW)
            assert again in (None, answer)
    elif isinstance(answer, Forward):
        assert not answer.query.name.endswith(b"\6office\7example\0")


@settings(max_examples=400)
@given(st.lists(queries, max_size=6), st.booleans())
def test_any_query(messages: list[bytes], tcp: bool) -> None:
    server = Server()
    for message in messages:
        check(server, message, tcp=tcp)


@given(st.binary(max_size=300))
@example(b"")
def test_any_octets(message: bytes) -> None:
    check(Server(), message)
    check(Server(), b"\0\0\1\0\0\1\0\0\0\0\0\0" + message)
    check(Server(), b"\0\0\1\0\0\1\0\0\0\0\0\1\0\0\1\0\1" + message)


@settings(max_examples=200)
@given(queries, st.lists(st.tuples(st.integers(0, 80), st.integers(0, 255)), max_size=6), st.integers(0, 300))
def test_any_damage(message: bytes, damage: list[tuple[int, int]], length: int) -> None:
    damaged = bytearray(message)
    for at, value in damage:
        if at < len(damaged):
            damaged[at] = value
    check(Server(), bytes(damaged[:length]))


def test_what_guests_can_make_a_responder_remember_is_bounded() -> None:
    server = Server()
    for n in range(REMEMBERED + 500):
        server.raw(dns.message.make_query(f"x{n}.office.example.", "A", id=1).to_wire())
        server.responder.fail(Forward(server.forward(f"x{n}.example.org.").query), NOW)
        server.forwards.clear()
    assert len(server.responder._remembered) == REMEMBERED
    assert len(server.responder.cache) <= 2048


class TestSources:
    def responder(self) -> DnsResponder:
        return DnsResponder(network(), Domains())

    def test_kinds(self) -> None:
        kind = self.responder().guests.kind
        for source, expected in (
            ("10.0.0.10", PORT),
            ("fd00::10", PORT),
            ("10.0.0.99", STRANGER),
            ("fd00::1234", STRANGER),
            ("fe80::1", STRANGER),
            ("10.0.1.1", OUTSIDE),
            ("192.0.2.1", OUTSIDE),
            ("10.0.0.2", OUTSIDE),  # netmend itself
            ("fd00::2", OUTSIDE),
            ("fd01::1", OUTSIDE),
            ("what", OUTSIDE),
        ):
            assert kind(source) == expected, source

    def test_a_guest_has_a_rate(self) -> None:
        guests = self.responder().guests
        assert sum(guests.allows("10.0.0.10", NOW) for _ in range(5000)) == 2000
        assert sum(guests.allows("10.0.0.10", NOW + 1) for _ in range(5000)) == 1000
        assert guests.allows("10.0.0.11", NOW)

    def test_strangers_have_one_together(self) -> None:
        guests = self.responder().guests
        allowed = sum(guests.allows(f"fd00::{n:x}", NOW) for n in range(100, 20_000))
        assert 7998 <= allowed <= 8000
        assert guests.allows("10.0.0.10", NOW)

    def test_sources_remembered_are_bounded(self) -> None:
        guests = self.responder().guests
        for n in range(10_000):
            guests.kind(f"fd00::{n:x}")
        assert len(guests._kinds) <= 4096

    def test_a_port_that_comes_is_known(self) -> None:
        responder = self.responder()
        assert responder.guests.kind("10.0.0.77") == STRANGER
        responder.update(network(*network().ports.values(), port("new", "10.0.0.77")))
        assert responder.guests.kind("10.0.0.77") == PORT
        assert responder.network.id == NETWORK_ID
