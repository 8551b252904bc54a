"""Values that do not fit their option, as dnsmasq takes them. What is expected of DHCPv4 was seen of dnsmasq 2.90, but
for numbers that are too large, which it cuts off."""

import pytest

from netmend.options import dhcp4, dhcp6
from netmend.options.dnsmasq import encode4, encode6


@pytest.mark.parametrize(
    ("name", "value", "payload"),
    [
        ("mtu", "1400", b"\5\x78"),
        ("26", "jumbo", b"jumbo"),
        ("mtu", "05:78", b"\5\x78"),
        ("mtu", "9b", b"\x09"),
        ("default-ttl", "high", b"high"),
        ("tcp-ttl", "a b", b"a b"),
        ("netbios-nodetype", "h-node", b"h-node"),
        ("ip-forward-enable", "maybe", b"maybe"),
        ("19", "1", b"\1"),
        ("boot-file-size", "1,2", None),  # looks like addresses, and is none
        ("arp-timeout", "10.0.0.1", bytes((10, 0, 0, 1))),
        ("mtu", "70000", None),
        ("23", "300", None),
        ("200", "5", b"\5"),
        ("200", "300", b"\1\x2c"),
        ("200", "70000", b"\0\1\x11\x70"),
        ("200", "7s", b"\0\7"),
        ("200", "1i", b"\0\0\0\1"),
        ("200", "0x05", b"0x05"),
        ("200", "ab", b"ab"),
        ("200", "a:bb", b"\x0a\xbb"),
        ("200", "10.0.0.1,10.0.0.2", bytes((10, 0, 0, 1, 10, 0, 0, 2))),
        ("200", "10.0.0.0/9", bytes((9, 10, 0))),
        ("200", "/tftp/boot", b"/tftp/boot"),
        ("200", "1.2.3", None),
        ("125", "vendor", b"vendor"),
        ("66", "192.0.2.1", b"192.0.2.1"),
        ("67", "5", b"5"),
        ("67", "a:b", b"a:b"),
        ("router", "nobody", None),
        ("ntp-server", "ntp.example", None),
        ("121", "10.0.0.0/8,192.0.2.1", bytes((8, 10, 192, 0, 2, 1))),
    ],
)
def test_dhcpv4(name: str, value: str, payload: bytes | None) -> None:
    if payload is None:
        with pytest.raises(ValueError, match=r"option|address|octets"):
            encode4(name, value)
    else:
        assert encode4(name, value) == (dhcp4.option_code(name), payload)


@pytest.mark.parametrize(
    ("name", "value", "payload"),
    [
        ("sol-max-rt", "soon", b"soon"),
        ("200", "5", b"\5"),
        ("200", "2001:db8::1", bytes.fromhex("20010db8") + bytes(11) + b"\1"),
        ("200", "[2001:db8::1]", bytes.fromhex("20010db8") + bytes(11) + b"\1"),
        ("200", "word", b"word"),
        ("dns-server", "word", None),
    ],
)
def test_dhcpv6(name: str, value: str, payload: bytes | None) -> None:
    if payload is None:
        with pytest.raises(ValueError, match="option"):
            encode6(name, value)
    else:
        assert encode6(name, value) == (dhcp6.option_code(name), payload)


@pytest.mark.parametrize("name", ["53", "54", "82", "message-type"])
def test_what_is_netmends_own_stays_so(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be set"):
        encode4(name, "text")
