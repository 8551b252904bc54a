"""DHCPv6 options as people write them, and the bytes they become.

`encode_option("dns-server", ["2001:db8::53"])` is `(23, ...)`. Names are those of the IANA registry
(dhcpv6-parameters), of ISC dhcpd (dhcp-options(5)) and of dnsmasq (`--dhcp-option=option6:`), so that a line of an
existing configuration can be taken over: upper or lower case, `-` or `_`, with or without `option6:`, `dhcp6.` or
`OPTION_` before it. Codes work wherever names do.

Values are written as for DHCPv4 (`netmend.options.dhcp4`): as the option's type wants it, with the type named
(`{hex: "01:02"}`), or as nothing at all, which means "do not send this option". Options that are part of the
conversation itself are netmend's, and asking for one is an error.
"""

import re
from collections.abc import Mapping

from netmend.options import values4, values6
from netmend.options.registry import MAX_PAYLOAD, Option, OptionRegistry

__all__ = ["MAX_PAYLOAD", "encode_option", "encoder_of", "option_code", "option_label"]


def _encode(code: int, option: Option | None, value: object) -> bytes:
    if isinstance(value, Mapping) and not (code == _VENDOR_OPTIONS and "enterprise" in value):
        return values6.explicit(value)
    return option.encoder(value) if option else values6.guess(value)


_VENDOR_OPTIONS = 17
_U8, _U16, _U32 = values4.integer(1), values4.integer(2), values4.integer(4)
_MAX_RT = values4.integer(4, 60, 86_400)  # RFC 8415 sections 21.24 and 21.25

_OPTIONS = tuple(
    Option(code, encoder, tuple(names.split()))
    for code, encoder, names in (
        (1, values4.octets, "clientid client-id"),
        (2, values4.octets, "serverid server-id"),
        (3, values4.octets, "ia-na"),
        (4, values4.octets, "ia-ta"),
        (5, values4.octets, "iaaddr ia-addr"),
        (6, values4.integers(2), "oro"),
        (7, _U8, "preference"),
        (8, _U16, "elapsed-time"),
        (9, values4.octets, "relay-msg"),
        (11, values4.octets, "auth"),
        (12, values6.address, "unicast"),
        (13, values4.octets, "status-code status"),
        (14, values4.octets, "rapid-commit"),
        (15, values6.texts, "user-class"),
        (16, values4.octets, "vendor-class"),
        (_VENDOR_OPTIONS, values6.vendor_options, "vendor-opts"),
        (18, values4.octets_or_text, "interface-id"),
        (19, _U8, "reconf-msg"),
        (20, values4.octets, "reconf-accept"),
        (21, values4.domain_search, "sip-server-d sip-servers-names sip-server-domain"),
        (22, values6.addresses, "sip-server-a sip-servers-addresses sip-server"),
        (23, values6.addresses, "dns-servers name-servers dns-server domain-name-servers"),
        (24, values4.domain_search, "domain-list domain-search"),
        (25, values4.octets, "ia-pd"),
        (26, values4.octets, "iaprefix ia-prefix"),
        (27, values6.addresses, "nis-servers nis-server"),
        (28, values6.addresses, "nisp-servers nis+-server"),
        (29, values4.domain_search, "nis-domain-name nis-domain"),
        (30, values4.domain_search, "nisp-domain-name nis+-domain"),
        (31, values6.addresses, "sntp-servers sntp-server"),
        (32, values4.seconds, "information-refresh-time info-refresh-time"),
        (33, values4.domain_search, "bcmcs-server-d bcms-server-d"),
        (34, values6.addresses, "bcmcs-server-a bcms-server-a"),
        (36, values4.octets, "geoconf-civic"),
        (37, values4.octets, "remote-id"),
        (38, values4.octets, "subscriber-id"),
        (39, values4.octets, "client-fqdn fqdn"),
        (40, values6.addresses, "pana-agent"),
        (41, values4.text, "new-posix-timezone posix-timezone"),
        (42, values4.text, "new-tzdb-timezone tzdb-timezone"),
        (43, values4.integers(2), "ero"),
        (51, values4.domain_name, "v6-lost"),
        (52, values6.addresses, "capwap-ac-v6"),
        (53, values4.octets, "relay-id"),
        (56, values6.ntp_servers, "ntp-server ntp-servers"),
        (57, values4.domain_name, "v6-access-domain"),
        (58, values4.domain_search, "sip-ua-cs-list"),
        (59, values4.text, "bootfile-url"),
        (60, values6.texts, "bootfile-param"),
        (61, values4.integers(2), "client-arch-type"),
        (62, values4.octets, "nii"),
        (63, values4.octets, "geolocation"),
        (64, values4.domain_name, "aftr-name"),
        (65, values4.domain_name, "erp-local-domain-name"),
        (66, values4.octets, "rsoo"),
        (68, values4.octets, "vss"),
        (74, values4.octets, "rdnss-selection"),
        (75, values4.text, "krb-principal-name"),
        (76, values4.text, "krb-realm-name"),
        (79, values4.octets, "client-linklayer-addr"),
        (82, _MAX_RT, "sol-max-rt"),
        (83, _MAX_RT, "inf-max-rt"),
        (84, values4.octets, "addrsel"),
        (86, values6.addresses, "v6-pcp-server pcp-server"),
        (103, values4.text, "captive-portal v6-captive-portal"),
        (112, values4.text, "mud-url-v6 mud-url"),
        (135, values4.octets, "relay-port"),
        (136, values6.texts, "v6-sztp-redirect sztp-redirect"),
        (143, values6.addresses, "ipv6-address-andsf"),
        (144, values4.octets, "v6-dnr"),
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
encoder_of = _REGISTRY.encoder_of
