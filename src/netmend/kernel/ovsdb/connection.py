"""Transactions on an Open vSwitch database (RFC 7047 section 4.1.3)."""

import errno
import time
from collections.abc import Mapping, Sequence
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
    """A connection that is made when it is needed, and again when it broke. Thread-safe: transactions take turns."""

    def __init__(self, remote: str, timeout: float = TIMEOUT, tls: Tls | None = None) -> None:
        """`remote` is `unix:PATH`, `tcp:ADDRESS:PORT` or, with `tls`, `ssl:ADDRESS:PORT`; nothing is done yet."""
        self.remote = remote
        self.tls = tls
        self._timeout = timeout
        self._stream: Stream | None = None
        self._lock = Lock()
        self._next_id = 0

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._drop()

    def transact(self, operations: Sequence[Operation], operation: str, target: str) -> list[dict[str, Any]]:
        """Ask; `operation` and `target` are for errors. The result of each operation, in order.

        Raises KernelError: what is wrong with the connection, or what the database said about the operations, none of
        which have any effect then.
        """
        with self._lock:
            stream = self._ready()
            self._next_id += 1
            number = self._next_id - 1
            try:
                stream.send({"method": "transact", "params": [DATABASE, *operations], "id": number})
                answer = self._answer(stream, number)
            except KernelError:
                self._drop()
                raise
        if answer.get("error"):
            raise KernelError(operation, target, errno.EPROTO, f"the database says: {answer['error']}")
        return _results(answer.get("result"), operation, target)

    def change(self, operations: Sequence[Operation], operation: str, target: str) -> list[dict[str, Any]]:
        """Transact operations that change something: all of them are done, or none."""
        with changing(operation, target):
            return self.transact(operations, operation, target)

    def _ready(self) -> Stream:
        """The stream, made anew where the one before is of no use: an idle one may have been given up by the server."""
        if self._stream is not None:
            try:
                self._stream.settle()
                return self._stream
            except KernelError:
                self._drop()
        self._stream = Stream(self.remote, self._timeout, self.tls)
        return self._stream

    def _answer(self, stream: Stream, number: int) -> Mapping[str, Any]:
        deadline = time.monotonic() + self._timeout
        while True:
            for message in stream.receive(deadline):
                if not isinstance(message, dict) or "id" not in message:
                    raise KernelError(ASK, self.remote, errno.EPROTO, "that is no answer of a database")
                if message["id"] == number:
                    return message

    def _drop(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def _results(found: Any, operation: str, target: str) -> list[dict[str, Any]]:
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
