"""The sockets of guests' services, opened once and kept over restarts of the node."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from threading import RLock
from typing import Final

from netmend.ground.log import get_logger
from netmend.kernel.sockets import opening as in_namespace
from netmend.node.keeping.holders import Holder
from netmend.reconcile.reports import Ready

log = get_logger()
_SO_RCVBUFFORCE: Final = 33  # asm-generic/socket.h, socket(7)
_QUEUE: Final = 1 << 20  # octets: some 1,000 questions of a network
Owner = tuple[str, str]  # a service, and the id of a network


class KeptSockets:
    """All kept sockets of a node; thread-safe. Without a holder, sockets are opened and forgotten."""

    def __init__(self, holder: Holder | None) -> None:
        self._holder = holder
        self._lock = RLock()
        self._left: dict[str, socket.socket] = {}  # of the node before, by label, not taken up yet
        self._given: dict[Owner, set[str]] = {}  # keys that the holder has of this node
        if holder is not None:
            with self._speaking():
                self._left = holder.inherited()

    @contextlib.contextmanager
    def opening(self, service: str, ready: Ready) -> Iterator["Opening"]:
        """Open all sockets of a service on a network; those that it had and does not open again are let go. Raises
        KernelError."""
        if self._holder is None:
            yield Opening(self, (service, ready.network.id), "")
            return
        with in_namespace(ready.namespace, ready.device):
            index = socket.if_nametoindex(ready.device)
        opening = Opening(self, (service, ready.network.id), f"{ready.namespace.inode}.{index}")
        yield opening
        with self._lock:
            for key in self._given.get(opening.owner, set()) - opening.keys:
                self._drop(key)
            self._given[opening.owner] = opening.keys

    def gone(self, service: str, network_id: str) -> None:
        """Let go of a service's sockets on a network."""
        with self._lock:
            for key in self._given.pop((service, network_id), ()):
                self._drop(key)

    def drop_left(self) -> None:
        """Let go of what the node before left and nobody has taken up: its networks are gone."""
        with self._lock:
            for key, one in self._left.items():
                one.close()
                self._drop(key)
            self._left = {}

    def open(self, owner: Owner, key: str, opener: Callable[[], socket.socket]) -> socket.socket:
        """The kept socket under a key, else a new one, which is kept."""
        if self._holder is None:
            return opener()
        with self._lock:
            found = self._left.pop(self._holder.label(key), None)
            if found is None and key in self._given.get(owner, ()):  # this process has closed its own
                with self._speaking():
                    found = self._holder.fetch(key)
            if found is not None:
                found.setblocking(False)
                self._given.setdefault(owner, set()).add(key)
                return found
        made = opener()
        with contextlib.suppress(OSError):  # what comes while no node runs waits here; memory is taken as it comes
            made.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _QUEUE)
        with self._lock, self._speaking():
            self._given.setdefault(owner, set()).add(key)
            self._holder.keep(key, made)
        return made

    def close(self) -> None:
        """Speak with the holder no more; it holds on."""
        with self._lock:
            for one in self._left.values():
                one.close()
            self._left = {}
            if self._holder is not None:
                self._holder.close()

    def _drop(self, key: str) -> None:
        if self._holder is not None:
            with self._speaking():
                self._holder.drop(key)

    @contextlib.contextmanager
    def _speaking(self) -> Iterator[None]:
        """Go on without a holder once it has gone: guests are served all the same."""
        try:
            yield
        except OSError as error:
            log.warning("sockets are not kept over a restart any more", problem=str(error))
            if self._holder is not None:
                self._holder.close()
            self._holder = None


class Opening:
    """The sockets that a service opens on a network now."""

    def __init__(self, kept: KeptSockets, owner: Owner, place: str) -> None:
        """`place` is the namespace's inode and the device's index, which are never used again while a socket of theirs
        is kept; empty where none is."""
        self._kept, self.owner, self._place = kept, owner, place
        self.keys: set[str] = set()

    def open(self, kind: str, opener: Callable[[], socket.socket]) -> socket.socket:
        """The socket of this kind on the network's device: the kept one, else what `opener` opens. `kind` says what it
        is bound to, beside the device."""
        key = f"{kind}.{self._place}"
        self.keys.add(key)
        return self._kept.open(self.owner, key, opener)
