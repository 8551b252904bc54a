"""Options as people write them become the bytes that RFC 2132 and its successors define."""

from ipaddress import IPv4Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netmend.options.dhcp4 import MAX_PAYLOAD, encode_option, option_code


@pytest.mark.parametrize(
    ("name", "value", "code", "payload"),
    [
        ("subnet-mask", "255.255.255.0", 1, "ffffff00"),
        ("time-offset", -3600, 2, "fffff1f0"),
        ("routers", ["192.0.2.1", "192.0.2.2"], 3, "c0000201c0000202"),
        ("dns-server", "192.0.2.1, 192.0.2.2", 6, "c0000201c0000202"),
        ("hostname", "vm1", 12, "766d31"),
        ("ip-forwarding", True, 19, "01"),
        ("policy-filter", ["192.0.2.0 255.255.255.0"], 21, "c0000200ffffff00"),
        ("path-mtu-plateau-table", [68, 1500], 25, "004405dc"),
        ("interface-mtu", "0x578", 26, "0578"),
        ("lease-time", "12h", 51, "0000a8c0"),
        ("lease-time", "infinite", 51, "ffffffff"),
        ("vendor-encapsulated-options", "01:02:03", 43, "010203"),
        ("vendor-encapsulated-options", "0a0b", 43, "30613062"),
        ("client-arch", [7, 9], 93, "00070009"),
        ("v6-only-preferred", 1800, 108, "00000708"),
        ("domain-search", "eng.example, example", 119, "03656e67076578616d706c6500076578616d706c6500"),  # RFC 3397
        ("sip-servers", "192.0.2.1", 120, "01c0000201"),  # RFC 3361 section 3.2
        ("sip-servers", "a.b", 120, "0001610162" + "00"),  # RFC 3361 section 3.1
        # RFC 3442, "Classless Route Option Format": the examples of its table of descriptors
        ("classless-static-route", "0.0.0.0/0 10.0.0.1", 121, "000a000001"),
        ("classless-static-route", "10.0.0.0/8 10.0.0.1", 121, "080a0a000001"),
        ("classless-static-route", "10.17.0.0/16,10.0.0.1", 121, "100a110a000001"),
        ("classless-static-route", [["10.27.129.0/24", "10.0.0.1"]], 121, "180a1b810a000001"),
        (
            "classless-static-route",
            [{"destination": "10.229.0.128/25", "nexthop": "10.0.0.1"}],
            121,
            "190ae500800a000001",
        ),
        ("ms-classless-static-route", "10.198.122.47/32 10.0.0.1", 249, "200ac67a2f0a000001"),
        ("tftp-server-address", IPv4Address("192.0.2.9"), 150, "c0000209"),
    ],
)
def test_values_of_each_type(name: str, value: object, code: int, payload: str) -> None:
    assert encode_option(name, value) == (code, bytes.fromhex(payload))
    assert encode_option(code, value) == (code, bytes.fromhex(payload))


@pytest.mark.parametrize(
    ("spellings", "code"),
    [
        (["domain-name-servers", "dns-server", "option:dns-server", "DOMAIN_NAME_SERVERS", " 6 ", 6], 6),
        (["ntp-servers", "ntp-server", "NTP-Servers", "42"], 42),
        (["dhcp-lease-time", "lease-time", "option-lease-time"], 51),
        (["T1", "dhcp-renewal-time", "renewal-time"], 58),
        (["tftp-server-name", "tftp-server"], 66),
        (["bootfile-name", "bootfile", "boot-file-name"], 67),
        (["loader-configfile", "configfile"], 209),
    ],
)
def test_names_of_iana_isc_and_dnsmasq_mean_the_same(spellings: list[str | int], code: int) -> None:
    assert {option_code(spelling) for spelling in spellings} == {code}


@pytest.mark.parametrize("nothing", [None, "", [], b""])
def test_nothing_means_do_not_send(nothing: object) -> None:
    assert encode_option("routers", nothing) == (3, b"")


def test_a_named_type_wins_over_the_registry() -> None:
    assert encode_option("routers", {"hex": "0x0102"}) == (3, b"\x01\x02")
    assert encode_option(224, {"u16": [1, 258]}) == (224, b"\x00\x01\x01\x02")
    assert encode_option(224, {"text": "01:02"}) == (224, b"01:02")


def test_an_unknown_code_takes_addresses_hexadecimal_or_text() -> None:
    assert encode_option(224, "192.0.2.1,192.0.2.2")[1] == b"\xc0\x00\x02\x01\xc0\x00\x02\x02"
    assert encode_option(224, "0x0aff")[1] == b"\x0a\xff"
    assert encode_option(224, "0a:ff")[1] == b"\x0a\xff"
    assert encode_option(224, "hello")[1] == b"hello"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("no-such-option", 1, "'no-such-option' is no DHCP option known by name"),
        (0, 1, "codes are 1 to 254"),
        (255, 1, "codes are 1 to 254"),
        (True, 1, "neither the name nor the number"),
        ("server-identifier", "192.0.2.1", "54 (dhcp-server-identifier) cannot be set: it is netmend's own address"),
        ("message-type", 5, "cannot be set"),
        ("relay-agent-information", "01:02", "cannot be set: relay agents set it"),
        ("routers", "192.0.2.256", "3 (routers): '192.0.2.256' is no IPv4 address"),
        ("subnet-mask", ["255.0.0.0", "255.0.0.0"], "expected one IPv4 address, not 2"),
        ("static-routes", "192.0.2.1", "no pair of IPv4 addresses"),
        ("mtu", 67, "67 is out of range (68 to 65535)"),
        ("mtu", "big", "'big' is no number"),
        ("mtu", True, "True is no number"),
        ("ip-forwarding", "perhaps", "'perhaps' is neither true nor false"),
        ("domain-name", "a\0b", "NUL"),
        ("domain-search", "a..b", "no domain name"),
        ("domain-search", "a" * 64, "no domain name"),
        ("classless-static-route", "10.0.0.1/8 192.0.2.1", "host bits set"),
        ("classless-static-route", "10.0.0.0/8", "a destination without a router"),
        ("fqdn", "zz", "not hexadecimal"),
        (224, 5, "say how 5 is meant"),
        (224, {"word": 5}, "'word' is no type of value; types are hex, text, ip, u8, u16, u32"),
        ("domain-name", "a" * (MAX_PAYLOAD + 1), "at most 1024 can be sent"),
    ],
)
def test_what_is_wrong_is_said(name: str | int, value: object, says: str) -> None:
    with pytest.raises(ValueError) as caught:
        encode_option(name, value)
    assert says in str(caught.value)


yaml_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["1.2.3.4", "10.0.0.0/8", "a.b"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["hex", "text", "ip", "u8", "u16", "u32"]) | st.text(), inner, max_size=2)
    ),
)


@given(st.integers(-1, 256) | st.text(), yaml_values)
@example(119, "\udcff")
@example(15, "\udcff")
@example(121, {"text": ["a"]})
def test_any_value_is_bytes_or_a_value_error(name: int | str, value: object) -> None:
    try:
        code, payload = encode_option(name, value)
    except ValueError:
        return
    assert 1 <= code <= 254
    assert len(payload) <= MAX_PAYLOAD
