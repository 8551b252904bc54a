"""Storing leases away from the thread that serves the sockets, so that no disk makes a guest wait for another's lease.

Replies that rest on a lease wait here until it is stored. All that comes in during one commit goes into the next.
When a commit fails, its replies are dropped (their clients will ask again); its leases are tried again with the next.
"""

from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import Generic, TypeVar

from netmend.services.leases.io.store import LeaseStore, LeaseStoreError
from netmend.services.leases.table import Lease

_BACKLOG = 10_000  # replies that may wait; more are dropped, their leases are stored all the same

T = TypeVar("T")


class LeaseCommits(Generic[T]):
    """A thread that commits; `T` is whatever its owner needs to send a reply."""

    def __init__(
        self, store: LeaseStore, stored: Callable[[Sequence[T]], None], failed: Callable[[LeaseStoreError], None]
    ) -> None:
        """`stored` is given the replies that may go, `failed` an error; both are called in this object's thread."""
        self._store, self._stored, self._failed = store, stored, failed
        self._condition = Condition()
        self._leases: dict[tuple[str, int], Lease] = {}
        self._replies: list[T] = []
        self._asked = self._closing = False
        self._thread = Thread(target=self._run, name="netmend-leases", daemon=True)
        self._thread.start()

    def submit(self, network_id: str, leases: Sequence[Lease], reply: T | None) -> None:
        """Store leases of a network, then let `reply` go."""
        with self._condition:
            self._leases.update(((network_id, lease.address), lease) for lease in leases)
            if reply is not None and len(self._replies) < _BACKLOG:
                self._replies.append(reply)
            self._asked = True
            self._condition.notify()

    def close(self) -> None:
        """Commit what is left, and end the thread."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing or self._leases or self._replies:
            with self._condition:
                self._condition.wait_for(lambda: self._asked or self._closing)
                leases, replies = self._leases, self._replies
                self._leases, self._replies, self._asked = {}, [], False
            try:
                self._store.commit([(network_id, lease) for (network_id, _), lease in leases.items()])
            except Exception as error:  # LeaseStoreError, or a defect, which must not end the thread either
                self._failed(error if isinstance(error, LeaseStoreError) else LeaseStoreError(f"defect: {error!r}"))
                if self._closing:
                    return
                with self._condition:
                    self._leases = leases | self._leases
            else:
                self._stored(replies)
