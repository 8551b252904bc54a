"""Attacks that were found on other servers of DHCPv6: each test names the CVE, and what netmend does."""

import pytest
from tests.unit.services.dhcp6.guest import (
    MAC,
    NOW,
    STRANGER,
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
)

from netmend.services.dhcp6 import Dhcp6Responder, Sender

SENDER = Sender(bytes(16), 546, packed_mac(STRANGER))


def responder() -> Dhcp6Responder:
    return Dhcp6Responder(network(subnet(dynamic=True), ports=[port(MAC, "2001:db8:1::10")]))


def answers(server: Dhcp6Responder) -> bool:
    """Whether the next honest client is answered."""
    honest = Sender(bytes(16), 546, packed_mac(MAC))
    return server.handle(message(Solicit, ia(), duid=duid_ll(MAC)), honest, NOW) is not None


def test_cve_2017_14492_and_14493_options_of_any_length_in_relayed_messages() -> None:
    """dnsmasq copied the relay's link-layer address option into a buffer of fixed size."""
    for size in (0, 1, 8, 16, 64, 1000, 1900):
        server = responder()
        inner = message(Solicit, ia(), duid=duid_ll(STRANGER))
        server.handle(relayed(inner, options=((79, b"x" * size), (18, b"y" * min(size, 100)))), SENDER, NOW)
        assert answers(server)


def test_cve_2017_14494_a_relay_s_message_whose_lengths_lie_gives_nothing_of_the_memory() -> None:
    """dnsmasq answered with what lay behind the message. Here a length past the end is no message."""
    inner = message(Inform, duid=duid_ll(STRANGER))
    whole = relayed(inner)
    at = whole.rindex(inner) - 2
    for size in (len(inner) + 1, 0x7FFF, 0xFFFF):
        server = responder()
        assert server.handle(whole[:at] + size.to_bytes(2, "big") + whole[at + 2 :], SENDER, NOW) is None
        assert answers(server)


@pytest.mark.parametrize("kind", [Solicit, Request, Renew, Rebind, Release])
def test_cve_2022_0934_the_same_client_many_times_in_any_state(kind: type) -> None:
    """dnsmasq used memory that it had freed, on a message with many associations and one on the way meanwhile."""
    server = responder()
    many = [ia(f"2001:db8:1::{100 + number:x}", iaid=number) for number in range(30)]
    for round_ in range(3):
        for parts in (many, many[::-1], many[:1] * 30, [ia(code=4), ia(code=25), *many[:2]]):
            server.handle(message(kind, *parts, duid=duid_ll(STRANGER), server=server.duid), SENDER, NOW + round_)
            server.handle(relayed(message(kind, *parts, duid=duid_ll(STRANGER))), SENDER, NOW + round_)
    assert answers(server)


def test_cve_2026_4892_a_client_s_identifier_of_any_length() -> None:
    """dnsmasq wrote an identifier past the end of its buffer. RFC 8415 section 11.1 ends at 130 octets."""
    for size in (0, 1, 2, 130, 131, 1000, 1900):
        server = responder()
        for duid in (b"\0\1" + b"x" * size, b"\xff" * size):
            for kind in (Solicit, Request, Renew, Release):
                server.handle(message(kind, ia(), duid=duid, server=server.duid), SENDER, NOW)
        assert answers(server)
        assert all(len(lease.client) <= 200 for lease in server.held())


def test_relays_within_relays_end() -> None:
    """RFC 8415 section 19.1.2: at most 8 hops; deeper nesting is dropped, whatever it costs to make."""
    server = responder()
    nested = message(Solicit, ia(), duid=duid_ll(STRANGER))
    for hops in range(40):
        nested = relayed(nested, hops=min(hops, 255), peer=eui64(STRANGER))
    assert server.handle(nested, SENDER, NOW) is None
    assert answers(server)


def test_options_within_options_are_no_way_around_the_limit() -> None:
    server = responder()
    inner = tlv(3, bytes(12) + tlv(5, bytes(24) + tlv(3, bytes(12)) * 40)) * 10
    server.handle(message(Solicit, inner, duid=duid_ll(STRANGER)), SENDER, NOW)
    assert answers(server)
