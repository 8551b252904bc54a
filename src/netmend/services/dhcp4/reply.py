"""A reply, put together from a rendering and the request it answers, and where it goes."""

from typing import NamedTuple

from netmend.services.dhcp4 import wire
from netmend.services.dhcp4.exchange import Answer
from netmend.services.dhcp4.rendering import Rendering, fit
from netmend.services.dhcp4.request import Request

_END = bytes((wire.END,))
_BROADCAST = (wire.BROADCAST_TEXT, wire.CLIENT_PORT)
_NO_HOPS, _NO_SECS = b"\0", b"\0\0"
_FLAGS = (b"\0\0", bytes((wire.BROADCAST_FLAG, 0)))
_NO_NAMES = bytes(wire.SNAME_SIZE + wire.FILE_SIZE)
_ECHOED = (wire.CLIENT_IDENTIFIER, wire.SUBNET_SELECTION, wire.RELAY_AGENT_INFORMATION)


class Reply(NamedTuple):
    """A UDP payload and its way.

    With `mac`, the client does not answer ARP for its address yet: the datagram goes in a frame to `mac`, addressed to
    `destination`. Without, it is ordinary UDP, broadcast when `destination` is 255.255.255.255. `server` is the source
    address, as four octets.
    """

    payload: bytes
    destination: tuple[str, int]
    mac: bytes | None
    server: bytes


def compose(request: Request, answer: Answer, rendering: Rendering, hostname: bytes, mtu: int) -> bytes | None:
    """The UDP payload (RFC 2131 table 3); None when not even its required options fit what the client accepts.

    `hostname` is the encoded option of the client's port, which is sent if the rendering has a place for it.
    """
    trailer = _echoed(request)
    names = rendering.names
    limit = _limit(request, mtu)
    if not rendering.named:
        hostname = b""
    options = rendering.head + hostname + rendering.tail + trailer
    if wire.OPTIONS_AT + len(options) > limit:
        fitted = fit(rendering, hostname, trailer, limit)
        if fitted is None:
            return None
        names, options = fitted
    ciaddr = request.ciaddr if answer.configured != wire.NO_ADDRESS else wire.NO_ADDRESS
    broadcast = request.broadcast or _is_broadcast(answer)
    return _message(request, _FLAGS[broadcast], ciaddr + answer.yiaddr + rendering.siaddr, names, options)


def compose_refusal(request: Request, options: bytes) -> bytes:
    """A NAK: no addresses; through a relay the broadcast flag is set, so that it reaches a client that has none
    (RFC 2131 section 4.3.2)."""
    relayed = request.giaddr != wire.NO_ADDRESS
    return _message(request, _FLAGS[relayed or request.broadcast], bytes(12), _NO_NAMES, options + _echoed(request))


def _message(request: Request, flags: bytes, addresses: bytes, names: bytes, options: bytes) -> bytes:
    datagram = request.datagram
    message = b"".join(
        (
            b"\x02",  # BOOTREPLY
            datagram[1:3],  # htype, hlen
            _NO_HOPS,
            datagram[4:8],  # xid
            _NO_SECS,
            flags,
            addresses,  # ciaddr, yiaddr, siaddr
            datagram[24:44],  # giaddr, chaddr
            names,
            wire.COOKIE,
            options,
        )
    )
    return message if len(message) >= wire.BOOTP_MINIMUM else message.ljust(wire.BOOTP_MINIMUM, b"\0")


def _echoed(request: Request) -> bytes:
    """Client identifier (RFC 6842), subnet selection (RFC 3011), the relay's information, which comes last (RFC 3046
    section 2.2), and END."""
    options = request.options
    return b"".join([wire.encode_option(code, options[code]) for code in _ECHOED if code in options]) + _END


def _is_broadcast(answer: Answer) -> bool:
    """Whether intent wants the reply broadcast: to a client that has no address yet."""
    return answer.scope.subnet.broadcast_replies and answer.configured == wire.NO_ADDRESS


def _limit(request: Request, mtu: int) -> int:
    """The longest UDP payload that the client accepts: option 57 counts the whole IP datagram, at least 576 octets
    (RFC 2132 section 9.10), and no reply is fragmented for it."""
    accepted = request.options.get(wire.MAXIMUM_MESSAGE_SIZE)
    if accepted is None:
        return wire.DATAGRAM_MINIMUM - wire.IP_AND_UDP
    size = min(int.from_bytes(accepted, "big"), mtu)
    return max(size, wire.DATAGRAM_MINIMUM) - wire.IP_AND_UDP


def address_reply(request: Request, answer: Answer, payload: bytes) -> Reply:
    """The destination of a reply (RFC 2131 section 4.1, last paragraphs)."""
    server = answer.scope.server
    giaddr = request.giaddr
    if giaddr != wire.NO_ADDRESS:
        return Reply(payload, (wire.dotted(giaddr), wire.SERVER_PORT), None, server)
    if answer.reply == wire.MessageType.NAK:
        return Reply(payload, _BROADCAST, None, server)
    if answer.configured != wire.NO_ADDRESS:
        return Reply(payload, (wire.dotted(answer.configured), wire.CLIENT_PORT), None, server)
    if request.broadcast or request.mac is None or answer.yiaddr == wire.NO_ADDRESS or _is_broadcast(answer):
        return Reply(payload, _BROADCAST, None, server)
    return Reply(payload, (wire.dotted(answer.yiaddr), wire.CLIENT_PORT), request.mac, server)
