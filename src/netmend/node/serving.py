"""Joins networks that are ready to the DHCP sockets, and keeps what is answered in step with intent."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from netmend.intent.network import Intent, Network
from netmend.kernel.sockets import open_dhcp
from netmend.reconcile.reconciler import Ready
from netmend.services.datagrams import SocketCounters
from netmend.services.dhcp4 import Dhcp4Responder, LeaseRow, LeaseTable
from netmend.services.lease_store import LeaseStore, LeaseStoreError
from netmend.services.sockets import ServiceSockets


@dataclass(frozen=True, slots=True)
class Served:
    """A network that is answered: since when (seconds since the epoch), and from which namespace (inode)."""

    responder: Dhcp4Responder
    since: float
    namespace: int


class Serving:
    """DHCP for all networks of the node. Thread-safe, but for one call at a time for any one network."""

    def __init__(self, leases: Path, suspect: Callable[[str], None]) -> None:
        """Opens, or makes, the lease database; raises LeaseStoreError when it cannot be used.

        `suspect` is told, in some other thread, of a network whose sockets fail.
        """
        self._store = LeaseStore(leases, time.time())
        self._sockets = ServiceSockets(lambda network_id, *_: suspect(network_id), self._store, self._not_stored)
        self._served: dict[str, Served] = {}
        self._lock = Lock()
        self.store_error: str | None = None

    def _not_stored(self, error: LeaseStoreError) -> None:
        self.store_error = str(error)

    def ready(self, ready: Ready) -> None:
        """Answer on a network from now on; raises KernelError when its sockets cannot be opened."""
        network = ready.network
        served = self._served.get(network.id)
        if served is not None and served.namespace == ready.namespace.inode and not ready.anew:
            self._update(served.responder, network)
            return
        sockets = open_dhcp(ready.namespace, ready.device)
        if served is None:
            responder = Dhcp4Responder(network, LeaseTable(self._store.load(network.id)))
        else:
            responder = served.responder
            self._update(responder, network)
        mac = bytes.fromhex(ready.mac.replace(":", ""))
        self._sockets.add(network.id, responder, sockets.udp, sockets.packet, mac)
        with self._lock:
            self._served[network.id] = Served(responder, time.time(), ready.namespace.inode)

    def intent_changed(self, intent: Intent) -> None:
        """Answer by the new intent at once where a network is served already; the kernel follows with the next pass."""
        with self._lock:
            served = dict(self._served)
        for network_id, known in served.items():
            network = intent.networks.get(network_id)
            if network is not None:
                self._update(known.responder, network)

    @staticmethod
    def _update(responder: Dhcp4Responder, network: Network) -> None:
        if responder.network is not network:
            responder.update(network)

    def gone(self, network_id: str) -> None:
        """Answer no more on a network, and let go of its namespace."""
        with self._lock:
            served = self._served.pop(network_id, None)
        if served is not None:
            self._sockets.remove(network_id)

    def served(self, network_id: str) -> Served | None:
        return self._served.get(network_id)

    def leases(self, network_id: str) -> list[LeaseRow]:
        served = self._served.get(network_id)
        return served.responder.leases(time.time()) if served else []

    def counters(self, network_id: str) -> SocketCounters | None:
        return self._sockets.counters(network_id)

    def close(self) -> None:
        self._sockets.close()
        self._store.close()
