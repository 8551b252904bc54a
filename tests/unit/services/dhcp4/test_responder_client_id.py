"""A port that intent gives a client identifier: whoever sends it is that port (dnsmasq's `--dhcp-host=MAC,id:ID`)."""

import pytest
from tests.unit.services.dhcp4.guest import (
    ACK,
    DISCOVER,
    MAC,
    OTHER_MAC,
    REQUEST,
    STRANGER,
    Server,
    message,
    network,
    port,
    subnet,
)

from netmend.services.dhcp4 import Drop

ID = b"\xff\0\0\0\1me"


def server(client_id: bytes = ID) -> Server:
    ports = [port(MAC, "192.0.2.10", client_id=client_id), port(OTHER_MAC, "192.0.2.11")]
    return Server(network(subnet(), ports=ports))


@pytest.mark.parametrize("mac", [MAC, STRANGER, OTHER_MAC])
def test_it_is_known_by_its_identifier_whatever_its_mac(mac: str) -> None:
    one = server()
    assert one.ask(DISCOVER, mac=mac, client_id=ID).yiaddr == "192.0.2.10"
    seen = one.ask(REQUEST, mac=mac, client_id=ID, server="192.0.2.2", requested="192.0.2.10")
    assert (seen.kind, seen.yiaddr, seen.options[61]) == (ACK, "192.0.2.10", ID)


def test_it_is_known_by_its_mac_too() -> None:
    assert server().ask(DISCOVER).yiaddr == "192.0.2.10"
    assert server().ask(DISCOVER, client_id=b"\0another").yiaddr == "192.0.2.10"


def test_a_text_may_have_a_zero_in_front() -> None:
    for sent in (b"me", b"\0me"):
        assert server(b"me").ask(DISCOVER, mac=STRANGER, client_id=sent).yiaddr == "192.0.2.10"
    assert server(b"me").silent(DISCOVER, mac=STRANGER, client_id=b"\1me") is Drop.UNKNOWN_CLIENT


def test_a_guest_without_a_hardware_address_rfc4390() -> None:
    raw = message(DISCOVER, client_id=ID)
    infiniband = raw[:1] + b"\x20\0" + raw[3:28] + bytes(16) + raw[44:]
    reply = server().responder.handle(infiniband, None, 0.0)
    assert reply is not None and reply.mac is None and reply.destination[0] == "255.255.255.255"
    assert reply.payload[16:20] == bytes((192, 0, 2, 10))


def test_a_change_is_followed_at_once() -> None:
    one = server()
    one.responder.update(
        network(subnet(), ports=[port(MAC, "192.0.2.10"), port(OTHER_MAC, "192.0.2.11", client_id=ID)])
    )
    assert one.ask(DISCOVER, mac=STRANGER, client_id=ID).yiaddr == "192.0.2.11"
    one.responder.update(network(subnet(), ports=[port(MAC, "192.0.2.10")]))
    assert one.silent(DISCOVER, mac=STRANGER, client_id=ID) is Drop.UNKNOWN_CLIENT
