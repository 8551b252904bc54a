"""Counts of messages received and sent, and of those without a reply, by reason."""

from enum import StrEnum

from netmend.services.dhcp4.wire import MessageType
from netmend.services.shared.counters import MessageCounters


class Drop(StrEnum):
    """Reasons to give no reply to a datagram. The protocol often demands silence; each case is counted."""

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
