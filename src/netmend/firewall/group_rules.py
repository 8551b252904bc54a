"""Security groups as one table of nftables, in family bridge.

A group's rules are two chains, whatever the number of ports in it; a `policy` is a set of groups that ports have
together, and two chains that go through the groups'. Maps lead from a port's device to its policy, known before the
device is there. The addresses of groups are in sets whose keys begin with the group's id. So a changed rule is one
chain, a new member one element.

What a guest sends is judged as it comes up from the device, what it is sent as it goes down to the device; in between
is the bridge. Names of groups' chains end with a digest of their rules: a new one is made beside the old, and the
policies go over to it in one transaction.

Connections are tracked by the bridge itself (`bridge`: nf_conntrack_bridge, Linux 5.3), each network in a zone of its
own, for networks may have the same addresses. Where the kernel cannot, `hooks` has it done by br_netfilter, which shows
the bridge's packets to the host's IPv4 and IPv6 hooks: the zone goes there as the packet's mark, and the connection's
state comes back as one (`HOOKS_TABLE`). `none` tracks nothing, for stateless groups.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from hashlib import sha1
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from sys import byteorder
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

from netmend.firewall.packet import ICMP, ICMPV6, IPV4, IPV6, UDP
from netmend.firewall.rules import GROUPS
from netmend.firewall.security_groups import ALWAYS, Need, can_match, protocol_of
from netmend.ground.nftables import (
    ACCEPT,
    CT_ESTABLISHED,
    CT_INVALID,
    CT_RELATED,
    DROP,
    FAMILY_INET,
    HOOK_POSTROUTING,
    HOOK_PREROUTING,
    IFNAME,
    IPV4_ADDR,
    IPV6_ADDR,
    MARK,
    Between,
    Chain,
    Conntrack,
    Constant,
    Element,
    Field,
    FragmentOffset,
    GoBy,
    InSet,
    Match,
    Meta,
    NoTrack,
    Payload,
    Rule,
    Set,
    SetBy,
    SetFrom,
    Statement,
    Table,
    Verdict,
    bits,
    key_of_name,
)
from netmend.intent.names import DEVICE_GROUP
from netmend.intent.security_group import Block, Direction, SecurityGroup, SecurityRule

MemberKind = Literal["group", "list"]
"""Whose addresses: a security group's members', or those that an address group lists."""
Tracking = Literal["bridge", "hooks", "none"]
NAME: Final = GROUPS
FIRST_ZONE, ZONES = 0x8000, 0x8000  # conntrack zones of networks: those below are others'

_AFTER_GUARD: Final = -299  # port security is at -300, and connections are tracked from -200 on
_JUDGED: Final = 10  # behind br_netfilter's hooks of a bridge, at 0 and less (linux/netfilter_bridge.h)
_RAW, _TRACKED = -300, -150  # of IPv4 and IPv6 (linux/netfilter_ipv4.h)
_GROUP_ID: Final = Field("ipv6_addr", 16)  # as which nft(8) shows a UUID
_DEVICE: Final = Meta("iifname")
_PROTOCOL: Final = Meta("l4proto")
_ETHER_TYPE: Final = Payload("link", 12, 2)
_IS_OURS: Final = Match(Meta("iifgroup"), bits(DEVICE_GROUP))
_FAR: Final = {  # the far end's address in the header, by direction and version
    ("ingress", 4): Payload("network", 12, 4),
    ("egress", 4): Payload("network", 16, 4),
    ("ingress", 6): Payload("network", 8, 16),
    ("egress", 6): Payload("network", 24, 16),
}
_TO_PORT: Final = Payload("transport", 2, 2)
_BOTH_PORTS: Final = Payload("transport", 0, 4)
_TYPE_AND_CODE: Final = Payload("transport", 0, 2)
_SHORT: Final = {"egress": "out", "ingress": "in"}
_ZONE_BITS: Final = FIRST_ZONE << 16 | FIRST_ZONE


def _is(ether_type: int) -> Match:
    return Match(_ETHER_TYPE, ether_type.to_bytes(2))


_LATER_FRAGMENT: Final[tuple[Rule, ...]] = (
    (_is(IPV4), Match(Payload("network", 6, 2), b"\0\0", b"\x1f\xff", unless=True)),
    (_is(IPV6), Match(FragmentOffset(), b"\0\0", b"\xff\xf8", unless=True)),
)
_SETS: Final = (
    Set("zones", (IFNAME,), data=(MARK,)),
    Set("egress", (IFNAME,), verdicts=True),
    Set("ingress", (IFNAME,), verdicts=True),
    *(
        Set(f"{kind}-{what}{version}", (_GROUP_ID, field), ranges=what == "blocks")
        for kind in ("group", "list")
        for what in ("addresses", "blocks")
        for version, field in ((4, IPV4_ADDR), (6, IPV6_ADDR))
    ),
)
_SHOWN_TO_HOOKS: Final = (_IS_OURS, Match(Meta("mark"), bits(_ZONE_BITS), bits(_ZONE_BITS)))
HOOKS_TABLE: Final = Table(
    NAME,
    (),
    (
        Chain("zone", ((*_SHOWN_TO_HOOKS, SetFrom("zone", Meta("mark"))),), HOOK_PREROUTING, _RAW),
        Chain("state", ((*_SHOWN_TO_HOOKS, SetFrom("mark", Conntrack("state"))),), HOOK_PREROUTING, _TRACKED),
    ),
    FAMILY_INET,
)
"""With `hooks`: a packet's mark is its zone, twice, and from then on the state of its connection, which is less."""
PROBE: Final = Table("netmend-probe", (), (Chain("probe", ((Match(Conntrack("state"), bits(CT_ESTABLISHED)), DROP),)),))
"""What the kernel takes where a bridge can track connections."""


CLOSED: Final = Chain("closed", ((DROP,),))
"""Where the packets of a device go that is there and that intent has no more."""


class Policy(Struct, frozen=True):
    """The groups that a port has, by id, in the order of the ids; what they are about in `Groups`."""

    group_ids: tuple[str, ...]

    def chain(self, direction: Direction) -> str:
        """The name of its chain."""
        digest = sha1(" ".join(self.group_ids).encode(), usedforsecurity=False).hexdigest()[:16]
        return f"policy-{_SHORT[direction]}-{digest}"


class GroupChains(Struct, frozen=True):
    """The chains of one group in one direction: all its rules, and where it is stateless what later fragments meet of
    them. None: there is none."""

    all: Chain | None
    later: Chain | None


def table(tracking: Tracking, chains: Iterable[Chain]) -> Table:
    """The table with these chains of groups and policies."""
    return Table(NAME, _SETS, (CLOSED, *_NEEDED.values(), *chains, *_base(tracking)))


def _base(tracking: Tracking) -> tuple[Chain, ...]:
    zone: dict[Tracking, tuple[Rule, ...]] = {
        # No packet of a guest is looked for among the host's own connections, which are in zone 0.
        "bridge": ((SetBy("zone", (_DEVICE,), "zones"), ACCEPT), (_IS_OURS, NoTrack())),
        "hooks": ((SetBy("mark", (_DEVICE,), "zones"),),),
        "none": (),
    }
    return (
        Chain("zone", zone[tracking], HOOK_PREROUTING, _AFTER_GUARD),
        Chain("from-guest", ((GoBy((_DEVICE,), "egress"),),), HOOK_PREROUTING, _JUDGED),
        Chain("to-guest", ((GoBy((Meta("oifname"),), "ingress"),),), HOOK_POSTROUTING, _JUDGED),
    )


def _state(tracking: Tracking, *states: int) -> Iterator[Statement]:
    """What matches packets of a connection in one of the states, one statement for each rule that is needed."""
    if tracking == "hooks":  # a mark that is a zone's, because no hook has seen the packet, is none of them
        yield from (Match(Meta("mark"), bits(state)) for state in states)
    else:
        yield Match(Conntrack("state"), bits(0), bits(sum(states)), unless=True)


def _needed(need: Need) -> Iterator[Rule]:
    if need.ports:
        ports = b"".join(port.to_bytes(2) for port in need.ports)
        yield _is(need.ether_type), Match(_PROTOCOL, bytes((UDP,))), Match(_BOTH_PORTS, ports), ACCEPT
    for kind in sorted(need.types):
        yield (
            _is(need.ether_type),
            Match(_PROTOCOL, bytes((ICMPV6,))),
            Match(_TYPE_AND_CODE, bytes((kind, 0)), b"\xff\0"),
            ACCEPT,
        )
    if not need.ports and not need.types:
        yield _is(need.ether_type), ACCEPT


_NEEDED: Final[Mapping[Direction, Chain]] = {
    direction: Chain(
        f"needed-{_SHORT[direction]}",
        tuple(rule for need in ALWAYS if need.direction == direction for rule in _needed(need)),
    )
    for direction in ("egress", "ingress")
}


def policy_chains(
    policy: Policy, groups: Mapping[tuple[str, Direction], GroupChains], tracking: Tracking, *, stateful: bool
) -> Iterator[Chain]:
    """The chains of a policy, one for each direction, in the order of `netmend.firewall.security_groups.decide`; where
    it is `stateful` and nothing tracks, all is refused. `groups` are the chains of its groups."""
    for direction in ("egress", "ingress"):
        found = [groups[each, direction] for each in policy.group_ids if (each, direction) in groups]
        name = policy.chain(direction)
        needed = (Verdict("jump", _NEEDED[direction].name),)
        if stateful and tracking == "none":
            yield Chain(name, ((DROP,),))
            continue
        through = tuple((Verdict("jump", each.all.name),) for each in found if each.all)
        if stateful:
            answers = tuple((state, ACCEPT) for state in _state(tracking, CT_ESTABLISHED, CT_RELATED))
            invalid = tuple((state, DROP) for state in _state(tracking, CT_INVALID))
            fragments = tuple((*later, DROP) for later in _LATER_FRAGMENT)
            yield Chain(name, (*answers, *fragments, needed, *invalid, *through, (DROP,)))
            continue
        later = Chain(
            f"{name}-later", (*((Verdict("jump", each.later.name),) for each in found if each.later), (DROP,))
        )
        yield later
        to_later = tuple((*match, Verdict("goto", later.name)) for match in _LATER_FRAGMENT)
        yield Chain(name, (*to_later, needed, *through, (DROP,)))


def group_chains(
    group: SecurityGroup, direction: Direction, with_blocks: Container[tuple[MemberKind, str]]
) -> GroupChains:
    """The chains of a group. `with_blocks` are those groups and address groups that have blocks of more than one
    address."""
    rules = [rule for rule in group.rules if rule.direction == direction and can_match(rule)]
    if not rules:
        return GroupChains(None, None)
    name = f"{_SHORT[direction]}-{group.id}-{_digest(rules, with_blocks)}"
    whole = Chain(f"group-{name}", tuple(rule for each in rules for rule in _compiled(each, with_blocks)))
    if group.stateful:
        return GroupChains(whole, None)
    parts = dict.fromkeys(rule for each in rules for rule in _compiled(each, with_blocks, later=True))
    return GroupChains(whole, Chain(f"later-{name}", tuple(parts)))


def _digest(rules: Iterable[SecurityRule], with_blocks: Container[tuple[MemberKind, str]]) -> str:
    """What tells rules from others, and costs less than they themselves do."""
    found = [
        (
            rule.version,
            rule.protocol,
            rule.ports,
            rule.remote and (int(rule.remote.network_address), rule.remote.prefixlen),
            rule.remote_group_id and (rule.remote_group_id, ("group", rule.remote_group_id) in with_blocks),
            rule.remote_address_group_id
            and (rule.remote_address_group_id, ("list", rule.remote_address_group_id) in with_blocks),
        )
        for rule in rules
    ]
    return sha1(repr(found).encode(), usedforsecurity=False).hexdigest()[:16]


def _compiled(
    rule: SecurityRule, with_blocks: Container[tuple[MemberKind, str]], *, later: bool = False
) -> Iterator[Rule]:
    """One rule as rules of nftables; with `later`, as later fragments meet it."""
    what: list[Statement] = [_is(IPV4 if rule.version == 4 else IPV6)]
    protocol = protocol_of(rule)
    if protocol is not None:
        what.append(Match(_PROTOCOL, bytes((protocol,))))
    if rule.ports is not None and not later:
        what.append(_ports(protocol, *rule.ports))
    far = _FAR[rule.direction, rule.version]
    kind: MemberKind = "list" if rule.remote_group_id is None else "group"
    remote_id = rule.remote_group_id or rule.remote_address_group_id
    if remote_id is not None:
        loads = Constant(UUID(remote_id).bytes), far
        yield *what, InSet(loads, f"{kind}-addresses{rule.version}"), ACCEPT
        if (kind, remote_id) in with_blocks:
            yield *what, InSet(loads, f"{kind}-blocks{rule.version}"), ACCEPT
    elif rule.remote is not None and rule.remote.version != rule.version:
        return
    elif rule.remote is not None and rule.remote.prefixlen:
        is_single = rule.remote.prefixlen == rule.remote.max_prefixlen
        mask = None if is_single else rule.remote.netmask.packed
        yield *what, Match(far, rule.remote.network_address.packed, mask), ACCEPT
    else:
        yield *what, ACCEPT


def _ports(protocol: int | None, first: int, last: int | None) -> Statement:
    if protocol in {ICMP, ICMPV6}:
        if last is None:
            return Match(_TYPE_AND_CODE, bytes((first, 0)), b"\xff\0")
        return Match(_TYPE_AND_CODE, bytes((first, last)))
    end = first if last is None else last
    return Match(_TO_PORT, first.to_bytes(2)) if end == first else Between(_TO_PORT, first.to_bytes(2), end.to_bytes(2))


def elements_of_port(device: str, policy: Policy) -> frozenset[Element]:
    """What leads from a port's device to the chains of its policy."""
    key = key_of_name(device)
    return frozenset(
        Element(direction, key, data=policy.chain(direction).encode()) for direction in ("egress", "ingress")
    )


def elements_of_closed(device: str) -> frozenset[Element]:
    """What leads to `CLOSED`."""
    key = key_of_name(device)
    return frozenset(Element(direction, key, data=CLOSED.name.encode()) for direction in ("egress", "ingress"))


def element_of_zone(device: str, zone: int) -> Element:
    """The zone of a device's network."""
    return Element("zones", key_of_name(device), data=bits(zone << 16 | zone))


def zone_of(element: Element) -> int:
    """The zone that an element of `zones` gives."""
    return int.from_bytes(element.data[:2], byteorder)


def elements_of_members(kind: MemberKind, group_id: str, blocks: Iterable[Block]) -> frozenset[Element]:
    """The addresses of a group or an address group."""
    head = UUID(group_id).bytes
    return frozenset(_of_block(kind, head, block) for block in _collapsed(blocks))


def has_blocks(blocks: Iterable[Block]) -> bool:
    """Whether any of them is of more than one address."""
    return any(block.prefixlen < block.max_prefixlen for block in blocks)


def _collapsed(blocks: Iterable[Block]) -> Iterator[Block]:
    """Single addresses as they are; blocks as few as say the same, for the kernel takes none that overlap."""
    wide: list[Block] = []
    for block in blocks:
        if block.prefixlen == block.max_prefixlen:
            yield block
        else:
            wide.append(block)
    if wide:
        yield from collapse_addresses(block for block in wide if isinstance(block, IPv4Network))
        yield from collapse_addresses(block for block in wide if isinstance(block, IPv6Network))


def _of_block(kind: MemberKind, head: bytes, block: Block) -> Element:
    first = head + block.network_address.packed
    if block.prefixlen == block.max_prefixlen:
        return Element(f"{kind}-addresses{block.version}", first)
    return Element(f"{kind}-blocks{block.version}", first, head + block.broadcast_address.packed)
