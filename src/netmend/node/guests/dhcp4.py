"""Joins networks that are ready to the DHCPv4 sockets, and keeps what is answered in step with intent."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from threading import Lock
from typing import Any

from netmend.intent.network import Network
from netmend.kernel.sockets import open_dhcp
from netmend.reconcile.reports import Ready
from netmend.services.dhcp4 import Dhcp4Responder, LeaseRow, LeaseTable
from netmend.services.dhcp4.io.sockets import ServiceSockets
from netmend.services.leases.io.store import LeaseStore, LeaseStoreError


@dataclass(frozen=True, slots=True)
class Served:
    """A network that is answered."""

    responder: Dhcp4Responder
    since: float  # seconds since the epoch
    namespace: int  # inode of the namespace with its sockets


class Dhcp4Serving:
    """DHCPv4 for all networks of the node; a GuestService."""

    name = "dhcp4"

    def __init__(self, leases: Path, suspect: Callable[[str], None]) -> None:
        """Opens, or makes, the lease database; raises LeaseStoreError when it cannot be used.

        `suspect` is called, in some other thread, with the id of a network whose sockets fail.
        """
        self._store = LeaseStore(leases, time.time())
        self._sockets = ServiceSockets(lambda network_id, *_: suspect(network_id), self._store, self._not_stored)
        self._served: dict[str, Served] = {}
        self._lock = Lock()
        self.store_error: str | None = None

    def _not_stored(self, error: LeaseStoreError) -> None:
        self.store_error = str(error)

    @property
    def networks(self) -> list[str]:
        """Ids of the networks that are served."""
        with self._lock:
            return list(self._served)

    def wanted(self, network: Network) -> bool:
        return bool(network.subnets)

    def prepare(self) -> None:
        """Nothing: the object came with its threads."""

    def ready(self, ready: Ready) -> None:
        """Answer on a network from now on; raises KernelError when its sockets cannot be opened."""
        network = ready.network
        served = self._served.get(network.id)
        if served is not None and served.namespace == ready.namespace.inode and not ready.anew:
            self.update(network)
            return
        sockets = open_dhcp(ready.namespace, ready.device)
        if served is None:
            responder = Dhcp4Responder(network, LeaseTable(self._store.load(network.id)))
        else:
            responder = served.responder
            self.update(network)
        mac = bytes.fromhex(ready.mac.replace(":", ""))
        self._sockets.add(network.id, responder, sockets.udp, sockets.packet, mac)
        with self._lock:
            self._served[network.id] = Served(responder, time.time(), ready.namespace.inode)

    def update(self, network: Network) -> None:
        """Answer by the new intent at once; the kernel follows with the next pass."""
        served = self._served.get(network.id)
        if served is not None and served.responder.network is not network:
            served.responder.update(network)

    def gone(self, network_id: str) -> None:
        """Answer no more on a network, and let go of its namespace."""
        with self._lock:
            served = self._served.pop(network_id, None)
        if served is not None:
            self._sockets.remove(network_id)

    def served_since(self, network_id: str) -> float | None:
        """Since when the network is answered, in seconds since the epoch; None when it is not."""
        served = self._served.get(network_id)
        return None if served is None else served.since

    def leases(self, network_id: str) -> list[LeaseRow]:
        """Dynamic leases, and addresses that ports were given or have declined."""
        served = self._served.get(network_id)
        return served.responder.leases(time.time()) if served else []

    def lease_holder(self, network_id: str, address: IPv4Address) -> str | None:
        """The MAC that an address of a network is dynamically leased to; None when it is not."""
        served = self._served.get(network_id)
        return served.responder.lease_holder(address, time.time()) if served else None

    def status(self, network_id: str) -> dict[str, Any] | None:
        served, sockets = self._served.get(network_id), self._sockets.counters(network_id)
        if served is None or sockets is None:
            return None
        return {"messages": served.responder.counters.as_dict(), "sockets": sockets.as_dict()}

    def close(self) -> None:
        self._sockets.close()
        self._store.close()
