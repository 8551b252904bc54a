"""The base of the responders of DHCPv4 and DHCPv6: the dynamic leases of one network, and whether they ran out."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from math import inf
from threading import Lock

from netmend.services.leases.table import EXHAUSTED_HOLD, Lease, LeaseState, LeaseTable


class LeasedResponder(ABC):
    """Keeps the dynamic leases of one network. Its methods may be called from different threads."""

    def __init__(self, leases: LeaseTable | None, exhausted: Callable[[], None]) -> None:
        """`leases` holds what was stored of the network's dynamic leases; without, there are none yet. `exhausted` is
        called when `is_exhausted` becomes true."""
        self._lock = Lock()
        self._leases = LeaseTable() if leases is None else leases
        self._exhausted, self._turned_away = exhausted, -inf

    @abstractmethod
    def _configure_leases(self) -> None:
        """Give the table of leases the network's pools and addresses; the lock is held."""

    def take_changes(self) -> list[Lease]:
        """Leases to store before the replies that rest on them are sent; empty when there are none."""
        if not self._leases.changed:
            return []
        with self._lock:
            return self._leases.take_changes()

    def held(self) -> list[Lease]:
        """The dynamic leases that are stored, or should be."""
        with self._lock:
            return [lease for lease in self._leases if lease.state != LeaseState.OFFERED]

    def restore(self, stored: Iterable[Lease]) -> None:
        """Forget all dynamic leases, and take back what is stored of them."""
        with self._lock:
            self._leases = LeaseTable(stored)
            self._configure_leases()

    def is_exhausted(self, now: float) -> bool:
        """Whether a client got no address in the last minutes, as the pools had none left."""
        return now < self._turned_away + EXHAUSTED_HOLD

    def _note_turned_away(self, now: float) -> None:
        before, self._turned_away = self._turned_away, now
        if now >= before + EXHAUSTED_HOLD:
            self._exhausted()
