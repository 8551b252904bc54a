"""Storing leases away from the threads that serve the sockets, so that no disk makes a guest wait for another's lease.

Replies that rest on a lease wait here until it is stored. All that comes in during one commit goes into the next.
When a commit fails, its replies are dropped (their clients will ask again); its leases are tried again with the next.
"""

from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import Any, TypeVar

import structlog

from netmend.services.leases.io.store import LeaseStore, LeaseStoreError
from netmend.services.leases.table import Lease

_BACKLOG = 10_000  # replies that may wait; more are dropped, their leases are stored all the same

T = TypeVar("T")
Send = Callable[[Sequence[T]], None]

log = structlog.get_logger(__name__)


class LeaseCommits:
    """The one thread that writes to a lease store, for both DHCPs. Thread-safe.

    `problem` says why leases cannot be stored; None since a commit went well.
    """

    def __init__(self, store: LeaseStore, failed: Callable[[LeaseStoreError], None] = lambda error: None) -> None:
        """`failed` is called in this object's thread with the error of each commit that fails."""
        self.store = store
        self.problem: str | None = None
        self._failed = failed
        self._condition = Condition()
        self._leases: dict[tuple[str, int], Lease] = {}
        self._replies: list[tuple[Send[Any], Any]] = []
        self._submitted = self._done = 0
        self._closing = False
        self._thread = Thread(target=self._run, name="netmend-leases", daemon=True)
        self._thread.start()

    def submit(self, network_id: str, leases: Sequence[Lease], send: Send[T], reply: T | None) -> None:
        """Store leases of a network, then call `send`, in this object's thread, with all replies of it that may go."""
        with self._condition:
            self._leases.update(((network_id, lease.address), lease) for lease in leases)
            if reply is not None and len(self._replies) < _BACKLOG:
                self._replies.append((send, reply))
            self._submitted += 1
            self._condition.notify_all()

    def flush(self) -> None:
        """Wait until what was submitted before is stored, and its replies were given to `send`; or has failed."""
        with self._condition:
            submitted = self._submitted
            self._condition.wait_for(lambda: self._done >= submitted)

    def close(self) -> None:
        """Commit what is left, and end the thread. The store stays open."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing or self._leases or self._replies:
            with self._condition:
                self._condition.wait_for(lambda: self._submitted > self._done or self._closing)
                leases, replies, submitted = self._leases, self._replies, self._submitted
                self._leases, self._replies = {}, []
            try:
                self.store.commit([(network_id, lease) for (network_id, _), lease in leases.items()])
            except Exception as error:  # LeaseStoreError, or a defect, which must not end the thread either
                self._tell(error if isinstance(error, LeaseStoreError) else LeaseStoreError(f"defect: {error!r}"))
                with self._condition:
                    self._leases = leases | self._leases
                ended = self._closing
            else:
                self.problem = None
                self._send(replies)
                ended = False
            with self._condition:
                self._done = submitted
                self._condition.notify_all()
            if ended:
                return

    def _tell(self, error: LeaseStoreError) -> None:
        self.problem = str(error)
        log.error("leases not stored, their clients get no answer", error=self.problem)
        try:
            self._failed(error)
        except Exception:
            log.exception("callback failed")

    def _send(self, replies: Sequence[tuple[Send[Any], Any]]) -> None:
        by_sender: dict[Send[Any], list[Any]] = {}
        for send, reply in replies:
            by_sender.setdefault(send, []).append(reply)
        for send, its_replies in by_sender.items():
            try:
                send(its_replies)
            except Exception:
                log.exception("callback failed")
