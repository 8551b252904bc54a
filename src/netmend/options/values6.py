"""Values of DHCPv6 options, beside those that DHCPv4 has too (`values4`): from what people write to wire format.

An encoder takes what YAML gives (text, a number, a list, a mapping) and gives the payload. It raises ValueError with a
sentence that names the value and the reason.
"""

import re
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv6Address

from netmend.options import values4
from netmend.options.values4 import Encoder

_NTP_ADDRESS, _NTP_NAME = 1, 3  # suboptions, RFC 5908 section 4


def address(value: object) -> bytes:
    """An IPv6 address; dnsmasq's brackets around it are understood."""
    value = values4.single(value, "IPv6 address")
    if isinstance(value, IPv6Address):
        return value.packed
    try:
        if not isinstance(value, str):
            raise AddressValueError
        return IPv6Address(value.strip().removeprefix("[").removesuffix("]")).packed
    except AddressValueError:
        raise ValueError(f"{value!r} is no IPv6 address") from None


def addresses(value: object) -> bytes:
    return b"".join(address(item) for item in values4.listed(value))


def within(payload: bytes) -> bytes:
    """Text or the like with its length before it, two octets, as DHCPv6 packs several into one option."""
    return len(payload).to_bytes(2, "big") + payload


def texts(value: object) -> bytes:
    """Several texts (RFC 5970 section 3.2, RFC 8415 section 21.15)."""
    return b"".join(within(values4.text(item)) for item in (value if isinstance(value, list | tuple) else [value]))


def ntp_servers(value: object) -> bytes:
    """Time sources, addresses or names, as suboptions (RFC 5908 section 4); each is sent in an option of its own."""
    result = b""
    for item in values4.listed(value):
        try:
            code, payload = _NTP_ADDRESS, address(item)
        except ValueError:
            if ":" in str(item):
                raise
            code, payload = _NTP_NAME, values4.domain_name(item)
        result += code.to_bytes(2, "big") + within(payload)
    return result


def vendor_options(value: object) -> bytes:
    """`{enterprise: NUMBER, options: {CODE: VALUE}}` (RFC 8415 section 21.17), or hexadecimal of all of it."""
    if not isinstance(value, Mapping):
        return values4.octets(value)
    if set(value) != {"enterprise", "options"} or not isinstance(value["options"], Mapping):
        raise ValueError(f"{dict(value)!r} is not {{enterprise: NUMBER, options: {{CODE: VALUE}}}}")
    result = values4.integer(4)(value["enterprise"])
    for code, inner in value["options"].items():
        result += values4.integer(2)(code) + within(explicit(inner) if isinstance(inner, Mapping) else guess(inner))
    return result


def guess(value: object) -> bytes:
    """The value of an option that the registry does not know: IPv6 addresses in brackets or with `::`, hexadecimal
    (`0x0102`, `01:02`), or text."""
    if isinstance(value, IPv6Address):
        return value.packed
    parts = values4.listed(value)
    if parts and all(
        isinstance(item, str) and re.fullmatch(r"\[.*\]|[0-9a-fA-F:.]*::[0-9a-fA-F:.]*", item) for item in parts
    ):
        return addresses(parts)
    if not isinstance(value, str):
        raise ValueError(f"not known here, so say how {value!r} is meant: {{u8: ...}}, {{u16: ...}}, {{hex: ...}}")
    return values4.octets_or_text(value)


def explicit(value: Mapping[object, object]) -> bytes:
    """A value with its type named, such as `{hex: "01:02"}`."""
    if len(value) != 1:
        raise ValueError(f"expected one type and its value, such as {{hex: '01:02'}}, not {dict(value)!r}")
    kind, inner = next(iter(value.items()))
    if kind not in EXPLICIT:
        raise ValueError(f"{kind!r} is no type of value; types are {', '.join(EXPLICIT)}")
    return EXPLICIT[str(kind)](inner)


EXPLICIT: dict[str, Encoder] = values4.EXPLICIT | {"ip": addresses}
