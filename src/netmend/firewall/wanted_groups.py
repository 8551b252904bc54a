"""What the table of security groups should hold for an intent, and what an intent takes from the one before.

Each part is worked out again only where the values that it follows from are others than before: a node with thousands
of ports sees one changed group as one chain, and one new port as some elements.
"""

from collections.abc import Iterator, Mapping, Set

from msgspec import Struct, field

from netmend.firewall.group_rules import (
    ZONES,
    GroupChains,
    MemberKind,
    Policy,
    Tracking,
    element_of_zone,
    elements_of_members,
    elements_of_port,
    group_chains,
    has_blocks,
    policy_chains,
)
from netmend.firewall.security_groups import is_filtered
from netmend.ground.nftables import Chain, Element
from netmend.intent.names import own_device_names, tap_name
from netmend.intent.network import BridgeWiring, Intent, Network
from netmend.intent.port import NoPlug, Port
from netmend.intent.security_group import Block, Direction, SecurityGroup, SecurityRule

Member = tuple[MemberKind, str]
_DIRECTIONS: tuple[Direction, Direction] = ("egress", "ingress")
_NOTHING: frozenset[Element] = frozenset()


class _Network(Struct, frozen=True):
    """A network with ports that groups filter."""

    network: Network
    ports: Mapping[str, tuple[Port, Policy]]  # by device
    elements: frozenset[Element]  # from the ports to their policies
    policies: frozenset[Policy]


class _Group(Struct, frozen=True):
    """A group in use, with its chains by direction, and whose addresses its rules name."""

    group: SecurityGroup
    with_blocks: frozenset[Member]
    chains: Mapping[Direction, GroupChains]
    named: frozenset[Member]


class _Members(Struct, frozen=True):
    blocks: Set[Block]
    elements: frozenset[Element]
    has_blocks: bool


class WantedGroups(Struct):
    """What is wanted by the last intent. Where it `follow`s another, `narrowed` are the networks some of whose
    connections may be permitted no more, by the zone that they are in."""

    tracking: Tracking = "none"
    networks: dict[str, _Network] = field(default_factory=dict)
    zones: dict[str, int] = field(default_factory=dict)  # by network
    chains: tuple[Chain, ...] = ()
    elements: set[Element] = field(default_factory=set)
    stateful: frozenset[Policy] = frozenset()  # policies whose connections are tracked
    narrowed: dict[int, str | None] = field(default_factory=dict)
    intent: Intent = field(default_factory=Intent)
    _groups: dict[str, _Group] = field(default_factory=dict)
    _members: dict[Member, _Members] = field(default_factory=dict)
    _seen_networks: dict[str, Network] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is any port that groups filter."""
        return bool(self.networks)

    def follow(self, intent: Intent, tracking: Tracking, known_zones: Mapping[str, int]) -> None:
        """Become what this intent wants. `known_zones` are those that devices are in by now, by name."""
        before, self.intent = self.networks, intent
        changed = self._follow_networks(intent)
        policies = {policy for each in self.networks.values() for policy in each.policies}
        group_ids = {group_id for policy in policies for group_id in policy.group_ids}
        narrower = self._follow_groups(intent, group_ids)
        self.stateful = frozenset(policy for policy in policies if self._is_stateful(policy))
        gone = self._follow_zones(intent, known_zones)
        for network_id, zone in self.zones.items():
            found = self.networks[network_id]
            has_lost = network_id in changed and _lost(before.get(network_id), found)
            if has_lost or any(narrower.intersection(each.group_ids) for each in found.policies):
                self.narrowed[zone] = network_id
        self.narrowed.update(dict.fromkeys(gone))
        self.tracking = tracking
        by_way = {(group_id, way): each.chains[way] for group_id, each in self._groups.items() for way in _DIRECTIONS}
        chains = [chain for each in by_way.values() for chain in (each.all, each.later) if chain]
        for policy in sorted(policies, key=lambda policy: policy.group_ids):
            chains += policy_chains(policy, by_way, tracking, stateful=policy in self.stateful)
        self.chains = tuple(chains)
        self.elements = set().union(
            *(each.elements for each in self.networks.values()), *(each.elements for each in self._members.values())
        )
        if tracking != "none":
            self.elements.update(self._zone_elements(intent))

    def narrow_all(self) -> None:
        """Take any connection of any network to be permitted no more, for all that is known."""
        self.narrowed.update({zone: network_id for network_id, zone in self.zones.items()})

    def devices(self) -> Iterator[tuple[str, Policy]]:
        """All devices that groups filter."""
        for each in self.networks.values():
            for device, (_, policy) in each.ports.items():
                yield device, policy

    def state_of(self, policy: Policy) -> tuple[object, ...]:
        """What a policy permits, to compare with what it permitted before."""
        found = [self._groups[each] for each in policy.group_ids if each in self._groups]
        members = {name: self._members[name].blocks for each in found for name in each.named}
        return policy in self.stateful, tuple(each.group.rules for each in found), members

    def _is_stateful(self, policy: Policy) -> bool:
        found = [self._groups[each].group for each in policy.group_ids if each in self._groups]
        return not found or any(group.stateful for group in found)

    def _follow_networks(self, intent: Intent) -> set[str]:
        changed = {each for each in self._seen_networks if intent.networks.get(each) is not self._seen_networks[each]}
        changed.update(intent.networks.keys() - self._seen_networks.keys())
        if changed:
            self.networks = dict(self.networks)
        for network_id in changed:
            network = intent.networks.get(network_id)
            found = _network(network) if network else None
            if found:
                self.networks[network_id] = found
            else:
                self.networks.pop(network_id, None)
        self._seen_networks = dict(intent.networks)
        return changed

    def _follow_groups(self, intent: Intent, group_ids: set[str]) -> set[str]:
        """Returns the groups that permit less than before."""
        wanted = {each: intent.security_groups[each] for each in group_ids if each in intent.security_groups}
        before, members_before = self._groups, self._members
        named = {each: _named_in(group.rules) for each, group in wanted.items()}
        self._members = {
            member: _members(member, intent, members_before.get(member))
            for members in named.values()
            for member in members
        }
        with_blocks = frozenset(member for member, found in self._members.items() if found.has_blocks)
        self._groups = {
            each: _group(group, named[each], with_blocks, before.get(each)) for each, group in wanted.items()
        }
        fewer = {
            member
            for member, old in members_before.items()
            if member in self._members and not old.blocks <= self._members[member].blocks
        }
        return {
            each
            for each, old in before.items()
            if each not in self._groups
            or old.group.stateful != self._groups[each].group.stateful
            or (
                old.group.rules is not self._groups[each].group.rules
                and not _covers(self._groups[each].group, old.group)
            )
            or fewer & self._groups[each].named
        }

    def _follow_zones(self, intent: Intent, known: Mapping[str, int]) -> set[int]:
        """Returns the zones that are of another network than before, or of none."""
        tracked = {
            network_id: each
            for network_id, each in self.networks.items()
            if not self.stateful.isdisjoint(each.policies)
        }
        gone = {zone for network_id, zone in self.zones.items() if network_id not in tracked}
        zones = {network_id: zone for network_id, zone in self.zones.items() if network_id in tracked}
        taken = set(zones.values())
        for network_id in sorted(tracked.keys() - zones.keys()):
            found = {known[device] for device in tracked[network_id].ports if device in known} - taken
            if len(found) == 1:
                zone = found.pop()
            else:
                zone = int(network_id.replace("-", "")[-8:], 16) % ZONES
                while zone + ZONES in taken:
                    zone = (zone + 1) % ZONES
                zone += ZONES
                gone.add(zone)
            zones[network_id] = zone
            taken.add(zone)
        self.zones = zones
        return gone

    def _zone_elements(self, intent: Intent) -> Iterator[Element]:
        for network_id, zone in self.zones.items():
            network = intent.networks[network_id]
            for device in _all_devices(network):
                yield element_of_zone(device, zone)


def _network(network: Network) -> _Network | None:
    if not isinstance(network.wiring, BridgeWiring):
        return None
    ports = {
        tap_name(port.id): (port, Policy(tuple(sorted(port.security_groups or ()))))
        for port in network.ports.values()
        if is_filtered(port)
    }
    if not ports:
        return None
    elements = frozenset().union(*(elements_of_port(device, policy) for device, (_, policy) in ports.items()))
    return _Network(network, ports, elements, frozenset(policy for _, policy in ports.values()))


def _all_devices(network: Network) -> Iterator[str]:
    if network.is_served:
        yield own_device_names(network)[0]
    for router_port in network.router_ports:
        yield tap_name(router_port.id)
    for port in network.ports.values():
        if not isinstance(port.plug, NoPlug):
            yield tap_name(port.id)


def _lost(before: _Network | None, after: _Network) -> bool:
    """Whether a network has ports no more, or ports of other groups or addresses than before."""
    if before is None:
        return False
    for device, (port, policy) in before.ports.items():
        found = after.ports.get(device)
        if found is None or found[1] != policy or _addresses(found[0]) != _addresses(port):
            return True
    return any(  # one that was there, and was not filtered
        port.id in before.network.ports and device not in before.ports for device, (port, _) in after.ports.items()
    )


def _addresses(port: Port) -> tuple[object, ...]:
    return port.mac, port.fixed_ips, port.fixed_ips6, port.allowed_address_pairs


def _named_in(rules: tuple[SecurityRule, ...]) -> frozenset[Member]:
    found: set[Member] = {("group", rule.remote_group_id) for rule in rules if rule.remote_group_id is not None}
    found.update(("list", rule.remote_address_group_id) for rule in rules if rule.remote_address_group_id is not None)
    return frozenset(found)


def _members(member: Member, intent: Intent, known: _Members | None) -> _Members:
    kind, name = member
    if kind == "group":
        group = intent.security_groups.get(name)
        blocks: Set[Block] = group.members if group else frozenset()
    else:
        listed = intent.address_groups.get(name)
        blocks = listed.addresses if listed else frozenset()
    if known is not None and known.blocks == blocks:
        return known
    return _Members(blocks, elements_of_members(kind, name, blocks), has_blocks(blocks))


def _group(
    group: SecurityGroup, named: frozenset[Member], with_blocks: frozenset[Member], known: _Group | None
) -> _Group:
    with_blocks &= named
    if (
        known is not None
        and known.group.rules is group.rules
        and known.group.stateful == group.stateful
        and known.with_blocks == with_blocks
    ):
        return known if known.group is group else _Group(group, with_blocks, known.chains, named)
    chains = {direction: group_chains(group, direction, with_blocks) for direction in _DIRECTIONS}
    return _Group(group, with_blocks, chains, named)


def _covers(group: SecurityGroup, before: SecurityGroup) -> bool:
    return set(before.rules) <= set(group.rules)
