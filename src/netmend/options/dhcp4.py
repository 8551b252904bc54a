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
does; a bare integer is refused there, because its width is unknown.

Some options are part of the conversation itself (message type, server identifier, ...); netmend alone sets them, and
asking for one is an error.
"""

from collections.abc import Mapping

from netmend.options import values4
from netmend.options.registry import MAX_PAYLOAD, Option, OptionRegistry

__all__ = [
    "CLIENT_ID",
    "MAX_PAYLOAD",
    "NEXT_SERVER",
    "client_identifier",
    "encode_option",
    "encoder_of",
    "option_code",
    "option_label",
]

# dnsmasq's name, and its number, for `siaddr` of the header, which is no option.
NEXT_SERVER = frozenset(("server-ip-address", "255"))
CLIENT_ID = frozenset(("client-id", "client-identifier", "dhcp-client-identifier", "61"))


def client_identifier(text: str) -> bytes:
    """What a client sends as its identifier (61): pairs of hexadecimal digits with colons between them, or else text,
    as in dnsmasq's `--dhcp-host=id:`; raises ValueError."""
    if ":" in text:
        try:
            value = bytes(int(part, 16) for part in text.split(":"))
        except ValueError:
            why = "is no client identifier (pairs of hexadecimal digits, or a text without :)"
            raise ValueError(f"{text!r} {why}") from None
    else:
        value = text.encode()
    if not 1 <= len(value) <= 255:
        raise ValueError(f"{len(value)} bytes long; a client identifier has 1 to 255")
    return value


def _encode(code: int, option: Option | None, value: object) -> bytes:
    if isinstance(value, Mapping):
        if len(value) != 1:
            raise ValueError(f"expected one type and its value, such as {{hex: '01:02'}}, not {dict(value)!r}")
        kind, inner = next(iter(value.items()))
        if kind not in values4.EXPLICIT:
            raise ValueError(f"{kind!r} is no type of value; types are {', '.join(values4.EXPLICIT)}")
        return values4.EXPLICIT[kind](inner)
    return option.encoder(value) if option else values4.guess(value)


_U8, _U16, _U32 = values4.integer(1), values4.integer(2), values4.integer(4)

_OPTIONS = tuple(
    Option(code, encoder, tuple(names.split()))
    for code, encoder, names in (
        (1, values4.address, "subnet-mask netmask"),
        (2, values4.integer(4, -(1 << 31), (1 << 31) - 1), "time-offset"),
        (3, values4.addresses, "routers router gateway"),
        (4, values4.addresses, "time-servers time-server"),
        (5, values4.addresses, "ien116-name-servers name-servers name-server"),
        (6, values4.addresses, "domain-name-servers dns-server dns-servers domain-server domain-name-server dns"),
        (7, values4.addresses, "log-servers log-server"),
        (8, values4.addresses, "cookie-servers quotes-server cookie-server"),
        (9, values4.addresses, "lpr-servers lpr-server"),
        (10, values4.addresses, "impress-servers impress-server"),
        (11, values4.addresses, "resource-location-servers rlp-server"),
        (12, values4.text, "host-name hostname"),
        (13, _U16, "boot-size boot-file-size"),
        (14, values4.text, "merit-dump merit-dump-file"),
        (15, values4.text, "domain-name domain"),
        (16, values4.address, "swap-server"),
        (17, values4.text, "root-path"),
        (18, values4.text, "extensions-path extension-path extension-file"),
        (19, values4.flag, "ip-forwarding ip-forward-enable"),
        (20, values4.flag, "non-local-source-routing"),
        (21, values4.address_pairs, "policy-filter"),
        (22, _U16, "max-dgram-reassembly max-datagram-reassembly"),
        (23, values4.integer(1, 1), "default-ip-ttl default-ttl"),
        (24, _U32, "path-mtu-aging-timeout"),
        (25, values4.integers(2, 68), "path-mtu-plateau-table"),
        (26, values4.integer(2, 68), "interface-mtu mtu"),
        (27, values4.flag, "all-subnets-local"),
        (28, values4.address, "broadcast-address broadcast"),
        (29, values4.flag, "perform-mask-discovery"),
        (30, values4.flag, "mask-supplier"),
        (31, values4.flag, "router-discovery"),
        (32, values4.address, "router-solicitation-address router-solicitation"),
        (33, values4.address_pairs, "static-routes static-route"),
        (34, values4.flag, "trailer-encapsulation"),
        (35, _U32, "arp-cache-timeout arp-timeout"),
        (36, values4.flag, "ieee802-3-encapsulation ethernet-encap"),
        (37, values4.integer(1, 1), "default-tcp-ttl tcp-ttl"),
        (38, _U32, "tcp-keepalive-interval tcp-keepalive"),
        (39, values4.flag, "tcp-keepalive-garbage"),
        (40, values4.text, "nis-domain"),
        (41, values4.addresses, "nis-servers nis-server"),
        (42, values4.addresses, "ntp-servers ntp-server"),
        (43, values4.octets_or_text, "vendor-encapsulated-options vendor-encap vendor-specific"),
        (44, values4.addresses, "netbios-name-servers netbios-ns wins-server"),
        (45, values4.addresses, "netbios-dd-server netbios-dd"),
        (46, _U8, "netbios-node-type netbios-nodetype"),
        (47, values4.text, "netbios-scope"),
        (48, values4.addresses, "font-servers x-windows-fs"),
        (49, values4.addresses, "x-display-manager x-windows-dm"),
        (50, values4.address, "dhcp-requested-address requested-address"),
        (51, values4.seconds, "dhcp-lease-time lease-time"),
        (52, _U8, "dhcp-option-overload option-overload"),
        (53, _U8, "dhcp-message-type message-type"),
        (54, values4.address, "dhcp-server-identifier server-identifier server-id"),
        (55, values4.integers(1), "dhcp-parameter-request-list parameter-request"),
        (56, values4.text, "dhcp-message message"),
        (57, _U16, "dhcp-max-message-size max-message-size"),
        (58, values4.seconds, "dhcp-renewal-time t1 renewal-time"),
        (59, values4.seconds, "dhcp-rebinding-time t2 rebinding-time"),
        (60, values4.text, "vendor-class-identifier vendor-class"),
        (61, values4.octets_or_text, "dhcp-client-identifier client-id client-identifier"),
        (62, values4.text, "nwip-domain"),
        (63, values4.octets_or_text, "nwip-suboptions"),
        (64, values4.text, "nisplus-domain nis+-domain"),
        (65, values4.addresses, "nisplus-servers nis+-server nisplus-server"),
        (66, values4.text, "tftp-server-name tftp-server"),
        (67, values4.text, "bootfile-name boot-file-name bootfile boot-file"),
        (68, values4.addresses, "mobile-ip-home-agent mobile-ip-home"),
        (69, values4.addresses, "smtp-server smtp-servers"),
        (70, values4.addresses, "pop-server pop3-server"),
        (71, values4.addresses, "nntp-server nntp-servers"),
        (72, values4.addresses, "www-server www-servers"),
        (73, values4.addresses, "finger-server"),
        (74, values4.addresses, "irc-server irc-servers"),
        (75, values4.addresses, "streettalk-server"),
        (76, values4.addresses, "streettalk-directory-assistance-server stda-server"),
        (77, values4.text, "user-class"),
        (78, values4.octets, "slp-directory-agent"),
        (79, values4.octets, "slp-service-scope"),
        (80, values4.octets, "rapid-commit"),
        (81, values4.octets, "fqdn client-fqdn"),
        (82, values4.octets, "relay-agent-information agent-id"),
        (83, values4.octets, "isns"),
        (85, values4.addresses, "nds-servers nds-server"),
        (86, values4.text, "nds-tree-name"),
        (87, values4.text, "nds-context"),
        (88, values4.domain_search, "bcms-controller-names"),
        (89, values4.addresses, "bcms-controller-address"),
        (91, _U32, "client-last-transaction-time"),
        (92, values4.addresses, "associated-ip"),
        (93, values4.integers(2), "client-arch pxe-system-type client-architecture"),
        (94, values4.octets, "client-interface-id pxe-interface-id"),
        (97, values4.octets, "client-machine-id pxe-client-id"),
        (98, values4.text, "uap-servers user-auth"),
        (99, values4.octets, "geoconf-civic"),
        (100, values4.text, "pcode posix-timezone"),
        (101, values4.text, "tcode tzdb-timezone"),
        (108, values4.seconds, "v6-only-preferred ipv6-only"),
        (112, values4.addresses, "netinfo-server-address"),
        (113, values4.text, "netinfo-server-tag"),
        (114, values4.text, "default-url captive-portal v4-captive-portal"),
        (116, values4.flag, "auto-config"),
        (117, values4.integers(2), "name-service-search"),
        (118, values4.address, "subnet-selection subnet-select"),
        (119, values4.domain_search, "domain-search"),
        (120, values4.sip_servers, "sip-servers sip-server"),
        (
            121,
            values4.classless_routes,
            "classless-static-route rfc3442-classless-static-routes classless-static-routes",
        ),
        (122, values4.octets, "ccc"),
        (123, values4.octets, "geoconf geo-conf"),
        (124, values4.octets, "vivco vendor-class-vi"),
        (125, values4.octets, "vivso vendor-id-encap"),
        (136, values4.addresses, "pana-agent"),
        (137, values4.domain_name, "v4-lost"),
        (138, values4.addresses, "capwap-ac-v4 capwap-ac"),
        (139, values4.octets, "ipv4-address-mos"),
        (140, values4.octets, "ipv4-fqdn-mos"),
        (141, values4.domain_search, "sip-ua-cs-domains"),
        (143, values4.octets, "v4-sztp-redirect sztp-redirect"),
        (144, values4.octets, "geoloc"),
        (146, values4.octets, "rdnss-selection"),
        (150, values4.addresses, "tftp-server-address"),
        (159, values4.octets, "v4-portparams"),
        (161, values4.text, "mud-url-v4"),
        (162, values4.octets, "v4-dnr"),
        (209, values4.text, "pxelinux-configfile loader-configfile configfile"),
        (210, values4.text, "pxelinux-pathprefix loader-pathprefix pathprefix"),
        (211, values4.seconds, "pxelinux-reboottime loader-reboottime reboottime"),
        (212, values4.octets, "option-6rd 6rd"),
        (213, values4.domain_name, "v4-access-domain access-domain"),
        (
            249,
            values4.classless_routes,
            "ms-classless-static-route classless-static-route-ms ms-classless-static-routes",
        ),
        (252, values4.text, "wpad wpad-url proxy-autodiscovery"),
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
# More than 255 bytes are split as RFC 3396 says.
_REGISTRY = OptionRegistry(
    protocol="DHCP",
    last_code=254,
    by_name=_BY_NAME,
    by_code=_BY_CODE,
    reserved=_RESERVED,
    plain_name=lambda name: name.removeprefix("option:").removeprefix("option-"),
    encode=_encode,
    beyond=" (0 is padding, 255 the end mark)",
)
encode_option = _REGISTRY.encode_option
option_code = _REGISTRY.option_code
option_label = _REGISTRY.option_label
encoder_of = _REGISTRY.encoder_of
