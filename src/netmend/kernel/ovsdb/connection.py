"""Transactions on an Open vSwitch database, and its locks (RFC 7047 sections 4.1.3 and 4.1.8)."""

import errno
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any, Final

from netmend.kernel.changes import changing
from netmend.kernel.errors import KernelError
from netmend.kernel.ovsdb.stream import ASK, Stream, Tls

DATABASE: Final = "Open_vSwitch"
TIMEOUT: Final = 10.0  # seconds
_ERRNOS: Final = {  # RFC 7047 section 5.1 and 5.2
    "constraint violation": errno.EEXIST,
    "timed out": errno.ENOENT,  # of a `wait` with no time-out: what must be there is not
    "referential integrity violation": errno.ENOENT,
    "resources exhausted": errno.ENOSPC,
    "I/O error": errno.EIO,
    "not supported": errno.EOPNOTSUPP,
    "permission error": errno.EPERM,
    "not owner": errno.EPERM,
}
Operation = Mapping[str, Any]


class Connection:
    """A connection that is made when it is needed, and again when it broke. Thread-safe: transactions take turns.

    A lock of the database belongs to the connection: `hold` asks for one, `change` then changes nothing without it, and
    each new connection asks again. The server gives it on when the connection that has it ends, however it ends.
    """

    def __init__(self, remote: str, timeout: float = TIMEOUT, tls: Tls | None = None) -> None:
        """`remote` is `unix:PATH`, `tcp:ADDRESS:PORT` or, with `tls`, `ssl:ADDRESS:PORT`; nothing is done yet."""
        self.remote = remote
        self.tls = tls
        self._timeout = timeout
        self._stream: Stream | None = None
        self._turn = Lock()
        self._next_id = 0
        self._wanted: str | None = None  # the lock to have
        self._asked = False  # the server for it, on this stream; it says so when our turn comes
        self._has = False
        self.made = 0  # how many connections have been made, one after the other

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self._turn:
            self._drop()

    def transact(self, operations: Sequence[Operation], operation: str, target: str) -> list[dict[str, Any]]:
        """Ask; `operation` and `target` are for errors. The result of each operation, in order.

        Raises KernelError: what is wrong with the connection, or what the database said about the operations, none of
        which have any effect then.
        """
        with self._turn:
            answer = self._ask(self._ready(), "transact", [DATABASE, *operations])
        if answer.get("error"):
            raise KernelError(operation, target, errno.EPROTO, f"the database says: {answer['error']}")
        return results(answer.get("result"), operation, target)

    def change(self, operations: Sequence[Operation], operation: str, target: str) -> list[dict[str, Any]]:
        """Transact operations that change something: all of them are done, or none. Where a lock is to be held, the
        database itself refuses them to a connection that does not have it (KernelError, EPERM)."""
        with changing(operation, target):
            if self._wanted is None:
                return self.transact(operations, operation, target)
            owned = {"op": "assert", "lock": self._wanted}
            return self.transact([owned, *operations], operation, target)[1:]

    def hold(self, lock: str) -> bool:
        """Have the lock of that name from now on; whether this connection has it now. While another has it, its turn
        comes by itself, and the next call says so. Raises KernelError where the database does not answer."""
        with self._turn:
            self._wanted = lock
            self._ready()
            return self._has

    def tend(self) -> None:
        """Answer what the server asked meanwhile, or it gives the connection up: over TCP and TLS it asks every 5 s.
        Does nothing while a transaction is under way. Does not block."""
        if self._turn.acquire(blocking=False):
            try:
                if self._stream is not None:
                    self._note(self._stream.settle())
            except KernelError:
                self._drop()
            finally:
                self._turn.release()

    def let_go(self) -> None:
        """Have no lock any more."""
        with self._turn:
            if self._wanted is not None and self._asked and self._stream is not None:
                with suppress(KernelError):
                    self._ask(self._stream, "unlock", [self._wanted])
            self._wanted, self._asked, self._has = None, False, False

    def _ready(self) -> Stream:
        """The stream, made anew where the one before is of no use: an idle one may have been given up by the server."""
        if self._stream is not None:
            try:
                self._note(self._stream.settle())
            except KernelError:
                self._drop()
        if self._stream is None:
            self._stream = Stream(self.remote, self._timeout, self.tls)
            self.made += 1
        if self._wanted is not None and not self._asked:
            answer = self._ask(self._stream, "lock", [self._wanted])
            found = answer.get("result")
            self._asked, self._has = True, self._has or (isinstance(found, dict) and found.get("locked") is True)
        return self._stream

    def _ask(self, stream: Stream, method: str, parameters: Sequence[Any]) -> Mapping[str, Any]:
        self._next_id += 1
        number = self._next_id - 1
        try:
            stream.send({"method": method, "params": parameters, "id": number})
            return self._answer(stream, number)
        except KernelError:
            self._drop()
            raise

    def _note(self, messages: Iterable[Any]) -> None:
        """Take in what the server says of the lock unasked (RFC 7047 sections 4.1.9 and 4.1.10)."""
        for message in messages:
            if isinstance(message, dict) and message.get("params") == [self._wanted]:
                if message.get("method") == "locked":
                    self._has = True
                elif message.get("method") == "stolen":
                    self._has = False

    def _answer(self, stream: Stream, number: int) -> Mapping[str, Any]:
        deadline = time.monotonic() + self._timeout
        while True:
            messages = stream.receive(deadline)
            self._note(messages)
            for message in messages:
                if not isinstance(message, dict) or "id" not in message:
                    raise KernelError(ASK, self.remote, errno.EPROTO, "that is no answer of a database")
                if message["id"] == number:
                    return message

    def _drop(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        self._asked = self._has = False


def results(found: Any, operation: str, target: str) -> list[dict[str, Any]]:
    """The result of each operation of a transaction; raises KernelError when one of them failed."""
    if not isinstance(found, list):
        raise KernelError(operation, target, errno.EPROTO, "the database gave no result")
    for result in found:
        if isinstance(result, dict) and "error" in result:
            said = ": ".join(str(result[key]) for key in ("error", "details") if result.get(key))
            code = _ERRNOS.get(str(result["error"]), errno.EPROTO)
            raise KernelError(operation, target, code, f"the database says: {said}")
    if not all(isinstance(result, dict) for result in found):
        raise KernelError(operation, target, errno.EPROTO, "the database gave half a result")
    return found
