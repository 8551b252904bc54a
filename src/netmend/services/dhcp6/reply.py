"""A reply in wire form, put together from a rendering and the request it answers, and where it goes."""

from struct import Struct
from typing import NamedTuple

from netmend.services.dhcp6 import tlv, wire
from netmend.services.dhcp6.exchange import TEXTS, Answer, AssociationAnswer
from netmend.services.dhcp6.relay import Envelope
from netmend.services.dhcp6.rendering import Rendering
from netmend.services.dhcp6.request import Request

_TIMES = Struct("!LL")
_ADDRESS = Struct("!HH16sLL")  # section 21.6, with its head
_ADDRESS_SIZE = 24
_NO_TIMES = bytes(8)
_PREFERENCE = tlv.encode(wire.PREFERENCE, b"\xff")  # section 18.2.1: the client waits for no other server
_RAPID_COMMIT = tlv.encode(wire.RAPID_COMMIT, b"")
_STATUS = {
    status: tlv.encode(wire.STATUS_CODE, status.to_bytes(2, "big") + text.encode()) for status, text in TEXTS.items()
}


class Reply(NamedTuple):
    """A UDP payload, and the port that it goes to at the address that the request came from."""

    payload: bytes
    port: int


def compose(
    request: Request, answer: Answer, server: bytes, *, rendering: Rendering | None, name: bytes, limit: int
) -> bytes | None:
    """The message, of at most `limit` octets: options that do not fit are left out from the end. None when not even
    what it says of addresses fits.

    `server` is the encoded server identifier, `name` the encoded option of the client's name.
    """
    client = request.options.get(wire.CLIENT_IDENTIFIER)
    parts = [bytes((answer.reply,)), request.transaction]
    if client is not None:
        parts.append(tlv.encode(wire.CLIENT_IDENTIFIER, client))
    parts.append(server)
    if answer.preferred:
        parts.append(_PREFERENCE)
    if answer.rapid:
        parts.append(_RAPID_COMMIT)
    if answer.status is not None:
        parts.append(_STATUS[answer.status])
    parts += map(_association, answer.associations)
    head = b"".join(parts)
    if rendering is None:
        return head if len(head) <= limit else None
    message = head + name + rendering.options
    if len(message) <= limit:
        return message
    if len(head) > limit:
        return None
    for part in (*rendering.parts, name):
        if len(head) + len(part) <= limit:
            head += part
    return head


def _association(answer: AssociationAnswer) -> bytes:
    """RFC 8415 sections 21.4, 21.5 and 21.21."""
    asked = answer.asked
    parts = [asked.iaid]
    if asked.code != wire.IA_TA:
        parts.append(_renewal(answer))
    for bound in answer.bound:
        lifetime = bound.scope.subnet.lease_time
        parts.append(_ADDRESS.pack(wire.IA_ADDRESS, _ADDRESS_SIZE, bound.address, lifetime, lifetime))
    parts += [_ADDRESS.pack(wire.IA_ADDRESS, _ADDRESS_SIZE, address, 0, 0) for address in answer.ended]
    if answer.status is not None:
        parts.append(_STATUS[answer.status])
    return tlv.encode(asked.code, b"".join(parts))


def _renewal(answer: AssociationAnswer) -> bytes:
    """T1 and T2: 0.5 and 0.8 of the shortest preferred lifetime (section 21.4), zero where nothing is given."""
    if not answer.bound:
        return _NO_TIMES
    shortest = min(bound.scope.subnet.lease_time for bound in answer.bound)
    if shortest == wire.INFINITE:
        return _TIMES.pack(shortest, shortest)
    return _TIMES.pack(shortest // 2, shortest * 4 // 5)


def destination_port(envelopes: list[Envelope], source_port: int) -> int:
    """RFC 8415 sections 7.2 and 19.3; RFC 8357 section 5.3 for relays that choose their port."""
    if not envelopes:
        return wire.CLIENT_PORT
    return source_port if envelopes[0].chooses_port else wire.SERVER_PORT
