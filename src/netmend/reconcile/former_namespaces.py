"""Namespaces that netmend made on this host in another role: `qdhcp-...` where it names them `ovnmeta-...` now, or the
other way round. A node that moves from ML2/OVS to OVN has them; what else netmend made there has no part in its name,
and is an orphan like any other.
"""

from collections.abc import Callable, Collection

from netmend.intent.names import network_of_former_namespace
from netmend.kernel.errors import KernelError
from netmend.reconcile.diff import addresses_in
from netmend.reconcile.network import NetworkReconciler, Pass
from netmend.reconcile.observe import look_into_namespace
from netmend.reconcile.resync import Problem
from netmend.reconcile.steps import Plan, RemoveFormerNamespace, Unit
from netmend.reconcile.undo import StepFailed


class FormerNamespaces:
    """Removes them, once the networks of a pass are served."""

    def __init__(
        self, directory: str, networks: NetworkReconciler, found: Callable[[str, list[Problem], Pass], None]
    ) -> None:
        """`directory` is where names of namespaces live; `found` takes a name and what is wrong with it."""
        self._directory, self._networks, self._found = directory, networks, found
        self._foreign: set[str] = set()  # names that turned out not to be netmend's
        self._failed: set[str] = set()

    def remove(self, work: Pass, scope: Collection[str] | None) -> None:
        """Remove those that bear netmend's mark for their network; `scope`: names to try again, among others."""
        names = work.snapshot.names - self._foreign if scope is None else self._failed & set(scope)
        for name in sorted(names):
            network_id = network_of_former_namespace(name)
            if network_id is None:
                continue
            try:
                problems = self._networks.apply(self._plan(network_id, name), work)
            except StepFailed as failed:
                problems = [Problem(None, str(failed), serves=True)]
            except KernelError as error:
                problems = [Problem(None, str(error), serves=True)]
            if problems:
                self._failed.add(name)
                self._found(name, problems, work)
        for name in {name for name in self._failed if name not in work.wrong and (scope is None or name in scope)}:
            self._failed.discard(name)
            self._found(name, [], work)

    def _plan(self, network_id: str, name: str) -> Plan:
        """The plan that removes the namespace of that name; without steps where it is not netmend's."""
        seen = look_into_namespace(network_id, f"{self._directory}/{name}", None, exists=True)
        if seen.handle is not None:
            seen.handle.close()
        if seen.state != "usable" and not seen.marked:
            if not seen.another_nodes:  # which may end
                self._foreign.add(name)
            return Plan(network_id)
        step = RemoveFormerNamespace(network_id, name, seen.adopted, addresses_in(seen))
        return Plan(network_id, (Unit(None, (step,), spared=True),))
