"""The envelopes that relays put around a client's message, and those around its reply (RFC 8415 sections 9, 19.3)."""

from typing import NamedTuple

from netmend.services.dhcp6 import tlv, wire
from netmend.services.dhcp6.counters import Drop

_ETHERNET = wire.HARDWARE_ETHERNET.to_bytes(2, "big")
# Copied into the reply: the relay's own handle (RFC 8415 section 21.18), and where it listens (RFC 8357 section 5.2).
_ECHOED = (wire.INTERFACE_ID, wire.RELAY_PORT)


class Envelope(NamedTuple):
    """One Relay-forward, without the message that it carries."""

    hop_count: int
    link: bytes  # address, 16 octets; zero says nothing of the link (RFC 6221)
    peer: bytes  # address of the client, or of the relay before this one
    options: dict[int, bytes]

    @property
    def client_mac(self) -> bytes | None:
        """The client's link-layer address as the relay saw it (RFC 6939); 6 octets, of Ethernet only."""
        shown = self.options.get(wire.CLIENT_LINK_LAYER, b"")
        return shown[2:] if len(shown) == 8 and shown.startswith(_ETHERNET) else None

    @property
    def chooses_port(self) -> bool:
        """Whether the relay listens at the port that it sent from (RFC 8357)."""
        return wire.RELAY_PORT in self.options


def open_envelopes(datagram: bytes) -> tuple[list[Envelope], bytes] | Drop:
    """The envelopes, outermost first, and the client's message in them; none around what was not relayed."""
    envelopes: list[Envelope] = []
    while datagram and datagram[0] == wire.MessageType.RELAY_FORWARD:
        if len(datagram) < wire.RELAY_HEADER:
            return Drop.TOO_SHORT
        if datagram[1] > wire.HOP_COUNT_LIMIT or len(envelopes) > wire.HOP_COUNT_LIMIT:
            return Drop.TOO_MANY_RELAYS
        options: dict[int, bytes] = {}
        try:
            for code, value in tlv.walk(datagram, wire.RELAY_HEADER):
                options.setdefault(code, value)
        except ValueError:
            return Drop.BAD_OPTIONS
        inner = options.pop(wire.RELAY_MESSAGE, None)
        if inner is None:
            return Drop.BAD_FIELD
        envelopes.append(Envelope(datagram[1], datagram[2:18], datagram[18:34], options))
        datagram = inner
    return envelopes, datagram


def put_in_envelopes(message: bytes, envelopes: list[Envelope]) -> bytes:
    """The Relay-reply that carries `message` back the way it came."""
    for envelope in reversed(envelopes):
        options = envelope.options
        parts = [bytes((wire.MessageType.RELAY_REPLY, envelope.hop_count)), envelope.link, envelope.peer]
        parts += [tlv.encode(code, options[code]) for code in _ECHOED if code in options]
        message = b"".join((*parts, tlv.encode(wire.RELAY_MESSAGE, message)))
    return message
