"""What leads the traffic of a namespace of netmend's elsewhere than its devices, addresses and routes say: rules of
policy routing, and neighbours that nothing learned. netmend sets none of either, so whatever is there is another's."""

from functools import cache

from msgspec import Struct

from netmend.kernel.neighbours import Neighbour, dump_set_neighbours, remove_neighbour
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.policy_rules import ALL_BORN_WITH, BORN_WITH, Rule, add_rule, dump_rules, remove_rule


class Diversions(Struct, frozen=True):
    """What is to be changed in one namespace."""

    missing: tuple[Rule, ...] = ()  # a namespace is born with them
    rules: tuple[Rule, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.rules or self.neighbours)

    def __str__(self) -> str:
        removed = [f"remove {one}" for one in (*self.rules, *self.neighbours)]
        return ", ".join([*(f"add {rule}" for rule in self.missing), *removed])


NONE = Diversions()


def look_for_diversions(route: RouteSocket, *, proxies: bool = False) -> Diversions:
    """What is in the RouteSocket's namespace; `proxies` too, which say something where packets are forwarded. Raises
    KernelError."""
    rules, neighbours = dump_rules(route), dump_set_neighbours(route, proxies=proxies)
    strange = rules - ALL_BORN_WITH
    missing = tuple(rule for born in BORN_WITH.values() for rule in born if rule not in rules)
    if missing:
        missing = tuple(rule for rule in missing if rule in _possible())
    if not (missing or strange or neighbours):
        return NONE
    in_order = tuple(sorted(strange, key=lambda rule: rule.message))
    return Diversions(missing, in_order, tuple(sorted(neighbours, key=str)))


@cache
def _possible() -> frozenset[Rule]:
    """The rules of families that this kernel has rules for: the host's own namespace has some."""
    with Netns.open("/proc/self/ns/net") as home, home.entered(), RouteSocket() as route:  # the first thread's
        families = {rule.message[0] for rule in dump_rules(route)}
    return frozenset(rule for family, born in BORN_WITH.items() if family in families for rule in born)


def remove_diversions(route: RouteSocket, found: Diversions) -> None:
    """Put right what was found in the RouteSocket's namespace; raises KernelError."""
    for rule in found.missing:  # first: without one, nothing is sent
        add_rule(route, rule)
    for rule in found.rules:
        remove_rule(route, rule)
    for neighbour in found.neighbours:
        remove_neighbour(route, neighbour)
