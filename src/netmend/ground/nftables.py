"""A table of nftables as values: sets, chains and rules, as `netmend.firewall` and `netmend.routing` mean and
`netmend.kernel.nft` writes them.

A rule is a tuple of statements, of which each lets the packet go on to the next or ends the rule. What cannot be loaded
(a header that is not there, or not in this fragment) ends the rule as if it did not match (nft(8)).
"""

from sys import byteorder
from typing import Literal, NamedTuple

from msgspec import Struct

HOOK_PREROUTING = 0  # linux/netfilter.h, linux/netfilter_bridge.h
HOOK_INPUT = 1
HOOK_FORWARD = 2
HOOK_OUTPUT = 3
HOOK_POSTROUTING = 4
FAMILY_INET = 1  # NFPROTO_*, linux/netfilter.h
FAMILY_IPV4 = 2
FAMILY_BRIDGE = 7
PRIORITY_FIRST = -300
PRIORITY_DNAT = -100  # linux/netfilter_ipv4.h
PRIORITY_FILTER = 0
PRIORITY_SNAT = 100


class Meta(Struct, frozen=True):
    """What the kernel knows of a packet beside its octets: names are 16 octets, `l4proto` and `nfproto` are one, and
    `mark` and `iifgroup` are numbers of this machine in four."""

    key: Literal["iifname", "oifname", "iifgroup", "l4proto", "nfproto", "mark"]


class Payload(Struct, frozen=True):
    """Octets of a header; those of the transport header only in a packet's first fragment."""

    base: Literal["link", "network", "transport"]
    offset: int
    length: int


class FragmentOffset(Struct, frozen=True):
    """The two octets of an IPv6 fragment header that hold the offset, in their upper 13 bits (RFC 8200 section 4.5)."""


class Conntrack(Struct, frozen=True):
    """What the kernel knows of the packet's connection: bits, as a number of this machine in four octets (`bits`)."""

    key: Literal["state", "status"]


class LocalAddress(Struct, frozen=True):
    """A number of this machine in four octets: 2 where the packet's destination is an address of this host (RTN_LOCAL,
    linux/rtnetlink.h)."""


class Constant(Struct, frozen=True):
    """These octets, as a part of a key."""

    octets: bytes


CT_INVALID = 1  # bits of `state`
CT_ESTABLISHED = 2
CT_RELATED = 4
CT_DNAT = 32  # a bit of `status` (IPS_DST_NAT, linux/netfilter/nf_conntrack_common.h)


def bits(value: int) -> bytes:
    """A number of this machine in four octets."""
    return value.to_bytes(4, byteorder)


Load = Meta | Payload | FragmentOffset | Conntrack | LocalAddress | Constant


class Match(Struct, frozen=True):
    """Go on if the loaded octets, and-ed with `mask`, equal `value`; with `unless`, if they do not."""

    load: Load
    value: bytes
    mask: bytes | None = None
    unless: bool = False


class Between(Struct, frozen=True):
    """Go on if the loaded octets are among those from `first` to `last`, both included."""

    load: Load
    first: bytes
    last: bytes


class InSet(Struct, frozen=True):
    """Go on if the loaded octets, one after the other, are in the set; with `unless`, if they are not."""

    loads: tuple[Load, ...]
    name: str
    unless: bool = False


class Verdict(Struct, frozen=True):
    """The end of the rule: accept, drop, the chain to go on with, or (`jump`) the chain to go through first."""

    code: Literal["accept", "drop", "goto", "jump"]
    chain: str | None = None


class GoBy(Struct, frozen=True):
    """Go on with the chain that map `name` of `verdicts` holds under the loaded octets; where it has no such key, the
    rule ends as if it did not match."""

    loads: tuple[Load, ...]
    name: str


ACCEPT = Verdict("accept")
DROP = Verdict("drop")
IS_IPV4 = Match(Meta("nfproto"), bytes((FAMILY_IPV4,)))


class Translate(Struct, frozen=True):
    """Network address translation of a packet's source or destination to what map `name` holds under the loaded octets:
    an IPv4 address or, with `port`, one and a port. Where the map has no such key, the rule ends as if it did not
    match."""

    what: Literal["source", "destination"]
    loads: tuple[Load, ...]
    name: str
    port: bool = False


class Masquerade(Struct, frozen=True):
    """Translation of the source to the address of the device that the packet leaves by."""


class SetMark(Struct, frozen=True):
    """Mark the packet, until it leaves the namespace."""

    value: int


class SetBy(Struct, frozen=True):
    """Set the packet's mark, or the zone in which its connection is looked for, to what map `name` holds under the
    loaded octets; where it has no such key, the rule ends as if it did not match. Of four octets a zone is the first
    two."""

    what: Literal["mark", "zone"]
    loads: tuple[Load, ...]
    name: str


class SetFrom(Struct, frozen=True):
    """Set the packet's mark, or the zone in which its connection is looked for, to the loaded octets."""

    what: Literal["mark", "zone"]
    load: Load


class NoTrack(Struct, frozen=True):
    """Look for no connection of the packet."""


class ClampSegments(Struct, frozen=True):
    """Lower the maximum segment size that a TCP SYN offers to what the packet's route takes (RFC 4459 section 3.2)."""


Statement = (
    Match
    | Between
    | InSet
    | Verdict
    | GoBy
    | Translate
    | Masquerade
    | SetMark
    | SetBy
    | SetFrom
    | NoTrack
    | ClampSegments
)
Rule = tuple[Statement, ...]


class Field(Struct, frozen=True):
    """One part of a set's key: the type by which nft(8) shows it, and its octets."""

    type: Literal["ifname", "ether_addr", "ipv4_addr", "ipv6_addr", "inet_proto", "inet_service", "mark"]
    length: int


IFNAME = Field("ifname", 16)
ETHER_ADDR = Field("ether_addr", 6)
IPV4_ADDR = Field("ipv4_addr", 4)
IPV6_ADDR = Field("ipv6_addr", 16)
INET_PROTO = Field("inet_proto", 1)
INET_SERVICE = Field("inet_service", 2)
MARK = Field("mark", 4)


def key_of_name(name: str) -> bytes:
    """A device's name as a part of a key (IFNAME)."""
    return name.encode().ljust(IFNAME.length, b"\0")


class Set(Struct, frozen=True):
    """A set of keys; with `ranges`, of ranges of keys; with `data`, a map from each to that; with `verdicts`, a map
    from each to the name of the chain to go on with."""

    name: str
    fields: tuple[Field, ...]
    ranges: bool = False
    data: tuple[Field, ...] = ()
    verdicts: bool = False


class Chain(Struct, frozen=True):
    """Rules in their order. With `hook`, every packet at that hook meets them, and is accepted if no rule decides; in a
    chain of type nat, the first of each connection alone."""

    name: str
    rules: tuple[Rule, ...]
    hook: int | None = None
    priority: int = PRIORITY_FIRST
    type: Literal["filter", "nat"] = "filter"


class Table(Struct, frozen=True):
    """All but the elements of the sets."""

    name: str
    sets: tuple[Set, ...]
    chains: tuple[Chain, ...]
    family: int = FAMILY_BRIDGE


class Element(NamedTuple):
    """A key in the set of that name, as octets (`key_of`); `end` is the last key of a range, empty for a single key;
    `data` is what a map holds under it."""

    set: str
    key: bytes
    end: bytes = b""
    data: bytes = b""


def key_of(*parts: bytes) -> bytes:
    """A key of these parts, each padded to four octets, as in the registers of the kernel."""
    return b"".join(part + b"\0" * (-len(part) & 3) for part in parts)
