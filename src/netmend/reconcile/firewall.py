"""Port security in force: what the rules should be for an intent, what is there, and one transaction between them.

Rules go before devices: a pass adds what is missing before it makes anything, and a device that intent has no more
keeps the rule that guards it until it is gone. Observed in full is only what somebody changed since: the kernel counts
transactions, and as long as nobody else made one, the rules are what the last pass left.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress

from msgspec import Struct, field
from msgspec.structs import replace

from netmend.firewall.guard import guard_of, is_guarded
from netmend.firewall.rules import TABLE, device_of, element_of_device, elements_of
from netmend.ground.nftables import Element
from netmend.intent.names import own_device_names, tap_name
from netmend.intent.network import BridgeWiring, Network
from netmend.intent.port import NoPlug
from netmend.kernel.errors import KernelError
from netmend.kernel.nft.tables import TableSeen, adopt, change_elements, read_changed, remake, remake_own, remove_table
from netmend.reconcile.rules_socket import RulesSocket
from netmend.reconcile.steps import Plan, SetRules, Unit

_OF_DEVICE = frozenset(("ports", "devices"))  # sets whose elements keep a device closed
Elements = frozenset[Element]


class RulesPlan(Struct, frozen=True):
    """What differs: `plans` say it by network, for people; `late` is removed once its devices are gone."""

    is_right: bool  # the table, but for the elements of its sets
    add: Elements = frozenset()
    remove: Elements = frozenset()
    late: Elements = frozenset()
    plans: tuple[Plan, ...] = ()
    changed_by_others: bool = False

    def __bool__(self) -> bool:
        return bool(not self.is_right or self.add or self.remove)


class _Wanted(Struct):
    """By network, each with the value that it was worked out of; and all of them."""

    by_network: dict[str, tuple[Network, Elements]] = field(default_factory=dict)
    all: set[Element] = field(default_factory=set)

    def follow(self, networks: Mapping[str, Network]) -> bool:
        """Become what these networks want; True where that is not what it was."""
        changed = False
        for network_id in self.by_network.keys() - networks.keys():
            self.all -= self.by_network.pop(network_id)[1]
            changed = True
        for network_id, network in networks.items():
            known = self.by_network.get(network_id)
            if known is not None and known[0] is network:
                continue
            elements = _wanted(network)
            self.by_network[network_id] = (network, elements)
            if known is None or known[1] != elements:
                self.all.difference_update(known[1] if known else ())
                self.all |= elements
                changed = True
        return changed


def _wanted(network: Network) -> Elements:
    if not isinstance(network.wiring, BridgeWiring):
        return frozenset()
    found = {element_of_device(own_device_names(network)[0])} if network.is_served else set()
    found.update(element_of_device(tap_name(port.id)) for port in network.router_ports)
    for port in network.ports.values():
        if not isinstance(port.plug, NoPlug):
            found.add(element_of_device(tap_name(port.id)))
        if is_guarded(port):
            found |= elements_of(guard_of(network, port))
    return frozenset(found)


class Firewall:
    """In the network namespace of the threads that use it. Not thread-safe: a pass uses it before and after its work
    on networks."""

    def __init__(self, *, own: bool = False) -> None:
        """With `own`, nobody else can change or flush the rules as long as this is open, where the kernel knows how."""
        self._own, self._adopted = own, False
        self.socket = RulesSocket()
        self._wanted = _Wanted()
        self._seen: TableSeen | None = None
        self._in_force: Elements = frozenset()
        self._is_settled = False  # nothing differs from what was wanted and seen last
        self.problem: KernelError | None = None
        """Why the rules are not what they should be."""

    def plan(self, networks: Mapping[str, Network], present: Mapping[str, str], wanted: Mapping[str, str]) -> RulesPlan:
        """What differs from what `networks` want. `present` are devices of netmend that are there and `wanted` those
        that should be, by name, with their networks. Raises KernelError."""
        follows = self._wanted.follow(networks)
        before = self._seen
        if not self._wanted.all and before is None and not present:
            return RulesPlan(is_right=True)
        seen = self._look()
        self.problem = None
        if seen is before and not follows and self._is_settled:
            return RulesPlan(is_right=True)
        add, remove = frozenset(self._wanted.all - seen.elements), frozenset(seen.elements - self._wanted.all)
        self._is_settled = seen.is_right and not add and not remove
        late = frozenset(
            element
            for element in remove
            if element.set in _OF_DEVICE and (name := device_of(element)) in present and name not in wanted
        )
        if not seen.is_right and not self._wanted.all:
            return RulesPlan(is_right=True)
        plans = tuple(self._plans(add, remove - late, {**present, **wanted}))
        others = before is not None and seen is not before and not follows and bool(add or remove or not seen.is_right)
        return RulesPlan(seen.is_right, add, remove - late, late, plans, others)

    def apply(self, plan: RulesPlan) -> None:
        """Put the rules in force; where that fails, `closed` says which devices are not guarded, and `problem` why."""
        nft = self.socket()
        seen = self._seen
        try:
            if not plan.is_right:
                if self._own:
                    self._own = remake_own(nft, TABLE, self._wanted.all)
                else:
                    remake(nft, TABLE, self._wanted.all)
                self._note(frozenset(self._wanted.all), seen)
            elif (plan.add or plan.remove) and seen is not None:
                change_elements(nft, TABLE, plan.add, plan.remove)
                self._note(seen.elements - plan.remove | plan.add, seen)
        except KernelError as error:
            self.problem, self._seen = error, None
            with suppress(KernelError):
                self._look()

    def keep(self) -> None:
        """Have the rules of a process before us as our own. What fails leaves them as they are."""
        if not self._own or self._adopted or self._seen is None:
            return
        nft, seen = self.socket(), self._seen
        with suppress(KernelError):
            self._adopted = True
            if adopt(nft, TABLE):
                self._note(seen.elements, seen)

    def remove_late(self, elements: Iterable[Element], present: Iterable[str]) -> None:
        """Remove what guarded devices that are gone by now; `present` are those that are still there. What fails is the
        next pass's business."""
        there = frozenset(present)
        gone = frozenset(element for element in elements if device_of(element) not in there)
        seen = self._seen
        if gone and seen is not None:
            try:
                change_elements(self.socket(), TABLE, (), gone)
                self._note(seen.elements - gone, seen)
            except KernelError:
                self._seen = None

    def tidy(self) -> None:
        """Remove the table where nothing is wanted of it any more, and nothing is in it."""
        seen = self._seen
        if seen is not None and seen.is_right and not self._wanted.all and not seen.elements:
            with suppress(KernelError):
                remove_table(self.socket(), TABLE)
            self._seen = None

    def closed(self) -> frozenset[str]:
        """Devices whose rules are not in force."""
        if self.problem is None:
            return frozenset()
        return frozenset(
            device_of(element) for element in self._wanted.all - self._in_force if element.set != "devices"
        )

    def fail(self, error: KernelError) -> None:
        """Nothing could be seen: what was in force at the last look is taken to be so, and nothing else."""
        self.problem = error

    def _look(self) -> TableSeen:
        nft = self.socket()
        self._seen = read_changed(nft, TABLE, self._seen)
        self._in_force = self._seen.elements
        return self._seen

    def _note(self, elements: Elements, before: TableSeen | None) -> None:
        """What a transaction of ours has made of the table. Whether somebody else made one, the next look says."""
        self._seen = replace(before, is_right=True, elements=elements) if before is not None else None
        self._in_force = elements

    def _plans(self, add: Elements, remove: Elements, network_of: Mapping[str, str]) -> Iterable[Plan]:
        for network_id, (_, elements) in self._wanted.by_network.items():
            more = len(elements & add) if add else 0
            less = sum(network_of.get(device_of(element)) == network_id for element in remove) if remove else 0
            if more or less:
                yield Plan(network_id, (Unit(None, (SetRules(network_id, more, less),)),))
