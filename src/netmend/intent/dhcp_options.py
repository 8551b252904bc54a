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

from collections.abc import Mapping

from netmend.intent import dhcp_values as values
from netmend.intent.option_registry import MAX_PAYLOAD, Option, OptionRegistry

__all__ = ["MAX_PAYLOAD", "encode_option", "option_code", "option_label"]


def _encode(code: int, option: Option | None, value: object) -> bytes:
    if isinstance(value, Mapping):
        if len(value) != 1:
            raise ValueError(f"expected one type and its value, such as {{hex: '01:02'}}, not {dict(value)!r}")
        kind, inner = next(iter(value.items()))
        if kind not in values.EXPLICIT:
            raise ValueError(f"{kind!r} is no type of value; types are {', '.join(values.EXPLICIT)}")
        return values.EXPLICIT[kind](inner)
    return option.encoder(value) if option else values.guess(value)


_U8, _U16, _U32 = values.integer(1), values.integer(2), values.integer(4)

_OPTIONS = tuple(
    Option(code, encoder, tuple(names.split()))
    for code, encoder, names in (
        (1, values.address, "subnet-mask netmask"),
        (2, values.integer(4, -(1 << 31), (1 << 31) - 1), "time-offset"),
        (3, values.addresses, "routers router gateway"),
        (4, values.addresses, "time-servers time-server"),
        (5, values.addresses, "ien116-name-servers name-servers name-server"),
        (6, values.addresses, "domain-name-servers dns-server dns-servers domain-server domain-name-server dns"),
        (7, values.addresses, "log-servers log-server"),
        (8, values.addresses, "cookie-servers quotes-server cookie-server"),
        (9, values.addresses, "lpr-servers lpr-server"),
        (10, values.addresses, "impress-servers impress-server"),
        (11, values.addresses, "resource-location-servers rlp-server"),
        (12, values.text, "host-name hostname"),
        (13, _U16, "boot-size boot-file-size"),
        (14, values.text, "merit-dump merit-dump-file"),
        (15, values.text, "domain-name domain"),
        (16, values.address, "swap-server"),
        (17, values.text, "root-path"),
        (18, values.text, "extensions-path extension-path extension-file"),
        (19, values.flag, "ip-forwarding ip-forward-enable"),
        (20, values.flag, "non-local-source-routing"),
        (21, values.address_pairs, "policy-filter"),
        (22, _U16, "max-dgram-reassembly max-datagram-reassembly"),
        (23, values.integer(1, 1), "default-ip-ttl default-ttl"),
        (24, _U32, "path-mtu-aging-timeout"),
        (25, values.integers(2, 68), "path-mtu-plateau-table"),
        (26, values.integer(2, 68), "interface-mtu mtu"),
        (27, values.flag, "all-subnets-local"),
        (28, values.address, "broadcast-address broadcast"),
        (29, values.flag, "perform-mask-discovery"),
        (30, values.flag, "mask-supplier"),
        (31, values.flag, "router-discovery"),
        (32, values.address, "router-solicitation-address router-solicitation"),
        (33, values.address_pairs, "static-routes static-route"),
        (34, values.flag, "trailer-encapsulation"),
        (35, _U32, "arp-cache-timeout arp-timeout"),
        (36, values.flag, "ieee802-3-encapsulation ethernet-encap"),
        (37, values.integer(1, 1), "default-tcp-ttl tcp-ttl"),
        (38, _U32, "tcp-keepalive-interval tcp-keepalive"),
        (39, values.flag, "tcp-keepalive-garbage"),
        (40, values.text, "nis-domain"),
        (41, values.addresses, "nis-servers nis-server"),
        (42, values.addresses, "ntp-servers ntp-server"),
        (43, values.octets_or_text, "vendor-encapsulated-options vendor-encap vendor-specific"),
        (44, values.addresses, "netbios-name-servers netbios-ns wins-server"),
        (45, values.addresses, "netbios-dd-server netbios-dd"),
        (46, _U8, "netbios-node-type netbios-nodetype"),
        (47, values.text, "netbios-scope"),
        (48, values.addresses, "font-servers x-windows-fs"),
        (49, values.addresses, "x-display-manager x-windows-dm"),
        (50, values.address, "dhcp-requested-address requested-address"),
        (51, values.seconds, "dhcp-lease-time lease-time"),
        (52, _U8, "dhcp-option-overload option-overload"),
        (53, _U8, "dhcp-message-type message-type"),
        (54, values.address, "dhcp-server-identifier server-identifier server-id"),
        (55, values.integers(1), "dhcp-parameter-request-list parameter-request"),
        (56, values.text, "dhcp-message message"),
        (57, _U16, "dhcp-max-message-size max-message-size"),
        (58, values.seconds, "dhcp-renewal-time t1 renewal-time"),
        (59, values.seconds, "dhcp-rebinding-time t2 rebinding-time"),
        (60, values.text, "vendor-class-identifier vendor-class"),
        (61, values.octets_or_text, "dhcp-client-identifier client-id client-identifier"),
        (62, values.text, "nwip-domain"),
        (63, values.octets_or_text, "nwip-suboptions"),
        (64, values.text, "nisplus-domain nis+-domain"),
        (65, values.addresses, "nisplus-servers nis+-server nisplus-server"),
        (66, values.text, "tftp-server-name tftp-server"),
        (67, values.text, "bootfile-name boot-file-name bootfile boot-file"),
        (68, values.addresses, "mobile-ip-home-agent mobile-ip-home"),
        (69, values.addresses, "smtp-server smtp-servers"),
        (70, values.addresses, "pop-server pop3-server"),
        (71, values.addresses, "nntp-server nntp-servers"),
        (72, values.addresses, "www-server www-servers"),
        (73, values.addresses, "finger-server"),
        (74, values.addresses, "irc-server irc-servers"),
        (75, values.addresses, "streettalk-server"),
        (76, values.addresses, "streettalk-directory-assistance-server stda-server"),
        (77, values.text, "user-class"),
        (78, values.octets, "slp-directory-agent"),
        (79, values.octets, "slp-service-scope"),
        (80, values.octets, "rapid-commit"),
        (81, values.octets, "fqdn client-fqdn"),
        (82, values.octets, "relay-agent-information agent-id"),
        (83, values.octets, "isns"),
        (85, values.addresses, "nds-servers nds-server"),
        (86, values.text, "nds-tree-name"),
        (87, values.text, "nds-context"),
        (88, values.domain_search, "bcms-controller-names"),
        (89, values.addresses, "bcms-controller-address"),
        (91, _U32, "client-last-transaction-time"),
        (92, values.addresses, "associated-ip"),
        (93, values.integers(2), "client-arch pxe-system-type client-architecture"),
        (94, values.octets, "client-interface-id pxe-interface-id"),
        (97, values.octets, "client-machine-id pxe-client-id"),
        (98, values.text, "uap-servers user-auth"),
        (99, values.octets, "geoconf-civic"),
        (100, values.text, "pcode posix-timezone"),
        (101, values.text, "tcode tzdb-timezone"),
        (108, values.seconds, "v6-only-preferred ipv6-only"),
        (112, values.addresses, "netinfo-server-address"),
        (113, values.text, "netinfo-server-tag"),
        (114, values.text, "default-url captive-portal v4-captive-portal"),
        (116, values.flag, "auto-config"),
        (117, values.integers(2), "name-service-search"),
        (118, values.address, "subnet-selection subnet-select"),
        (119, values.domain_search, "domain-search"),
        (120, values.sip_servers, "sip-servers sip-server"),
        (
            121,
            values.classless_routes,
            "classless-static-route rfc3442-classless-static-routes classless-static-routes",
        ),
        (122, values.octets, "ccc"),
        (123, values.octets, "geoconf geo-conf"),
        (124, values.octets, "vivco vendor-class-vi"),
        (125, values.octets, "vivso vendor-id-encap"),
        (136, values.addresses, "pana-agent"),
        (137, values.domain_name, "v4-lost"),
        (138, values.addresses, "capwap-ac-v4 capwap-ac"),
        (139, values.octets, "ipv4-address-mos"),
        (140, values.octets, "ipv4-fqdn-mos"),
        (141, values.domain_search, "sip-ua-cs-domains"),
        (143, values.octets, "v4-sztp-redirect sztp-redirect"),
        (144, values.octets, "geoloc"),
        (146, values.octets, "rdnss-selection"),
        (150, values.addresses, "tftp-server-address"),
        (159, values.octets, "v4-portparams"),
        (161, values.text, "mud-url-v4"),
        (162, values.octets, "v4-dnr"),
        (209, values.text, "pxelinux-configfile loader-configfile configfile"),
        (210, values.text, "pxelinux-pathprefix loader-pathprefix pathprefix"),
        (211, values.seconds, "pxelinux-reboottime loader-reboottime reboottime"),
        (212, values.octets, "option-6rd 6rd"),
        (213, values.domain_name, "v4-access-domain access-domain"),
        (
            249,
            values.classless_routes,
            "ms-classless-static-route classless-static-route-ms ms-classless-static-routes",
        ),
        (252, values.text, "wpad wpad-url proxy-autodiscovery"),
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
