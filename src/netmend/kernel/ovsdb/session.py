"""One connection to one server of a database, as a client that monitors it: requests, their answers and what comes
unasked share the connection (RFC 7047 section 4; ovsdb-server(7))."""

import errno
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from netmend.kernel.descriptors import readable
from netmend.kernel.errors import KernelError
from netmend.kernel.ovsdb.columns import Columns, columns_of
from netmend.kernel.ovsdb.connection import Operation, results
from netmend.kernel.ovsdb.stream import Stream, Tls

_SERVER: Final = "_Server"  # the database in which a server says what its databases are (ovsdb(7), "Clustered")


class NotHere(KernelError):
    """The server is none to talk to: another of the remotes may be."""


class Session:
    """Connected while it lives; every method raises KernelError once the connection is of no use any more."""

    def __init__(self, remote: str, database: str, operation: str, timeout: float, tls: Tls | None) -> None:
        """`operation` is for errors: what is asked of the remote."""
        self.remote, self._database, self._operation, self._timeout = remote, database, operation, timeout
        self._stream = Stream(remote, timeout, tls, operation)
        self._next_id = 0
        self._unasked: list[Mapping[str, Any]] = []  # notifications that came while an answer was waited for
        self.heard_at = time.monotonic()

    def fileno(self) -> int:
        return self._stream.fileno()

    def has_more(self) -> bool:
        """Whether there is something to hear, though the connection may not be readable for it."""
        return bool(self._unasked) or self._stream.has_more()

    def close(self) -> None:
        self._stream.close()

    def failure(self, code: int, detail: str) -> KernelError:
        return KernelError(self._operation, self.remote, code, detail)

    def ask(self, method: str, parameters: Sequence[Any]) -> Any:
        """Ask, and wait for the answer. Raises KernelError, with what the server said."""
        number = self.send(method, parameters)
        deadline = time.monotonic() + self._timeout
        answer: Mapping[str, Any] | None = None
        while answer is None:
            for message in self._stream.receive(deadline):
                if isinstance(message, dict) and message.get("id") == number and "method" not in message:
                    answer = message
                else:
                    self._unasked.append(message)
        self.heard_at = time.monotonic()
        if answer.get("error"):
            raise self.failure(errno.EPROTO, f"the database says: {_sentence(answer['error'])}")
        return answer.get("result")

    def send(self, method: str, parameters: Sequence[Any]) -> int:
        """Send a request; returns the id of its answer."""
        self._next_id += 1
        self._stream.send({"method": method, "params": list(parameters), "id": self._next_id})
        return self._next_id

    def transact(self, operations: Sequence[Operation], operation: str, target: str) -> list[dict[str, Any]]:
        """All operations or none (`netmend.kernel.ovsdb.connection.Connection.transact`)."""
        return results(self.ask("transact", [self._database, *operations]), operation, target)

    def hear(self, seconds: float | None, *others: int) -> list[Mapping[str, Any]]:
        """Wait for what comes unasked, at most so long; empty when nothing came, or one of the descriptors `others` can
        be read."""
        if not self._unasked:
            if not self._stream.has_more() and self.fileno() not in readable(self.fileno(), *others, seconds=seconds):
                return []
            try:
                self._unasked += self._stream.receive(time.monotonic() + self._timeout)
            except KernelError as error:
                if error.code != errno.ETIMEDOUT:  # then only the server's probe came, or half a message
                    raise
            self.heard_at = time.monotonic()
        heard, self._unasked = self._unasked, []
        return heard

    def columns(self) -> Columns:
        """The columns of the database; raises KernelError when the server has no such database."""
        try:
            return columns_of(self.ask("get_schema", [self._database]))
        except ValueError as error:
            raise self.failure(errno.EPROTO, str(error)) from None
        except KernelError as error:
            if error.detail and "unknown database" in error.detail:
                raise self.failure(errno.ENOENT, self._no_such_database()) from None
            raise

    def _no_such_database(self) -> str:
        found = [str(one) for one in self.ask("list_dbs", []) if one != _SERVER]
        return (
            f"it has no database {self._database}, but {', '.join(found) or 'none at all'}; is its port the right one?"
        )

    def refuse_useless_server(self, *, leader_only: bool) -> None:
        """Watch whether the server is part of its cluster, and its leader if that matters; `useless` says when it is no
        more. Raises NotHere when it is not now."""
        requests = {"Database": [{"columns": ["name", "model", "connected", "leader"]}]}
        try:
            found = self.ask("monitor_cond", [_SERVER, _SERVER, requests])
        except KernelError as error:
            if error.detail is None:
                raise
            return  # an old server, which knows of no clusters
        self._databases: dict[str, dict[str, Any]] = {}
        why = self.useless(found, leader_only=leader_only)
        if why:
            raise NotHere(self._operation, self.remote, errno.EAGAIN, why)

    def useless(self, updates: Mapping[str, Any], *, leader_only: bool) -> str | None:
        """Why the server is of no use, by what it says of its databases in `updates`; None while it is of use."""
        for uuid, change in updates.get("Database", {}).items():
            row = change.get("initial") or change.get("insert") or change.get("modify")
            self._databases.setdefault(uuid, {}).update(row or {})
        for row in self._databases.values():
            if row.get("name") == self._database and row.get("model") == "clustered":
                if not row.get("connected"):
                    return "this server is cut off from its cluster"
                if leader_only and not row.get("leader"):
                    return "this server is not the leader of its cluster"
        return None


def of_server(message: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The updates in a message about the server itself; None where the message is about the database."""
    parameters = message.get("params")
    if message.get("method") == "update2" and isinstance(parameters, list) and parameters[0] == _SERVER:
        return parameters[1] if isinstance(parameters[1], dict) else {}
    return None


def _sentence(error: Any) -> str:
    if isinstance(error, dict):
        return ": ".join(str(error[key]) for key in ("error", "details") if error.get(key))
    return str(error)
