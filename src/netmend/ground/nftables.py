"""A table of nftables as values: sets, chains and rules, as `netmend.firewall` means and `netmend.kernel.nft` writes
them.

A rule is a tuple of statements, of which each lets the packet go on to the next or ends the rule. What cannot be loaded
(a header that is not there, or not in this fragment) ends the rule as if it did not match (nft(8)).
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

HOOK_PREROUTING = 0  # linux/netfilter_bridge.h
HOOK_INPUT = 1
HOOK_OUTPUT = 3


@dataclass(frozen=True, slots=True)
class Meta:
    """What the kernel knows of a packet beside its octets: names are 16 octets, `l4proto` is one."""

    key: Literal["iifname", "oifname", "l4proto"]


@dataclass(frozen=True, slots=True)
class Payload:
    """Octets of a header; those of the transport header only in a packet's first fragment."""

    base: Literal["link", "network", "transport"]
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class FragmentOffset:
    """The two octets of an IPv6 fragment header that hold the offset, in their upper 13 bits (RFC 8200 section 4.5)."""


Load = Meta | Payload | FragmentOffset


@dataclass(frozen=True, slots=True)
class Match:
    """Go on if the loaded octets, and-ed with `mask`, equal `value`; with `unless`, if they do not."""

    load: Load
    value: bytes
    mask: bytes | None = None
    unless: bool = False


@dataclass(frozen=True, slots=True)
class InSet:
    """Go on if the loaded octets, one after the other, are in the set; with `unless`, if they are not."""

    loads: tuple[Load, ...]
    name: str
    unless: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of the rule: accept, drop, or the chain to go on with."""

    code: Literal["accept", "drop", "goto"]
    chain: str | None = None


Statement = Match | InSet | Verdict
Rule = tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One part of a set's key: the type by which nft(8) shows it, and its octets."""

    type: Literal["ifname", "ether_addr", "ipv4_addr", "ipv6_addr"]
    length: int


@dataclass(frozen=True, slots=True)
class Set:
    """A set of keys; with `ranges`, of ranges of keys."""

    name: str
    fields: tuple[Field, ...]
    ranges: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """Rules in their order. With `hook`, every packet at that hook meets them, and is accepted if no rule decides."""

    name: str
    rules: tuple[Rule, ...]
    hook: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """All but the elements of the sets."""

    name: str
    sets: tuple[Set, ...]
    chains: tuple[Chain, ...]


class Element(NamedTuple):
    """A key in the set of that name, as octets (`key_of`); `end` is the last key of a range, empty for a single key."""

    set: str
    key: bytes
    end: bytes = b""


def key_of(*parts: bytes) -> bytes:
    """A key of these parts, each padded to four octets, as in the registers of the kernel."""
    return b"".join(part + b"\0" * (-len(part) & 3) for part in parts)
