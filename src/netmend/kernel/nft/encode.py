"""Values of `netmend.ground.nftables` as attributes of netlink, with big-endian numbers
(linux/netfilter/nf_tables.h)."""

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from netmend.ground.nftables import (
    Between,
    ClampSegments,
    Conntrack,
    Constant,
    Element,
    Field,
    FragmentOffset,
    GoBy,
    InSet,
    Load,
    LocalAddress,
    Masquerade,
    Match,
    Meta,
    NoTrack,
    Payload,
    Rule,
    Set,
    SetBy,
    SetFrom,
    SetMark,
    Statement,
    Translate,
    Verdict,
    bits,
)
from netmend.kernel.netlink import attribute, nested, text

_FIRST: Final = 0  # registers of four octets, counted from 0
_META: Final = {
    "mark": (3, 4), "iifname": (6, 16), "oifname": (7, 16), "nfproto": (15, 1), "l4proto": (16, 1), "iifgroup": (21, 4),
}  # fmt: skip
_ZONE: Final = 17  # NFT_CT_ZONE
_CONNTRACK: Final = {"state": 0, "status": 2}  # NFT_CT_*
_TRANSLATION: Final = {"source": 0, "destination": 1}  # NFT_NAT_*
_BASES: Final = {"link": 0, "network": 1, "transport": 2}
_VERDICTS: Final = {"drop": 0, "accept": 1, "jump": -3, "goto": -4}
_DATA_VERDICT: Final = 0xFFFFFF00
_TYPES: Final = {
    "ipv4_addr": 7,
    "ipv6_addr": 8,
    "ether_addr": 9,
    "inet_proto": 12,
    "inet_service": 13,
    "mark": 19,
    "ifname": 41,
}  # of nft(8), which shows sets by them
_SET_INTERVAL: Final = 0x4
_SET_MAP: Final = 0x8
_SET_CONCAT: Final = 0x80
_NFPROTO_IPV4: Final = 2
_EXTHDR_TCP_OPTION: Final = 1
_MAXIMUM_SEGMENT: Final = 2  # the TCP option (RFC 9293 section 3.2)
_EXTHDR_FRAGMENT: Final = 44
LIST_ELEMENT: Final = 1


def be32(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("!i" if value < 0 else "!I", value))


def _register(kind: int, number: int) -> bytes:
    """As the kernel shows it: every fourth as one of the older registers of 16 octets, NFT_REG_1 to 4."""
    return be32(kind, 1 + number // 4 if number % 4 == 0 else 8 + number)


def encode_rule(rule: Rule) -> list[tuple[str, bytes]]:
    """The expressions of a rule, each with its name and attributes."""
    return [expression for statement in rule for expression in _statement(statement)]


@lru_cache(maxsize=4096)
def _statement(statement: Statement) -> tuple[tuple[str, bytes], ...]:
    """The expressions of a statement. Rules by the thousand are made of few."""
    found: list[tuple[str, bytes]] = []
    match statement:
        case Match(load, value, mask, unless):
            expression, length = _load(load, _FIRST)
            found.append(expression)
            if mask is not None:
                both = _register(1, _FIRST) + _register(2, _FIRST) + be32(3, length)
                found.append(("bitwise", both + nested(4, attribute(1, mask)) + nested(5, attribute(1, bytes(length)))))
            found.append(("cmp", _register(1, _FIRST) + be32(2, int(unless)) + nested(3, attribute(1, value))))
        case InSet(loads, name, unless):
            found += _load_all(loads)
            inverted = be32(5, 1) if unless else b""
            found.append(("lookup", text(1, name) + _register(2, _FIRST) + inverted))
        case Between(load, first, last):
            found.append(_load(load, _FIRST)[0])
            ends = nested(3, attribute(1, first)) + nested(4, attribute(1, last))
            found.append(("range", _register(1, _FIRST) + be32(2, 0) + ends))
        case GoBy(loads, name):
            found += _load_all(loads)
            found.append(("lookup", text(1, name) + _register(2, _FIRST) + be32(3, 0)))
        case SetBy(what, loads, name):
            found += _load_all(loads)
            found.append(("lookup", text(1, name) + _register(2, _FIRST) + _register(3, _FIRST)))
            found.append(_set(what))
        case SetFrom(what, load):
            found += [_load(load, _FIRST)[0], _set(what)]
        case NoTrack():
            found.append(("notrack", b""))
        case Translate():
            found += _translate(statement)
        case Masquerade():
            found.append(("masq", b""))
        case SetMark(value):
            found.append(("immediate", _register(1, _FIRST) + nested(2, attribute(1, bits(value)))))
            found.append(_set("mark"))
        case ClampSegments():
            found += _clamp()
        case Verdict(code, chain):
            to = text(2, chain) if chain else b""
            data = nested(2, nested(2, be32(1, _VERDICTS[code]) + to))
            found.append(("immediate", be32(1, 0) + data))
    return tuple(found)


def _load_all(loads: Iterable[Load]) -> list[tuple[str, bytes]]:
    """What loads the parts of a key one behind the other."""
    found, register = [], _FIRST
    for load in loads:
        expression, length = _load(load, register)
        found.append(expression)
        register += (length + 3) // 4
    return found


def _set(what: str) -> tuple[str, bytes]:
    if what == "zone":
        return "ct", be32(2, _ZONE) + _register(4, _FIRST)
    return "meta", be32(2, _META["mark"][0]) + _register(3, _FIRST)


def _translate(statement: Translate) -> list[tuple[str, bytes]]:
    found = _load_all(statement.loads)
    found.append(("lookup", text(1, statement.name) + _register(2, _FIRST) + _register(3, _FIRST)))
    body = be32(1, _TRANSLATION[statement.what]) + be32(2, _NFPROTO_IPV4) + _register(3, _FIRST)
    found.append(("nat", body + (_register(5, _FIRST + 1) if statement.port else b"")))
    return found


def _clamp() -> list[tuple[str, bytes]]:
    """As nft(8) writes `tcp option maxseg size set rt mtu`."""
    to_network = _register(1, _FIRST) + _register(2, _FIRST) + be32(3, 1) + be32(4, 2) + be32(5, 2)
    where = attribute(2, bytes((_MAXIMUM_SEGMENT,))) + be32(3, 2) + be32(4, 2)
    return [
        ("rt", _register(1, _FIRST) + be32(2, 3)),  # NFT_RT_TCPMSS
        ("byteorder", to_network),
        ("exthdr", where + be32(6, _EXTHDR_TCP_OPTION) + _register(7, _FIRST)),
    ]


def _load(load: Load, register: int) -> tuple[tuple[str, bytes], int]:
    match load:
        case Meta(key):
            number, length = _META[key]
            return ("meta", be32(2, number) + _register(1, register)), length
        case Payload(base, offset, length):
            where = be32(2, _BASES[base]) + be32(3, offset) + be32(4, length)
            return ("payload", _register(1, register) + where), length
        case Conntrack(key):
            return ("ct", be32(2, _CONNTRACK[key]) + _register(1, register)), 4
        case Constant(octets):
            return ("immediate", _register(1, register) + nested(2, attribute(1, octets))), len(octets)
        case LocalAddress():
            return ("fib", _register(1, register) + be32(2, 3) + be32(3, 2)), 4  # NFT_FIB_RESULT_ADDRTYPE, of daddr
        case FragmentOffset():
            where = attribute(2, bytes((_EXTHDR_FRAGMENT,))) + be32(3, 2) + be32(4, 2)
            return ("exthdr", _register(1, register) + where), 2


def encode_expressions(rule: Rule) -> bytes:
    """NFTA_RULE_EXPRESSIONS of a rule."""
    return nested(4, *map(_in_list, rule))


@lru_cache(maxsize=4096)
def _in_list(statement: Statement) -> bytes:
    return b"".join(nested(LIST_ELEMENT, text(1, name), nested(2, body)) for name, body in _statement(statement))


def encode_set(described: Set) -> bytes:
    """What says of a set what its keys are."""
    kind, length = _type(described.fields)
    flags = _SET_INTERVAL if described.ranges else 0
    body = be32(4, kind) + be32(5, length)
    if described.data:
        kind, length = _type(described.data)
        body += be32(6, kind) + be32(7, length)
        flags |= _SET_MAP
    if described.verdicts:
        body += attribute(6, struct.pack("!I", _DATA_VERDICT))
        flags |= _SET_MAP
    if len(described.fields) == 1:
        return body + be32(3, flags)
    lengths = [nested(LIST_ELEMENT, be32(1, field.length)) for field in described.fields]
    return body + be32(3, flags | _SET_CONCAT) + nested(9, nested(2, *lengths))


def _type(fields: Iterable[Field]) -> tuple[int, int]:
    """The type of a key of these fields, as nft(8) numbers it, and its octets."""
    kind, length = 0, 0
    for field in fields:
        kind = kind << 6 | _TYPES[field.type]
        length += (field.length + 3) & ~3
    return kind, length


def encode_elements(elements: Iterable[Element], *, verdicts: bool = False) -> bytes:
    """NFTA_SET_ELEM_LIST_ELEMENTS; with `verdicts`, of a map of verdicts."""
    found = []
    for element in elements:
        key = nested(1, attribute(1, element.key))
        if element.end:
            key += nested(10, attribute(1, element.end))
        if verdicts:
            key += nested(2, nested(2, be32(1, _VERDICTS["goto"]) + text(2, element.data.decode())))
        elif element.data:
            key += nested(2, attribute(1, element.data))
        found.append(nested(LIST_ELEMENT, key))
    return nested(3, *found)
