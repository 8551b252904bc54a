"""DHCPv4 options as people write them, and the bytes they become.

`encode_option("ntp-servers", ["192.0.2.1"])` is `(42, b"\\xc0\\x00\\x02\\x01")`. Names are those of the IANA registry
(bootp-dhcp-parameters), of ISC dhcpd (dhcp-options(5)) and of dnsmasq (`--dhcp-option`), so that a line of an existing
configuration can be taken over: upper or lower case, `-` or `_`, with or without dnsmasq's `option:` before it. Codes
work wherever names do.

A value may be written in three ways:

- as the option's type wants it: `"192.0.2.1"`, `["192.0.2.1", "192.0.2.2"]`, `"192.0.2.1,192.0.2.2"`, `1500`, `true`;
- with its type named, for any option: `{"hex": "01:02"}`, `{"text": "x"}`, `{"ip": [...]}`, `{"u8": 1}`,
  `{"u16": [1, 2]}`, `{"u32": 1}`; this wins over the registry;
- as nothing at all (`None`, `""`, `[]`): the payload is empty, which means "do not send this option".

A code that the registry does not know takes addresses, hexadecimal (`0x0102`, `01:02`) or text, told apart as dnsmasq
does; a bare integer is refused there, because its width is anybody's guess.

Some options are part of the conversation itself (message type, server identifier, ...); netmend alone sets them, and
asking for one is an error.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network

MAX_PAYLOAD = 1024  # bytes; more than 255 is split as RFC 3396 says, and must still fit in a reply
_INFINITE = 0xFFFFFFFF
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def encode_option(name_or_code: str | int, value: object) -> tuple[int, bytes]:
    """The code and the wire payload (without code and length, RFC 2132 section 2) of an option.

    Raises ValueError with a sentence that names the option, the value and the reason.
    """
    code = option_code(name_or_code)
    label = option_label(code)
    if reason := _RESERVED.get(code):
        raise ValueError(f"option {label} cannot be set: {reason}")
    try:
        payload = _encode(code, value)
    except ValueError as error:
        raise ValueError(f"option {label}: {error}") from None
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"option {label}: value takes {len(payload)} bytes, at most {MAX_PAYLOAD} can be sent")
    return code, payload


def option_code(name_or_code: str | int) -> int:
    """The code (1-254) of an option named or numbered. Raises ValueError when there is none of that name."""
    if isinstance(name_or_code, bool) or not isinstance(name_or_code, str | int):
        raise ValueError(f"{name_or_code!r} is neither the name nor the number of a DHCP option")
    if isinstance(name_or_code, str):
        name = name_or_code.strip().lower().replace("_", "-").removeprefix("option:").removeprefix("option-")
        if name in _BY_NAME:
            return _BY_NAME[name].code
        if not re.fullmatch(r"[0-9]{1,9}", name):
            raise ValueError(f"{name_or_code!r} is no DHCP option known by name; write its number (1-254)")
        name_or_code = int(name)
    if not 1 <= name_or_code <= 254:
        raise ValueError(f"{name_or_code} is no DHCP option: codes are 1 to 254 (0 is padding, 255 the end mark)")
    return name_or_code


def option_label(code: int) -> str:
    """How to name an option to a person: `42 (ntp-servers)`, or the bare number."""
    option = _BY_CODE.get(code)
    return f"{code} ({option.names[0]})" if option else str(code)


# --- values -------------------------------------------------------------------------------------------------------

Encoder = Callable[[object], bytes]


def _encode(code: int, value: object) -> bytes:
    if value is None or (isinstance(value, str | bytes | Sequence | Mapping) and not value):
        return b""
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if isinstance(value, Mapping):
        if len(value) != 1:
            raise ValueError(f"expected one type and its value, such as {{hex: '01:02'}}, not {dict(value)!r}")
        kind, inner = next(iter(value.items()))
        if kind not in _EXPLICIT:
            raise ValueError(f"{kind!r} is no type of value; types are {', '.join(_EXPLICIT)}")
        return _EXPLICIT[kind](inner)
    option = _BY_CODE.get(code)
    return option.encoder(value) if option else _guess(value)


def _items(value: object) -> list[object]:
    """A list as YAML gives it, or as `a, b, c` in one string."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",")]
    if isinstance(value, list | tuple):
        return list(value)
    return [value]


def _one(value: object, what: str) -> object:
    if isinstance(value, list | tuple):
        if len(value) != 1:
            raise ValueError(f"expected one {what}, not {len(value)}")
        return value[0]
    return value


def _address(value: object) -> bytes:
    value = _one(value, "IPv4 address")
    if isinstance(value, IPv4Address):
        return value.packed
    try:
        if not isinstance(value, str):
            raise AddressValueError
        return IPv4Address(value.strip()).packed
    except AddressValueError:
        raise ValueError(f"{value!r} is no IPv4 address") from None


def _addresses(value: object) -> bytes:
    return b"".join(_address(item) for item in _items(value))


def _address_pairs(value: object) -> bytes:
    """`a b, c d` or [[a, b], [c, d]]: options 21 (address, mask) and 33 (destination, router)."""
    result = b""
    for item in _items(value):
        pair = item if isinstance(item, list | tuple) else str(item).split()
        if len(pair) != 2:
            raise ValueError(f"{item!r} is no pair of IPv4 addresses")
        result += _address(pair[0]) + _address(pair[1])
    return result


def _number(value: object, low: int, high: int) -> int:
    value = _one(value, "number")
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


def _integer(width: int, low: int = 0, high: int | None = None) -> Encoder:
    top = (1 << 8 * width) - 1 if high is None else high

    def encode(value: object) -> bytes:
        return _number(value, low, top).to_bytes(width, "big", signed=low < 0)

    return encode


def _integers(width: int, low: int = 0) -> Encoder:
    one = _integer(width, low)

    def encode(value: object) -> bytes:
        return b"".join(one(item) for item in _items(value))

    return encode


def _seconds(value: object) -> bytes:
    """Seconds: a number, `12h` and the like as dnsmasq has it, or `infinite` (0xffffffff, RFC 2131 section 3.3)."""
    value = _one(value, "time")
    if isinstance(value, str):
        text = value.strip().lower()
        if text in ("infinite", "infinity"):
            return _INFINITE.to_bytes(4, "big")
        if match := re.fullmatch(r"([0-9]{1,10})([smhdw])", text):
            value = int(match[1]) * _UNITS[match[2]]
    return _number(value, 0, _INFINITE).to_bytes(4, "big")


def _flag(value: object) -> bytes:
    value = _one(value, "flag")
    text = str(value).strip().lower()
    if text in ("1", "true", "yes", "on"):
        return b"\x01"
    if text in ("0", "false", "no", "off"):
        return b"\x00"
    raise ValueError(f"{value!r} is neither true nor false")


def _text(value: object) -> bytes:
    value = _one(value, "text")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{value!r} is no text")
    text = str(value)
    if "\0" in text:
        raise ValueError(f"{text!r} holds a NUL character, which clients take for the end of the text")
    return text.encode()


def _octets(value: object) -> bytes:
    value = _one(value, "hexadecimal value")
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    octets = _hex(value) if isinstance(value, str) else None
    if octets is None:
        raise ValueError(f"{value!r} is not hexadecimal (write 0x0102 or 01:02)")
    return octets


def _hex(text: str) -> bytes | None:
    text = text.strip().lower()
    if re.fullmatch(r"[0-9a-f]{1,2}(:[0-9a-f]{1,2})*", text) and (":" in text or len(text) == 2):
        return bytes(int(part, 16) for part in text.split(":"))
    digits = text.removeprefix("0x")
    return bytes.fromhex(digits) if digits and re.fullmatch(r"(?:[0-9a-f]{2})+", digits) else None


def _octets_or_text(value: object) -> bytes:
    """Hexadecimal when it is written so (`01:02`, `0x0102`), text otherwise."""
    if isinstance(value, str):
        text = value.strip()
        octets = _hex(text) if ":" in text or text[:2].lower() == "0x" else None
        return _text(value) if octets is None else octets
    return _octets(value) if isinstance(value, bytes) else _text(value)


def _guess(value: object) -> bytes:
    """The value of an option that the registry does not know."""
    if isinstance(value, IPv4Address):
        return value.packed
    items = _items(value)
    if items and all(isinstance(item, str) and re.fullmatch(r"\d+\.\d+\.\d+\.\d+", item) for item in items):
        return _addresses(items)
    if not isinstance(value, str):
        raise ValueError(f"not known here, so say how {value!r} is meant: {{u8: ...}}, {{u16: ...}}, {{hex: ...}}")
    return _octets_or_text(value)


def _domain_name(value: object) -> bytes:
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


def _domain_search(value: object) -> bytes:
    """RFC 3397 section 2, without compression (which it allows and does not demand)."""
    return b"".join(_domain_name(item) for item in _items(value))


def _sip_servers(value: object) -> bytes:
    """RFC 3361 section 3: encoding 1 and addresses, or encoding 0 and names."""
    items = _items(value)
    if all(re.fullmatch(r"\d+\.\d+\.\d+\.\d+", str(item)) for item in items):
        return b"\x01" + _addresses(items)
    return b"\x00" + _domain_search(items)


def encode_classless_route(destination: IPv4Network, nexthop: IPv4Address) -> bytes:
    """One route as options 121 and 249 carry it (RFC 3442): prefix length, significant octets, router."""
    significant = (destination.prefixlen + 7) // 8
    return bytes((destination.prefixlen,)) + destination.network_address.packed[:significant] + nexthop.packed


def _classless_routes(value: object) -> bytes:
    """`10.0.0.0/8 192.0.2.1, ...`, [[destination, router], ...] or dnsmasq's flat `10.0.0.0/8,192.0.2.1,...`."""
    words: list[str] = []
    for item in _items(value):
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


_EXPLICIT: dict[str, Encoder] = {
    "hex": _octets,
    "text": _text,
    "ip": _addresses,
    "u8": _integers(1),
    "u16": _integers(2),
    "u32": _integers(4),
}

# --- the registry -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Option:
    code: int
    encoder: Encoder
    names: tuple[str, ...]  # the first is IANA's or ISC's, as messages show it


_U8, _U16, _U32 = _integer(1), _integer(2), _integer(4)

_OPTIONS = tuple(
    _Option(code, encoder, tuple(names.split()))
    for code, encoder, names in (
        (1, _address, "subnet-mask netmask"),
        (2, _integer(4, -(1 << 31), (1 << 31) - 1), "time-offset"),
        (3, _addresses, "routers router gateway"),
        (4, _addresses, "time-servers time-server"),
        (5, _addresses, "ien116-name-servers name-servers name-server"),
        (6, _addresses, "domain-name-servers dns-server dns-servers domain-server domain-name-server dns"),
        (7, _addresses, "log-servers log-server"),
        (8, _addresses, "cookie-servers quotes-server cookie-server"),
        (9, _addresses, "lpr-servers lpr-server"),
        (10, _addresses, "impress-servers impress-server"),
        (11, _addresses, "resource-location-servers rlp-server"),
        (12, _text, "host-name hostname"),
        (13, _U16, "boot-size boot-file-size"),
        (14, _text, "merit-dump merit-dump-file"),
        (15, _text, "domain-name domain"),
        (16, _address, "swap-server"),
        (17, _text, "root-path"),
        (18, _text, "extensions-path extension-path extension-file"),
        (19, _flag, "ip-forwarding ip-forward-enable"),
        (20, _flag, "non-local-source-routing"),
        (21, _address_pairs, "policy-filter"),
        (22, _U16, "max-dgram-reassembly max-datagram-reassembly"),
        (23, _integer(1, 1), "default-ip-ttl default-ttl"),
        (24, _U32, "path-mtu-aging-timeout"),
        (25, _integers(2, 68), "path-mtu-plateau-table"),
        (26, _integer(2, 68), "interface-mtu mtu"),
        (27, _flag, "all-subnets-local"),
        (28, _address, "broadcast-address broadcast"),
        (29, _flag, "perform-mask-discovery"),
        (30, _flag, "mask-supplier"),
        (31, _flag, "router-discovery"),
        (32, _address, "router-solicitation-address router-solicitation"),
        (33, _address_pairs, "static-routes static-route"),
        (34, _flag, "trailer-encapsulation"),
        (35, _U32, "arp-cache-timeout arp-timeout"),
        (36, _flag, "ieee802-3-encapsulation ethernet-encap"),
        (37, _integer(1, 1), "default-tcp-ttl tcp-ttl"),
        (38, _U32, "tcp-keepalive-interval tcp-keepalive"),
        (39, _flag, "tcp-keepalive-garbage"),
        (40, _text, "nis-domain"),
        (41, _addresses, "nis-servers nis-server"),
        (42, _addresses, "ntp-servers ntp-server"),
        (43, _octets_or_text, "vendor-encapsulated-options vendor-encap vendor-specific"),
        (44, _addresses, "netbios-name-servers netbios-ns wins-server"),
        (45, _addresses, "netbios-dd-server netbios-dd"),
        (46, _U8, "netbios-node-type netbios-nodetype"),
        (47, _text, "netbios-scope"),
        (48, _addresses, "font-servers x-windows-fs"),
        (49, _addresses, "x-display-manager x-windows-dm"),
        (50, _address, "dhcp-requested-address requested-address"),
        (51, _seconds, "dhcp-lease-time lease-time"),
        (52, _U8, "dhcp-option-overload option-overload"),
        (53, _U8, "dhcp-message-type message-type"),
        (54, _address, "dhcp-server-identifier server-identifier server-id"),
        (55, _integers(1), "dhcp-parameter-request-list parameter-request"),
        (56, _text, "dhcp-message message"),
        (57, _U16, "dhcp-max-message-size max-message-size"),
        (58, _seconds, "dhcp-renewal-time t1 renewal-time"),
        (59, _seconds, "dhcp-rebinding-time t2 rebinding-time"),
        (60, _text, "vendor-class-identifier vendor-class"),
        (61, _octets_or_text, "dhcp-client-identifier client-id client-identifier"),
        (62, _text, "nwip-domain"),
        (63, _octets_or_text, "nwip-suboptions"),
        (64, _text, "nisplus-domain nis+-domain"),
        (65, _addresses, "nisplus-servers nis+-server nisplus-server"),
        (66, _text, "tftp-server-name tftp-server"),
        (67, _text, "bootfile-name boot-file-name bootfile boot-file"),
        (68, _addresses, "mobile-ip-home-agent mobile-ip-home"),
        (69, _addresses, "smtp-server smtp-servers"),
        (70, _addresses, "pop-server pop3-server"),
        (71, _addresses, "nntp-server nntp-servers"),
        (72, _addresses, "www-server www-servers"),
        (73, _addresses, "finger-server"),
        (74, _addresses, "irc-server irc-servers"),
        (75, _addresses, "streettalk-server"),
        (76, _addresses, "streettalk-directory-assistance-server stda-server"),
        (77, _text, "user-class"),
        (78, _octets, "slp-directory-agent"),
        (79, _octets, "slp-service-scope"),
        (80, _octets, "rapid-commit"),
        (81, _octets, "fqdn client-fqdn"),
        (82, _octets, "relay-agent-information agent-id"),
        (83, _octets, "isns"),
        (85, _addresses, "nds-servers nds-server"),
        (86, _text, "nds-tree-name"),
        (87, _text, "nds-context"),
        (88, _domain_search, "bcms-controller-names"),
        (89, _addresses, "bcms-controller-address"),
        (91, _U32, "client-last-transaction-time"),
        (92, _addresses, "associated-ip"),
        (93, _integers(2), "client-arch pxe-system-type client-architecture"),
        (94, _octets, "client-interface-id pxe-interface-id"),
        (97, _octets, "client-machine-id pxe-client-id"),
        (98, _text, "uap-servers user-auth"),
        (99, _octets, "geoconf-civic"),
        (100, _text, "pcode posix-timezone"),
        (101, _text, "tcode tzdb-timezone"),
        (108, _seconds, "v6-only-preferred ipv6-only"),
        (112, _addresses, "netinfo-server-address"),
        (113, _text, "netinfo-server-tag"),
        (114, _text, "default-url captive-portal v4-captive-portal"),
        (116, _flag, "auto-config"),
        (117, _integers(2), "name-service-search"),
        (118, _address, "subnet-selection subnet-select"),
        (119, _domain_search, "domain-search"),
        (120, _sip_servers, "sip-servers sip-server"),
        (121, _classless_routes, "classless-static-route rfc3442-classless-static-routes classless-static-routes"),
        (122, _octets, "ccc"),
        (123, _octets, "geoconf geo-conf"),
        (124, _octets, "vivco vendor-class-vi"),
        (125, _octets, "vivso vendor-id-encap"),
        (136, _addresses, "pana-agent"),
        (137, _domain_name, "v4-lost"),
        (138, _addresses, "capwap-ac-v4 capwap-ac"),
        (139, _octets, "ipv4-address-mos"),
        (140, _octets, "ipv4-fqdn-mos"),
        (141, _domain_search, "sip-ua-cs-domains"),
        (143, _octets, "v4-sztp-redirect sztp-redirect"),
        (144, _octets, "geoloc"),
        (146, _octets, "rdnss-selection"),
        (150, _addresses, "tftp-server-address"),
        (159, _octets, "v4-portparams"),
        (161, _text, "mud-url-v4"),
        (162, _octets, "v4-dnr"),
        (209, _text, "pxelinux-configfile loader-configfile configfile"),
        (210, _text, "pxelinux-pathprefix loader-pathprefix pathprefix"),
        (211, _seconds, "pxelinux-reboottime loader-reboottime reboottime"),
        (212, _octets, "option-6rd 6rd"),
        (213, _domain_name, "v4-access-domain access-domain"),
        (249, _classless_routes, "ms-classless-static-route classless-static-route-ms ms-classless-static-routes"),
        (252, _text, "wpad wpad-url proxy-autodiscovery"),
    )
)
_BY_CODE = {option.code: option for option in _OPTIONS}
_BY_NAME = {name.removeprefix("option-"): option for option in _OPTIONS for name in option.names}
# IANA and ISC say `dhcp-lease-time` where dnsmasq says `lease-time`: the prefix may be left out everywhere.
_BY_NAME |= {name.removeprefix("dhcp-"): option for name, option in _BY_NAME.items()}

_CLIENT_SAYS = "only clients send it"
_RESERVED = {
    50: _CLIENT_SAYS,
    52: "netmend sets it when options do not fit (RFC 2131 section 4.1)",
    53: "it is the kind of the message itself",
    54: "it is netmend's own address in the subnet",
    55: _CLIENT_SAYS,
    57: _CLIENT_SAYS,
    61: "the client's own identifier is echoed (RFC 6842)",
    80: "netmend does not offer the two-message exchange of RFC 4039",
    82: "relay agents set it, and it is echoed to them (RFC 3046)",
    118: _CLIENT_SAYS,
}
