"""Watches for changes to ports and bridges in an Open vSwitch database (ovsdb-server(7), section 4.1.12, Monitor_Cond).

A change is only a hint to look again.
"""

import errno
import os
import time
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from netmend.kernel.descriptors import readable
from netmend.kernel.errors import KernelError
from netmend.kernel.ovsdb.connection import DATABASE, TIMEOUT
from netmend.kernel.ovsdb.stream import ASK, Stream, Tls

_BETWEEN_TRIES: Final = 0.2  # seconds: a connection to a socket that is not there costs a system call
_ID: Final = "netmend"


class PortsChanged(Struct, frozen=True):
    """`marks` of the ports that changed or are gone; with `everything`, look at all: bridges changed, or the connection
    was made anew."""

    marks: frozenset[str] = frozenset()
    everything: bool = False


class PortWatch:
    """Ports with `owner`, a key and a value, among their external_ids, each known by the value of the key `mark`."""

    def __init__(self, remote: str, owner: tuple[str, str], mark: str, tls: Tls | None = None) -> None:
        self._remote = remote
        self._tls = tls
        self._owner = owner
        self._mark = mark
        self._marks: dict[str, str] = {}  # by uuid of a row
        self._stream: Stream | None = None
        self._lost = False
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def wait(self) -> PortsChanged | None:
        """Block until something changed, connecting as often as it takes; None once `stop` was called."""
        while True:
            if self._stream is None:
                if self._connect():
                    again, self._lost = self._lost, False
                    if again:
                        return PortsChanged(everything=True)
                elif self._stopped(_BETWEEN_TRIES):
                    return None
                continue
            if not self._stream.has_more() and self._wake_read in readable(self._stream.fileno(), self._wake_read):
                return None
            try:
                heard = [self._hear(message) for message in self._stream.receive(time.monotonic() + TIMEOUT)]
            except KernelError as error:
                if error.code != errno.ETIMEDOUT:  # then only the server's probe came
                    self._drop()
                continue
            found = PortsChanged(frozenset().union(*(one.marks for one in heard)), any(one.everything for one in heard))
            if found.marks or found.everything:
                return found

    def stop(self) -> None:
        os.write(self._wake_write, b"x")

    def close(self) -> None:
        self._drop()
        for descriptor in (self._wake_read, self._wake_write):
            os.close(descriptor)

    def _stopped(self, seconds: float) -> bool:
        return bool(readable(self._wake_read, seconds=seconds))

    def _drop(self) -> None:
        self._lost = True
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _connect(self) -> bool:
        where = [["external_ids", "includes", ["map", [list(self._owner)]]]]
        requests = {
            "Bridge": [{"columns": ["name"]}],
            "Port": [{"columns": ["external_ids", "tag"], "where": where}],
            "Interface": [{"columns": ["external_ids", "type", "mtu_request", "error"], "where": where}],
        }
        try:
            self._stream = Stream(self._remote, TIMEOUT, self._tls)
            self._stream.send({"method": "monitor_cond", "params": [DATABASE, _ID, requests], "id": 0})
            messages = self._stream.receive(time.monotonic() + TIMEOUT)
            answer = next((one for one in messages if isinstance(one, dict) and one.get("id") == 0), None)
            if answer is None or not isinstance(answer.get("result"), dict):
                raise KernelError(ASK, self._remote, errno.EPROTO, "the database lets nobody monitor it")
        except KernelError:
            self._drop()
            return False
        self._marks = {}
        self._take(answer["result"])
        for message in messages:
            self._hear(message)
        return True

    def _hear(self, message: Any) -> PortsChanged:
        if not isinstance(message, dict) or message.get("method") != "update2":
            return PortsChanged()
        return self._take(message["params"][1])

    def _take(self, updates: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> PortsChanged:
        """Take in what changed. Inserted rows are noted, and are no reason to look: netmend made them."""
        marks: set[str] = set()
        everything = False
        for table, rows in updates.items():
            for uuid, change in rows.items():
                row = change.get("initial") or change.get("insert")
                if table == "Bridge":
                    everything = everything or "initial" not in change
                elif row is not None:
                    self._marks[uuid] = self._mark_of(row)
                elif "delete" in change:
                    marks.add(self._marks.pop(uuid, ""))
                else:
                    marks.add(self._marks.get(uuid, ""))
        return PortsChanged(frozenset(marks), everything)

    def _mark_of(self, row: Mapping[str, Any]) -> str:
        ids = row.get("external_ids", ["map", []])
        return next((str(value) for key, value in ids[1] if key == self._mark), "")
