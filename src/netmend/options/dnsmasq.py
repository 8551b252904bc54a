"""Values of options as dnsmasq takes them where they do not fit the option's type, or the option is not known.

dnsmasq looks at the text of a value first (option.c, parse_dhcp_opt): pairs of hexadecimal digits with colons between
them are octets, digits are a number, dotted quads are addresses, and all else is text and is sent as it is written,
also in an option that should have a number. Only of options with addresses, names and times it knows better.

Two things of dnsmasq's are not done: a number that does not fit the option's octets is refused, not cut off; and an
option that dnsmasq does not know, and netmend does, has the width of its definition.
"""

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from netmend.options import dhcp4, dhcp6, values4, values6
from netmend.options.values4 import Encoder

# Types with values that have one form: what has another is refused, by dnsmasq mostly too.
_STRICT: Final[frozenset[Encoder]] = frozenset(
    (
        values4.address,
        values4.addresses,
        values4.address_pairs,
        values4.classless_routes,
        values4.domain_name,
        values4.domain_search,
        values4.seconds,
        values4.sip_servers,
        values6.address,
        values6.addresses,
        values6.ntp_servers,
    )
)
_SUFFIXES: Final = {"b": 1, "s": 2, "i": 4}  # octets of a number


def encode4(name: str, value: str) -> tuple[int, bytes]:
    """The code and payload of a DHCPv4 option. Raises ValueError with a sentence that names option, value, reason."""
    code = dhcp4.option_code(name)
    return _encode(dhcp4.encode_option, dhcp4.encoder_of(code), code, value, is6=False)


def encode6(name: str, value: str) -> tuple[int, bytes]:
    """The code and payload of a DHCPv6 option. Raises ValueError with a sentence that names option, value, reason."""
    code = dhcp6.option_code(name)
    return _encode(dhcp6.encode_option, dhcp6.encoder_of(code), code, value, is6=True)


def _encode(
    encode: Callable[[str | int, object], tuple[int, bytes]],
    encoder: Encoder | None,
    code: int,
    value: str,
    *,
    is6: bool,
) -> tuple[int, bytes]:
    if encoder is not None:
        try:
            return encode(code, value)
        except ValueError:
            if encoder in _STRICT or _is_number(value):
                raise
    return encode(code, _by_its_looks(value.strip(), is6=is6))  # which refuses what is netmend's own


def _is_number(value: str) -> bool:
    return re.fullmatch(r"-?[0-9]+", value.strip()) is not None


def _by_its_looks(value: str, *, is6: bool) -> bytes:
    """Raises ValueError where it looks like addresses and is none."""
    parts = value.split(":")
    if len(parts) > 1 and all(re.fullmatch(r"[0-9a-fA-F]{1,2}", part) for part in parts):
        return bytes(int(part, 16) for part in parts)
    if match := re.fullmatch(r"(-?[0-9]+)([bsi]?)", value):
        return _number(int(match[1]), _SUFFIXES.get(match[2]))
    items = [item.strip() for item in value.split(",")]
    if is6:
        if re.fullmatch(r"[0-9a-fA-F:.,\[\] ]*", value) and ":" in value:
            return b"".join(IPv6Address(item.removeprefix("[").removesuffix("]")).packed for item in items)
    elif re.fullmatch(r"[0-9][0-9.,/ ]*", value):
        return b"".join(_address_or_block(item) for item in items)
    return value.encode()


def _number(number: int, width: int | None) -> bytes:
    if width is None:
        width = 1 if 0 <= number < 1 << 8 else 2 if 0 <= number < 1 << 16 else 4
    try:
        return number.to_bytes(width, "big", signed=number < 0)
    except OverflowError:
        raise ValueError(f"{number} takes more than {width} octets") from None


def _address_or_block(item: str) -> bytes:
    """An address; or its block, as option 121 has it: the length of the prefix, and as many octets as that needs."""
    address, slash, length = item.partition("/")
    packed = IPv4Address(address).packed
    if not slash:
        return packed
    if not length.isdigit() or int(length) > 32:
        raise ValueError(f"{item!r} is no block of addresses")
    return bytes((int(length),)) + packed[: (int(length) + 7) // 8]
