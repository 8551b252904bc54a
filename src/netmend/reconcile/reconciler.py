"""Passes over many networks: look, plan, apply; bounded in parallel, and no network waits for another in trouble."""

import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from threading import Lock

from netmend.ground.diagnosis import Diagnosis
from netmend.intent.names import network_of_namespace
from netmend.intent.network import Intent, Network
from netmend.kernel import nsdir
from netmend.kernel.errors import KernelError
from netmend.kernel.ovsdb.stream import Tls
from netmend.reconcile.batches import add_batch, delete_batch
from netmend.reconcile.breaker import Breaker, HostFault, exhaustion_fault, host_fault
from netmend.reconcile.diagnoses import unreadable
from netmend.reconcile.diff import plan_removal
from netmend.reconcile.former_namespaces import FormerNamespaces
from netmend.reconcile.guarding import Guarding
from netmend.reconcile.host import Host
from netmend.reconcile.network import NetworkReconciler, Pass
from netmend.reconcile.observe import names_of_ours, take_snapshot
from netmend.reconcile.open_namespaces import OpenNamespaces
from netmend.reconcile.owners import Owners
from netmend.reconcile.pinning import Pinning, PinTrouble
from netmend.reconcile.reports import Listener, PassReport, Taken
from netmend.reconcile.resync import Problem, Resync
from netmend.reconcile.routers.routers import RouterPass, Routers
from netmend.reconcile.steps import AddPort, DeleteDevice, DeletePort, Plan, by_network, in_full
from netmend.reconcile.undo import StepFailed
from netmend.reconcile.workers import work_through

WORKERS = 4


class Reconciler:
    """Makes the host what intent says, in the network namespace of the threads that call it.

    `directory` is where names of namespaces live. All public methods are thread-safe; passes run one at a time.
    """

    def __init__(
        self,
        directory: str = nsdir.DEFAULT,
        listener: Listener | None = None,
        breaker: Breaker | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        workers: int = WORKERS,
        diagnose: Callable[[str, str], Diagnosis | None] = lambda directory, name: None,
        take_over: Callable[[Iterable[Network]], object] | None = None,
        helpers: Callable[[], Collection[int]] = tuple,
        ovsdb: str | None = None,
        ovsdb_tls: Tls | None = None,
        own_rules: bool = False,
    ) -> None:
        """`diagnose` says of a directory and a name in it why the name is dead here, None where it does not know.
        `take_over` makes namespaces netmend's that bear the name of a network and that netmend did not make; None: they
        stay as they are. `helpers` gives the namespaces, by inode, where helpers of another agent run; it is called
        once. `ovsdb` is where the database of Open vSwitch listens, as ovs-vsctl(8) writes it; None: at its usual
        socket. With `own_rules`, nobody else can change port security's rules as long as this is open."""
        self.breaker = breaker or Breaker()
        self.resync = Resync()
        self._host = Host(directory, clock, ovsdb, ovsdb_tls, own_rules=own_rules)
        self._listener = listener or Listener()
        self._networks = NetworkReconciler(
            self._host, self._listener, self.breaker, diagnose, takes_over=take_over is not None
        )
        self._routers = Routers(self._host, workers)
        self._former = FormerNamespaces(directory, self._networks, self._found)
        self._clock = clock
        self._foreign_names: set[str] = set()
        self._guarding = Guarding(self._host)
        self._workers = workers
        self._take_over_foreign = take_over
        self._find_helpers: Callable[[], Collection[int]] | None = helpers
        self._pass_lock = Lock()

    def close(self) -> None:
        """Close descriptors; what was made on the host stays."""
        self._routers.close()
        self._host.close()

    @property
    def open_namespaces(self) -> OpenNamespaces:
        """The namespaces that are open, by network id."""
        return self._host.open_namespaces

    @property
    def open_routers(self) -> OpenNamespaces:
        """The namespaces of routers that are open, by router id."""
        return self._routers.open_namespaces

    @property
    def owners(self) -> Owners:
        """The networks that devices and namespaces of the host belong to."""
        return self._host.owners

    @property
    def pinning(self) -> Pinning:
        """Whether names can be given to namespaces."""
        return self._host.pinning

    @property
    def in_progress(self) -> dict[str, Plan]:
        """The plans that are being carried out, by network id."""
        return self._networks.in_progress

    @property
    def pin_trouble(self) -> PinTrouble | None:
        """Why names cannot be pinned, while they cannot."""
        return self._host.pinning.trouble

    def awaits(self, name: str) -> bool:
        """Whether the switch has yet to make the device of that name, as far as passes have found."""
        return self._host.switch.awaits(name)

    def claim_switch(self, patience: float) -> None:
        """Be the one netmend that changes the local Open vSwitch; raises SwitchTaken when another is."""
        self._host.switch.claim(patience)

    def tend_switch(self) -> None:
        """Keep the connection to the switch's database alive. Does not block."""
        self._host.switch.connection.tend()

    @property
    def ovsdb(self) -> str:
        """Where the database of Open vSwitch listens."""
        return self._host.switch.connection.remote

    @property
    def has_groups(self) -> bool:
        """Whether security groups filter any port, by the intent of the last pass."""
        return self._host.groups is not None and self._host.groups.is_wanted

    @property
    def rules_ports(self) -> tuple[int, int, int]:
        """The netlink ports by which passes change rules of nftables on the host."""
        groups = self._host.groups
        return self._host.firewall.socket.port, groups.netlink_port if groups else 0, self._routers.rules_port

    def plan(self, intent: Intent) -> list[Plan]:
        """What a pass would do; changes nothing. Raises KernelError, HostFault."""
        with self._pass_lock:
            work = self._look(intent, apply=False)
            self._guarding.begin(work)
            routers = self._routers.begin(intent, work.snapshot, None, apply=False)
            self._remove(self._unwanted(work, None), work)
            for network in intent.networks.values():
                self._networks.reconcile(network, work)
            self._former.remove(work, None)
            self._routers.finish(routers)
            work.plans += routers.plans
            self._host.open_namespaces.close()
            self._routers.open_namespaces.close()
            return [plan for plan in by_network(work.plans) if plan.steps or plan.blocked]

    def run(self, intent: Intent, scope: Collection[str] | None = None) -> PassReport:
        """One pass over all networks, or those of `scope` (network ids). Faults end up in `breaker` and `resync`."""
        with self._pass_lock:
            now = self._clock()
            probing = self.breaker.may_probe(now)
            try:
                work = self._look(intent, scope, apply=True)
                late = self._guarding.begin(work)
                chosen = self._chosen(intent, scope, probing=probing)
                chosen += [each for each in self._guarding.to_close(work) if each not in chosen]
                if probing:
                    chosen = self._probe(chosen, work)
                routers = None
                if not self.breaker.is_open:
                    self._remove(self._unwanted(work, scope), work)
                    routers = self._routers.begin(intent, work.snapshot, scope, apply=True)
                    for network_id in self._routers.networks_to_look_at(routers):
                        if intent.networks[network_id] not in chosen:
                            chosen.append(intent.networks[network_id])
                if self._find_helpers is not None:
                    self._networks.helpers, self._find_helpers = self._find_helpers(), None
                work_through(
                    lambda network: self._reconcile_guarded(network, work), chosen, self._workers, self._host.leave
                )
                if work.batch:
                    self._add_batch(work)
                if work.foreign:
                    work = self._take_over(work)
                if routers is not None:
                    self._former.remove(work, scope)
                    self._routers.finish(routers)
                    self._note_routers(routers, work)
                self._guarding.finish(work, late)
            except (KernelError, HostFault) as error:
                fault = error if isinstance(error, HostFault) else host_fault(error) or unreadable(error)
                self.breaker.open(fault.diagnosis, self._clock())
                return PassReport(wrong=frozenset(intent.networks if scope is None else scope))
            except Exception as error:  # a defect of ours must not end what serves
                if (limit := exhaustion_fault(error)) is not None:
                    self.breaker.open(limit.diagnosis, self._clock())
                    return PassReport(wrong=frozenset(intent.networks if scope is None else scope))
                return self._failed_by_defect(error, intent.networks if scope is None else scope)
            steps = sum(len(plan.steps) for plan in work.plans)
            return PassReport(
                steps,
                frozenset(work.right),
                frozenset(work.wrong),
                tuple(work.new_reasons),
                tuple(work.mended),
                tuple(work.taken),
                tuple(work.defects),
            )

    def _note_routers(self, routers: RouterPass, work: Pass) -> None:
        """Take what a pass found of routers into its report; their reasons stand beside those of networks."""
        work.plans += routers.plans
        work.mended += routers.mended
        for router_id, problems in routers.problems.items():
            error = routers.errors.get(router_id)
            fault = host_fault(error) if error is not None else None
            if fault:
                self.breaker.open(fault.diagnosis, self._clock(), router_id)
            self._found(router_id, problems, work)

    def _failed_by_defect(self, error: Exception, network_ids: Collection[str]) -> PassReport:
        reasons = [
            reason
            for network_id in network_ids
            for reason in self.resync.report(network_id, [_defect(error)], self._clock())
        ]
        return PassReport(wrong=frozenset(network_ids), new_reasons=tuple(reasons), defects=(error,))

    def _take_over(self, work: Pass) -> Pass:
        """Have the namespaces taken over that netmend did not make, and look at their networks again."""
        assert self._take_over_foreign is not None
        networks = work.foreign or []
        try:
            self._take_over_foreign(networks)
        except KernelError as error:
            for network in networks:
                self._wrong(network.id, error, f"what is there cannot be taken over: {error}", work)
            work.foreign = None
            return work
        again = self._look(work.intent, apply=True)
        again.foreign = None
        again.closed = work.closed
        again.plans, again.right, again.wrong = work.plans, work.right, work.wrong
        again.new_reasons, again.defects, again.mended = work.new_reasons, work.defects, work.mended
        again.taken = work.taken
        work_through(lambda network: self._reconcile_guarded(network, again), networks, self._workers, self._host.leave)
        if again.batch:
            self._add_batch(again)
        return again

    def _probe(self, chosen: list[Network], work: Pass) -> list[Network]:
        """Try the network that met the fault alone, and close the breaker if that goes well; returns the rest."""
        state = self.breaker.state
        ahead = next((network for network in chosen if state and network.id == state.network_id), None)
        if ahead is not None:
            self._reconcile_guarded(ahead, work, probe=True)
        if self.breaker.state is state:
            self.breaker.close()
        return [network for network in chosen if network is not ahead]

    def _chosen(self, intent: Intent, scope: Collection[str] | None, *, probing: bool) -> list[Network]:
        if scope is None or probing:
            return list(intent.networks.values())
        return [intent.networks[network_id] for network_id in scope if network_id in intent.networks]

    def _look(self, intent: Intent, scope: Collection[str] | None = None, *, apply: bool) -> Pass:
        host = self._host
        route = host.route()
        wanted = host.owners.want(intent.networks.values())
        switch = host.switch.look(intent.networks.values(), change=apply)
        looked_at = None if scope is None else self._chosen(intent, scope, probing=False)
        snapshot = take_snapshot(route, wanted, host.directory, switch, host.owners.own_macs(looked_at))
        host.owners.see(snapshot, host.open_namespaces)
        return Pass(intent, snapshot, apply)

    def _unwanted(self, work: Pass, scope: Collection[str] | None) -> list[str]:
        """Ids of networks that intent does not have, and of which something of netmend's is there."""
        wanted = {**work.intent.networks, **work.intent.routers}
        found = {owner for owner in work.snapshot.network_of.values() if owner not in wanted}
        found.update(owner for owner in work.snapshot.switch.network_of.values() if owner not in wanted)
        found.update(network_id for network_id in self._host.open_namespaces if network_id not in wanted)
        if scope is None:
            unwanted = {
                name: network_id
                for name in work.snapshot.names
                if (network_id := network_of_namespace(name)) is not None and network_id not in work.intent.networks
            }
            found.update(names_of_ours(unwanted, self._host.directory, self._foreign_names))
        else:
            found = {network_id for network_id in found if network_id in scope or not network_id}
        return sorted(found)

    def _remove(self, network_ids: Iterable[str], work: Pass) -> None:
        """Leave nothing of these networks; what fails ends up in `resync`."""
        plans = []
        for network_id in network_ids:
            if work.apply and network_id:
                self._listener.gone(network_id)
            try:
                seen = self._networks.look_before_removal(network_id, work)
            except KernelError as error:
                self._wrong(network_id, error, str(error), work)
                continue
            plans.append(plan_removal(network_id, work.snapshot, seen))
        if work.apply:
            self._remove_ports(plans, work)
            doomed = [step.link for plan in plans for step in plan.steps if isinstance(step, DeleteDevice)]
            delete_batch(self._host.route(), doomed, work.snapshot)
        for plan in plans:
            try:
                self._networks.apply(plan, work)
            except StepFailed as failed:
                self._wrong(plan.network_id, failed.error, str(failed), work)
                continue
            self._host.open_namespaces.release(plan.network_id)
            if work.apply:
                self.resync.forget(plan.network_id)
                self._host.owners.forget(plan.network_id)

    def _remove_ports(self, plans: list[Plan], work: Pass) -> None:
        """Delete the switch's ports of many networks in one transaction, as far as that works."""
        doomed = [step.port for plan in plans for step in plan.steps if isinstance(step, DeletePort)]
        if doomed:
            with suppress(KernelError):
                self._host.switch.remove(doomed)
                work.removed_ports.update(port.uuid for port in doomed)

    def _add_batch(self, work: Pass) -> None:
        """Add the ports of many networks in one transaction, let the switch make their devices, and go on with each.

        What is left when that fails is done by the steps that follow, each of which is about one."""
        batch, work.batch = work.batch or {}, None
        steps = [step for plan in batch.values() for step in plan.steps if isinstance(step, AddPort)]
        for plan in batch.values():
            self._listener.planned(plan)
        if add_batch(self._host.switch, steps):
            work.plans.extend(batch.values())
            work.taken.extend(Taken(step.network_id, in_full(step)) for step in steps)
        host = self._host
        switch = host.switch.look(work.intent.networks.values())
        work.snapshot = take_snapshot(
            host.route(), host.owners.wanted_names(), host.directory, switch, host.owners.own_macs(())
        )
        networks = [work.intent.networks[network_id] for network_id in batch]
        work_through(lambda network: self._reconcile_guarded(network, work), networks, self._workers, self._host.leave)

    def _reconcile_guarded(self, network: Network, work: Pass, *, probe: bool = False) -> None:
        """Make one network right; all that goes wrong with it ends up in `resync`, or opens the breaker."""
        try:
            problems = self._networks.reconcile(network, work, probe=probe)
        except HostFault as fault:
            self.breaker.open(fault.diagnosis, self._clock(), network.id)
            work.wrong.add(network.id)
        except StepFailed as failed:
            self._wrong(network.id, failed.error, str(failed), work)
        except KernelError as error:
            self._wrong(network.id, error, str(error), work)
        except Exception as error:  # a defect that one network meets is not the others'
            if (limit := exhaustion_fault(error)) is not None:
                self.breaker.open(limit.diagnosis, self._clock(), network.id)
                self._found(network.id, [Problem(None, limit.diagnosis.summary)], work)
                return
            work.defects.append(error)
            self._found(network.id, [_defect(error)], work)
        else:
            if problems is not None:
                self._found(network.id, problems, work)

    def _found(self, network_id: str, problems: list[Problem], work: Pass) -> None:
        work.new_reasons.extend(self.resync.report(network_id, problems, self._clock()))
        (work.wrong if problems else work.right).add(network_id)

    def _wrong(self, network_id: str, error: KernelError, text: str, work: Pass) -> None:
        """Note why a network is not right; open the breaker if that is a fault of the host."""
        fault = host_fault(error)
        if fault:
            self.breaker.open(fault.diagnosis, self._clock(), network_id)
        self._found(network_id, [Problem(None, text)], work)


def _defect(error: Exception) -> Problem:
    return Problem(None, f"defect: {type(error).__name__}: {error}; this is netmend's fault, please report it")
