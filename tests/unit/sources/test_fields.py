"""Single fields: what is taken, as what, and the reason when it is not."""

from collections.abc import Callable
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmend.sources import fields


@pytest.mark.parametrize(
    ("convert", "text", "value"),
    [
        (fields.uuid, "7F3C1A52-09DE-4B1C-8F6E-2D5A90B4C111", "7f3c1a52-09de-4b1c-8f6e-2d5a90b4c111"),
        (fields.mac, "FA-16-3E-00-00-01", "fa:16:3e:00:00:01"),
        (fields.mac, "12:34:56:11:22:33", "12:34:56:11:22:33"),
        (fields.host_name, "web.example.", "web.example"),
        (fields.host_name, "3com", "3com"),  # RFC 1123 section 2.1: a digit may come first
        (fields.host_name, "a" * 63, "a" * 63),
        (fields.tftp_server, "192.0.2.1", "192.0.2.1"),
        (fields.tftp_server, "boot.example", "boot.example"),
        (fields.device_name, "a" * 15, "a" * 15),
        (fields.namespace_name, "guest one", "guest one"),
        (fields.namespace_name, "x" * 255, "x" * 255),
        (fields.architecture, "x64-uefi", 7),
        (fields.architecture, 65_535, 65_535),
        (fields.mtu, 68, 68),
        (fields.mtu, 65_535, 65_535),
        (fields.lease_time, 4, 4),
        (fields.lease_time, 0xFFFFFFFF, 0xFFFFFFFF),
        (fields.host_address, "223.255.255.255", IPv4Address("223.255.255.255")),
        (fields.host_address, "240.0.0.1", IPv4Address("240.0.0.1")),
    ],
)
def test_taken(convert: Callable[[object], object], text: object, value: object) -> None:
    assert convert(text) == value


@pytest.mark.parametrize(
    ("convert", "text", "why"),
    [
        (fields.uuid, "7f3c1a5209de4b1c8f6e2d5a90b4c111", "no UUID"),
        (fields.uuid, "{7f3c1a52-09de-4b1c-8f6e-2d5a90b4c111}", "no UUID"),
        (fields.name, "", "not empty"),
        (fields.name, " web", "no blank around"),
        (fields.name, "x" * 256, "at most 255"),
        (fields.name, "a\x1b[31m", "cannot be printed"),
        (fields.mac, "fa:16:3e:00:00", "no MAC address"),
        (fields.mac, "fa:16:3e:00:00:0g", "no MAC address"),
        (fields.mac, "01:00:5e:00:00:01", "multicast"),
        (fields.mac, "ff:ff:ff:ff:ff:ff", "multicast"),
        (fields.mac, "00:00:00:00:00:00", "no station"),
        (fields.address, "10.0.0", "no IPv4 address"),
        (fields.address, "10.0.0.01", "no IPv4 address"),
        (fields.address, "10.0.0.256", "no IPv4 address"),
        (fields.address, "fe80::1", "an IPv4 address is wanted"),
        (fields.host_address, "127.0.0.1", "loopback"),
        (fields.host_address, "0.1.2.3", "this network"),
        (fields.host_address, "239.1.2.3", "multicast"),
        (fields.host_address, "255.255.255.255", "broadcast"),
        (fields.host_address, "1.2.3.4\0", "no IPv4 address"),
        (fields.block, "10.0.0.1/24", "the block is 10.0.0.0/24"),
        (fields.block, "10.0.0.0", "no prefix length"),
        (fields.block, "10.0.0.0/33", "no IPv4 block"),
        (fields.block, "10.0.0.0/x", "no IPv4 block"),
        (fields.block, "2001:db8::/64", "an IPv4 block is wanted"),
        (fields.subnet_block, "10.0.0.0/33", "no IPv4 block"),
        (fields.subnet_block, "8.0.0.0/7", "/8 to /32"),
        (fields.subnet_block, "127.0.0.0/24", "loopback"),
        (fields.subnet_block, "239.0.0.0/24", "multicast"),
        (fields.pool, "10.0.0.1", "no pool"),
        (fields.pool, "10.0.0.9 - 10.0.0.1", "above the last"),
        (fields.pool, "10.0.0.1 - 10.0.0.300", "no IPv4 address"),
        (fields.host_name, "", "1 to 253"),
        (fields.host_name, ".", "1 to 253"),
        (fields.host_name, "a..b", "part ''"),
        (fields.host_name, "-a", "hyphen"),
        (fields.host_name, "a_b", "letters, digits and hyphens"),
        (fields.host_name, "a" * 64, "1 to 63"),
        (fields.host_name, ".".join(["a" * 63] * 4), "1 to 253"),
        (fields.host_name, "bücher", "xn--"),
        (fields.host_name, "a\n", "letters"),
        (fields.tftp_server, "1.2.3", "no IPv4 address"),
        (fields.tftp_server, "a" * 40 + "." + "b" * 30, "63 characters"),
        (fields.bootfile, "", "empty"),
        (fields.bootfile, "x" * 256, "256 bytes"),
        (fields.bootfile, "a\0b", "cannot be printed"),
        (fields.architecture, "vax", "no known architecture"),
        (fields.architecture, 65_536, "0 to 65535"),
        (fields.mtu, 67, "68"),
        (fields.mtu, 65_536, "65535"),
        (fields.lease_time, 3, "4 to"),
        (fields.lease_time, 1 << 32, "4 to"),
        (fields.device_name, "a" * 16, "15 characters"),
        (fields.device_name, "äöüäöüäö", "15 characters"),  # the kernel counts bytes
        (fields.device_name, "a/b", "no device name"),
        (fields.device_name, "eth0:1", "no device name"),
        (fields.device_name, "eth%d", "no device name"),
        (fields.device_name, "..", "no device name"),
        (fields.device_name, "lo", "loopback"),
        (fields.namespace_name, "..", "no namespace name"),
        (fields.namespace_name, "a/b", "no namespace name"),
        (fields.namespace_name, "ä" * 128, "256 bytes"),
        (fields.namespace_name, "qdhcp-x", "netmend's own"),
    ],
)
def test_refused(convert: Callable[[object], object], text: object, why: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        convert(text)
    assert why in str(caught.value)


@given(st.integers(0, (1 << 32) - 1))
def test_a_host_address_is_one_in_none_of_the_special_blocks(number: int) -> None:
    address = IPv4Address(number)
    usable = 1 <= number >> 24 <= 239 and not address.is_loopback and not address.is_multicast
    usable = usable or (number >> 24 >= 240 and number != 0xFFFFFFFF)
    try:
        assert fields.host_address(str(address)) == address
        assert usable
    except ValueError:
        assert not usable


TEXT_FIELDS = [
    fields.uuid,
    fields.name,
    fields.mac,
    fields.address,
    fields.host_address,
    fields.block,
    fields.subnet_block,
    fields.pool,
    fields.host_name,
    fields.tftp_server,
    fields.bootfile,
    fields.architecture,
    fields.device_name,
    fields.namespace_name,
]


@given(
    st.sampled_from(TEXT_FIELDS),
    st.text(st.characters()) | st.text("0123456789.:-/ %aF", max_size=40) | st.just("\ud800"),
)
def test_any_text_is_a_value_or_a_printable_reason(convert: Callable[[str], object], text: str) -> None:
    try:
        convert(text)
    except ValueError as error:
        assert str(error).isprintable()
