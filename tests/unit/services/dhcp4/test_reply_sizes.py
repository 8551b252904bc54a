"""How long a reply may be: RFC 2131 section 2, RFC 2132 sections 9.3 and 9.10, RFC 1542 section 2.1."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.services.dhcp4.guest import DISCOVER, MAC, Server, message, network, port, read, subnet

from netmend.intent import Boot
from netmend.services.dhcp4 import Drop

ADDRESS = "192.0.2.10"
HEADERS = 28  # IPv4 and UDP
LEAST = 576


def server(mtu: int = 1500, **port_says: Any) -> Server:
    return Server(network(subnet(), ports=[port(MAC, ADDRESS, **port_says)], mtu=mtu))


def test_a_short_reply_is_padded_to_300_octets() -> None:
    assert len(server().ask(DISCOVER, wanted=[1]).reply.payload) == 300


def test_576_octets_of_ip_datagram_unless_the_client_says_more() -> None:
    asked = server(dhcp_options=((224, bytes(600)),))
    assert 224 not in asked.ask(DISCOVER).options
    assert 224 in asked.ask(DISCOVER, max_size=1000).options
    assert len(asked.ask(DISCOVER, max_size=1000).reply.payload) + HEADERS <= 1000


def test_less_than_576_is_not_to_be_asked_for_rfc2132_9_10() -> None:
    assert len(server(dhcp_options=((224, bytes(200)),)).ask(DISCOVER, max_size=100).reply.payload) <= LEAST - HEADERS


def test_no_reply_is_longer_than_the_networks_mtu() -> None:
    asked = server(mtu=900, dhcp_options=((224, b"x" * 500), (225, b"y" * 250)))
    assert len(asked.ask(DISCOVER, max_size=65_535).reply.payload) + HEADERS <= 900


class TestOverload:
    """RFC 2131 section 4.1: options that do not fit go to `file` and `sname`."""

    def test_is_used_only_when_needed(self) -> None:
        asked = server(dhcp_options=((224, b"x" * 230),))
        assert 52 not in asked.ask(DISCOVER).options
        asked = server(dhcp_options=((224, b"x" * 230), (225, b"y" * 100)))
        seen = asked.ask(DISCOVER)
        assert seen.options[52] == b"\x01"
        assert (seen.options[224], seen.options[225]) == (b"x" * 230, b"y" * 100)

    def test_both_fields(self) -> None:
        seen = server(dhcp_options=((224, b"x" * 230), (225, b"y" * 120), (226, b"z" * 60))).ask(DISCOVER)
        assert seen.options[52] == b"\x03"
        assert (seen.options[224], seen.options[225], seen.options[226]) == (b"x" * 230, b"y" * 120, b"z" * 60)

    def test_the_boot_file_moves_to_its_option(self) -> None:
        boot = Boot("tftp.example", "pxelinux.0")
        seen = server(boot=boot, dhcp_options=((224, b"x" * 230), (225, b"y" * 100))).ask(DISCOVER, wanted=[1])
        assert (seen.options[66], seen.options[67]) == (b"tftp.example", b"pxelinux.0")

    def test_what_stands_last_is_left_out(self) -> None:
        extra = tuple((code, bytes(100)) for code in range(224, 240))
        seen = server(dhcp_options=extra).ask(DISCOVER, wanted=[239, 238, 3])
        assert {239, 238, 3} <= set(seen.options)
        assert 237 not in seen.options

    def test_a_long_option_is_spread_over_the_fields_rfc3396_5(self) -> None:
        routes = bytes(range(256)) + b"r" * 40
        seen = server(dhcp_options=((121, routes), (225, b"y" * 20))).ask(DISCOVER)
        assert seen.options[52] in (b"\x01", b"\x03")
        assert (seen.options[121], seen.options[225]) == (routes, b"y" * 20)

    def test_a_shorter_one_is_too_where_every_client_joins_it(self) -> None:
        said = ((224, b"x" * 100), (121, b"r" * 200), (119, b"s" * 40))
        seen = server(dhcp_options=said).ask(DISCOVER)
        assert [seen.options[code] for code, _ in said] == [payload for _, payload in said]
        others = ((224, b"x" * 100), (226, b"r" * 200))
        assert 226 not in server(dhcp_options=others).ask(DISCOVER).options

    def test_an_option_that_does_not_fit_in_parts_either_is_left_out_whole(self) -> None:
        seen = server(dhcp_options=((121, bytes(700)), (225, b"y"))).ask(DISCOVER)
        assert 121 not in seen.options and seen.options[225] == b"y"

    def test_the_host_name_is_not_lost(self) -> None:
        asked = server(hostname="vm1", dhcp_options=((224, b"x" * 230), (225, b"y" * 100)))
        assert asked.ask(DISCOVER).options[12] == b"vm1"


def test_echoes_that_leave_no_room_are_answered_with_silence() -> None:
    asked = server()
    seen = asked.ask(DISCOVER, client_id=b"i" * 255)
    assert seen.options[61] == b"i" * 255
    assert asked.silent(DISCOVER, client_id=b"i" * 255, more=[(82, b"r" * 100)]) is Drop.NO_ROOM


options = st.lists(
    st.tuples(
        st.integers(1, 254).filter(lambda code: code not in (50, 52, 53, 54, 55, 57, 61, 80, 82, 118)),
        st.binary(max_size=400),
    ),
    max_size=12,
    unique_by=lambda option: option[0],
)


@given(
    explicit=options,
    hostname=st.none() | st.text("abc", min_size=1, max_size=63),
    boot=st.none() | st.builds(Boot, st.none() | st.text("t", max_size=80), st.none() | st.text("b", max_size=200)),
    wanted=st.none() | st.lists(st.integers(0, 255), max_size=60),
    max_size=st.none() | st.integers(0, 3000),
    client_id=st.none() | st.binary(min_size=1, max_size=255),
    information=st.none() | st.binary(max_size=255),
    mtu=st.integers(576, 9000),
)
def test_every_reply_is_well_formed_and_fits(
    *,
    explicit: list[tuple[int, bytes]],
    hostname: str | None,
    boot: Boot | None,
    wanted: list[int] | None,
    max_size: int | None,
    client_id: bytes | None,
    information: bytes | None,
    mtu: int,
) -> None:
    asked = server(mtu, dhcp_options=tuple(explicit), hostname=hostname, boot=boot)
    more = [] if information is None else [(82, information)]
    datagram = message(DISCOVER, wanted=wanted, max_size=max_size, client_id=client_id, more=more)
    reply = asked.responder.handle(datagram, None, 0.0)
    if reply is None:
        assert asked.responder.counters.dropped[Drop.NO_ROOM] == 1
        assert len(client_id or b"") + len(information or b"") > 250
        return
    assert 300 <= len(reply.payload) <= max(LEAST, min(max_size or 0, mtu)) - HEADERS
    seen = read(reply)
    assert seen.yiaddr == ADDRESS
    assert seen.order.count(53) == 1
    assert seen.options.get(61) == client_id
    assert seen.options.get(82) == information


@pytest.mark.parametrize("max_size", [576, 577, 600, 700, 1500])
def test_a_rendering_that_was_cached_for_one_size_is_not_sent_to_another(max_size: int) -> None:
    asked = server(dhcp_options=((224, bytes(500)),))
    for size in (1500, max_size, 1500):
        assert len(asked.ask(DISCOVER, max_size=size).reply.payload) + HEADERS <= size
