"""Values of DHCPv4 options, one encoder a type: from what people write to RFC 2132 wire format.

An encoder takes what YAML gives (text, a number, a list, a mapping) and gives the payload. It raises ValueError with a
sentence that names the value and the reason.
"""

import re
from collections.abc import Callable, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Network

Encoder = Callable[[object], bytes]

_INFINITE = 0xFFFFFFFF  # a time without end, RFC 2131 section 3.3
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def listed(value: object) -> list[object]:
    """A list as YAML gives it, or as `a, b, c` in one string."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",")]
    if isinstance(value, list | tuple):
        return list(value)
    return [value]


def single(value: object, what: str) -> object:
    if isinstance(value, list | tuple):
        if len(value) != 1:
            raise ValueError(f"expected one {what}, not {len(value)}")
        return value[0]
    return value


def address(value: object) -> bytes:
    value = single(value, "IPv4 address")
    if isinstance(value, IPv4Address):
        return value.packed
    try:
        if not isinstance(value, str):
            raise AddressValueError
        return IPv4Address(value.strip()).packed
    except AddressValueError:
        raise ValueError(f"{value!r} is no IPv4 address") from None


def addresses(value: object) -> bytes:
    return b"".join(address(item) for item in listed(value))


def address_pairs(value: object) -> bytes:
    """`a b, c d` or [[a, b], [c, d]]: options 21 (address, mask) and 33 (destination, router)."""
    result = b""
    for item in listed(value):
        pair = item if isinstance(item, list | tuple) else str(item).split()
        if len(pair) != 2:
            raise ValueError(f"{item!r} is no pair of IPv4 addresses")
        result += address(pair[0]) + address(pair[1])
    return result


def _number(value: object, low: int, high: int) -> int:
    value = single(value, "number")
    if isinstance(value, str):
        try:
            value = int(value.strip(), 0)
        except ValueError:
            raise ValueError(f"{value!r} is no number") from None
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is no number")
    if not low <= value <= high:
        raise ValueError(f"{value} is out of range ({low} to {high})")
    return value


def integer(width: int, low: int = 0, high: int | None = None) -> Encoder:
    top = (1 << 8 * width) - 1 if high is None else high

    def encode(value: object) -> bytes:
        return _number(value, low, top).to_bytes(width, "big", signed=low < 0)

    return encode


def integers(width: int, low: int = 0) -> Encoder:
    one = integer(width, low)

    def encode(value: object) -> bytes:
        return b"".join(one(item) for item in listed(value))

    return encode


def seconds(value: object) -> bytes:
    """Seconds: a number, `12h` and the like as dnsmasq writes it, or `infinite` (0xffffffff, RFC 2131 section 3.3)."""
    value = single(value, "time")
    if isinstance(value, str):
        text = value.strip().lower()
        if text in ("infinite", "infinity"):
            return _INFINITE.to_bytes(4, "big")
        if match := re.fullmatch(r"([0-9]{1,10})([smhdw])", text):
            value = int(match[1]) * _UNITS[match[2]]
    return _number(value, 0, _INFINITE).to_bytes(4, "big")


def flag(value: object) -> bytes:
    value = single(value, "flag")
    text = str(value).strip().lower()
    if text in ("1", "true", "yes", "on"):
        return b"\x01"
    if text in ("0", "false", "no", "off"):
        return b"\x00"
    raise ValueError(f"{value!r} is neither true nor false")


def text(value: object) -> bytes:
    value = single(value, "text")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{value!r} is no text")
    text = str(value)
    if "\0" in text:
        raise ValueError(f"{text!r} holds a NUL character, which clients take for the end of the text")
    return text.encode()


def octets(value: object) -> bytes:
    value = single(value, "hexadecimal value")
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    payload = _hex(value) if isinstance(value, str) else None
    if payload is None:
        raise ValueError(f"{value!r} is not hexadecimal (write 0x0102 or 01:02)")
    return payload


def _hex(written: str) -> bytes | None:
    written = written.strip().lower()
    if re.fullmatch(r"[0-9a-f]{1,2}(:[0-9a-f]{1,2})*", written) and (":" in written or len(written) == 2):
        return bytes(int(part, 16) for part in written.split(":"))
    digits = written.removeprefix("0x")
    return bytes.fromhex(digits) if digits and re.fullmatch(r"(?:[0-9a-f]{2})+", digits) else None


def octets_or_text(value: object) -> bytes:
    """Hexadecimal when it is written so (`01:02`, `0x0102`), text otherwise."""
    if isinstance(value, str):
        written = value.strip()
        payload = _hex(written) if ":" in written or written[:2].lower() == "0x" else None
        return text(value) if payload is None else payload
    return octets(value) if isinstance(value, bytes) else text(value)


def guess(value: object) -> bytes:
    """The value of an option that the registry does not know."""
    if isinstance(value, IPv4Address):
        return value.packed
    items = listed(value)
    if items and all(isinstance(item, str) and re.fullmatch(r"\d+\.\d+\.\d+\.\d+", item) for item in items):
        return addresses(items)
    if not isinstance(value, str):
        raise ValueError(f"not known here, so say how {value!r} is meant: {{u8: ...}}, {{u16: ...}}, {{hex: ...}}")
    return octets_or_text(value)


def domain_name(value: object) -> bytes:
    """A name in DNS wire format (RFC 1035 section 3.1), without compression."""
    text = str(value).strip().removesuffix(".")
    try:
        labels = [label.encode("ascii") if label.isascii() else label.encode("idna") for label in text.split(".")]
    except UnicodeError:
        raise ValueError(f"{value!r} is no domain name") from None
    if not all(1 <= len(label) <= 63 and not re.search(rb"[\s\0]", label) for label in labels):
        raise ValueError(f"{value!r} is no domain name: a label has 1 to 63 characters and no blank")
    wire = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    if len(wire) > 255:
        raise ValueError(f"{value!r} is no domain name: longer than 253 characters")
    return wire


def domain_search(value: object) -> bytes:
    """RFC 3397 section 2, without compression (which it allows and does not demand)."""
    return b"".join(domain_name(item) for item in listed(value))


def sip_servers(value: object) -> bytes:
    """RFC 3361 section 3: encoding 1 and addresses, or encoding 0 and names."""
    items = listed(value)
    if all(re.fullmatch(r"\d+\.\d+\.\d+\.\d+", str(item)) for item in items):
        return b"\x01" + addresses(items)
    return b"\x00" + domain_search(items)


def encode_classless_route(destination: IPv4Network, nexthop: IPv4Address) -> bytes:
    """One route as options 121 and 249 carry it (RFC 3442): prefix length, significant octets, router."""
    significant = (destination.prefixlen + 7) // 8
    return bytes((destination.prefixlen,)) + destination.network_address.packed[:significant] + nexthop.packed


def classless_routes(value: object) -> bytes:
    """`10.0.0.0/8 192.0.2.1, ...`, [[destination, router], ...] or dnsmasq's flat `10.0.0.0/8,192.0.2.1,...`."""
    words: list[str] = []
    for item in listed(value):
        if isinstance(item, Mapping):
            words += [str(item.get("destination", "")), str(item.get("nexthop", ""))]
        else:
            words += [str(word) for word in item] if isinstance(item, list | tuple) else str(item).split()
    if len(words) % 2:
        raise ValueError(f"{value!r} has a destination without a router")
    result = b""
    for destination, router in zip(words[::2], words[1::2], strict=True):
        try:
            result += encode_classless_route(IPv4Network(destination), IPv4Address(router))
        except ValueError as error:
            raise ValueError(f"route {destination} {router}: {error}") from None
    return result


EXPLICIT: dict[str, Encoder] = {
    "hex": octets,
    "text": text,
    "ip": addresses,
    "u8": integers(1),
    "u16": integers(2),
    "u32": integers(4),
}
