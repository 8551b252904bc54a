"""Security groups as one model: what a port's groups let through, and which rule says so.

It means what Neutron's API means. A packet passes where any rule of any group of the port permits it; nothing denies.
What a guest needs to have an address at all passes whatever the rules say (`ALWAYS`). Port security comes first for
what a guest sends (`netmend.firewall.verdict`), and has refused by then what pretends to be another: so an answer of a
DHCP server, or a router's advertisement, is let in from whoever was let send it.

Nothing here knows nftables or OpenFlow: `netmend.firewall.group_rules` says the same as rules of nftables, and tests
hold both against this.
"""

from collections.abc import Mapping, Set
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Final, Literal

from msgspec import Struct

from netmend.firewall.guard import is_guarded
from netmend.firewall.packet import ARP, ICMP, ICMPV6, IPV4, IPV6, UDP, WITH_PORTS, Packet
from netmend.intent.network import Intent
from netmend.intent.port import Port
from netmend.intent.security_group import AddressGroup, Block, Direction, SecurityGroup, SecurityRule

State = Literal["new", "established", "related", "invalid", "untracked"]
"""What the kernel knows of the packet's connection (conntrack(8)): `established` once it has been answered, `related`
to one that is there (an ICMP error). Neighbour discovery and what is no IP are `untracked`."""

Why = Literal["needed", "answer", "rule", "no rule", "invalid", "fragment", "not IP"]


class Need(Struct, frozen=True):
    """Packets that pass in `direction` whatever the rules are: UDP with these `ports` (source and destination), or
    ICMPv6 of these `types`; with neither, all of that Ethernet type."""

    direction: Direction
    ether_type: int
    words: str
    ports: tuple[int, int] | None = None
    types: frozenset[int] = frozenset()

    def is_met_by(self, direction: Direction, packet: Packet) -> bool:
        """Whether the packet is one of these."""
        if direction != self.direction or packet.ether_type != self.ether_type:
            return False
        if self.ports:
            return packet.protocol == UDP and packet.ports == self.ports
        if self.types:
            return packet.protocol == ICMPV6 and packet.icmp is not None and packet.icmp[0] in self.types
        return True


ALWAYS: Final = (
    Need("egress", ARP, "ARP"),
    Need("ingress", ARP, "ARP"),
    Need("egress", IPV4, "a DHCP client's question", ports=(68, 67)),
    Need("ingress", IPV4, "a DHCP server's answer", ports=(67, 68)),
    Need("egress", IPV6, "a DHCPv6 client's question", ports=(546, 547)),
    Need("ingress", IPV6, "a DHCPv6 server's answer", ports=(547, 546)),
    # RFC 4861: solicitations and advertisements; RFC 2710 and 3810: multicast listeners' queries and reports
    Need("egress", IPV6, "neighbour discovery", types=frozenset({133, 135, 136})),
    Need("ingress", IPV6, "neighbour discovery", types=frozenset({134, 135, 136})),
    Need("egress", IPV6, "multicast listener discovery", types=frozenset({130, 131, 132, 143})),
    Need("ingress", IPV6, "multicast listener discovery", types=frozenset({130})),
)
"""What passes a port without any rule."""


class Permission(Struct, frozen=True):
    """One rule of one group of a port. `remotes` are the far ends that it is about; None: any."""

    group_id: str
    rule: SecurityRule
    remotes: Set[Block] | None = None

    def permits(self, direction: Direction, packet: Packet) -> bool:
        """Whether the packet passes. Ports, type and code of a later fragment are taken to be right."""
        rule = self.rule
        if rule.direction != direction or rule.version != packet.version or not can_match(rule):
            return False
        protocol = protocol_of(rule)
        if protocol is not None and packet.protocol != protocol:
            return False
        if rule.ports is not None and not packet.is_later_fragment and not _has_ports(rule.ports, packet):
            return False
        far = packet.source if direction == "ingress" else packet.destination
        return self.remotes is None or (far is not None and is_among(far, self.remotes))


class PortRules(Struct, frozen=True):
    """What the groups of a port permit. Not `is_stateful`: connections are nothing to it, so an answer needs a rule of
    its own; that is a port all of whose groups are stateless."""

    permissions: tuple[Permission, ...] = ()
    is_stateful: bool = True


class Decision(Struct, frozen=True):
    """Whether a packet passes a port in one direction, and why: `need` or `permission` says what lets it through."""

    passes: bool
    why: Why
    need: Need | None = None
    permission: Permission | None = None


def is_filtered(port: Port) -> bool:
    """Whether a port passes only what security groups permit. Without port security, as in Neutron, it does not; nor
    where somebody else wires the port."""
    return port.security_groups is not None and is_guarded(port)


def is_stateful(port: Port, groups: Mapping[str, SecurityGroup]) -> bool:
    """Whether the port's connections are tracked: unless it has groups, and all of them are stateless."""
    found = [groups[group_id] for group_id in port.security_groups or () if group_id in groups]
    return not found or any(group.stateful for group in found)


def port_rules(port: Port, intent: Intent) -> PortRules:
    """What the groups of a filtered port permit. A group that intent does not have permits nothing."""
    groups = [intent.security_groups[each] for each in port.security_groups or () if each in intent.security_groups]
    return PortRules(
        tuple(
            Permission(group.id, rule, remotes_of(rule, intent.security_groups, intent.address_groups))
            for group in groups
            for rule in group.rules
        ),
        is_stateful(port, intent.security_groups),
    )


def remotes_of(
    rule: SecurityRule, groups: Mapping[str, SecurityGroup], address_groups: Mapping[str, AddressGroup]
) -> Set[Block] | None:
    """The far ends that a rule is about; None: any. Of a group that is not there: nobody."""
    if rule.remote is not None:
        return frozenset((rule.remote,))
    if rule.remote_group_id is not None:
        group = groups.get(rule.remote_group_id)
        return group.members if group else frozenset()
    if rule.remote_address_group_id is not None:
        addresses = address_groups.get(rule.remote_address_group_id)
        return addresses.addresses if addresses else frozenset()
    return None


def decide(rules: PortRules, direction: Direction, packet: Packet, state: State) -> Decision:
    """What becomes of a packet at a port with these rules.

    Where connections are tracked, the kernel puts fragments together first, so the packet is whole, and a later
    fragment that is met all the same is refused. A stateless port lets it pass where any rule would have let its first
    fragment pass by what both say: without its first, which was read, it is nothing.
    """
    if rules.is_stateful and state in {"established", "related"}:
        return Decision(passes=True, why="answer")
    for need in ALWAYS:
        if need.is_met_by(direction, packet):
            return Decision(passes=True, why="needed", need=need)
    if packet.version is None:
        return Decision(passes=False, why="not IP")
    if rules.is_stateful and packet.is_later_fragment:
        return Decision(passes=False, why="fragment")
    if rules.is_stateful and state == "invalid":
        return Decision(passes=False, why="invalid")
    for permission in rules.permissions:
        if permission.permits(direction, packet):
            return Decision(passes=True, why="rule", permission=permission)
    return Decision(passes=False, why="no rule")


def protocol_of(rule: SecurityRule) -> int | None:
    """The IP protocol that a rule is about; None: any. ICMP in a rule of IPv6 is ICMPv6, as in Neutron."""
    return ICMPV6 if rule.version == 6 and rule.protocol == ICMP else rule.protocol


def can_match(rule: SecurityRule) -> bool:
    """Whether any packet can match: none has ports, or type and code, of a protocol that has none."""
    return rule.ports is None or protocol_of(rule) in {*WITH_PORTS, ICMP if rule.version == 4 else ICMPV6}


def _has_ports(wanted: tuple[int, int | None], packet: Packet) -> bool:
    """Whether the packet's destination port, or its type and code, is the rule's."""
    first, last = wanted
    if packet.ports is not None:
        return first <= packet.ports[1] <= (first if last is None else last)
    return packet.icmp is not None and packet.icmp[0] == first and last in {None, packet.icmp[1]}


def is_among(address: IPv4Address | IPv6Address, blocks: Set[Block]) -> bool:
    """Whether the address is in one of the blocks."""
    return _single(address) in blocks or any(
        block.version == address.version and block.prefixlen < block.max_prefixlen and address in block
        for block in blocks
    )


@lru_cache(maxsize=4096)
def _single(address: IPv4Address | IPv6Address) -> Block:
    return ip_network(address)
