"""What came in, what went out, and why the rest was not answered."""

from enum import StrEnum

from netmend.services.dhcp4.wire import MessageType
from netmend.services.shared.counters import MessageCounters


class Drop(StrEnum):
    """Why a datagram gets no reply. Silence is the protocol's answer to much; it must still be accounted for."""

    TOO_SHORT = "shorter than a BOOTP header"
    TOO_LONG = "longer than any client's message"
    NOT_A_REQUEST = "not a BOOTREQUEST"
    NO_COOKIE = "no magic cookie"
    BAD_OPTIONS = "options run over the end, or do not end"
    BAD_FIELD = "a field or option of impossible length or value"
    PLAIN_BOOTP = "no message type: BOOTP, not DHCP"
    NOT_FOR_SERVERS = "a message type that servers send"
    NO_SUBNET = "relayed from a link that has no subnet here"
    UNKNOWN_CLIENT = "no port has this MAC, and no subnet is dynamic"
    NO_ADDRESS = "the port has no fixed IP on this link"
    NO_RECORD = "no lease is on record for this client"
    OTHER_SERVER = "addressed to another server"
    POOL_EXHAUSTED = "no free address in the pools"
    NOT_ITS_ADDRESS = "says something about an address that is not its own"
    NO_ROOM = "even the least reply is longer than the client accepts"
    NOTED = "a message that has no reply (DECLINE, RELEASE)"


class Counters(MessageCounters[Drop], types=MessageType, reasons=Drop):
    """Counts since the start, by message type and by reason."""

    __slots__ = ()
