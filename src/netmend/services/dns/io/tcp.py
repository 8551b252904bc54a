"""DNS over TCP (RFC 7766) on one address of a network: connections of guests, none of which holds up another.

Queries are pipelined and answered as answers come. What a guest can hold is bounded: connections, queries under way,
octets that it does not take; and time, for a message to come in whole, for an answer to be taken, and for nothing.
"""

import socket
import time
from collections.abc import Callable
from select import EPOLLIN, EPOLLOUT
from typing import Any

from msgspec import Struct

from netmend.services.dns import wire
from netmend.services.dns.io.limits import Limits
from netmend.services.dns.io.served import Served
from netmend.services.shared.io.loop import Loop

_LENGTH = 2  # octets before each message (RFC 1035 section 4.2.2)
_READ_SIZE = 16 << 10
_QUERY_MAX = 4096  # octets; no query is as long
_ACCEPTED = 8  # connections taken in one turn
_REST = 0.25  # seconds that a listener is left alone after an error, such as no descriptor being left


class NodeConnections(Struct):
    """The number of connections on all networks."""

    count: int = 0


class Connections:
    """All connections of a network. Used in the loop's thread."""

    def __init__(self, limits: Limits, node: NodeConnections) -> None:
        self.limits, self._node = limits, node
        self.all: dict[Connection, None] = {}  # oldest first
        self.of_guest: dict[str, int] = {}

    def room_for(self, guest: str) -> bool:
        """Whether one more may come. The connection that has waited longest makes room for it, if it can."""
        if self.of_guest.get(guest, 0) >= self.limits.connections_of_guest:
            return False
        if self._node.count >= self.limits.connections_of_node:
            return False
        if len(self.all) < self.limits.connections_of_network:
            return True
        idle = next((connection for connection in self.all if connection.is_idle), None)
        if idle is not None:
            idle.close()
        return idle is not None

    def add(self, connection: "Connection") -> None:
        self.all[connection] = None
        self.of_guest[connection.guest] = self.of_guest.get(connection.guest, 0) + 1
        self._node.count += 1

    def remove(self, connection: "Connection") -> None:
        if self.all.pop(connection, connection) is connection:
            return
        left = self.of_guest[connection.guest] - 1
        if left:
            self.of_guest[connection.guest] = left
        else:
            del self.of_guest[connection.guest]
        self._node.count -= 1

    def close(self) -> None:
        for connection in list(self.all):
            connection.close()


class Listener:
    """One listening socket, owned from `join` on."""

    def __init__(
        self,
        loop: Loop,
        served: Served,
        listener: socket.socket,
        *,
        connections: Connections,
        failed: Callable[[str, OSError], None],
    ) -> None:
        self._loop, self._served, self._listener = loop, served, listener
        self._connections, self._failed = connections, failed

    def join(self) -> None:
        """Be served from now on; raises OSError when the kernel cannot watch more."""
        if self._listener.getblocking():
            self._listener.setblocking(False)
        self._loop.add(self._listener.fileno(), self._turn)

    def leave(self) -> None:
        self._loop.remove(self._listener.fileno(), self._listener.close)

    def close(self) -> None:
        self._listener.close()

    def _turn(self) -> None:
        traffic = self._served.traffic
        for _ in range(_ACCEPTED):
            try:
                accepted, source = self._listener.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                self._failed("accept", error)
                self._loop.rest(self._listener.fileno(), _REST)
                return
            guest = source[0]
            if not self._served.may_ask(guest, time.monotonic()) or not self._connections.room_for(guest):
                traffic.connections_refused += 1
                accepted.close()
                continue
            traffic.connections += 1
            accepted.setblocking(False)
            try:
                Connection(self._loop, self._served, accepted, source, connections=self._connections).join()
            except OSError as error:
                accepted.close()
                self._failed("watch", error)


class Connection:
    """One guest's."""

    def __init__(
        self, loop: Loop, served: Served, accepted: socket.socket, source: Any, *, connections: Connections
    ) -> None:
        self.guest: str = source[0]
        self._loop, self._served, self._socket, self._source = loop, served, accepted, source
        self._connections, self._limits = connections, connections.limits
        self._received, self._unsent = bytearray(), bytearray()
        self._under_way = 0
        self._ended = self._closed = False  # the guest sends no more; the connection is no more
        self._events = EPOLLIN
        self._moved = self._begun = time.monotonic()  # when an octet went out or a message came in; when one began

    def join(self) -> None:
        self._loop.add(self._socket.fileno(), self._turn)
        self._connections.add(self)
        self._loop.call_at(self._moved + self._limits.message, self._look_at_time)

    @property
    def is_idle(self) -> bool:
        return not (self._received or self._unsent or self._under_way)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._connections.remove(self)
        self._loop.remove(self._socket.fileno(), self._socket.close)

    def _turn(self) -> None:
        try:
            self._write()
            if self._has_message():
                pass
            elif self._may_read():
                self._read()
            else:  # woken for its end, of which nothing is heard otherwise
                self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            pass
        except OSError:  # the guest has gone
            self.close()
            return
        self._answer_some()
        self._await_next()

    def _may_read(self) -> bool:
        return (
            not self._ended
            and self._under_way < self._limits.queries_of_connection
            and len(self._unsent) < self._limits.unsent
        )

    def _read(self) -> None:
        octets = self._socket.recv(_READ_SIZE)
        if not octets:
            self._ended = True
            return
        if not self._received:
            self._begun = time.monotonic()
        self._received += octets

    def _write(self) -> None:
        if self._unsent:
            sent = self._socket.send(self._unsent)
            del self._unsent[:sent]
            self._moved = time.monotonic()

    def _is_nonsense(self) -> bool:
        """Whether what comes next says that it is no query."""
        received = self._received
        return len(received) >= _LENGTH and not wire.HEADER_SIZE <= received[0] << 8 | received[1] <= _QUERY_MAX

    def _has_message(self) -> bool:
        received = self._received
        return len(received) >= _LENGTH and len(received) >= _LENGTH + (received[0] << 8 | received[1])

    def _answer_some(self) -> None:
        for _ in range(self._limits.turn_of_connection):
            if self._is_nonsense():
                self._served.traffic.connections_cut += 1
                self.close()
            if self._closed or not self._has_message() or self._under_way >= self._limits.queries_of_connection:
                return
            size = self._received[0] << 8 | self._received[1]
            message = bytes(self._received[_LENGTH : _LENGTH + size])
            del self._received[: _LENGTH + size]
            now = self._moved = self._begun = time.monotonic()
            if not self._served.may_ask(self.guest, now):
                self._served.traffic.connections_cut += 1
                self.close()
                return
            self._ask(message)

    def _ask(self, message: bytes) -> None:
        self._under_way += 1
        if not self._served.answer(message, self.guest, self, self._deliver, tcp=True):
            self._under_way -= 1

    def _deliver(self, answer: bytes) -> None:
        self._under_way -= 1
        if self._closed:
            return
        self._unsent += len(answer).to_bytes(_LENGTH, "big") + answer
        self._served.traffic.sent += 1
        try:
            self._write()
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        self._await_next()

    def _await_next(self) -> None:
        """Ask the loop for what can go on; a turn at once where messages are left, behind all others that are ready."""
        if self._closed:
            return
        if self._ended and not self._has_message() and not self._unsent and not self._under_way:
            self.close()
            return
        ready = self._has_message() and self._under_way < self._limits.queries_of_connection
        events = (EPOLLIN if self._may_read() else 0) | (EPOLLOUT if self._unsent or ready else 0)
        if events != self._events:
            self._events = events
            self._loop.wait_for(self._socket.fileno(), events)

    def _look_at_time(self) -> None:
        if self._closed:
            return
        now = time.monotonic()
        if self._unsent or self._under_way or not self._received:
            due = self._moved + self._limits.idle
        else:
            due = self._begun + self._limits.message
        if now >= due:
            if self._received or self._unsent:
                self._served.traffic.connections_cut += 1
            self.close()
            return
        self._loop.call_at(min(due, now + self._limits.message), self._look_at_time)
