"""DHCPv6 options as people write them, and the bytes they become.

`encode_option("dns-server", ["2001:db8::53"])` is `(23, ...)`. Names are those of the IANA registry
(dhcpv6-parameters), of ISC dhcpd (dhcp-options(5)) and of dnsmasq (`--dhcp-option=option6:`), so that a line of an
existing configuration can be taken over: upper or lower case, `-` or `_`, with or without `option6:`, `dhcp6.` or
`OPTION_` before it. Codes work wherever names do.

Values are written as for DHCPv4 (`netmend.intent.dhcp_options`): as the option's type wants it, with the type named
(`{hex: "01:02"}`), or as nothing at all, which means "do not send this option". Options that are part of the
conversation itself are netmend's, and asking for one is an error.
"""

import re
from collections.abc import Mapping

from netmend.intent import dhcp6_values as values6
from netmend.intent import dhcp_values as values
from netmend.intent.option_registry import MAX_PAYLOAD, Option, OptionRegistry

__all__ = ["MAX_PAYLOAD", "encode_option", "option_code", "option_label"]


def _encode(code: int, option: Option | None, value: object) -> bytes:
    if isinstance(value, Mapping) and not (code == _VENDOR_OPTIONS and "enterprise" in value):
        return values6.explicit(value)
    return option.encoder(value) if option else values6.guess(value)


_VENDOR_OPTIONS = 17
_U8, _U16, _U32 = values.integer(1), values.integer(2), values.integer(4)
_MAX_RT = values.integer(4, 60, 86_400)  # RFC 8415 sections 21.24 and 21.25

_OPTIONS = tuple(
    Option(code, encoder, tuple(names.split()))
    for code, encoder, names in (
        (1, values.octets, "clientid client-id"),
        (2, values.octets, "serverid server-id"),
        (3, values.octets, "ia-na"),
        (4, values.octets, "ia-ta"),
        (5, values.octets, "iaaddr ia-addr"),
        (6, values.integers(2), "oro"),
        (7, _U8, "preference"),
        (8, _U16, "elapsed-time"),
        (9, values.octets, "relay-msg"),
        (11, values.octets, "auth"),
        (12, values6.address, "unicast"),
        (13, values.octets, "status-code status"),
        (14, values.octets, "rapid-commit"),
        (15, values6.texts, "user-class"),
        (16, values.octets, "vendor-class"),
        (_VENDOR_OPTIONS, values6.vendor_options, "vendor-opts"),
        (18, values.octets_or_text, "interface-id"),
        (19, _U8, "reconf-msg"),
        (20, values.octets, "reconf-accept"),
        (21, values.domain_search, "sip-server-d sip-servers-names sip-server-domain"),
        (22, values6.addresses, "sip-server-a sip-servers-addresses sip-server"),
        (23, values6.addresses, "dns-servers name-servers dns-server domain-name-servers"),
        (24, values.domain_search, "domain-list domain-search"),
        (25, values.octets, "ia-pd"),
        (26, values.octets, "iaprefix ia-prefix"),
        (27, values6.addresses, "nis-servers nis-server"),
        (28, values6.addresses, "nisp-servers nis+-server"),
        (29, values.domain_search, "nis-domain-name nis-domain"),
        (30, values.domain_search, "nisp-domain-name nis+-domain"),
        (31, values6.addresses, "sntp-servers sntp-server"),
        (32, values.seconds, "information-refresh-time info-refresh-time"),
        (33, values.domain_search, "bcmcs-server-d bcms-server-d"),
        (34, values6.addresses, "bcmcs-server-a bcms-server-a"),
        (36, values.octets, "geoconf-civic"),
        (37, values.octets, "remote-id"),
        (38, values.octets, "subscriber-id"),
        (39, values.octets, "client-fqdn fqdn"),
        (40, values6.addresses, "pana-agent"),
        (41, values.text, "new-posix-timezone posix-timezone"),
        (42, values.text, "new-tzdb-timezone tzdb-timezone"),
        (43, values.integers(2), "ero"),
        (51, values.domain_name, "v6-lost"),
        (52, values6.addresses, "capwap-ac-v6"),
        (53, values.octets, "relay-id"),
        (56, values6.ntp_servers, "ntp-server ntp-servers"),
        (57, values.domain_name, "v6-access-domain"),
        (58, values.domain_search, "sip-ua-cs-list"),
        (59, values.text, "bootfile-url"),
        (60, values6.texts, "bootfile-param"),
        (61, values.integers(2), "client-arch-type"),
        (62, values.octets, "nii"),
        (63, values.octets, "geolocation"),
        (64, values.domain_name, "aftr-name"),
        (65, values.domain_name, "erp-local-domain-name"),
        (66, values.octets, "rsoo"),
        (68, values.octets, "vss"),
        (74, values.octets, "rdnss-selection"),
        (75, values.text, "krb-principal-name"),
        (76, values.text, "krb-realm-name"),
        (79, values.octets, "client-linklayer-addr"),
        (82, _MAX_RT, "sol-max-rt"),
        (83, _MAX_RT, "inf-max-rt"),
        (84, values.octets, "addrsel"),
        (86, values6.addresses, "v6-pcp-server pcp-server"),
        (103, values.text, "captive-portal v6-captive-portal"),
        (112, values.text, "mud-url-v6 mud-url"),
        (135, values.octets, "relay-port"),
        (136, values6.texts, "v6-sztp-redirect sztp-redirect"),
        (143, values6.addresses, "ipv6-address-andsf"),
        (144, values.octets, "v6-dnr"),
    )
)
_BY_CODE = {option.code: option for option in _OPTIONS}
_BY_NAME = {name: option for option in _OPTIONS for name in option.names}

_CLIENT_SAYS = "only clients send it"
_RELAY_SAYS = "relays set it"
_RESERVED = {
    1: "the client's own identifier is sent back",
    2: "netmend's own identifier is made from the network's DHCP port",
    **dict.fromkeys((3, 4, 5, 25, 26), "addresses follow from fixed_ips and pools"),
    6: _CLIENT_SAYS,
    7: "netmend sets it where no other server can know better (RFC 8415 section 18.2.1)",
    8: _CLIENT_SAYS,
    9: _RELAY_SAYS,
    11: "netmend does not speak authentication",
    12: "a message must come by multicast, so that the frame tells who sent it",
    13: "it is what an answer means",
    14: "netmend sets it where a client asks for it",
    18: "relays set it, and it is sent back to them",
    **dict.fromkeys((19, 20), "netmend does not reconfigure clients"),
    **dict.fromkeys((37, 38, 43, 53, 66, 79), _RELAY_SAYS),
    **dict.fromkeys((61, 62), _CLIENT_SAYS),
    135: "relays set it, and it is sent back to them",
}
_REGISTRY = OptionRegistry(
    protocol="DHCPv6",
    last_code=65_535,
    by_name=_BY_NAME,
    by_code=_BY_CODE,
    reserved=_RESERVED,
    plain_name=lambda name: re.sub(r"^(option6:|dhcp6\.|option-|opt-)+", "", name),
    encode=_encode,
)
encode_option = _REGISTRY.encode_option
option_code = _REGISTRY.option_code
option_label = _REGISTRY.option_label
