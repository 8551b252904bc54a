"""Guests that go on asking by DHCP, DNS and HTTP while their node is exchanged: each as its client does, for as long as
its client does. One thread asks for all of them.
"""

import contextlib
import errno
import selectors
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from netmend.kernel.netns import Netns

GUEST, SERVER, METADATA = "10.0.0.11", "10.0.0.2", "169.254.169.254"
MAC = "52:54:00:00:00:01"  # on every network the same
# Seconds after which a client asks again, and at the end gives up: RFC 2131 section 4.1; resolv.conf(5); cloud-init.
PATIENCE = {"DHCP": (4.0, 8.0, 16.0, 32.0), "DNS": (5.0, 5.0), "metadata": (50.0, 50.0)}
_AFTER_REFUSAL = 1.0  # seconds until metadata is asked for again whose connection was refused or cut
_IN_PROGRESS = {errno.EINPROGRESS, errno.EAGAIN}


def renewal(number: int) -> bytes:
    """DHCPREQUEST of a guest that renews (RFC 2131 section 4.3.2), with `number` as xid."""
    fixed = struct.pack("!4BIHH4s12s", 1, 1, 6, 0, number, 0, 0, socket.inet_aton(GUEST), bytes(12))
    return fixed + bytes.fromhex(MAC.replace(":", "")) + bytes(10 + 192) + bytes.fromhex("63825363 350103 ff")


def question(number: int) -> bytes:
    """A DNS query for an A record of one.openstacklocal (RFC 1035 section 4), with `number` as id."""
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + b"\x03one\x0eopenstacklocal\0\0\x01\0\x01"


@dataclass(slots=True)
class Count:
    """What became of the requests of one kind."""

    asked: int = 0
    answered: int = 0
    again: int = 0  # asked once more: no answer in time, or a connection cut or refused
    unanswered: int = 0  # within the client's patience
    longest: float = 0.0  # seconds to an answer


@dataclass(slots=True)
class _Pending:
    kind: str
    guest: int
    number: int
    asked_at: float
    due: float  # then it is asked again, or given up
    tries: int = 0
    connection: socket.socket | None = None
    sent: bool = False


@dataclass(slots=True)
class Load:
    """All guests, each in a namespace of its own; `pace` of them ask for all three a second, in turns."""

    guests: Sequence[Netns]
    pace: float
    counts: dict[str, Count] = field(default_factory=lambda: {kind: Count() for kind in PATIENCE})
    _waiting: dict[tuple[str, int, int], _Pending] = field(default_factory=dict)
    _sockets: dict[tuple[str, int], socket.socket] = field(default_factory=dict)
    _answered_at: dict[str, list[float]] = field(default_factory=dict)  # by kind and guest: the newest answer
    _turn: int = 0
    _last: float = 0.0
    _looked: float = 0.0
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def open(self) -> None:
        for guest, namespace in enumerate(self.guests):
            with namespace.entered():
                for kind, own in (("DHCP", 68), ("DNS", 40053)):
                    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    made.bind((GUEST, own))
                    made.setblocking(False)
                    self._sockets[kind, guest] = made
                    self._selector.register(made, selectors.EVENT_READ, (kind, guest))
        self._answered_at = {kind: [0.0] * len(self.guests) for kind in PATIENCE}
        self._last = time.monotonic()

    def close(self) -> None:
        for pending in self._waiting.values():
            if pending.connection is not None:
                pending.connection.close()
        for made in self._sockets.values():
            made.close()
        self._selector.close()

    def answered_since(self, when: float) -> int:
        """How many guests have had answers of all kinds since."""
        return sum(min(newest) > when for newest in zip(*self._answered_at.values(), strict=True))

    def is_waiting(self) -> bool:
        return bool(self._waiting)

    def turn(self, *, ask: bool = True) -> None:
        """Ask for those whose turn it is, hear what comes for some milliseconds, ask again what is overdue."""
        now = time.monotonic()
        while ask and now - self._last > 1.0 / self.pace:
            self._last += 1.0 / self.pace
            guest, number = self._turn % len(self.guests), self._turn // len(self.guests) + 1
            self._turn += 1
            for kind in PATIENCE:
                self.counts[kind].asked += 1
                pending = _Pending(kind, guest, number, now, now + PATIENCE[kind][0])
                self._waiting[kind, guest, number] = pending
                self._ask(pending)
        for key, _ in self._selector.select(0.005):
            if isinstance(key.data, _Pending):
                self._hear_http(key.data)
            else:
                self._hear(*key.data)
        if now - self._looked > 0.2:
            self._looked = now
            for pending in [one for one in self._waiting.values() if one.due < now]:
                self._overdue(pending, now)

    def _ask(self, pending: _Pending) -> None:
        if pending.kind == "metadata":
            self._connect(pending)
            return
        port, message = (67, renewal(pending.number)) if pending.kind == "DHCP" else (53, question(pending.number))
        with contextlib.suppress(OSError):  # "nobody is there": of the question before
            self._sockets[pending.kind, pending.guest].sendto(message, (SERVER, port))

    def _hear(self, kind: str, guest: int) -> None:
        with contextlib.suppress(OSError):  # nothing more; "nobody is there"
            while True:
                answer = self._sockets[kind, guest].recv(4096)
                number = int.from_bytes(answer[4:8] if kind == "DHCP" else answer[0:2], "big")
                if (pending := self._waiting.get((kind, guest, number))) is not None:
                    self._answered(pending)

    def _answered(self, pending: _Pending) -> None:
        now, count = time.monotonic(), self.counts[pending.kind]
        count.answered += 1
        count.longest = max(count.longest, now - pending.asked_at)
        self._answered_at[pending.kind][pending.guest] = now
        del self._waiting[pending.kind, pending.guest, pending.number]

    def _overdue(self, pending: _Pending, now: float) -> None:
        self._disconnect(pending)
        count, steps = self.counts[pending.kind], PATIENCE[pending.kind]
        if now - pending.asked_at >= sum(steps):
            count.unanswered += 1
            del self._waiting[pending.kind, pending.guest, pending.number]
            return
        count.again += 1
        pending.tries = min(pending.tries + 1, len(steps) - 1)
        pending.due = now + steps[pending.tries]
        self._ask(pending)

    def _connect(self, pending: _Pending) -> None:
        with self.guests[pending.guest].entered():
            made = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        pending.connection, pending.sent = made, False
        code = made.connect_ex((METADATA, 80))
        if code and code not in _IN_PROGRESS:
            self._cut(pending)
            return
        self._selector.register(made, selectors.EVENT_WRITE, pending)

    def _hear_http(self, pending: _Pending) -> None:
        connection = pending.connection
        assert connection is not None
        try:
            if not pending.sent:
                connection.send(b"GET /openstack HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n\r\n")
                pending.sent = True
                self._selector.modify(connection, selectors.EVENT_READ, pending)
                return
            answer = connection.recv(4096)
        except OSError:
            answer = b""
        if answer.startswith(b"HTTP/1.1 200"):
            self._disconnect(pending)
            self._answered(pending)
        else:
            self._cut(pending)

    def _cut(self, pending: _Pending) -> None:
        self._disconnect(pending)
        pending.due = time.monotonic() + _AFTER_REFUSAL

    def _disconnect(self, pending: _Pending) -> None:
        if pending.connection is not None:
            with contextlib.suppress(KeyError):
                self._selector.unregister(pending.connection)
            pending.connection.close()
            pending.connection = None
