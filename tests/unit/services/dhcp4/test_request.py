"""Which datagrams are requests, and why the others are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.services.dhcp4.guest import DISCOVER, OFFER, message, tlv

from netmend.services.dhcp4.counters import Drop
from netmend.services.dhcp4.request import Request, parse_request


def test_a_discover() -> None:
    request = parse_request(message(DISCOVER, mac="02:00:00:00:00:09", client_id=b"\x01me", requested="192.0.2.7"))
    assert isinstance(request, Request)
    assert request.type == DISCOVER
    assert request.mac == bytes.fromhex("020000000009")
    assert request.client_key == b"i\x01me"
    assert request.requested == b"\xc0\x00\x02\x07"


def test_a_client_without_identifier_is_its_hardware_type_and_address() -> None:
    request = parse_request(message(DISCOVER, mac="02:00:00:00:00:09"))
    assert isinstance(request, Request)
    assert request.client_key == b"h\x01" + bytes.fromhex("020000000009")


def test_parts_of_a_long_option_are_joined_rfc3396() -> None:
    request = parse_request(message(DISCOVER, more=[(43, b"a" * 255), (12, b"vm"), (43, b"b")]))
    assert isinstance(request, Request)
    assert request.options[43] == b"a" * 255 + b"b"


def test_options_in_file_and_sname_are_read_in_that_order_rfc2131_4_1() -> None:
    datagram = bytearray(message(DISCOVER, more=[(52, b"\x03"), (43, b"1")]))
    datagram[108:236] = (tlv(43, b"2") + b"\xff").ljust(128, b"\0")
    datagram[44:108] = (tlv(43, b"3") + b"\xff").ljust(64, b"\0")
    request = parse_request(bytes(datagram))
    assert isinstance(request, Request)
    assert request.options[43] == b"123"


def changed(at: int, value: bytes, datagram: bytes = message(DISCOVER)) -> bytes:
    return datagram[:at] + value + datagram[at + len(value) :]


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", Drop.TOO_SHORT),
        (message(DISCOVER)[:239], Drop.TOO_SHORT),
        (message(DISCOVER) + bytes(2048), Drop.TOO_LONG),
        (changed(0, b"\x02"), Drop.NOT_A_REQUEST),
        (changed(236, b"\x63\x82\x53\x64"), Drop.NO_COOKIE),
        (message(None), Drop.PLAIN_BOOTP),
        (message(DISCOVER)[:-1], Drop.BAD_OPTIONS),  # no END
        (message(DISCOVER)[:-1] + b"\x0c", Drop.BAD_OPTIONS),  # no length
        (message(DISCOVER)[:-1] + b"\x0c\x05vm\xff", Drop.BAD_OPTIONS),  # runs over the end
        (message(DISCOVER, more=[(52, b"\x04")]), Drop.BAD_OPTIONS),
        (message(DISCOVER, more=[(52, b"\x01")]), Drop.BAD_OPTIONS),  # `file` holds no END
        (message(OFFER), Drop.NOT_FOR_SERVERS),
        (message(9), Drop.BAD_FIELD),
        (message(0), Drop.BAD_FIELD),
        (message(None, more=[(53, b"")]), Drop.BAD_FIELD),
        (message(DISCOVER, more=[(50, b"\xc0\x00\x02")]), Drop.BAD_FIELD),
        (message(DISCOVER, more=[(54, b"\xc0\x00\x02\x01\x01")]), Drop.BAD_FIELD),
        (message(DISCOVER, more=[(57, b"\x02")]), Drop.BAD_FIELD),
        (message(DISCOVER, client_id=b""), Drop.BAD_FIELD),
        (message(DISCOVER, more=[(61, b"x" * 255), (61, b"x")]), Drop.BAD_FIELD),
        (changed(2, b"\x05"), Drop.BAD_FIELD),  # Ethernet with five octets
        (changed(1, b"\x20\x11"), Drop.BAD_FIELD),  # hlen 17
        (changed(1, b"\x20\x00"), Drop.BAD_FIELD),  # no address and no client identifier (RFC 4390)
        (message(DISCOVER, mac="01:00:5e:00:00:01"), Drop.BAD_FIELD),  # a group address
    ],
)
def test_what_is_no_request(datagram: bytes, reason: Drop) -> None:
    assert parse_request(datagram) is reason


def test_padding_and_what_follows_the_end_do_not_matter() -> None:
    datagram = message(DISCOVER)
    padded = datagram[:240] + bytes(30) + datagram[240:] + b"rubbish"
    request = parse_request(padded)
    assert isinstance(request, Request)
    assert request.options == {53: b"\x01"}


@given(st.binary(max_size=600))
def test_any_bytes_are_a_request_or_a_reason(data: bytes) -> None:
    assert isinstance(parse_request(data), Request | Drop)


@given(st.binary(max_size=600))
def test_any_options_are_a_request_or_a_reason(options: bytes) -> None:
    parsed = parse_request(message(DISCOVER)[:-1] + options)
    if isinstance(parsed, Request):
        assert sum(map(len, parsed.options.values())) <= len(options) + 1
