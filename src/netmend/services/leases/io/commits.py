"""Storing leases away from the threads that serve the sockets, so that no disk makes a guest wait for another's lease.

Replies that rest on a lease wait here until it is stored. All that comes in during one commit goes into the next.
When a commit fails, its replies are dropped (their clients will ask again); its leases are tried again with the next,
and by time.

The lease file decides over dynamic leases alone. Where it cannot be opened, fixed IPs are served, and it is tried again
until it can be. A file that is removed, replaced, cut short or damaged while the node runs is noticed, and what memory
holds is written to the one that takes its place.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from threading import Condition, Thread
from typing import Any, Literal, TypeVar

from netmend.ground.exhaustion import exhausted
from netmend.ground.log import get_logger
from netmend.ground.sqlite_file import set_aside
from netmend.services.leases.io.store import LeaseStore, LeaseStoreError
from netmend.services.leases.table import Lease

_BACKLOG = 10_000  # replies that may wait; more are dropped, their leases are stored all the same
_LOOK_AGAIN = 5.0  # seconds between two looks at the file, and between two tries while it cannot be used

T = TypeVar("T")
Send = Callable[[Sequence[T]], None]

log = get_logger()


class LeaseCommits:
    """The lease file, and the one thread that writes to it, for both DHCPs. Thread-safe."""

    def __init__(
        self,
        path: Path,
        *,
        open_store: Callable[[Path, float], LeaseStore] = LeaseStore,
        changed: Callable[[], None] = lambda: None,
        held: Callable[[], Iterable[tuple[str, Lease]]] = lambda: (),
        opened: Callable[[], None] = lambda: None,
        look_again: float = _LOOK_AGAIN,
    ) -> None:
        """Open the file at `path`; where that fails, `problem` says so.

        The rest is called in this object's thread: `changed` when `problem` has changed; `held` for the leases in
        memory, with their networks' ids, when the file has lost them; `opened` when a file was opened late, so that
        `load` gives what it did not give before.
        """
        self._path, self._open_store = path, open_store
        self._changed, self._held, self._opened, self._look_again = changed, held, opened, look_again
        self.problem: str | None = None  # why leases cannot be stored; None since a commit went well
        self.openings = 0  # of the file; a table that was filled before one does not know what is stored
        self._store: LeaseStore | None = None
        self._in_memory = False  # whether all that the file held when it was last in place is in memory
        self._next_opening = 0.0  # on the monotonic clock
        self._condition = Condition()
        self._leases: dict[tuple[str, int], Lease] = {}
        self._replies: list[tuple[Send[Any], Any]] = []
        self._submitted = self._done = 0
        self._closing = False
        try:
            self._store = self._open()
        except LeaseStoreError as error:
            self.problem = str(error)
            log.error("dynamic leases are not given; fixed IPs are served", error=self.problem)
        self._thread = Thread(target=self._run, name="netmend-leases", daemon=True)
        self._thread.start()

    def load(self, network_id: str, version: Literal[4, 6] = 4) -> list[Lease]:
        """The stored leases of a network, of one version of IP; none while the file cannot be read."""
        store = self._store
        if store is None:
            return []
        try:
            return store.load(network_id, version)
        except LeaseStoreError as error:  # the thread finds the same, and tells it
            log.error("leases cannot be read", network=network_id, error=str(error))
            store.place.suspect()
            return []

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
        """Commit what is left, end the thread, and close the file."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        self._thread.join()
        if self._store is not None:
            self._store.close()

    # --- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        closing = False
        while not closing:
            with self._condition:
                self._condition.wait_for(lambda: self._submitted > self._done or self._closing, self._look_again)
                closing, submitted = self._closing, self._submitted
            try:
                self._see_to_file()
                self._commit()
            except Exception as error:  # LeaseStoreError, or a defect, which must not end the thread either
                self._fail(error if isinstance(error, LeaseStoreError) else LeaseStoreError(_why(error)))
            else:
                self._tell(None)
            with self._condition:
                self._done = submitted
                self._condition.notify_all()

    def _commit(self) -> None:
        """Store all that waits, and let its replies go."""
        with self._condition:
            leases, replies = self._leases, self._replies
            self._leases, self._replies = {}, []
        if not leases and not replies:
            return
        assert self._store is not None
        try:
            self._store.commit([(network_id, lease) for (network_id, _), lease in leases.items()])
        except BaseException:
            with self._condition:
                self._leases = leases | self._leases
            raise
        self._send(replies)

    def _see_to_file(self) -> None:
        """Have the file open, with all that it held before. Raises LeaseStoreError."""
        if self._store is not None and (lost := self._store.place.why_lost()) is not None:
            log.warning("the lease file is written anew from memory", file=str(self._path), reason=lost)
            self._leave(self._store)
        if self._store is not None:
            return
        if time.monotonic() < self._next_opening:
            raise LeaseStoreError(self.problem or f"{self._path} cannot be opened")
        self._next_opening = time.monotonic() + self._look_again
        try:
            store = self._open()
        except LeaseStoreError as error:
            if not (self._in_memory and error.is_damage):
                raise
            set_aside(self._path)
            store = self._open()
        if not self._in_memory:
            with self._condition:  # no client has an answer by these leases, and the file may have others
                self._leases, self._replies = {}, []
        known, self._store, self._in_memory = self._in_memory, store, False
        self._next_opening = 0.0
        if not known:
            self.openings += 1
            self._opened()
        log.info("leases can be stored again", file=str(self._path))

    def _leave(self, store: LeaseStore) -> None:
        """Close a file that is lost, and submit what it held, so that the next one gets it."""
        rows = {(network_id, lease.address): lease for network_id, lease in [*store.salvage(), *self._held()]}
        with self._condition:
            self._leases = rows | self._leases
        store.close()
        self._store, self._in_memory = None, True

    def _open(self) -> LeaseStore:
        return self._open_store(self._path, time.time())

    def _fail(self, error: LeaseStoreError) -> None:
        with self._condition:
            self._replies = []
        if error.is_damage and self._store is not None:
            self._store.place.suspect()
        self._tell(str(error))

    def _tell(self, problem: str | None) -> None:
        if problem == self.problem:
            return
        self.problem = problem
        if problem is not None:
            log.error("leases not stored, their clients get no answer", error=problem)
        try:
            self._changed()
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


def _why(error: Exception) -> str:
    return exhausted(error) or f"defect: {error!r}"
