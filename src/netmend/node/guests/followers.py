"""Starts the services that follow DHCPv4, in one thread: network by network, in order of arrival."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Condition, Event, Thread

from msgspec import Struct, field
from msgspec.structs import replace

from netmend.ground.exhaustion import exhausted
from netmend.ground.log import get_logger
from netmend.intent.network import Network
from netmend.kernel.errors import KernelError
from netmend.node.guests.service import CannotServe, GuestService
from netmend.reconcile.reports import Ready

_LOADED_WITHIN = 10.0  # seconds that others wait for modules, and then go on

log = get_logger()


class _Known(Struct):
    """What was last asked for on a network, and how it went."""

    network: Network
    namespace: int  # inode
    since: float | None = None  # seconds since the epoch; None: not all services are there
    problems: dict[str, str] = field(default_factory=dict)  # by name of the service, why it is not there
    under_way: bool = True  # the thread has yet to start them


class Followers:
    """Carries out calls to services in a thread of its own, which starts with the first network that asks for one."""

    def __init__(
        self,
        make: Callable[[], Sequence[GuestService]],
        changed: Callable[[str], None],
        served: Callable[[Network], None] = lambda network: None,
    ) -> None:
        """`make` gives the services. `changed` is called with the id of a network when its problems have changed, and
        `served` with a network that has all it asks for from now on. All are called in the thread."""
        self._make, self._changed, self._served = make, changed, served
        self.services: Sequence[GuestService] = ()
        self._networks: dict[str, _Known] = {}
        self._commands: deque[Callable[[], None]] = deque()
        self._condition = Condition()
        self._closing = False
        self._thread: Thread | None = None

    @property
    def networks(self) -> list[str]:
        """Ids of the networks that are served, or would be if nothing failed."""
        with self._condition:
            return list(self._networks)

    def __contains__(self, network_id: str) -> bool:
        return network_id in self._networks

    def served_since(self, network_id: str) -> float | None:
        """Since when the network has all services that it asks for, in seconds since the epoch; None: it has not."""
        known = self._networks.get(network_id)
        return None if known is None else known.since

    def problems(self, network_id: str) -> dict[str, str]:
        """By name of the service, why it could not be started on the network."""
        known = self._networks.get(network_id)
        return {} if known is None else dict(known.problems)

    def ready(self, ready: Ready) -> None:
        """Serve the network, soon; does nothing when it is served so already. A service that failed is tried again when
        the reconciler calls again, each time later."""
        network_id, inode = ready.network.id, ready.namespace.inode
        with self._condition:
            known = self._networks.get(network_id)
            same = known is not None and known.network is ready.network and known.namespace == inode and not ready.anew
            if same and known is not None and (known.under_way or known.since is not None):
                self._start_thread()
                return
            problems = known.problems if known else {}
            self._networks[network_id] = _Known(ready.network, inode, problems=problems)
        # A descriptor of its own: the reconciler may let go of the namespace before the thread gets there.
        own = replace(ready, namespace=ready.namespace.duplicate())
        self._call(lambda: self._serve(own))

    def load(self, network: Network) -> None:
        """Have every service loaded and started that is wanted on the network, and wait for it."""
        loaded = Event()

        def prepare() -> None:
            for service in self.services:
                if service.wanted(network):
                    with suppress(CannotServe):  # which is said of each network that asks for it
                        service.prepare()
            loaded.set()

        self._call(prepare)
        loaded.wait(_LOADED_WITHIN)

    def update(self, network: Network) -> None:
        """A network that is served has a new intent; the next `ready` comes with the next pass."""
        with self._condition:
            known = self._networks.get(network.id)
            if known is None or known.network is network:
                return
        self._call(lambda: self._each("update", lambda service: service.update(network)))

    def gone(self, network_id: str) -> None:
        """Serve the network no more, soon."""
        with self._condition:
            if self._networks.pop(network_id, None) is None:
                return
        self._call(lambda: self._each("gone", lambda service: service.gone(network_id)))

    def close(self) -> None:
        """End the thread and the services; calls that still wait are dropped."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join()
        self._each("close", lambda service: service.close())

    def _call(self, command: Callable[[], None]) -> None:
        with self._condition:
            if self._closing:
                return
            self._commands.append(command)
            self._start_thread()
            self._condition.notify()

    def _start_thread(self) -> None:
        """Have the thread run where there is something to do. Raises RuntimeError when the process may have no more
        threads; what waits is done once one can be started."""
        if self._thread is None and self._commands:
            thread = Thread(target=self._run, name="netmend-followers", daemon=True)
            thread.start()
            self._thread = thread

    # --- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        self.services = self._make()
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._commands or self._closing)
                if self._closing:
                    return
                command = self._commands.popleft()
            command()

    def _serve(self, ready: Ready) -> None:
        with ready.namespace:
            problems = self._give_services(ready)
        with self._condition:
            known = self._networks.get(ready.network.id)
            if known is None or known.network is not ready.network or known.namespace != ready.namespace.inode:
                return  # gone or changed meanwhile; what comes next is queued already
            changed = problems != known.problems
            known.problems, known.under_way = problems, False
            known.since = None if problems else time.time()
        if changed:
            self._changed(ready.network.id)
        if not problems:
            self._served(ready.network)

    def _give_services(self, ready: Ready) -> dict[str, str]:
        """Start the services that are wanted; returns, by name, why one cannot be had."""
        network_id, problems = ready.network.id, dict[str, str]()

        @contextmanager
        def noting(service: GuestService) -> Iterator[None]:
            try:
                yield
            except (KernelError, CannotServe) as error:
                problems[service.name] = str(error)
            except Exception as error:  # a defect of one service is not the others'
                problems[service.name] = exhausted(error) or f"defect: {error!r}"
                log.exception("service failed", service=service.name, network=network_id)

        prepared = []
        for service in self.services:
            with noting(service):
                if service.wanted(ready.network):
                    service.prepare()
                    prepared.append(service)
                else:
                    service.gone(network_id)
        try:
            with ready.namespace.entered():  # once, for the sockets of all
                for service in prepared:
                    with noting(service):
                        service.ready(ready)
        except KernelError as error:
            problems.update({service.name: str(error) for service in prepared})
        return problems

    def _each(self, operation: str, call: Callable[[GuestService], None]) -> None:
        for service in self.services:
            try:
                call(service)
            except Exception:
                log.exception("service failed", service=service.name, operation=operation)
