"""Matches on the wire: fields with their numbers, values and masks (OpenFlow 1.4 section 7.2.3; ovs-fields(7))."""

import struct
from collections.abc import Mapping
from typing import Final

from netmend.ground.openflow.fields import (
    BY_NAME,
    BY_NUMBER,
    EXPERIMENTER,
    NXM_0,
    NXM_1,
    OXM,
    VLAN_PRESENT,
    Field,
    for_protocol,
)

_HEADER: Final = struct.Struct("!HBB")
_MATCH: Final = struct.Struct("!HH")
_OXM_MATCH: Final = 1
_ONF: Final = 0x4F4E4600  # the experimenter by whom fields of OpenFlow 1.5 have their numbers in 1.4
_VLAN_TCI, _IP_TOS, _IP_ECN = BY_NUMBER[NXM_0, 4], BY_NUMBER[NXM_0, 5], BY_NUMBER[NXM_1, 28]
# What other fields require comes before them.
_FIRST: Final = ("in_port", "eth_type", "vlan_tci", "nw_proto", "icmp_type", "icmp_code")

Matched = dict[str, tuple[int, int]]


def header(raw: bytes, at: int) -> tuple[Field | str, bool, int, int]:
    """Of a field's header: the field, or the number of one that is not known; whether a mask follows; how many octets
    value and mask have together, and where they begin. Raises ValueError."""
    try:
        kind, number, length = _HEADER.unpack_from(raw, at)
        masked, number, at = bool(number & 1), number >> 1, at + 4
        if kind == EXPERIMENTER:
            (experimenter,) = struct.unpack_from("!I", raw, at)
            known = BY_NUMBER.get((OXM, number)) if experimenter == _ONF else None
            return known or f"{kind:#x}:{experimenter:#x}:{number}", masked, length - 4, at + 4
    except struct.error as error:
        raise ValueError(f"a field is cut short: {error}") from error
    field = BY_NUMBER.get((kind, number))
    return field if field is not None else f"{kind:#x}:{number}", masked, length, at


def encode_header(field: Field, *, masked: bool = False) -> bytes:
    return _HEADER.pack(field.kind, field.number << 1 | masked, field.octets * (2 if masked else 1))


def decode_fields(raw: bytes, at: int, end: int) -> tuple[Matched, tuple[str, ...]]:
    """The fields of a match, by name, and the numbers of those that are not known. Raises ValueError."""
    found: Matched = {}
    unread = []
    while at < end:
        field, masked, length, at = header(raw, at)
        if at + length > end:
            raise ValueError("a field is longer than its match")
        if isinstance(field, str):
            unread.append(field)
        else:
            half = length // 2 if masked else length
            value = int.from_bytes(raw[at : at + half], "big")
            mask = int.from_bytes(raw[at + half : at + length], "big") if masked else field.whole
            _add(found, field, value, mask)
        at += length
    return found, tuple(unread)


def _add(found: Matched, field: Field, value: int, mask: int) -> None:
    name = field.name
    match name:
        case "vlan_vid":
            _merge(found, "vlan_tci", value & 0x1FFF, mask & 0x1FFF)
        case "vlan_pcp":
            _merge(found, "vlan_tci", value << 13 | VLAN_PRESENT, mask << 13 | VLAN_PRESENT)
        case "ip_dscp":
            _merge(found, "nw_tos", value << 2, mask << 2)
        case "nw_tos":
            _merge(found, "nw_tos", value & 0xFC, mask & 0xFC)
        case "nw_ecn":
            _merge(found, "nw_tos", value, mask)
        case "in_port" if field.octets == 2:
            found[name] = (wide_port(value), 0xFFFFFFFF)
        case _ if name.startswith(("xreg", "xxreg")):
            parts = field.bits // 32
            first = int(name.lstrip("xreg")) * parts
            for index in range(parts):
                shift = 32 * (parts - 1 - index)
                if part := mask >> shift & 0xFFFFFFFF:
                    _merge(found, f"reg{first + index}", value >> shift & 0xFFFFFFFF, part)
        case _:
            found[name] = (value & mask, mask)


def _merge(found: Matched, name: str, value: int, mask: int) -> None:
    was, was_mask = found.get(name, (0, 0))
    found[name] = (was | value & mask, was_mask | mask)


def wide_port(number: int) -> int:
    """A port's number of 16 bits as one of 32: those that are names have the highest numbers in both."""
    return number + 0xFFFF0000 if number >= 0xFF00 else number


def decode_match(raw: bytes, at: int) -> tuple[Matched, tuple[str, ...], int]:
    """A whole match; what `decode_fields` gives, and where the match ends. Raises ValueError."""
    try:
        kind, length = _MATCH.unpack_from(raw, at)
    except struct.error as error:
        raise ValueError(f"a match is cut short: {error}") from error
    if kind != _OXM_MATCH or length < 4 or at + length > len(raw):
        raise ValueError(f"that is no match: kind {kind}, {length} octets")
    found, unread = decode_fields(raw, at + 4, at + length)
    return found, unread, at + (length + 7) // 8 * 8


def encode_match(match: Mapping[str, tuple[int, int]]) -> bytes:
    """Raises KeyError for a field that no packet of that kind has."""
    eth_type = match.get("eth_type", (0, 0))[0]
    protocol = match.get("nw_proto", (0, 0))[0]
    body = b"".join(
        _encode(name, *match[name], eth_type, protocol)
        for name in (*[name for name in _FIRST if name in match], *sorted(set(match) - set(_FIRST)))
    )
    raw = _MATCH.pack(_OXM_MATCH, 4 + len(body)) + body
    return raw + bytes(-len(raw) % 8)


def _encode(name: str, value: int, mask: int, eth_type: int, protocol: int) -> bytes:
    match name:
        case "vlan_tci":
            return encode_field(_VLAN_TCI, value, mask)
        case "nw_tos":
            tos = encode_field(_IP_TOS, value & 0xFC, _IP_TOS.whole) if mask & 0xFC else b""
            return tos + (encode_field(_IP_ECN, value & 3, _IP_ECN.whole) if mask & 3 else b"")
        case "in_port":
            return encode_field(BY_NAME[name], value, mask)
        case _:
            return encode_field(for_protocol(name, eth_type, protocol), value, mask)


def encode_field(field: Field, value: int, mask: int) -> bytes:
    """Header, value, and the mask where it is not of all bits."""
    masked = mask != field.whole
    raw = encode_header(field, masked=masked) + value.to_bytes(field.octets, "big")
    return raw + mask.to_bytes(field.octets, "big") if masked else raw
