"""DHCPv6 options as people write them become the bytes that RFC 8415 and its companions define."""

from ipaddress import IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netmend.options.dhcp6 import MAX_PAYLOAD, encode_option, option_code

A, B = "20010db8000000000000000000000053", "20010db8000000000000000000000054"


@pytest.mark.parametrize(
    ("name", "value", "code", "payload"),
    [
        ("dns-servers", ["2001:db8::53", "2001:db8::54"], 23, A + B),
        ("dns-servers", "[2001:db8::53], 2001:db8::54", 23, A + B),
        ("sntp-servers", IPv6Address("2001:db8::53"), 31, A),
        ("domain-search", "eng.example, example", 24, "03656e67076578616d706c6500076578616d706c6500"),
        ("information-refresh-time", "1h", 32, "00000e10"),
        ("ntp-servers", ["2001:db8::53", "a.b"], 56, "00010010" + A + "000300050161016200"),  # RFC 5908 section 4
        ("bootfile-url", "tftp://x/y", 59, "746674703a2f2f782f79"),
        ("bootfile-param", ["a", "bc"], 60, "00016100026263"),  # RFC 5970 section 3.2
        ("aftr-name", "a.b", 64, "0161016200"),
        ("sol-max-rt", 60, 82, "0000003c"),
        ("captive-portal", "https://x", 103, "68747470733a2f2f78"),
        ("new-tzdb-timezone", "Europe/Kyiv", 42, "4575726f70652f4b796976"),
        (
            "vendor-opts",
            {"enterprise": 9, "options": {1: "ab", 2: {"u8": 7}}},
            17,
            "00000009000100026162" + "0002000107",
        ),
        ("vendor-opts", "00:00:00:09", 17, "00000009"),
        ("sip-server-a", "2001:db8::53", 22, A),
    ],
)
def test_values_of_each_type(name: str, value: object, code: int, payload: str) -> None:
    assert encode_option(name, value) == (code, bytes.fromhex(payload))
    assert encode_option(code, value) == (code, bytes.fromhex(payload))


@pytest.mark.parametrize(
    ("spellings", "code"),
    [
        (
            [
                "dns-servers",
                "name-servers",
                "dns-server",
                "option6:dns-server",
                "dhcp6.name-servers",
                "OPTION_DNS_SERVERS",
            ],
            23,
        ),
        (["domain-list", "domain-search", "option6:domain-search", "OPTION_DOMAIN_LIST", "24", 24], 24),
        (["ntp-server", "option6:ntp-server", "OPTION_NTP_SERVER", " 56 "], 56),
        (["bootfile-url", "OPT_BOOTFILE_URL", "option6:bootfile-url"], 59),
        (["info-refresh-time", "dhcp6.info-refresh-time", "information-refresh-time"], 32),
        (["option6:39", 39, "fqdn", "OPTION_CLIENT_FQDN"], 39),
    ],
)
def test_names_of_the_registry_of_isc_and_of_dnsmasq(spellings: list[str | int], code: int) -> None:
    assert {option_code(spelling) for spelling in spellings} == {code}


@pytest.mark.parametrize(
    ("value", "payload"),
    [
        ({"hex": "01:02"}, "0102"),
        ({"text": "::1"}, "3a3a31"),
        ({"ip": "2001:db8::53"}, A),
        ({"u16": [1, 2]}, "00010002"),
        ("2001:db8::53", A),
        ("[2001:db8::53]", A),
        ("01:02", "0102"),
        ("0x0102", "0102"),
        ("abc", "616263"),
    ],
)
def test_a_code_that_is_not_known(value: object, payload: str) -> None:
    assert encode_option(40_000, value) == (40_000, bytes.fromhex(payload))


@pytest.mark.parametrize("value", [None, "", [], {}, b""])
def test_nothing_means_do_not_send(value: object) -> None:
    assert encode_option("dns-servers", value) == (23, b"")


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("dns-servers", "192.0.2.1", "no IPv6 address"),
        ("dns-servers", ["2001:db8::53", 7], "no IPv6 address"),
        ("sol-max-rt", 59, "60 to 86400"),
        ("ntp-server", "2001:db8::x", "no IPv6 address"),
        ("vendor-opts", {"enterprise": 9, "codes": {}}, "enterprise: NUMBER, options"),
        ("vendor-opts", {"enterprise": 9, "options": {70_000: "x"}}, "out of range"),
        ("captive-portal", {"u7": 1}, "no type of value"),
        ("captive-portal", {"u8": 1, "u16": 1}, "one type"),
        (40_000, 7, "say how"),
        (40_000, {"hex": "00" * (MAX_PAYLOAD + 1)}, f"at most {MAX_PAYLOAD}"),
        ("dns", "::1", "known by name"),
        (0, "x", "1 to 65535"),
        (65_536, "x", "1 to 65535"),
        (True, "x", "neither the name nor the number"),
        ("ia-na", "x", "fixed_ips"),
        ("server-id", "x", "netmend's own"),
        ("unicast", "::1", "multicast"),
        ("oro", [23], "only clients"),
        ("interface-id", "x", "relays"),
    ],
)
def test_refused(name: str | int, value: object, why: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        encode_option(name, value)
    assert why in str(caught.value)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.binary(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=3),
    max_leaves=8,
)


@given(st.integers(-5, 70_000) | st.text(max_size=20), anything)
@example(17, {"enterprise": 1, "options": {1: {1: 2}}})
def test_any_value_is_bytes_or_a_reason(name: str | int, value: object) -> None:
    try:
        code, payload = encode_option(name, value)
    except ValueError as error:
        assert str(error)
    else:
        assert 1 <= code <= 65_535 and len(payload) <= MAX_PAYLOAD
