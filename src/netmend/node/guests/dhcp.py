"""What serving DHCPv4 and DHCPv6 have alike: which networks are answered, since when, and from which namespace."""

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

from netmend.intent.network import Network
from netmend.reconcile.reports import Ready
from netmend.services.leases.io.server import DhcpServer
from netmend.services.leases.rows import LeaseRow


class Responder(Protocol):
    """What a responder of either version offers here."""

    def leases(self, now: float) -> list[LeaseRow]: ...


R = TypeVar("R", bound=Responder)
S = TypeVar("S", bound=DhcpServer[Any, Any])


@dataclass(frozen=True, slots=True)
class Served(Generic[R]):
    """A network that is answered."""

    responder: R
    since: float  # seconds since the epoch
    namespace: int  # inode of the namespace with its sockets


class DhcpServing(ABC, Generic[R, S]):
    """DHCP of one version for all networks of the node; a GuestService."""

    def __init__(self, server: S) -> None:
        self._server = server
        self._served: dict[str, Served[R]] = {}
        self._lock = Lock()

    @property
    def networks(self) -> list[str]:
        """Ids of the networks that are served."""
        with self._lock:
            return list(self._served)

    def prepare(self) -> None:
        """Nothing: the object came with its threads."""

    def ready(self, ready: Ready) -> None:
        """Answer on a network from now on; raises KernelError when its sockets cannot be opened."""
        network = ready.network
        served = self._served.get(network.id)
        if served is not None and served.namespace == ready.namespace.inode and not ready.anew:
            self.update(network)
            return
        responder = self._join(ready, None if served is None else served.responder)
        with self._lock:
            self._served[network.id] = Served(responder, time.time(), ready.namespace.inode)

    @abstractmethod
    def _join(self, ready: Ready, responder: R | None) -> R:
        """Open the network's sockets, and answer at them: by `responder`, or by a new one, with what is stored of the
        network's leases. Returns the responder."""

    @abstractmethod
    def update(self, network: Network) -> None:
        """Answer by the new intent at once; the kernel follows with the next pass."""

    def gone(self, network_id: str) -> None:
        """Answer no more on a network, and let go of its namespace."""
        with self._lock:
            served = self._served.pop(network_id, None)
        if served is not None:
            self._server.remove(network_id)

    def served_since(self, network_id: str) -> float | None:
        """Since when the network is answered, in seconds since the epoch; None when it is not."""
        served = self._served.get(network_id)
        return None if served is None else served.since

    def leases(self, network_id: str) -> list[LeaseRow]:
        """Dynamic leases, and addresses that ports were given or have declined."""
        served = self._served.get(network_id)
        return served.responder.leases(time.time()) if served else []

    def close(self) -> None:
        """Close every socket; the lease store is its owner's."""
        self._server.close()
