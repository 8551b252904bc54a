"""Single fields about IPv6: text to value, or a ValueError with a reason for people."""

import re
from ipaddress import AddressValueError, IPv6Address, IPv6Network, NetmaskValueError

from netmend.intent import Pool6

PREFIX_MIN = 16  # of a subnet; of one address alone, netmend's own is elsewhere
MTU_MIN = 1280  # bytes; RFC 8200 section 5
DUID_MIN, DUID_MAX = 3, 130  # bytes; RFC 8415 section 11.1
URL_MAX = 1000  # bytes; a reply is never fragmented

_DUID = re.compile(r"[0-9a-f]{2}(?::?[0-9a-f]{2})*")
_POOL = re.compile(r"\s*([0-9a-fA-F:.]+)\s*-\s*([0-9a-fA-F:.]+)\s*")
_UNUSABLE = tuple(
    (IPv6Network(block), what)
    for block, what in (
        ("::/8", "reserved (RFC 4291 section 2.4)"),
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
    )
)


def address(text: str) -> IPv6Address:
    """An IPv6 address, without a zone."""
    try:
        if "%" in text:
            raise AddressValueError("a zone means nothing here")
        return IPv6Address(text)
    except AddressValueError as error:
        why = str(error).removesuffix(f" in {text!r}")
        raise ValueError(f"{text!r} is no IPv6 address ({why[:1].lower() + why[1:]})") from None


def host_address(text: str) -> IPv6Address:
    """An IPv6 address that a host can have: global or unique-local, neither link-local nor multicast nor loopback."""
    value = address(text)
    for block_, what in _UNUSABLE:
        if value in block_:
            raise ValueError(f"{text} is {what}, not a host's address on a network")
    return value


def gateway(text: str) -> IPv6Address:
    """A router's address: one that a host can have, or a link-local one."""
    value = address(text)
    return value if value.is_link_local else host_address(text)


def block(text: str) -> IPv6Network:
    """An IPv6 block, `address/prefix length`, without host bits."""
    if "/" not in text:
        raise ValueError(f"{text!r} has no prefix length (such as /64)")
    try:
        value = IPv6Network(text, strict=False)
    except (AddressValueError, NetmaskValueError) as error:
        why = str(error).removesuffix(f" in {text!r}")
        raise ValueError(f"{text!r} is no IPv6 block ({why[:1].lower() + why[1:]})") from None
    if value.network_address != IPv6Address(text.partition("/")[0]):
        raise ValueError(f"{text} has host bits set; the block is {value}")
    return value


def subnet_block(text: str) -> IPv6Network:
    """A block that guests can live in: /16 to /128, global or unique-local."""
    value = block(text)
    if value.prefixlen < PREFIX_MIN:
        raise ValueError(f"{text}: an IPv6 subnet is /{PREFIX_MIN} to /128")
    for unusable, what in _UNUSABLE:
        if value.overlaps(unusable):
            raise ValueError(f"{text} lies in {unusable}, which is {what}")
    return value


def pool(text: str) -> Pool6:
    """An inclusive range, `first - last`."""
    match = _POOL.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is no pool (two IPv6 addresses, such as 2001:db8::100 - 2001:db8::1ff)")
    first, last = address(match[1]), address(match[2])
    if first > last:
        raise ValueError(f"{text}: the first address is above the last")
    return Pool6(first, last)


def duid(text: str) -> bytes:
    """A DUID: pairs of hexadecimal digits, with or without colons between them."""
    lower = text.strip().lower()
    if not _DUID.fullmatch(lower):
        raise ValueError(f"{text!r} is no DUID (pairs of hexadecimal digits, such as 00:03:00:01:fa:16:3e:00:00:01)")
    value = bytes.fromhex(lower.replace(":", ""))
    if not DUID_MIN <= len(value) <= DUID_MAX:
        raise ValueError(f"{len(value)} bytes long; a DUID has {DUID_MIN} to {DUID_MAX} (RFC 8415 section 11.1)")
    return value


def url(text: str) -> str:
    """A boot file's URL: 1 to 1000 bytes, no blanks or control characters."""
    if not text or not text.isprintable() or " " in text:
        raise ValueError(f"{text!r} is empty, or holds a blank or a character that cannot be printed")
    if ":" not in text:
        raise ValueError(f"{text!r} is no URL (such as tftp://[2001:db8::1]/boot.efi)")
    if len(text.encode()) > URL_MAX:
        raise ValueError(f"{len(text.encode())} bytes long; a boot file's URL has at most {URL_MAX}")
    return text
