"""Counts of messages received and sent, and of those without a reply, by reason."""

from enum import StrEnum

from netmend.services.dhcp6.wire import MessageType
from netmend.services.shared.counters import MessageCounters


class Drop(StrEnum):
    """Reasons to give no reply to a datagram. The protocol often demands silence; each case is counted."""

    TOO_SHORT = "shorter than a header"
    TOO_LONG = "longer than any client's message"
    BAD_OPTIONS = "options run over the end"
    BAD_FIELD = "a field or option of impossible length or value"
    NOT_FOR_SERVERS = "a message type that servers or relays send, or that nobody knows"
    TOO_MANY_RELAYS = "relayed more often than the hop limit allows"
    NO_SUBNET = "from a link that has no subnet with DHCPv6 here"
    UNICAST = "sent to one server, where the protocol wants multicast"
    NO_CLIENT_IDENTIFIER = "no client identifier, which this message must have"
    NO_SERVER_IDENTIFIER = "no server identifier, which this message must have"
    ODD_SERVER_IDENTIFIER = "a server identifier, which this message must not have"
    OTHER_SERVER = "addressed to another server"
    IA_IN_INFORMATION_REQUEST = "asks for addresses and for information only, at once"
    UNKNOWN_CLIENT = "no port is this client, and no subnet is dynamic"
    NO_RECORD = "no binding is on record for this client, and its addresses may be another server's"
    NOTHING_TO_CONFIRM = "asks to confirm no address"
    NO_ROOM = "even the least reply is longer than the network's MTU"


class Counters(MessageCounters[Drop], types=MessageType, reasons=Drop):
    """Counts since the start, by message type and by reason. A relayed message counts as what the client sent."""

    __slots__ = ("relayed",)

    def __init__(self) -> None:
        super().__init__()
        self.relayed = 0

    def as_dict(self) -> dict[str, dict[str, int]]:
        """Counters as of every protocol; `relayed` counts those of the received messages that came through a relay."""
        found = super().as_dict()
        if self.relayed:
            found["received"]["relayed"] = self.relayed
        return found
