"""Passes over many networks: look, plan, apply; bounded in parallel, and no network waits for another's trouble."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock, local

from netmend.ground.diagnosis import Diagnosis
from netmend.intent.names import dhcp_port, dhcp_port_id, namespace_name, tap_name
from netmend.intent.network import Intent, Network
from netmend.intent.wiring import OvsWiring
from netmend.kernel import nsdir
from netmend.kernel.errors import KernelError
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.ovsdb.stream import Tls
from netmend.kernel.sysctl import SysctlDirectory
from netmend.reconcile.adoption import was_here
from netmend.reconcile.apply import Executor, StepFailed
from netmend.reconcile.batches import add_together, delete_together
from netmend.reconcile.breaker import Breaker, HostFault, host_fault
from netmend.reconcile.diagnoses import not_propagated, sign_of_life, unreadable
from netmend.reconcile.diff import plan_network, plan_removal
from netmend.reconcile.diff_switch import ports_to_add_ahead, without_device
from netmend.reconcile.observe import (
    NamespaceSeen,
    Snapshot,
    look_at_guests,
    look_into_namespace,
    names_of_ours,
    take_snapshot,
)
from netmend.reconcile.open_namespaces import HeldNamespaces
from netmend.reconcile.other_mount_namespaces import NamesElsewhere
from netmend.reconcile.owners import Owners
from netmend.reconcile.pinning import Pinning, PinTrouble
from netmend.reconcile.reports import Listener, PassReport, Ready
from netmend.reconcile.resync import Problem, Reason, Resync
from netmend.reconcile.steps import AddPort, DeleteDevice, DeletePort, MakeDevice, MoveDevice, Plan, Step, Unit
from netmend.reconcile.switch import Switch
from netmend.reconcile.workers import work_through
from netmend.wiring import Home

WORKERS = 4


@dataclass(slots=True)
class _Work:
    """One pass on its way."""

    intent: Intent
    snapshot: Snapshot
    apply: bool
    elsewhere: NamesElsewhere = field(default_factory=NamesElsewhere)
    plans: list[Plan] = field(default_factory=list)
    right: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)
    new_reasons: list[Reason] = field(default_factory=list)
    defects: list[Exception] = field(default_factory=list)
    removed_ports: set[str] = field(default_factory=set)  # by their rows
    together: dict[str, Plan] | None = field(default_factory=dict)  # ports to add for many networks at once; None: done
    foreign: list[Network] | None = field(default_factory=list)  # whose namespaces are somebody else's; None: so be it


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
    ) -> None:
        """`diagnose` says, of a directory and a name in it, why the name is dead here, if it knows better. `ovsdb` is
        where the database of Open vSwitch listens, as ovs-vsctl(8) writes it; None: at its usual socket. `take_over` is
        asked to make namespaces ours that bear a network's name, and that netmend did not make; None: they stay.
        `helpers` says, once, in which namespaces another agent's helpers run, by inode."""
        self.directory = directory
        self.breaker = breaker or Breaker()
        self.resync = Resync()
        self.held = HeldNamespaces()
        self.pinning = Pinning(directory, clock)
        self.in_progress: dict[str, Plan] = {}
        self.owners = Owners()
        self._listener = listener or Listener()
        self._clock = clock
        self._foreign_names: set[str] = set()
        self._workers = workers
        self._diagnose = diagnose
        self._take_over_foreign = take_over
        self._find_helpers = helpers
        self._helpers: Collection[int] | None = None
        self._switch = Switch(ovsdb, ovsdb_tls)
        self._host_ipv6 = SysctlDirectory("ipv6/conf")
        self._routes = local()
        self._pass_lock = Lock()

    def close(self) -> None:
        """Let go of descriptors; what was made stays."""
        self.held.close()
        self._host_ipv6.close()
        self._switch.close()

    @property
    def pin_trouble(self) -> PinTrouble | None:
        """Why names cannot be pinned, while they cannot."""
        return self.pinning.trouble

    def awaits(self, name: str) -> bool:
        """True for a device that the switch owes us, as far as passes have found."""
        return self._switch.awaits(name)

    @property
    def ovsdb(self) -> str:
        """Where the database of Open vSwitch listens."""
        return self._switch.connection.remote

    def plan(self, intent: Intent) -> list[Plan]:
        """What a pass would do; nothing is done. Raises KernelError, HostFault."""
        with self._pass_lock:
            work = self._look(intent, apply=False)
            self._remove(self._unwanted(work, None), work)
            for network in intent.networks.values():
                self._one(network, work)
            self.held.close()
            return [plan for plan in work.plans if plan.steps or plan.blocked]

    def run(self, intent: Intent, scope: Collection[str] | None = None) -> PassReport:
        """One pass over all networks, or those of `scope` (network ids). Faults end up in `breaker` and `resync`."""
        with self._pass_lock:
            now = self._clock()
            probing = self.breaker.may_probe(now)
            try:
                work = self._look(intent, apply=True)
                chosen = self._chosen(intent, scope, probing=probing)
                if probing:
                    chosen = self._probe(chosen, work)
                if not self.breaker.is_open:
                    self._remove(self._unwanted(work, scope), work)
                if self._helpers is None:
                    self._helpers = self._find_helpers()
                work_through(lambda network: self._one_guarded(network, work), chosen, self._workers)
                if work.together:
                    self._add_together(work)
                if work.foreign:
                    work = self._take_over(work)
            except (KernelError, HostFault) as error:
                fault = error if isinstance(error, HostFault) else host_fault(error) or unreadable(error)
                self.breaker.open(fault.diagnosis, self._clock())
                return PassReport(wrong=frozenset(intent.networks if scope is None else scope))
            except Exception as error:  # a defect of ours must not end what serves
                return self._failed_by_defect(error, intent.networks if scope is None else scope)
            steps = sum(len(plan.steps) for plan in work.plans)
            return PassReport(
                steps,
                frozenset(work.right),
                frozenset(work.wrong),
                tuple(work.new_reasons),
                tuple(work.defects),
            )

    def _failed_by_defect(self, error: Exception, network_ids: Collection[str]) -> PassReport:
        reasons = [
            reason
            for network_id in network_ids
            for reason in self.resync.report(network_id, [_defect(error)], self._clock())
        ]
        return PassReport(wrong=frozenset(network_ids), new_reasons=tuple(reasons), defects=(error,))

    def _take_over(self, work: _Work) -> _Work:
        """Let somebody take over the namespaces that netmend did not make, and look at their networks again."""
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
        again.plans, again.right, again.wrong = work.plans, work.right, work.wrong
        again.new_reasons, again.defects = work.new_reasons, work.defects
        work_through(lambda network: self._one_guarded(network, again), networks, self._workers)
        if again.together:
            self._add_together(again)
        return again

    def _probe(self, chosen: list[Network], work: _Work) -> list[Network]:
        """Let the network that met the fault go ahead, and close the breaker unless it does again; returns the rest."""
        state = self.breaker.state
        ahead = next((network for network in chosen if state and network.id == state.network_id), None)
        if ahead is not None:
            self._one_guarded(ahead, work, probe=True)
        if self.breaker.state is state:
            self.breaker.close()
        return [network for network in chosen if network is not ahead]

    def _chosen(self, intent: Intent, scope: Collection[str] | None, *, probing: bool) -> list[Network]:
        if scope is None or probing:
            return list(intent.networks.values())
        return [intent.networks[network_id] for network_id in scope if network_id in intent.networks]

    @contextmanager
    def _route(self) -> Iterator[RouteSocket]:
        """This thread's netlink socket on the host."""
        route: RouteSocket | None = getattr(self._routes, "socket", None)
        if route is None:
            route = self._routes.socket = RouteSocket()
        yield route

    def _look(self, intent: Intent, *, apply: bool) -> _Work:
        with self._route() as route:
            wanted = self.owners.want(intent.networks.values())
            switch = self._switch.look(intent.networks.values())
            snapshot = take_snapshot(route, wanted, self.directory, switch)
        self.owners.see(snapshot, self.held)
        return _Work(intent, snapshot, apply)

    def _unwanted(self, work: _Work, scope: Collection[str] | None) -> list[str]:
        """Networks of which something of ours is there, and intent has none."""
        wanted = work.intent.networks
        found = {owner for owner in work.snapshot.network_of.values() if owner not in wanted}
        found.update(owner for owner in work.snapshot.switch.network_of.values() if owner not in wanted)
        found.update(network_id for network_id in self.held if network_id not in wanted)
        if scope is None:
            found.update(names_of_ours(work.snapshot.names, self.directory, wanted, self._foreign_names))
        else:
            found = {network_id for network_id in found if network_id in scope or not network_id}
        return sorted(found)

    def _remove(self, network_ids: Iterable[str], work: _Work) -> None:
        """Leave nothing of these networks; what fails ends up in `resync`."""
        plans = []
        for network_id in network_ids:
            if work.apply and network_id:
                self._listener.gone(network_id)
            try:
                seen = self._namespace_to_remove(network_id, work)
            except KernelError as error:
                self._wrong(network_id, error, str(error), work)
                continue
            plans.append(plan_removal(network_id, work.snapshot, seen))
        if work.apply:
            self._remove_ports_together(plans, work)
            doomed = [step.link for plan in plans for step in plan.steps if isinstance(step, DeleteDevice)]
            with self._route() as route:
                delete_together(route, doomed, work.snapshot)
        for plan in plans:
            try:
                self._apply(plan, work)
            except StepFailed as failed:
                self._wrong(plan.network_id, failed.error, str(failed), work)
                continue
            self.held.release(plan.network_id)
            if work.apply:
                self.resync.forget(plan.network_id)
                self.owners.forget(plan.network_id)

    def _namespace_to_remove(self, network_id: str, work: _Work) -> NamespaceSeen:
        if not network_id:
            return NamespaceSeen("absent")
        try:
            return self._namespace(network_id, work)
        except HostFault:  # alive where we cannot go; its devices and its name are ours all the same
            path = f"{self.directory}/{namespace_name(network_id)}"
            return look_into_namespace(network_id, path, None, exists=True)

    def _remove_ports_together(self, plans: list[Plan], work: _Work) -> None:
        """Delete the switch's ports of many networks in one transaction, as far as that works."""
        doomed = [step.port for plan in plans for step in plan.steps if isinstance(step, DeletePort)]
        if doomed:
            with suppress(KernelError):
                self._switch.remove(doomed)
                work.removed_ports.update(port.uuid for port in doomed)

    def _add_together(self, work: _Work) -> None:
        """Add the ports of many networks in one transaction, let the switch make their devices, and go on with each.

        What is left when that fails is the business of the steps that follow, each of which is about one."""
        together, work.together = work.together or {}, None
        steps = [step for plan in together.values() for step in plan.steps if isinstance(step, AddPort)]
        for plan in together.values():
            self._listener.planned(plan)
        if add_together(self._switch, steps):
            work.plans.extend(together.values())
        with self._route() as route:
            switch = self._switch.look(work.intent.networks.values())
            work.snapshot = take_snapshot(route, self.owners.wanted_names(), self.directory, switch)
        networks = [work.intent.networks[network_id] for network_id in together]
        work_through(lambda network: self._one_guarded(network, work), networks, self._workers)

    def _one_guarded(self, network: Network, work: _Work, *, probe: bool = False) -> None:
        """One network of a pass; whatever goes wrong with it ends up in `resync`, or opens the breaker."""
        try:
            problems = self._one(network, work, probe=probe)
        except HostFault as fault:
            self.breaker.open(fault.diagnosis, self._clock(), network.id)
            work.wrong.add(network.id)
        except StepFailed as failed:
            self._wrong(network.id, failed.error, str(failed), work)
        except KernelError as error:
            self._wrong(network.id, error, str(error), work)
        except Exception as error:  # a defect that one network meets is not the others'
            work.defects.append(error)
            self._found(network.id, [_defect(error)], work)
        else:
            if problems is not None:
                self._found(network.id, problems, work)

    def _found(self, network_id: str, problems: list[Problem], work: _Work) -> None:
        work.new_reasons.extend(self.resync.report(network_id, problems, self._clock()))
        (work.wrong if problems else work.right).add(network_id)

    def _wrong(self, network_id: str, error: KernelError, text: str, work: _Work) -> None:
        """Note why a network is not right; open the breaker if that is a fault of the host."""
        fault = host_fault(error)
        if fault:
            self.breaker.open(fault.diagnosis, self._clock(), network_id)
        self._found(network_id, [Problem(None, text)], work)

    def _one(self, network: Network, work: _Work, *, probe: bool = False) -> list[Problem] | None:
        """Look at one network and make it right; returns what is still wrong, or None when that is put off until its
        ports are added together with those of others."""
        is_first_look = network.id not in self.held
        seen = self._namespace(network.id, work)
        if work.foreign is not None and work.apply and self._is_to_take_over(seen, work, is_first_look=is_first_look):
            work.foreign.append(network)
            return None
        devices = self.owners.devices(network)
        with self._route() as route:
            guests = look_at_guests(route, devices, self.directory)
        plan = plan_network(network, devices, work.snapshot, seen, guests)
        if work.apply and isinstance(network.wiring, OvsWiring):
            snapshot = work.snapshot
            self._switch.owes(without_device(devices, snapshot.links, seen.links, snapshot.switch))
        stopped = self.breaker.is_open and not probe
        ahead = ports_to_add_ahead(plan)
        if ahead and work.apply and work.together is not None and not (stopped or probe):
            work.together[network.id] = Plan(network.id, (Unit(None, tuple(ahead)),))
            return None
        if plan.steps and stopped and work.apply:
            problems: list[Problem] = [Problem(None, "the host has a fault; nothing is created until it is mended")]
        else:
            problems = [*plan.blocked, *self._apply(plan, work)]
        can_serve = network.has_subnets and network.id in self.held and all(problem.serves for problem in problems)
        if work.apply and network.id in self.held and isinstance(network.wiring, OvsWiring):
            with self._route() as route:
                self.owners.note_namespace(route, network.id, self.held[network.id])
        if work.apply and can_serve:
            anew = any(_makes_dhcp_device(step) for step in plan.steps)
            far = next(device.far for device in devices if device.far and isinstance(device.far.place, Home))
            problems.extend(self._listener.ready(Ready(network, self.held[network.id], far.name, far.mac, anew)) or ())
        return problems

    def _is_to_take_over(self, seen: NamespaceSeen, work: _Work, *, is_first_look: bool) -> bool:
        if self._take_over_foreign is None:
            return False
        if seen.state == "foreign":
            return True
        return is_first_look and was_here(seen, work.snapshot, self._helpers or ())

    def _namespace(self, network_id: str, work: _Work) -> NamespaceSeen:
        """What the network's name leads to; from here on the namespace is held by descriptor if it is usable."""
        name = namespace_name(network_id)
        path = f"{self.directory}/{name}"
        seen = look_into_namespace(network_id, path, self.held.get(network_id), exists=name in work.snapshot.names)
        if seen.handle is not None:
            self.held.hold(network_id, seen.handle)
        network = work.intent.networks.get(network_id)
        own = tap_name(dhcp_port(network).id if network else dhcp_port_id(network_id))
        if seen.state == "plain":
            found = work.elsewhere.find(network_id, name)
            if found is not None:
                self.held.hold(network_id, found)
                return look_into_namespace(network_id, path, found, exists=True)
            with self._route() as route:
                alive = sign_of_life(route, own, work.snapshot)
            if alive:
                # The name is dead here, and the network's device shows that the namespace lives: the incident.
                raise HostFault(not_propagated(path, alive, self._diagnose(self.directory, name)))
        return seen

    def _apply(self, plan: Plan, work: _Work) -> list[Problem]:
        work.plans.append(plan)
        if not plan.steps or not work.apply:
            return []
        self._listener.planned(plan)
        self.in_progress[plan.network_id] = plan
        problems: list[Problem] = []
        try:
            with self._route() as route:
                executor = Executor(
                    route,
                    found=work.snapshot.links,
                    directory=self.directory,
                    held=self.held,
                    elsewhere=work.elsewhere,
                    switch=self._switch,
                    removed_ports=work.removed_ports,
                    host_ipv6=self._host_ipv6,
                    prepare_directory=self.pinning.prepare,
                )
                for unit in plan.units:
                    try:
                        executor.perform(unit, lambda error: problems.append(self.pinning.failed(error)))
                    except StepFailed as failed:
                        if unit.port_id is None or host_fault(failed.error):
                            raise
                        problems.append(Problem(unit.port_id, str(failed), serves=True))
        finally:
            self.in_progress.pop(plan.network_id, None)
        return problems


def _defect(error: Exception) -> Problem:
    return Problem(None, f"defect: {type(error).__name__}: {error}; this is netmend's fault, please report it")


def _makes_dhcp_device(step: Step) -> bool:
    return isinstance(step, MakeDevice | MoveDevice) and step.device.mark.role == "dhcp"
