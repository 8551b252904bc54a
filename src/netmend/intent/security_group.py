"""Security groups: what guests may send and be sent, as Neutron's API means them."""

from collections.abc import Iterable, Set
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from msgspec import Struct

Direction = Literal["ingress", "egress"]
Block = IPv4Network | IPv6Network


class SecurityRule(Struct, frozen=True):
    """One permission. A packet passes a port in `direction` where any rule of its groups has it; there is no denial.

    `version` is 4 or 6 (Neutron's ethertype). `protocol` is an IP protocol number (None: any). `ports` are the first
    and last destination port of TCP, UDP, SCTP, DCCP or UDP-Lite, and of ICMP and ICMPv6 its type and code (a code of
    None: any); None: any. At most one of `remote`, `remote_group_id` and `remote_address_group_id` is there: the far
    end's address is in that block, is one of that security group's members, or is in that address group; none: any.
    """

    direction: Direction
    version: Literal[4, 6]
    protocol: int | None = None
    ports: tuple[int, int | None] | None = None
    remote: Block | None = None
    remote_group_id: str | None = None
    remote_address_group_id: str | None = None


def in_order(rules: Iterable[SecurityRule]) -> tuple[SecurityRule, ...]:
    """The rules in the one order that every source gives them: it means nothing."""
    return tuple(sorted(rules, key=repr))


class SecurityGroup(Struct, frozen=True):
    """A set of rules. `members` are the addresses of all ports in the group, here and on other hosts: their fixed IPs
    and allowed address pairs (as `Members` where they change often). Without `stateful`, an answer passes only where a
    rule has it."""

    id: str  # canonical UUID
    name: str
    rules: tuple[SecurityRule, ...] = ()
    stateful: bool = True
    members: Set[Block] = frozenset()
    project_id: str | None = None


class AddressGroup(Struct, frozen=True):
    """Blocks of addresses that rules name together."""

    id: str  # canonical UUID
    name: str
    addresses: frozenset[Block] = frozenset()
