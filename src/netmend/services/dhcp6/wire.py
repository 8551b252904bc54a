"""Numbers of the wire: messages, options and status codes of DHCPv6 (RFC 8415 sections 7, 8, 21; IANA
dhcpv6-parameters)."""

from enum import IntEnum

SERVER_PORT, CLIENT_PORT = 547, 546  # RFC 8415 section 7.2
HOP_COUNT_LIMIT = 8  # RFC 8415 section 7.6
RELAY_HEADER = 34  # type, hop count, link address, peer address: section 9
DUID_LEAST, DUID_MOST = 3, 130  # octets: section 11.1
DATAGRAM_LIMIT = 2048  # longest UDP payload that is looked at: more than any client sends, and a bound on work
HEADERS = 48  # of IPv6 and UDP
NO_ADDRESS = bytes(16)

INFINITE = 0xFFFFFFFF  # a lifetime without end, section 7.7
HARDWARE_ETHERNET = 1  # IANA arp-parameters


class MessageType(IntEnum):
    """RFC 8415 section 7.3."""

    SOLICIT = 1
    ADVERTISE = 2
    REQUEST = 3
    CONFIRM = 4
    RENEW = 5
    REBIND = 6
    REPLY = 7
    RELEASE = 8
    DECLINE = 9
    RECONFIGURE = 10
    INFORMATION_REQUEST = 11
    RELAY_FORWARD = 12
    RELAY_REPLY = 13


class Status(IntEnum):
    """RFC 8415 section 21.13."""

    SUCCESS = 0
    UNSPECIFIED_FAILURE = 1
    NO_ADDRESSES_AVAILABLE = 2
    NO_BINDING = 3
    NOT_ON_LINK = 4
    USE_MULTICAST = 5
    NO_PREFIX_AVAILABLE = 6


class DuidType(IntEnum):
    """RFC 8415 section 11, RFC 6355."""

    LINK_LAYER_TIME = 1
    ENTERPRISE = 2
    LINK_LAYER = 3
    UUID = 4


# Options that the conversation itself is made of; the rest are data, see `options/`.
CLIENT_IDENTIFIER = 1
SERVER_IDENTIFIER = 2
IA_NA = 3
IA_TA = 4
IA_ADDRESS = 5
OPTION_REQUEST = 6
PREFERENCE = 7
RELAY_MESSAGE = 9
STATUS_CODE = 13
RAPID_COMMIT = 14
USER_CLASS = 15
INTERFACE_ID = 18
DNS_SERVERS = 23
DOMAIN_LIST = 24
IA_PD = 25
SNTP_SERVERS = 31
INFORMATION_REFRESH_TIME = 32
CLIENT_FQDN = 39
NTP_SERVER = 56
BOOTFILE_URL = 59
CLIENT_LINK_LAYER = 79
SOLICIT_MAX_RT = 82
INFORMATION_MAX_RT = 83
RELAY_PORT = 135

IDENTITY_ASSOCIATIONS = frozenset((IA_NA, IA_TA, IA_PD))
