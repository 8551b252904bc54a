"""The routers of a pass.

A router's namespace and its rules come before the networks, whose passes make its ports into it; addresses, uplink and
routes come after them. So nothing is forwarded before the rules are there.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from threading import Lock

from msgspec import Struct, field

from netmend.ground.nftables import Element
from netmend.intent.names import router_namespace_name, uplink_host_name
from netmend.intent.network import Intent
from netmend.intent.router import HostUplink, Router
from netmend.kernel import sysctl
from netmend.kernel.errors import KernelError
from netmend.kernel.nft.tables import TableSeen
from netmend.reconcile.host import Host
from netmend.reconcile.observe import NamespaceSeen, Snapshot, look_into_namespace, names_of_ours
from netmend.reconcile.open_namespaces import OpenNamespaces
from netmend.reconcile.other_nodes import whose_namespace
from netmend.reconcile.reports import Mended
from netmend.reconcile.resync import Problem
from netmend.reconcile.routers.apply import RouterExecutor
from netmend.reconcile.routers.diff import plan_router, plan_rules
from netmend.reconcile.routers.host_rules import HostRules, why_not_forwarded
from netmend.reconcile.routers.observe import (
    InsideSeen,
    look_at_rules,
    look_at_uplink,
    look_inside,
    mark_of,
)
from netmend.reconcile.routers.steps import MakeRouter, PinRouter, RemoveRouter, RouterStep, SetHostRules
from netmend.reconcile.steps import Plan, Unit
from netmend.reconcile.undo import StepFailed
from netmend.reconcile.workers import work_through
from netmend.routing.transit import Transit, transits
from netmend.routing.wanted import RouterWanted, wanted_of


class RouterPass(Struct):
    """What a pass finds of routers. Its parts are written by one thread each, or under its lock."""

    intent: Intent
    snapshot: Snapshot
    apply: bool
    chosen: tuple[Router, ...] = ()
    transits: Mapping[str, Transit] = field(default_factory=dict)
    plans: list[Plan] = field(default_factory=list)
    problems: dict[str, list[Problem]] = field(default_factory=dict)  # by router, those looked at
    errors: dict[str, KernelError] = field(default_factory=dict)  # by router, what ended the look at it
    mended: list[Mended] = field(default_factory=list)
    made: set[str] = field(default_factory=set)  # routers whose namespace is new


class Routers:
    """Makes routers what intent says. Passes run one at a time."""

    def __init__(self, host: Host, workers: int) -> None:
        self._host, self._workers = host, workers
        self._open = OpenNamespaces()
        self._rules: dict[str, tuple[int, TableSeen]] = {}  # by router: the inode of its namespace, what is there
        self._right: dict[str, Router] = {}  # as the last pass left them
        self._foreign_names: set[str] = set()
        self._uplinks: dict[str, str] = {}  # names of their ends on the host, each with the router's id
        self._host_rules = HostRules()
        self._host_problem: KernelError | None = None
        self._lock = Lock()

    @property
    def open_namespaces(self) -> OpenNamespaces:
        """The namespaces of routers that are open, by router id."""
        return self._open

    @property
    def rules_port(self) -> int:
        """The netlink port by which passes change netmend's rules of routing on the host."""
        return self._host_rules.socket.port

    def close(self) -> None:
        """Close descriptors; what was made stays."""
        self._open.close()
        self._host_rules.socket.close()

    def begin(self, intent: Intent, snapshot: Snapshot, scope: Collection[str] | None, *, apply: bool) -> RouterPass:
        """Remove routers that intent does not have, and make namespaces and rules of those that it has. `scope`: ids of
        routers and networks, None: all."""
        work = RouterPass(intent, snapshot, apply)
        if not intent.routers and not self._open and scope is not None:
            return work
        self._remove(work, scope)
        if not intent.routers and not self._right:
            self._put_host_rules(work)
            return work
        work.transits = transits(
            router.id for router in intent.routers.values() if isinstance(router.uplink, HostUplink)
        )
        work.chosen = tuple(
            router
            for router in intent.routers.values()
            if scope is None or router.id in scope or any(port.network_id in scope for port in router.ports)
        )
        self._put_host_rules(work)
        work_through(
            lambda router: self._guarded(self._prepare, router, work), work.chosen, self._workers, self._host.leave
        )
        return work

    def networks_to_look_at(self, work: RouterPass) -> set[str]:
        """Networks whose ports have to be made into namespaces that are new."""
        return {port.network_id for router_id in work.made for port in work.intent.routers[router_id].ports}

    def finish(self, work: RouterPass) -> None:
        """Make the rest of the routers, once the networks have made their ports."""
        ready = [router for router in work.chosen if router.id not in work.errors]
        work_through(lambda router: self._guarded(self._complete, router, work), ready, self._workers, self._host.leave)
        if not work.apply:
            return
        self._host.owners.want_uplinks(self._uplinks)
        for router in work.chosen:
            self._right.pop(router.id, None)
            if not work.problems.get(router.id) and router.id not in work.errors:
                self._right[router.id] = router

    def _guarded(self, act: Callable[[Router, RouterPass], None], router: Router, work: RouterPass) -> None:
        work.problems.setdefault(router.id, [])
        try:
            act(router, work)
        except StepFailed as failed:
            work.errors[router.id] = failed.error
            work.problems[router.id].append(Problem(None, str(failed)))
        except KernelError as error:
            work.errors[router.id] = error
            work.problems[router.id].append(Problem(None, str(error)))

    def _prepare(self, router: Router, work: RouterPass) -> None:
        seen = self._look_into(router.id, work)
        if seen.state == "foreign":
            name = router_namespace_name(router.id)
            why = "another program made a namespace of this name; remove it"
            if seen.another_nodes:
                whose = whose_namespace(f"{self._host.directory}/{name}")
                why = f"it is that of another node of netmend, {whose}; it stays as it is"
            raise KernelError("take", name, 17, why)
        steps: list[RouterStep] = []
        namespace = self._open.get(router.id)
        if namespace is None or seen.state != "usable":
            steps.append(MakeRouter(router.id))
            namespace = None
        elif not seen.pinned:
            steps.append(PinRouter(router.id))
        wanted = self._wanted(router, work)
        rules = None
        if namespace is not None:
            inode, known = self._rules.get(router.id, (0, None))
            rules = look_at_rules(namespace, known if inode == namespace.inode else None)
            self._rules[router.id] = namespace.inode, rules
        steps += plan_rules(router, wanted, rules)
        self._take(router, steps, (), work)
        if namespace is None and work.apply:
            with self._lock:
                work.made.add(router.id)

    def _complete(self, router: Router, work: RouterPass) -> None:
        namespace = self._open.get(router.id) if work.apply or router.id not in work.made else None
        inside = look_inside(namespace) if namespace is not None else InsideSeen()
        own = {link.name: link for link in work.snapshot.of_network(router.id)}
        uplink = look_at_uplink(self._host.route(), router, own)
        transit = work.transits.get(router.id)
        with self._lock:
            if isinstance(router.uplink, HostUplink) or (uplink.parent is not None and uplink.parent.kind == "bridge"):
                self._uplinks[uplink_host_name(router.id)] = router.id
            else:
                self._uplinks.pop(uplink_host_name(router.id), None)
        plan = plan_router(
            router,
            self._wanted(router, work),
            inside,
            uplink,
            transit,
            is_made=work.apply,
            sysctls=sysctl.are_writable(),
        )
        blocked = list(plan.blocked)
        if isinstance(router.uplink, HostUplink):
            if self._host_problem is not None:
                blocked.append(Problem(None, f"netmend's rules on the host are not in force: {self._host_problem}"))
            if (why := why_not_forwarded(router)) is not None:
                blocked.append(Problem(None, why, serves=True))
        work.problems[router.id] += blocked
        steps = plan.steps
        if self._host_problem is not None and isinstance(router.uplink, HostUplink):
            steps = ()
        self._take(router, steps, blocked, work)

    def _take(self, router: Router, steps: Sequence[RouterStep], blocked: Sequence[Problem], work: RouterPass) -> None:
        """Take the steps, if they are to be taken; some follow only from what another program did."""
        if not steps and not blocked:
            return
        with self._lock:
            work.plans.append(Plan(router.id, (Unit(None, tuple(steps)),) if steps else (), tuple(blocked)))
        if not work.apply or not steps:
            return
        was_right = self._right.get(router.id) is router and not any(isinstance(step, MakeRouter) for step in steps)
        self._executor().perform(steps)
        if was_right and router.id not in work.made:
            with self._lock:
                work.mended.extend(Mended(router.id, str(step)) for step in steps)

    def _executor(self) -> RouterExecutor:
        host = self._host
        return RouterExecutor(host.route(), host.directory, self._open, host.ipv6_sysctls, host.pinning.prepare)

    def _wanted(self, router: Router, work: RouterPass) -> RouterWanted:
        return wanted_of(router, work.intent.networks, work.transits.get(router.id))

    def _look_into(self, router_id: str, work: RouterPass) -> NamespaceSeen:
        name = router_namespace_name(router_id)
        path = f"{self._host.directory}/{name}"
        opened = self._open.get(router_id)
        exists = name in work.snapshot.names
        seen = look_into_namespace(router_id, path, opened, exists=exists, mark=mark_of(router_id))
        if seen.handle is not None and seen.handle is not opened:
            self._open.hold(router_id, seen.handle)
        return seen

    def _remove(self, work: RouterPass, scope: Collection[str] | None) -> None:
        wanted = work.intent.routers
        found = {router_id for router_id in self._open if router_id not in wanted}
        if scope is None:
            prefix = router_namespace_name("")
            unwanted = {
                name: router_id
                for name in work.snapshot.names
                if name.startswith(prefix) and (router_id := name.removeprefix(prefix)) not in wanted
            }
            found.update(names_of_ours(unwanted, self._host.directory, self._foreign_names, mark_of))
        for router_id in sorted(found):
            step = RemoveRouter(router_id)
            work.plans.append(Plan(router_id, (Unit(None, (step,)),)))
            self._right.pop(router_id, None)
            self._rules.pop(router_id, None)
            self._uplinks.pop(uplink_host_name(router_id), None)
            if not work.apply:
                continue
            work.problems[router_id] = []
            try:
                self._executor().perform([step])
            except StepFailed as failed:
                work.errors[router_id] = failed.error
                work.problems[router_id] = [Problem(None, str(failed))]

    def _put_host_rules(self, work: RouterPass) -> None:
        routers = work.intent.routers.values()
        try:
            differs = self._host_rules.differs(routers, work.transits)
            if differs is not None:
                work.plans += _host_plans(work.intent, differs)
                if work.apply:
                    before = self._host_problem is None and any(
                        isinstance(router.uplink, HostUplink) for router in self._right.values()
                    )
                    self._host_rules.apply(routers, work.transits)
                    if before and differs == (frozenset(), frozenset()):
                        work.mended.append(Mended(None, "put netmend's table of routing on the host back"))
            self._host_problem = None
        except KernelError as error:
            self._host_problem = error


def _host_plans(intent: Intent, differs: tuple[frozenset[Element], frozenset[Element]]) -> Iterable[Plan]:
    add, remove = differs
    for router in intent.routers.values():
        if isinstance(router.uplink, HostUplink):
            yield Plan(router.id, (Unit(None, (SetHostRules(router.id, len(add), len(remove)),)),))
            return
