"""A client's message, taken apart: total over all bytes, and no more work than their number."""

from typing import NamedTuple

from netmend.services.dhcp6 import tlv, wire
from netmend.services.dhcp6.counters import Drop
from netmend.services.dhcp6.wire import MessageType

_ANYBODY_MAY_SEND = frozenset(
    (
        MessageType.SOLICIT,
        MessageType.REQUEST,
        MessageType.CONFIRM,
        MessageType.RENEW,
        MessageType.REBIND,
        MessageType.RELEASE,
        MessageType.DECLINE,
        MessageType.INFORMATION_REQUEST,
    )
)
_OPTIONS_AT = {wire.IA_NA: 12, wire.IA_TA: 4, wire.IA_PD: 12}  # where the options of an identity association start
_ADDRESS_LEAST = 24  # octets of an IA_ADDRESS: section 21.6


class Association(NamedTuple):
    """An identity association that a client speaks of."""

    code: int  # IA_NA, IA_TA or IA_PD
    iaid: bytes  # 4 octets
    addresses: tuple[bytes, ...]  # in the client's order, each once; empty for IA_PD


class Request(NamedTuple):
    """A well-formed message of a client. `options` holds the first of each kind, save identity associations."""

    type: int
    transaction: bytes  # 3 octets
    options: dict[int, bytes]
    associations: tuple[Association, ...]

    @property
    def client(self) -> bytes | None:
        """The client's DUID."""
        return self.options.get(wire.CLIENT_IDENTIFIER)

    @property
    def server(self) -> bytes | None:
        """The DUID of the server that is meant."""
        return self.options.get(wire.SERVER_IDENTIFIER)


def parse_request(message: bytes) -> Request | Drop:
    """The request in a message that no relay's envelope is around, or why it is none that a server answers."""
    if len(message) < 4:
        return Drop.TOO_SHORT
    if message[0] not in _ANYBODY_MAY_SEND:
        return Drop.NOT_FOR_SERVERS
    options: dict[int, bytes] = {}
    associations: list[Association] = []
    try:
        for code, value in tlv.walk(message, 4):
            if code in wire.IDENTITY_ASSOCIATIONS:
                association = _association(code, value)
                if association is None:
                    return Drop.BAD_FIELD
                associations.append(association)
            elif code not in options:
                options[code] = value
    except ValueError:
        return Drop.BAD_OPTIONS
    duid = options.get(wire.CLIENT_IDENTIFIER)
    if duid is not None and not wire.DUID_LEAST <= len(duid) <= wire.DUID_MOST:
        return Drop.BAD_FIELD
    if len(options.get(wire.OPTION_REQUEST, b"")) % 2:
        return Drop.BAD_FIELD
    return Request(message[0], message[1:4], options, tuple(associations))


def _association(code: int, value: bytes) -> Association | None:
    """None when it is too short, or an address in it is. Raises ValueError when an option in it runs over its end."""
    options_at = _OPTIONS_AT[code]
    if len(value) < options_at:
        return None
    addresses: dict[bytes, None] = {}
    if code != wire.IA_PD:
        for inner, payload in tlv.walk(value, options_at):
            if inner == wire.IA_ADDRESS:
                if len(payload) < _ADDRESS_LEAST:
                    return None
                addresses[payload[:16]] = None
    return Association(code, value[:4], tuple(addresses))
