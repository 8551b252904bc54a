"""The action `learn` on the wire: a flow that is made from each packet (NXAST_LEARN, NXAST_LEARN2)."""

import struct
from typing import Final

from netmend.ground.openflow.actions import Learn, LearnPart, Span
from netmend.ground.openflow.fields import Field
from netmend.kernel.openflow.oxm import encode_header, header

_IMMEDIATE: Final = 1 << 13
_SET, _OUTPUT = 1 << 11, 2 << 11
_WHERE: Final = 3 << 11
_BITS: Final = 0x7FF
_FIXED: Final = struct.Struct("!HHHQHBxHH")  # behind the ten octets that begin each of these actions


def decode(raw: bytes, at: int, end: int) -> Learn | None:
    """None where it names a field that is not known. Raises ValueError, struct.error."""
    idle, hard, priority, cookie, flags, table, fin_idle, fin_hard = _FIXED.unpack_from(raw, at + 10)
    at += 32
    parts = []
    while at + 2 <= end:
        (head,) = struct.unpack_from("!H", raw, at)
        at += 2
        if head == 0:
            break
        bits = head & _BITS
        source: Span | int
        if head & _IMMEDIATE:
            octets = 2 * ((bits + 15) // 16)
            source = int.from_bytes(raw[at : at + octets], "big")
            at += octets
        else:
            found = _span(raw, at, bits)
            if found is None:
                return None
            source, at = found, at + 6
        target = None
        if head & _WHERE != _OUTPUT:
            target = _span(raw, at, bits)
            if target is None:
                return None
            at += 6
        parts.append(LearnPart(source, bits, head & _WHERE == 0, target))
    return Learn(table, tuple(parts), priority, cookie, idle, hard, fin_idle, fin_hard, flags)


def _span(raw: bytes, at: int, bits: int) -> Span | None:
    field = header(raw, at)[0]
    (start,) = struct.unpack_from("!H", raw, at + 4)
    return Span(field, start, bits) if isinstance(field, Field) else None


def encode(learn: Learn) -> bytes:
    raw = _FIXED.pack(
        *(learn.idle_timeout, learn.hard_timeout, learn.priority, learn.cookie, learn.flags, learn.table),
        *(learn.fin_idle_timeout, learn.fin_hard_timeout),
    )
    for part in learn.parts:
        where = _OUTPUT if part.target is None else 0 if part.match else _SET
        if isinstance(part.source, Span):
            raw += struct.pack("!H", where | part.bits) + _encode_span(part.source)
        else:
            octets = 2 * ((part.bits + 15) // 16)
            raw += struct.pack("!H", where | _IMMEDIATE | part.bits) + part.source.to_bytes(octets, "big")
        if part.target is not None:
            raw += _encode_span(part.target)
    return raw


def _encode_span(span: Span) -> bytes:
    return encode_header(span.field) + struct.pack("!H", span.start)
