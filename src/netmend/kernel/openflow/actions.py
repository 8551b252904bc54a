"""Actions and instructions on the wire, those of OpenFlow 1.3 and 1.4 (section 7.2.5) among Nicira's (`nicira`)."""

import struct
from collections.abc import Iterable
from typing import Final

from netmend.ground.openflow.actions import (
    Action,
    Actions,
    GotoTable,
    Group,
    Meter,
    Output,
    PushVlan,
    SetField,
    SetQueue,
    Simple,
    Unknown,
    WriteActions,
    WriteMetadata,
)
from netmend.kernel.openflow import nicira
from netmend.kernel.openflow.oxm import encode_field, header

_HEADER: Final = struct.Struct("!HH")
_OUTPUT, _PUSH_VLAN, _POP_VLAN, _SET_QUEUE, _GROUP, _DEC_TTL, _SET_FIELD = 0, 17, 18, 21, 22, 24, 25
_GOTO_TABLE, _WRITE_METADATA, _WRITE_ACTIONS, _APPLY_ACTIONS, _CLEAR_ACTIONS, _METER = 1, 2, 3, 4, 5, 6
_SIMPLE: Final = {_POP_VLAN: Simple("pop_vlan"), _DEC_TTL: Simple("dec_ttl")}


def decode_instructions(raw: bytes, at: int, end: int) -> Actions:
    """What a flow does, in the order in which it is done. Raises ValueError."""
    found: list[tuple[int, Actions]] = []
    while at < end:
        kind, length = _head(raw, at, end)
        match kind:
            case 1:
                found.append((9, (GotoTable(raw[at + 4]),)))
            case 2:
                value, mask = struct.unpack_from("!QQ", raw, at + 8)
                found.append((8, (WriteMetadata(value, mask),)))
            case 3:
                found.append((7, (WriteActions(decode_actions(raw, at + 8, at + length)),)))
            case 4:
                found.append((2, decode_actions(raw, at + 8, at + length)))
            case 5:
                found.append((6, (Simple("clear_actions"),)))
            case 6:
                (meter,) = struct.unpack_from("!I", raw, at + 4)
                found.append((1, (Meter(meter),)))
            case _:
                found.append((5, (Unknown(0, kind, raw[at + 4 : at + length]),)))
        at += length
    found.sort(key=lambda one: one[0])
    return tuple(action for _, actions in found for action in actions)


def _head(raw: bytes, at: int, end: int) -> tuple[int, int]:
    if at + 8 > end:
        raise ValueError("an action is cut short")
    kind, length = _HEADER.unpack_from(raw, at)
    if length < 8 or at + length > end:
        raise ValueError(f"an action of {length} octets does not fit")
    return kind, length


def decode_actions(raw: bytes, at: int, end: int) -> Actions:
    """Raises ValueError."""
    found: list[Action] = []
    while at < end:
        kind, length = _head(raw, at, end)
        try:
            found.append(_decode(kind, raw, at, at + length))
        except (struct.error, IndexError) as error:
            raise ValueError(f"an action of kind {kind} is cut short: {error}") from error
        at += length
    return tuple(found)


def _decode(kind: int, raw: bytes, at: int, end: int) -> Action:
    match kind:
        case 0:
            port, octets = struct.unpack_from("!IH", raw, at + 4)
            return Output(port, octets)
        case 25:
            return set_field(raw, at + 4, end)
        case 0xFFFF:
            return nicira.decode(raw, at, end, decode_actions)
        case 17:
            return PushVlan(int.from_bytes(raw[at + 4 : at + 6], "big"))
        case 22:
            return Group(int.from_bytes(raw[at + 4 : at + 8], "big"))
        case 21:
            return SetQueue(int.from_bytes(raw[at + 4 : at + 8], "big"))
        case _ if kind in _SIMPLE:
            return _SIMPLE[kind]
        case _:
            return Unknown(0, kind, raw[at + 4 : end])


def set_field(raw: bytes, at: int, end: int) -> Action:
    """A field with its value, and its mask where it has one. Raises ValueError."""
    field, masked, length, start = header(raw, at)
    if isinstance(field, str):
        return Unknown(0, _SET_FIELD, raw[at:end])
    half = length // 2 if masked else length
    value = int.from_bytes(raw[start : start + half], "big")
    mask = int.from_bytes(raw[start + half : start + length], "big") if masked else field.whole
    return SetField(field, value, mask)


def encode_instructions(actions: Iterable[Action]) -> bytes:
    """Raises ValueError for what no instruction can say."""
    first, applied, last = b"", [], b""
    for action in actions:
        match action:
            case Meter(id):
                first += struct.pack("!HHI", _METER, 8, id)
            case GotoTable(table):
                last += struct.pack("!HHB3x", _GOTO_TABLE, 8, table)
            case WriteMetadata(value, mask):
                last += struct.pack("!HH4xQQ", _WRITE_METADATA, 24, value, mask)
            case WriteActions(inner):
                body = encode_actions(inner)
                last += struct.pack("!HH4x", _WRITE_ACTIONS, 8 + len(body)) + body
            case Simple("clear_actions"):
                last += struct.pack("!HH4x", _CLEAR_ACTIONS, 8)
            case _:
                applied.append(action)
    body = encode_actions(applied)
    if body:
        first += struct.pack("!HH4x", _APPLY_ACTIONS, 8 + len(body)) + body
    return first + last


def encode_actions(actions: Iterable[Action]) -> bytes:
    """Raises ValueError for an action that was not read."""
    return b"".join(map(_encode, actions))


def _encode(action: Action) -> bytes:
    match action:
        case Output(port, octets):
            return struct.pack("!HHIH6x", _OUTPUT, 16, port, octets)
        case SetField(field, value, mask):
            raw = encode_field(field, value, mask)
            length = (4 + len(raw) + 7) // 8 * 8
            return _HEADER.pack(_SET_FIELD, length) + raw + bytes(length - 4 - len(raw))
        case PushVlan(ethertype):
            return struct.pack("!HHH2x", _PUSH_VLAN, 8, ethertype)
        case Group(id):
            return struct.pack("!HHI", _GROUP, 8, id)
        case SetQueue(id):
            return struct.pack("!HHI", _SET_QUEUE, 8, id)
        case Simple("pop_vlan"):
            return struct.pack("!HH4x", _POP_VLAN, 8)
        case Simple("dec_ttl"):
            return struct.pack("!HH4x", _DEC_TTL, 8)
        case _:
            return nicira.encode(action, encode_actions)
