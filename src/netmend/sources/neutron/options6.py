"""DHCPv6 options as dnsmasq takes them, by name or number, to encoded payloads."""

from ipaddress import IPv6Address

from netmend.intent import dhcp_values as values

_CODES = {
    "sip-server-domain": 21, "sip-server": 22, "dns-server": 23, "domain-search": 24, "nis-server": 27,
    "nis+-server": 28, "nis-domain": 29, "nis+-domain": 30, "sntp-server": 31, "information-refresh-time": 32,
    "ntp-server": 56, "bootfile-url": 59, "bootfile-param": 60,
}  # fmt: skip
_ADDRESSES = frozenset((22, 23, 27, 28, 31))
_NAMES = frozenset((21, 24, 29, 30))
_CONVERSATION = frozenset((*range(1, 10), 11, 12, 13, 14, 18, 19, 20, 25, 26))  # set by server and client alone


def encode_option6(name: str, value: str) -> tuple[int, bytes]:
    """The code and the payload (RFC 8415 section 21.1); raises ValueError with a sentence."""
    code = _CODES.get(name.lower()) or (int(name) if name.isdecimal() else 0)
    if not 0 < code < 65_536:
        raise ValueError(f"{name!r} is no DHCPv6 option known by name; write its number")
    if code in _CONVERSATION:
        raise ValueError("it is part of the conversation itself")
    if not value:
        return code, b""
    if code in _ADDRESSES or code == 56:
        packed = [IPv6Address(text.strip().strip("[]")).packed for text in value.split(",")]
        if code == 56:  # RFC 5908 section 4: each a suboption NTP_SUBOPTION_SRV_ADDR
            packed = [b"\x00\x01\x00\x10" + address for address in packed]
        return code, b"".join(packed)
    if code in _NAMES:
        return code, b"".join(values.domain_name(text.strip()) for text in value.split(","))
    if code == 32:
        return code, values.integer(4)(value)
    return code, value.encode() if code in {59, 60} else _guess(value)


def _guess(value: str) -> bytes:
    try:
        return b"".join(IPv6Address(text.strip().strip("[]")).packed for text in value.split(","))
    except ValueError:
        return values.guess(value)
