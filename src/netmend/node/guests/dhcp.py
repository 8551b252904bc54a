"""What serving DHCPv4 and DHCPv6 have alike: which networks are answered, since when, and from which namespace."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from threading import Lock
from typing import Any, Generic, Literal, Protocol, TypeVar

from msgspec import Struct

from netmend.intent.network import Network
from netmend.node.keeping.kept import KeptSockets
from netmend.reconcile.reports import Ready
from netmend.services.leases.io.commits import LeaseCommits
from netmend.services.leases.io.server import DhcpServer
from netmend.services.leases.rows import LeaseRow
from netmend.services.leases.table import Lease


class Responder(Protocol):
    """What a responder of either version offers here."""

    @property
    def network(self) -> Network: ...

    def leases(self, now: float) -> list[LeaseRow]: ...

    def held(self) -> list[Lease]: ...

    def restore(self, stored: Iterable[Lease]) -> None: ...

    def is_exhausted(self, now: float) -> bool: ...


R = TypeVar("R", bound=Responder)
S = TypeVar("S", bound=DhcpServer[Any, Any])


class Served(Struct, Generic[R], frozen=True):
    """A network that is answered."""

    responder: R
    since: float  # seconds since the epoch
    namespace: int  # inode of the namespace with its sockets


class DhcpServing(ABC, Generic[R, S]):
    """DHCP of one version for all networks of the node; a GuestService."""

    name: str

    def __init__(self, server: S, commits: LeaseCommits, version: Literal[4, 6], kept: KeptSockets) -> None:
        self._server, self._commits, self._version, self._kept = server, commits, version, kept
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
        openings = self._commits.openings
        responder = self._join(ready, None if served is None else served.responder)
        with self._lock:
            self._served[network.id] = Served(responder, time.time(), ready.namespace.inode)
        if self._commits.openings != openings:  # the file was opened meanwhile, after the responder was filled from it
            responder.restore(self._stored(network.id))

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
            self._kept.gone(self.name, network_id)

    def served_since(self, network_id: str) -> float | None:
        """Since when the network is answered, in seconds since the epoch; None when it is not."""
        served = self._served.get(network_id)
        return None if served is None else served.since

    def leases(self, network_id: str) -> list[LeaseRow]:
        """Dynamic leases, and addresses that ports were given or have declined."""
        served = self._served.get(network_id)
        return served.responder.leases(time.time()) if served else []

    def held(self) -> list[tuple[str, Lease]]:
        """The dynamic leases in memory that are stored, or should be, with their networks' ids."""
        with self._lock:
            served = list(self._served.items())
        return [(network_id, lease) for network_id, one in served for lease in one.responder.held()]

    def with_pools(self) -> list[str]:
        """Ids of the networks that are served and have pools."""
        with self._lock:
            served = list(self._served.items())
        return [network_id for network_id, one in served if one.responder.network.has_pools]

    def restore(self) -> None:
        """Read the dynamic leases of all networks anew: the file that holds them could not be read before."""
        with self._lock:
            served = list(self._served.items())
        for network_id, one in served:
            one.responder.restore(self._stored(network_id))

    def is_exhausted(self, network_id: str) -> bool:
        """Whether clients got no address in the last minutes, as the pools had none left."""
        served = self._served.get(network_id)
        return served is not None and served.responder.is_exhausted(time.time())

    def _stored(self, network_id: str) -> list[Lease]:
        return self._commits.load(network_id, self._version)

    def close(self) -> None:
        """Close every socket; the lease store is its owner's."""
        self._server.close()
