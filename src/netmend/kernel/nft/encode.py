"""Values of `netmend.ground.nftables` as attributes of netlink, with big-endian numbers
(linux/netfilter/nf_tables.h)."""

import struct
from collections.abc import Iterable
from typing import Final

from netmend.ground.nftables import Element, FragmentOffset, InSet, Load, Match, Meta, Payload, Rule, Set, Verdict
from netmend.kernel.netlink import attribute, nested, text

_FIRST: Final = 0  # registers of four octets, counted from 0
_META: Final = {"iifname": (6, 16), "l4proto": (16, 1), "oifname": (7, 16)}  # NFT_META_*
_BASES: Final = {"link": 0, "network": 1, "transport": 2}
_VERDICTS: Final = {"drop": 0, "accept": 1, "goto": -4}
_TYPES: Final = {"ipv4_addr": 7, "ipv6_addr": 8, "ether_addr": 9, "ifname": 41}  # of nft(8), which shows sets by them
_SET_INTERVAL: Final = 0x4
_SET_CONCAT: Final = 0x80
_EXTHDR_FRAGMENT: Final = 44
LIST_ELEMENT: Final = 1


def be32(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("!i" if value < 0 else "!I", value))


def _register(kind: int, number: int) -> bytes:
    """As the kernel shows it: every fourth as one of the older registers of 16 octets, NFT_REG_1 to 4."""
    return be32(kind, 1 + number // 4 if number % 4 == 0 else 8 + number)


def encode_rule(rule: Rule) -> list[tuple[str, bytes]]:
    """The expressions of a rule, each with its name and attributes."""
    found: list[tuple[str, bytes]] = []
    for statement in rule:
        match statement:
            case Match(load, value, mask, unless):
                expression, length = _load(load, _FIRST)
                found.append(expression)
                if mask is not None:
                    both = _register(1, _FIRST) + _register(2, _FIRST) + be32(3, length)
                    found.append(
                        ("bitwise", both + nested(4, attribute(1, mask)) + nested(5, attribute(1, bytes(length))))
                    )
                found.append(("cmp", _register(1, _FIRST) + be32(2, int(unless)) + nested(3, attribute(1, value))))
            case InSet(loads, name, unless):
                register = _FIRST
                for load in loads:
                    expression, length = _load(load, register)
                    found.append(expression)
                    register += (length + 3) // 4
                inverted = be32(5, 1) if unless else b""
                found.append(("lookup", text(1, name) + _register(2, _FIRST) + inverted))
            case Verdict(code, chain):
                to = text(2, chain) if chain else b""
                data = nested(2, nested(2, be32(1, _VERDICTS[code]) + to))
                found.append(("immediate", be32(1, 0) + data))
    return found


def _load(load: Load, register: int) -> tuple[tuple[str, bytes], int]:
    match load:
        case Meta(key):
            number, length = _META[key]
            return ("meta", be32(2, number) + _register(1, register)), length
        case Payload(base, offset, length):
            where = be32(2, _BASES[base]) + be32(3, offset) + be32(4, length)
            return ("payload", _register(1, register) + where), length
        case FragmentOffset():
            where = attribute(2, bytes((_EXTHDR_FRAGMENT,))) + be32(3, 2) + be32(4, 2)
            return ("exthdr", _register(1, register) + where), 2


def encode_expressions(rule: Rule) -> bytes:
    """NFTA_RULE_EXPRESSIONS of a rule."""
    return nested(4, *(nested(LIST_ELEMENT, text(1, name), nested(2, body)) for name, body in encode_rule(rule)))


def encode_set(described: Set) -> bytes:
    """What says of a set what its keys are."""
    kind, length = 0, 0
    for field in described.fields:
        kind = kind << 6 | _TYPES[field.type]
        length += (field.length + 3) & ~3
    flags = _SET_INTERVAL if described.ranges else 0
    body = be32(4, kind) + be32(5, length)
    if len(described.fields) == 1:
        return body + be32(3, flags)
    lengths = [nested(LIST_ELEMENT, be32(1, field.length)) for field in described.fields]
    return body + be32(3, flags | _SET_CONCAT) + nested(9, nested(2, *lengths))


def encode_elements(elements: Iterable[Element]) -> bytes:
    """NFTA_SET_ELEM_LIST_ELEMENTS."""
    found = []
    for element in elements:
        key = nested(1, attribute(1, element.key))
        if element.end:
            key += nested(10, attribute(1, element.end))
        found.append(nested(LIST_ELEMENT, key))
    return nested(3, *found)
