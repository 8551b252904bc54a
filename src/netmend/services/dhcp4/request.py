"""A client's datagram, taken apart: total over all bytes, and no more work than their number."""

from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.counters import Drop

_OPTION_SIZES = {  # options whose value has one size only; a client that sends another is not understood
    wire.REQUESTED_ADDRESS: 4,
    wire.SERVER_IDENTIFIER: 4,
    wire.MAXIMUM_MESSAGE_SIZE: 2,
    wire.SUBNET_SELECTION: 4,
    wire.AUTO_CONFIGURE: 1,
}
_CLIENT_IDENTIFIER_LIMIT = 255
_CLIENT_TYPES = frozenset(
    (
        wire.MessageType.DISCOVER,
        wire.MessageType.REQUEST,
        wire.MessageType.DECLINE,
        wire.MessageType.RELEASE,
        wire.MessageType.INFORM,
    )
)


class Request:
    """A well-formed message of a client. `options` holds each option once, its parts joined (RFC 3396)."""

    __slots__ = ("datagram", "mac", "options", "type")

    def __init__(self, datagram: bytes, kind: int, mac: bytes | None, options: dict[int, bytes]) -> None:
        self.datagram = datagram
        self.type = kind
        self.mac = mac  # 6 octets; None when the hardware is not Ethernet
        self.options = options

    @property
    def ciaddr(self) -> bytes:
        return self.datagram[12:16]

    @property
    def giaddr(self) -> bytes:
        return self.datagram[24:28]

    @property
    def broadcast(self) -> bool:
        return bool(self.datagram[10] & wire.BROADCAST_FLAG)

    @property
    def hardware(self) -> bytes:
        """The client's hardware address, 0 to 16 octets (`chaddr`, as much of it as `hlen` says)."""
        return self.datagram[28 : 28 + self.datagram[2]]

    @property
    def client_key(self) -> bytes:
        """The client's key (RFC 2131 section 4.2): its identifier, else hardware type and address."""
        identifier = self.options.get(wire.CLIENT_IDENTIFIER)
        return b"h" + self.datagram[1:2] + self.hardware if identifier is None else b"i" + identifier

    @property
    def requested(self) -> bytes | None:
        return self.options.get(wire.REQUESTED_ADDRESS)

    @property
    def server_identifier(self) -> bytes | None:
        return self.options.get(wire.SERVER_IDENTIFIER)


def parse_request(datagram: bytes) -> Request | Drop:
    """The request in a UDP payload, or why it is none that a server answers."""
    size = len(datagram)
    if size < wire.OPTIONS_AT:
        return Drop.TOO_SHORT
    if size > wire.DATAGRAM_LIMIT:
        return Drop.TOO_LONG
    if datagram[0] != wire.BOOTREQUEST:
        return Drop.NOT_A_REQUEST
    if datagram[236:240] != wire.COOKIE:
        return Drop.NO_COOKIE
    options: dict[int, bytes] = {}
    if not _collect(datagram, wire.OPTIONS_AT, size, options):
        return Drop.BAD_OPTIONS
    if wire.OVERLOAD in options and not _collect_overload(datagram, options):
        return Drop.BAD_OPTIONS
    kind = options.get(wire.MESSAGE_TYPE)
    if kind is None:
        return Drop.PLAIN_BOOTP
    if len(kind) != 1 or not 1 <= kind[0] <= 8:
        return Drop.BAD_FIELD
    if kind[0] not in _CLIENT_TYPES:
        return Drop.NOT_FOR_SERVERS
    for code, length in _OPTION_SIZES.items():
        if code in options and len(options[code]) != length:
            return Drop.BAD_FIELD
    identifier = options.get(wire.CLIENT_IDENTIFIER)
    if identifier is not None and not 1 <= len(identifier) <= _CLIENT_IDENTIFIER_LIMIT:
        return Drop.BAD_FIELD
    mac = None
    if datagram[1] == wire.ETHERNET:
        mac = datagram[28:34]
        if datagram[2] != wire.ETHERNET_LENGTH or mac[0] & 1:  # a group address is no client's own
            return Drop.BAD_FIELD
    elif datagram[2] > 16 or (datagram[2] == 0 and identifier is None):  # hlen 0: RFC 4390 section 2
        return Drop.BAD_FIELD
    return Request(datagram, kind[0], mac, options)


def _collect(data: bytes, at: int, end: int, options: dict[int, bytes]) -> bool:
    """Add the options in data[at:end] to `options`; False when they are not well-formed up to an END."""
    while at < end:
        code = data[at]
        if code == wire.END:
            return True
        if code == wire.PAD:
            at += 1
            continue
        at += 2
        if at > end:
            return False
        stop = at + data[at - 1]
        if stop > end:
            return False
        if code in options:
            options[code] += data[at:stop]
        else:
            options[code] = data[at:stop]
        at = stop
    return False


def _collect_overload(datagram: bytes, options: dict[int, bytes]) -> bool:
    """Options in `file` and `sname` (RFC 2131 section 4.1), in the order of RFC 3396 section 5."""
    overload = options[wire.OVERLOAD]
    if len(overload) != 1 or not 1 <= overload[0] <= 3:
        return False
    fields = ((1, wire.FILE_AT, wire.FILE_SIZE), (2, wire.SNAME_AT, wire.SNAME_SIZE))
    return all(_collect(datagram, at, at + size, options) for bit, at, size in fields if overload[0] & bit)
