"""The wire: BOOTP header (RFC 951, RFC 2131 section 2), message types and option codes (RFC 2132), and how an option is
written."""

from enum import IntEnum

BOOTREQUEST, BOOTREPLY = 1, 2
ETHERNET = 1  # htype, IANA arp-parameters
ETHERNET_LENGTH = 6

SERVER_PORT, CLIENT_PORT = 67, 68
BROADCAST_TEXT = "255.255.255.255"
NO_ADDRESS = bytes(4)

COOKIE = b"\x63\x82\x53\x63"  # RFC 2131 section 3
HEADER_SIZE = 236  # op to file
OPTIONS_AT = HEADER_SIZE + len(COOKIE)
SNAME_AT, SNAME_SIZE = 44, 64
FILE_AT, FILE_SIZE = 108, 128
BROADCAST_FLAG = 0x80  # in the first octet of flags

BOOTP_MINIMUM = 300  # RFC 951 section 3: relays and clients of old drop less
DATAGRAM_MINIMUM = 576  # RFC 2131 section 2: every client takes an IP datagram of that size
IP_AND_UDP = 28  # headers that count against the maximum message size
DATAGRAM_LIMIT = 2048  # longest UDP payload that is looked at: more than any client sends, and a bound on work

INFINITE = 0xFFFFFFFF  # a lease without end, RFC 2131 section 3.3


class MessageType(IntEnum):
    """Option 53, RFC 2132 section 9.6."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7
    INFORM = 8


# Options that the conversation itself is made of; the rest are data, see `options/`.
PAD, END = 0, 255
SUBNET_MASK = 1
ROUTERS = 3
DNS_SERVERS = 6
HOST_NAME = 12
DOMAIN_NAME = 15
INTERFACE_MTU = 26
BROADCAST_ADDRESS = 28
NTP_SERVERS = 42
REQUESTED_ADDRESS = 50
LEASE_TIME = 51
OVERLOAD = 52
MESSAGE_TYPE = 53
SERVER_IDENTIFIER = 54
PARAMETER_REQUEST_LIST = 55
MESSAGE = 56
MAXIMUM_MESSAGE_SIZE = 57
RENEWAL_TIME = 58
REBINDING_TIME = 59
VENDOR_CLASS = 60
CLIENT_IDENTIFIER = 61
TFTP_SERVER_NAME = 66
BOOTFILE_NAME = 67
USER_CLASS = 77
CLIENT_FQDN = 81
RELAY_AGENT_INFORMATION = 82
CLIENT_ARCHITECTURE = 93
V6_ONLY_PREFERRED = 108
AUTO_CONFIGURE = 116
SUBNET_SELECTION = 118
CLASSLESS_ROUTES = 121
IPXE_ENCAPSULATED = 175  # what iPXE says of itself; only it sends this
CLASSLESS_ROUTES_MICROSOFT = 249

_PART = 255  # octets of a value, at most, behind one length
LINK_SELECTION = 5  # sub-option of RELAY_AGENT_INFORMATION, RFC 3527


def dotted(address: bytes) -> str:
    """Four octets as a dotted quad."""
    return "%d.%d.%d.%d" % (address[0], address[1], address[2], address[3])  # noqa: UP031 - twice as fast here


def encode_option(code: int, payload: bytes) -> bytes:
    """Code, length, value; a value longer than 255 octets in several parts (RFC 3396 section 4)."""
    if len(payload) <= _PART:
        return bytes((code, len(payload))) + payload
    parts = (payload[at : at + _PART] for at in range(0, len(payload), _PART))
    return b"".join(bytes((code, len(part))) + part for part in parts)
