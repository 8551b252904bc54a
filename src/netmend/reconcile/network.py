"""One network of a pass: look at it, plan, apply, and say what is still wrong.

What one network meets is an exception or a list of problems here; `netmend.reconcile.reconciler` keeps them apart from
the other networks of the pass.
"""

from collections.abc import Callable, Collection
from dataclasses import replace  # noqa: TID251 - of what is seen in a namespace

from msgspec import Struct, field

from netmend.ground.diagnosis import Diagnosis
from netmend.intent.names import dhcp_port_id, namespace_name, own_device_names, tap_name
from netmend.intent.network import Intent, Network, OvsWiring
from netmend.reconcile.adoption import stray_devices, was_here
from netmend.reconcile.apply import Executor
from netmend.reconcile.breaker import Breaker, HostFault, host_fault
from netmend.reconcile.diagnoses import not_propagated, sign_of_life
from netmend.reconcile.diff import plan_network
from netmend.reconcile.diff_switch import ports_to_add_ahead, without_device
from netmend.reconcile.host import Host
from netmend.reconcile.observe import NamespaceSeen, Snapshot, look_at_guests, look_into_namespace
from netmend.reconcile.other_mount_namespaces import OtherMountNamespaces
from netmend.reconcile.other_nodes import whose_namespace
from netmend.reconcile.reports import Listener, Mended, Ready, Taken
from netmend.reconcile.resync import Problem, Reason
from netmend.reconcile.steps import MakeDevice, MoveDevice, Plan, Step, Unit, in_full, mends
from netmend.reconcile.undo import StepFailed
from netmend.wiring import Home


class Pass(Struct):
    """One pass on its way."""

    intent: Intent
    snapshot: Snapshot
    apply: bool  # False: only plan
    other_mount_namespaces: OtherMountNamespaces = field(default_factory=OtherMountNamespaces)
    plans: list[Plan] = field(default_factory=list)
    right: set[str] = field(default_factory=set)  # network ids
    wrong: set[str] = field(default_factory=set)  # network ids
    new_reasons: list[Reason] = field(default_factory=list)
    defects: list[Exception] = field(default_factory=list)
    mended: list[Mended] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    removed_ports: set[str] = field(default_factory=set)  # of the switch, by their rows
    batch: dict[str, Plan] | None = field(default_factory=dict)  # ports to add for many networks at once; None: done
    closed: dict[str, str] = field(default_factory=dict)  # devices whose rules are not in force, each with why
    foreign: list[Network] | None = field(default_factory=list)  # in namespaces of others; None: they stay there


class NetworkReconciler:
    """Makes one network at a time what intent says. Thread-safe, for different networks."""

    def __init__(
        self,
        host: Host,
        listener: Listener,
        breaker: Breaker,
        diagnose: Callable[[str, str], Diagnosis | None],
        *,
        takes_over: bool,
    ) -> None:
        """`diagnose` says of a directory and a name in it why the name is dead here, None where it does not know.
        `takes_over`: networks in namespaces that netmend did not make go to `Pass.foreign`."""
        self._host, self._listener, self._breaker, self._diagnose = host, listener, breaker, diagnose
        self._takes_over = takes_over
        self.helpers: Collection[int] = ()  # namespaces, by inode, where helpers of another agent run
        self._first_looks: set[str] = set()  # networks of which no look has said yet whether another agent was there
        self._strays: dict[str, frozenset[int]] = {}  # by network id: devices for which it was taken over last
        self.in_progress: dict[str, Plan] = {}  # by network id

    def reconcile(self, network: Network, work: Pass, *, probe: bool = False) -> list[Problem] | None:
        """Look at a network and make it right; returns what is still wrong, or None when the network is put off, until
        its ports are added in one batch with those of others. `probe`: go ahead although the breaker is open.

        Raises KernelError, HostFault, StepFailed.
        """
        host = self._host
        if network.id not in host.open_namespaces:
            self._first_looks.add(network.id)
        seen = self._look_into(network.id, work)
        if work.foreign is not None and work.apply and self._is_to_take_over(network, seen, work):
            work.foreign.append(network)
            return None
        devices = host.owners.devices(network)
        guests = look_at_guests(host.route(), devices, host.directory)
        plan = plan_network(network, devices, work.snapshot, seen, guests, closed=work.closed)
        is_switched = isinstance(network.wiring, OvsWiring)
        if work.apply and is_switched:
            host.switch.note_devices(without_device(devices, work.snapshot.links, seen.links, work.snapshot.switch))
        stopped = self._breaker.is_open and not probe
        ahead = ports_to_add_ahead(plan)
        if ahead and work.apply and work.batch is not None and not (stopped or probe):
            work.batch[network.id] = Plan(network.id, (Unit(None, tuple(ahead)),))
            return None
        if plan.steps and stopped and work.apply:
            problems: list[Problem] = [Problem(None, "the host has a fault; nothing is created until it is mended")]
        else:
            problems = [*plan.blocked, *self.apply(plan, work)]
        namespace = host.open_namespaces.get(network.id)
        if not work.apply or namespace is None:
            return problems
        if is_switched:
            host.owners.note_namespace(host.route(), network.id, namespace)
        if network.is_served and all(problem.serves for problem in problems):
            anew = any(_makes_dhcp_device(step) for step in plan.steps)
            far = next(device.far for device in devices if device.far and isinstance(device.far.place, Home))
            problems.extend(self._listener.ready(Ready(network, namespace, far.name, far.mac, anew)) or ())
        return problems

    def apply(self, plan: Plan, work: Pass) -> list[Problem]:
        """Take the steps of a plan; returns what went wrong with single ports, or with giving the namespace its name.
        Raises StepFailed when what all guests of the network need cannot be made."""
        work.plans.append(plan)
        if not plan.steps or not work.apply:
            return []
        self._listener.planned(plan)
        self.in_progress[plan.network_id] = plan
        host = self._host
        problems: list[Problem] = []
        try:
            executor = Executor(
                host.route(),
                found=work.snapshot.links,
                directory=host.directory,
                open_namespaces=host.open_namespaces,
                other_mount_namespaces=work.other_mount_namespaces,
                switch=host.switch,
                removed_ports=work.removed_ports,
                host_ipv6=host.ipv6_sysctls,
                prepare_directory=host.pinning.prepare,
            )
            for unit in plan.units:
                try:
                    executor.perform(unit, lambda error: problems.append(host.pinning.failed(error)))
                except StepFailed as failed:
                    if (unit.port_id is None and not unit.spared) or host_fault(failed.error):
                        raise
                    problems.append(Problem(unit.port_id, str(failed), serves=True))
                else:
                    work.taken.extend(Taken(plan.network_id, in_full(step)) for step in unit.steps)
                    work.mended.extend(Mended(plan.network_id, str(step)) for step in unit.steps if mends(step))
        finally:
            self.in_progress.pop(plan.network_id, None)
        return problems

    def look_before_removal(self, network_id: str, work: Pass) -> NamespaceSeen:
        """What the name of a network leads to that intent has no more; "" is the network of devices with half a mark.
        Raises KernelError."""
        if not network_id:
            return NamespaceSeen("absent")
        self._first_looks.discard(network_id)
        try:
            return self._look_into(network_id, work)
        except HostFault:  # alive in a namespace out of reach; netmend made the devices and the name all the same
            path = f"{self._host.directory}/{namespace_name(network_id)}"
            return look_into_namespace(network_id, path, None, exists=True)

    def _is_to_take_over(self, network: Network, seen: NamespaceSeen, work: Pass) -> bool:
        if not self._takes_over:
            return False
        if seen.state == "foreign":
            return not seen.another_nodes
        if network.id in self._first_looks:
            if not work.snapshot.switch.problem:  # while there is one, nobody knows whose a device is
                self._first_looks.discard(network.id)
            return was_here(network, seen, work.snapshot, self.helpers)
        own = seen.links.get(self._own_device(network))  # without its port it is dead, which the plan sees to
        strays = stray_devices(network, seen, work.snapshot) - ({own.index} if own is not None else set())
        before, self._strays[network.id] = self._strays.pop(network.id, frozenset()), strays
        if not strays:
            del self._strays[network.id]
        return not strays <= before  # those that could not be taken over before are left alone

    def _own_device(self, network: Network) -> str:
        """The name of netmend's own device in the network's namespace."""
        fars = (device.far for device in self._host.owners.devices(network))
        return next((far.name for far in fars if far is not None and isinstance(far.place, Home)), "")

    def _look_into(self, network_id: str, work: Pass) -> NamespaceSeen:
        """What the name of the network leads to; a usable namespace is open from here on."""
        host, name = self._host, namespace_name(network_id)
        path = f"{host.directory}/{name}"
        opened = host.open_namespaces.get(network_id)
        is_brief = opened is None and work.apply  # guests wait for the first look
        seen = look_into_namespace(
            network_id, path, opened, exists=name in work.snapshot.names, diversions=not is_brief
        )
        if is_brief and seen.state == "usable":
            host.owners.looked_at_briefly.add(network_id)
        if seen.handle is not None:
            host.open_namespaces.hold(network_id, seen.handle)
        if seen.another_nodes and network_id in work.intent.networks:
            return replace(seen, whose=whose_namespace(path))
        if seen.state != "plain":
            return seen
        found = work.other_mount_namespaces.find(network_id, name)
        if found is not None:
            host.open_namespaces.hold(network_id, found)
            return look_into_namespace(network_id, path, found, exists=True)
        network = work.intent.networks.get(network_id)
        own = own_device_names(network)[0] if network else tap_name(dhcp_port_id(network_id))
        alive = sign_of_life(host.route(), own, work.snapshot)
        if alive:
            # The name is dead here, and the network's device shows that the namespace lives: the incident.
            raise HostFault(not_propagated(path, alive, self._diagnose(host.directory, name)))
        return seen


def _makes_dhcp_device(step: Step) -> bool:
    return isinstance(step, MakeDevice | MoveDevice) and step.device.mark.role == "dhcp"
