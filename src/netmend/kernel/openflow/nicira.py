"""Open vSwitch's own actions on the wire (NXAST_*; the text of ovs-actions(7), the numbers of Open vSwitch's
lib/ofp-actions.c)."""

import struct
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from netmend.ground.openflow.actions import (
    CONTROLLER,
    IN_PORT,
    Action,
    Actions,
    Conjunction,
    Ct,
    Learn,
    Load,
    Move,
    Nat,
    Note,
    Output,
    OutputField,
    Resubmit,
    SetField,
    Simple,
    Span,
    Unknown,
)
from netmend.ground.openflow.fields import BY_NAME, Field
from netmend.kernel.openflow import learn
from netmend.kernel.openflow.oxm import encode_header, header, wide_port

NICIRA: Final = 0x2320
_ANY_TABLE: Final = 0xFF
_NARROW_IN_PORT: Final = 0xFFF8
_POP_QUEUE, _MOVE, _LOAD, _NOTE, _RESUBMIT_TABLE, _OUTPUT_FIELD = 5, 6, 7, 8, 14, 15
_LEARN, _EXIT, _CONJUNCTION, _CT, _NAT, _CT_CLEAR, _RESUBMIT_TABLE_CT = 16, 17, 34, 35, 36, 43, 44
_COMMIT, _FORCE = 1, 2
_NAT_FLAGS: Final = {4: "persistent", 8: "hash", 16: "random"}
_RANGES: Final = (("!4s", 1), ("!4s", 2), ("!16s", 4), ("!16s", 8), ("!H", 16), ("!H", 32))


def decode(raw: bytes, at: int, end: int, inner: Callable[[bytes, int, int], Actions]) -> Action:
    """One action of an experimenter; `inner` reads those within it. Raises ValueError, struct.error, IndexError."""
    experimenter, kind = struct.unpack_from("!IH", raw, at + 4)
    found = _decode(kind, raw, at, end, inner) if experimenter == NICIRA else None
    return found or Unknown(experimenter, kind, raw[at + 10 : end])


def _decode(kind: int, raw: bytes, at: int, end: int, inner: Callable[[bytes, int, int], Actions]) -> Action | None:
    match kind:
        case 1:
            return Resubmit(None, _in_port(raw, at))
        case 14 | 44:
            table = raw[at + 12]
            return Resubmit(None if table == _ANY_TABLE else table, _in_port(raw, at), ct=kind == _RESUBMIT_TABLE_CT)
        case 2:
            return Load(int.from_bytes(raw[at + 12 : at + 16], "big"), _whole("tun_id"))
        case 9:
            return Load(int.from_bytes(raw[at + 16 : at + 24], "big"), _whole("tun_id"))
        case 5:
            return Simple("pop_queue")
        case 6:
            return _decode_move(raw, at)
        case 7:
            packed, value = struct.unpack_from("!H4xQ", raw, at + 10)
            target = _span(raw, at + 12, packed)
            return Load(value, target) if target is not None else None
        case 8:
            return Note(raw[at + 10 : end])
        case 15:
            (packed,) = struct.unpack_from("!H", raw, at + 10)
            source = _span(raw, at + 12, packed)
            return OutputField(source) if source is not None else None
        case 16:
            return learn.decode(raw, at, end)
        case 17:
            return Simple("exit")
        case 18:
            return Simple("dec_ttl")
        case 20:
            octets, controller, _ = struct.unpack_from("!HHB", raw, at + 10)
            return Output(CONTROLLER, octets) if controller == 0 else None
        case 33:
            return _decode_set(raw, at + 16)
        case 34:
            clause, clauses, number = struct.unpack_from("!BBI", raw, at + 10)
            return Conjunction(number, clause, clauses)
        case 35:
            return _decode_ct(raw, at, end, inner)
        case 36:
            return _decode_nat(raw, at)
        case 43:
            return Simple("ct_clear")
    return None


def _in_port(raw: bytes, at: int) -> int | None:
    port = wide_port(int.from_bytes(raw[at + 10 : at + 12], "big"))
    return None if port == IN_PORT else port


def _whole(name: str) -> Span:
    field = BY_NAME[name]
    return Span(field, 0, field.bits)


def _span(raw: bytes, at: int, packed: int) -> Span | None:
    field = header(raw, at)[0]
    return Span(field, packed >> 6, (packed & 0x3F) + 1) if isinstance(field, Field) else None


def _decode_move(raw: bytes, at: int) -> Action | None:
    bits, source_start, target_start = struct.unpack_from("!HHH", raw, at + 10)
    source, _, _, after = header(raw, at + 16)
    target = header(raw, after)[0]
    if isinstance(source, str) or isinstance(target, str):
        return None
    return Move(Span(source, source_start, bits), Span(target, target_start, bits))


def _decode_set(raw: bytes, at: int) -> Action | None:
    field, masked, length, start = header(raw, at)
    if isinstance(field, str):
        return None
    half = length // 2 if masked else length
    value = int.from_bytes(raw[start : start + half], "big")
    mask = int.from_bytes(raw[start + half : start + length], "big") if masked else field.whole
    return SetField(field, value, mask)


def _decode_ct(raw: bytes, at: int, end: int, inner: Callable[[bytes, int, int], Actions]) -> Action | None:
    flags, source, packed, table, alg = struct.unpack_from("!HIHB3xH", raw, at + 10)
    zone = _span(raw, at + 12, packed) if source else packed
    if zone is None:
        return None
    return Ct(
        commit=bool(flags & _COMMIT),
        force=bool(flags & _FORCE),
        zone=zone,
        table=None if table == _ANY_TABLE else table,
        alg=alg,
        actions=inner(raw, at + 24, end),
    )


def _decode_nat(raw: bytes, at: int) -> Nat:
    flags, present = struct.unpack_from("!HH", raw, at + 12)
    at += 16
    values: dict[int, bytes | int] = {}
    for form, bit in _RANGES:
        if present & bit:
            (values[bit],) = struct.unpack_from(form, raw, at)
            at += struct.calcsize(form)
    low = values.get(1) or values.get(4)
    high = values.get(2) or values.get(8) or low
    addresses = (str(ip_address(low)), str(ip_address(high))) if low is not None and high is not None else None
    first = values.get(16)
    last = values.get(32, first)
    ports = (first, last) if isinstance(first, int) and isinstance(last, int) else None
    options = tuple(word for bit, word in _NAT_FLAGS.items() if flags & bit)
    return Nat("src" if flags & 1 else "dst" if flags & 2 else "", addresses, ports, options)


def encode(action: Action, inner: Callable[[Iterable[Action]], bytes]) -> bytes:
    """Raises ValueError."""
    match action:
        case Resubmit(table, port, ct):
            kind = _RESUBMIT_TABLE_CT if ct else _RESUBMIT_TABLE
            where = _ANY_TABLE if table is None else table
            return _pack(kind, struct.pack("!HB3x", _NARROW_IN_PORT if port is None else port & 0xFFFF, where))
        case Load(value, target):
            body = struct.pack("!H", _packed(target)) + encode_header(target.field) + struct.pack("!Q", value)
            return _pack(_LOAD, body)
        case Move(source, target):
            body = struct.pack("!HHH", source.bits, source.start, target.start)
            return _pack(_MOVE, body + encode_header(source.field) + encode_header(target.field))
        case OutputField(source):
            body = struct.pack("!H", _packed(source)) + encode_header(source.field) + struct.pack("!H6x", 0xFFFF)
            return _pack(_OUTPUT_FIELD, body)
        case Conjunction(number, clause, clauses):
            return _pack(_CONJUNCTION, struct.pack("!BBI", clause, clauses, number))
        case Ct(commit, force, zone, table, alg, actions):
            flags = (_COMMIT if commit else 0) | (_FORCE if force else 0)
            from_field = encode_header(zone.field) if isinstance(zone, Span) else bytes(4)
            number = _packed(zone) if isinstance(zone, Span) else zone
            where = _ANY_TABLE if table is None else table
            head = struct.pack("!H", flags) + from_field + struct.pack("!HB3xH", number, where, alg)
            return _pack(_CT, head + inner(actions))
        case Nat():
            return _encode_nat(action)
        case Learn():
            return _pack(_LEARN, learn.encode(action))
        case Note(data):
            return _pack(_NOTE, data)
        case Simple("ct_clear" | "exit" | "pop_queue" as name):
            return _pack({"ct_clear": _CT_CLEAR, "exit": _EXIT, "pop_queue": _POP_QUEUE}[name], b"")
        case Unknown(experimenter, number, data) if experimenter == NICIRA:
            return _pack(number, data)
    raise ValueError(f"there is no encoding of {action}")


def _encode_nat(nat: Nat) -> bytes:
    flags = {"": 0, "src": 1, "dst": 2}[nat.kind]
    flags |= sum(bit for bit, word in _NAT_FLAGS.items() if word in nat.options)
    present, body = 0, b""
    if nat.addresses is not None:
        low, high = map(ip_address, nat.addresses)
        bit = 1 if isinstance(low, IPv4Address) else 4
        assert isinstance(low, IPv4Address | IPv6Address)
        present |= bit
        body += low.packed
        if high != low:
            present |= bit << 1
            body += high.packed
    if nat.ports is not None:
        present |= 16
        body += struct.pack("!H", nat.ports[0])
        if nat.ports[1] != nat.ports[0]:
            present |= 32
            body += struct.pack("!H", nat.ports[1])
    return _pack(_NAT, struct.pack("!2xHH", flags, present) + body)


def _packed(span: Span) -> int:
    return span.start << 6 | span.bits - 1


def _pack(kind: int, body: bytes) -> bytes:
    length = (10 + len(body) + 7) // 8 * 8
    return struct.pack("!HHIH", 0xFFFF, length, NICIRA, kind) + body + bytes(length - 10 - len(body))
