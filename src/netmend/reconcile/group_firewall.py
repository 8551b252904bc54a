"""Security groups in force: what their table should be for an intent, what is there, and one transaction between them.

Beside port security, in a table of its own: what this one needs of the kernel, networks without groups do not. Where
it is not as intent says, the ports that this is about are closed (`closed`), and no other.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from netmend.firewall.connections import judges_of
from netmend.firewall.group_rules import CLOSED, PROBE, Tracking, elements_of_closed, table, zone_of
from netmend.firewall.rules import device_of
from netmend.firewall.wanted_groups import WantedGroups
from netmend.ground.nftables import Element, Table
from netmend.intent.network import Intent
from netmend.kernel.conntrack import Connection, forget_connections
from netmend.kernel.errors import KernelError
from netmend.kernel.links import Link
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.nft.socket import NftSocket
from netmend.kernel.nft.tables import (
    TableSeen,
    adopt,
    change_table,
    has_table,
    is_taken,
    read_changed,
    read_set,
    remake,
    remake_own,
    remove_table,
)
from netmend.reconcile.bridge_hooks import BridgeHooks
from netmend.reconcile.steps import Plan, SetGroupRules, Unit

NO_TRACKING: Final = (
    "its security groups need bridges that track connections, and this kernel has neither way: modprobe "
    "nf_conntrack_bridge (Linux 5.3, CONFIG_NF_CONNTRACK_BRIDGE) or modprobe br_netfilter; the port stays closed until "
    "then, and a port of stateless groups alone needs neither"
)
_BR_NETFILTER: Final = Path("/proc/sys/net/bridge")  # there as long as the module is
_NONE: Final = table("none", ())
Elements = frozenset[Element]


class GroupsPlan(Struct, frozen=True):
    """What differs from `table`: `is_right` says of the one that is there that it is what netmend left, but for the
    elements of its sets; `change` that its chains are to be others. `plans` say it by network, for people."""

    table: Table
    is_right: bool
    change: bool
    add: Elements
    remove: Elements
    plans: tuple[Plan, ...] = ()
    changed_by_others: bool = False

    def __bool__(self) -> bool:
        return bool(not self.is_right or self.change or self.add or self.remove)


class _InForce(Struct):
    """The table as of the last transaction or look, and what it permits each device."""

    table: Table
    permitted: dict[str, tuple[object, ...]] = field(default_factory=dict)


class GroupFirewall:
    """In the network namespace of the threads that use it. Not thread-safe: a pass uses it before and after its work
    on networks."""

    def __init__(self, socket: Callable[[], NftSocket], *, own: bool = False) -> None:
        """`socket` gives the socket by which rules are changed. With `own`, nobody else can change or flush the rules
        as long as that is open, where the kernel knows how."""
        self._socket, self._own, self._adopted = socket, own, False
        self._hooks = BridgeHooks()
        self._wanted = WantedGroups()
        self._tracking: Tracking = "none"
        self._seen: TableSeen | None = None
        self._in_force: _InForce | None = None  # None: there is no table
        self._looked = False
        self.problem: KernelError | None = None
        """Why the rules are not what they should be."""

    @property
    def netlink_port(self) -> int:
        """By which messages of the kernel say that the hooks' table was changed here; 0 where it was not."""
        return self._hooks.socket.port

    @property
    def is_wanted(self) -> bool:
        """Whether there is any port that groups filter."""
        return bool(self._wanted)

    def close(self) -> None:
        """Close the hooks' socket; the rules stay in force."""
        self._hooks.socket.close()

    def plan(self, intent: Intent, present: Mapping[str, str], wanted: Mapping[str, str]) -> GroupsPlan | None:
        """What differs from what `intent` wants; None: nothing is wanted, and nothing there. `present` are devices of
        netmend that are there and `wanted` those that should be, by name, with their networks. Raises KernelError."""
        first = not self._looked
        zones = self._known_zones(present, intent) if first else None
        self._wanted.follow(intent, self._tracking, zones or {})
        self._looked = True
        if self._in_force is None and not self._wanted and zones is None:
            return None
        nft, before = self._socket(), self._seen
        if self._wanted.stateful and self._find_tracking(nft):
            self._wanted.follow(intent, self._tracking, {})
        goal = table(self._tracking if self._wanted.stateful else "none", self._wanted.chains)
        seen = self._seen = read_changed(nft, self._in_force.table if self._in_force else goal, before)
        elements = frozenset(self._wanted.elements | self._late(seen, present, wanted))
        add, remove = elements - seen.elements, seen.elements - elements
        change = self._in_force is not None and self._in_force.table != goal
        plan = GroupsPlan(goal, seen.is_right, change, add, remove)
        if self._in_force is None:
            self._in_force = _InForce(goal)
            if not plan:
                self._note_permitted()
            elif first:
                self._wanted.narrow_all()
        others = before is not None and (not seen.is_right or seen.elements != before.elements)
        if others or not seen.is_right:
            self._in_force.permitted.clear()
        self.problem = None
        return replace(plan, plans=tuple(self._plans()), changed_by_others=others)

    def apply(self, plan: GroupsPlan) -> None:
        """Put the rules in force; where that fails, `closed` says which devices are concerned, and `problem` why."""
        try:
            if self._wanted.tracking == "hooks" and self._wanted.stateful:
                self._hooks.set_rules()
            if plan:
                self._change(plan)
            self._note_permitted()
            self._forget_connections()
        except KernelError as error:
            self.problem, self._seen = error, None

    def _change(self, plan: GroupsPlan) -> None:
        nft, seen, known = self._socket(), self._seen, self._in_force
        elements = (seen.elements if seen else frozenset()) - plan.remove | plan.add
        if not plan.is_right or known is None:
            if self._own:
                self._own = remake_own(nft, plan.table, elements)
            else:
                remake(nft, plan.table, elements)
        else:
            change_table(nft, known.table, plan.table, plan.add, plan.remove)
        self._in_force = _InForce(plan.table)
        self._seen = replace(seen, is_right=True, elements=elements) if seen else None

    def keep(self) -> None:
        """Have the rules of a process before us as our own. What fails leaves them as they are."""
        if not self._own or self._adopted or self._in_force is None:
            return
        self._adopted = True
        with suppress(KernelError):
            adopt(self._socket(), self._in_force.table)

    def hook_bridges(self, route: RouteSocket, seen: Mapping[str, Link]) -> list[str]:
        """Have the packets of bridges shown to the hooks that track their connections, where that is the way; returns
        those bridges that were shown before and had ceased to be. `seen` are links as the pass has found them, by name.
        Raises KernelError."""
        if self._wanted.tracking != "hooks":
            return []
        return self._hooks.show_bridges(route, self._wanted.zones, seen)

    def remove_late(self, present: Iterable[str]) -> None:
        """Remove what closed devices that are gone by now; `present` are those that are still there. What fails is the
        next pass's business."""
        seen, known = self._seen, self._in_force
        if seen is None or known is None:
            return
        closed, there = CLOSED.name.encode(), frozenset(present)
        gone = frozenset(each for each in seen.elements if each.data == closed and device_of(each) not in there)
        if gone:
            try:
                change_table(self._socket(), known.table, known.table, (), gone)
                self._seen = replace(seen, elements=seen.elements - gone)
            except KernelError:
                self._seen = None

    def tidy(self) -> None:
        """Remove the table where nothing is wanted of it any more, and nothing is in it."""
        seen, known = self._seen, self._in_force
        if known is not None and not self._wanted and seen is not None and seen.is_right and not seen.elements:
            with suppress(KernelError):
                remove_table(self._socket(), known.table)
                self._hooks.remove_rules()
                self._in_force = self._seen = None

    def closed(self) -> dict[str, str]:
        """Devices whose rules are not in force, or whose connections nothing can track, each with why."""
        found: dict[str, str] = {}
        if self._wanted.tracking == "none" and self._wanted.stateful:
            stateful = self._wanted.stateful
            found = {device: NO_TRACKING for device, policy in self._wanted.devices() if policy in stateful}
        if self.problem is not None:
            why = f"its security groups are not in force, so the port stays closed: {self.problem}"
            permitted = self._in_force.permitted if self._in_force else {}
            for device, policy in self._wanted.devices():
                if permitted.get(device) != self._wanted.state_of(policy):
                    found.setdefault(device, why)
        return found

    def fail(self, error: KernelError) -> None:
        """Nothing could be seen: what was in force at the last look is taken to be so, and nothing else."""
        self.problem = error

    def _find_tracking(self, nft: NftSocket) -> bool:
        """Ask how bridges track connections, as long as they do not; whether that has changed."""
        if self._tracking == "none":
            self._tracking = "bridge" if is_taken(nft, PROBE) else "hooks" if _BR_NETFILTER.exists() else "none"
        return self._tracking != self._wanted.tracking

    def _known_zones(self, present: Mapping[str, str], intent: Intent) -> Mapping[str, int] | None:
        """The zones of devices, as a process before us left them; None: it left no table."""
        if not present and not intent.networks:
            return None
        try:
            nft = self._socket()
            if not has_table(nft, _NONE):
                return None
            return {device_of(each): zone_of(each) for each in read_set(nft, _NONE, "zones")}
        except KernelError:
            if intent.security_groups:
                raise
            return None  # a kernel without nftables, and nothing wanted of it

    def _late(self, seen: TableSeen, present: Mapping[str, str], wanted: Mapping[str, str]) -> set[Element]:
        """What closes devices that are there and that intent has no more."""
        known = {device_of(each) for each in seen.elements if each.set == "egress"}
        return {
            element
            for device in present
            if device not in wanted and (device in known or not seen.is_right)
            for element in elements_of_closed(device)
        }

    def _note_permitted(self) -> None:
        if self._in_force is not None:
            states = {policy: self._wanted.state_of(policy) for _, policy in self._wanted.devices()}
            self._in_force.permitted = {device: states[policy] for device, policy in self._wanted.devices()}

    def _forget_connections(self) -> None:
        """End the connections that the rules now in force permit no more."""
        if not self._wanted.narrowed:
            return
        judges = judges_of(self._wanted.narrowed, self._wanted.intent)

        def doomed(connection: Connection) -> bool:
            judge = judges[connection.zone]
            ends = connection.source, connection.destination
            return judge is None or not judge.permits(*ends, connection.protocol, connection.numbers)

        if self._wanted.tracking != "none":
            forget_connections(doomed, judges)
        self._wanted.narrowed.clear()

    def _plans(self) -> Iterator[Plan]:
        """By network, how many ports are permitted something else than they are to be."""
        permitted = self._in_force.permitted if self._in_force else {}
        states = {policy: self._wanted.state_of(policy) for _, policy in self._wanted.devices()}
        for network_id, network in self._wanted.networks.items():
            more = sum(permitted.get(device) != states[policy] for device, (_, policy) in network.ports.items())
            if more:
                yield Plan(network_id, (Unit(None, (SetGroupRules(network_id, more),)),))
