"""Questions for servers: which to ask, when to ask the next, and which guests wait for the answer.

Queries with one answer are asked once. A server that is silent may answer late while the next is tried, so a slow one
costs no guest its answer; one that was silent to a network twice is that network's last choice for a while, and when
all are, one try is made. What a network's guests ask counts against that network alone.
"""

import os
import time
from collections.abc import Callable, Sequence
from functools import partial

from msgspec import Struct, field

from netmend.intent import DnsServer
from netmend.services.dns import DnsResponder, Entry, Forward, Verdict, ask, judge
from netmend.services.dns.io.exchange import Exchange, TcpExchange
from netmend.services.dns.io.limits import Limits, Traffic
from netmend.services.dns.query import Query
from netmend.services.shared.io.loop import Loop

# Seconds until the next server is tried: together they end before guests give up (5 s, resolver(3)).
TRIES: tuple[float, ...] = (0.8, 1.2, 1.2, 1.3)
ONE_TRY = (2.5,)
_WRONG_MAX = 8  # messages that are no answer, until the question is put over TCP, where no forger can slip one in
_SILENCES = 2
_SHUNNED = 10.0  # seconds

Deliver = Callable[[bytes], None]


class Waiting(Struct):
    """A query that waits. `asker` tells a repetition from another query."""

    query: Query
    guest: str
    asker: object
    deliver: Deliver


class _Pending(Struct):
    forward: Forward
    schedule: list[tuple[DnsServer, float]]
    waiting: list[Waiting]
    exchanges: list[Exchange] = field(default_factory=list)
    tries: int = 0
    done: bool = False


class Asking:
    """The questions that one network has under way. Only the loop's thread uses it, once it is made."""

    def __init__(self, responder: DnsResponder, traffic: Traffic, servers: Callable[[], Sequence[DnsServer]]) -> None:
        """`servers` gives the servers to ask, best first."""
        self.responder, self.traffic, self.servers = responder, traffic, servers
        self.pending: dict[tuple[bytes, int, int], _Pending] = {}
        self.of_guest: dict[str, int] = {}
        self._silent: dict[DnsServer, tuple[int, float]] = {}

    def schedule(self, now: float, servers: Sequence[DnsServer] | None = None) -> list[tuple[DnsServer, float]]:
        """Which server to ask when: of `servers`, else of the network's."""
        servers = list(self.servers() if servers is None else servers)
        if not servers:
            return []
        good = [server for server in servers if not self._is_shunned(server, now)]
        if not good:
            return list(zip(servers, ONE_TRY, strict=False))
        ordered = good + [server for server in servers if server not in good]
        return [(ordered[number % len(ordered)], seconds) for number, seconds in enumerate(TRIES)]

    def _is_shunned(self, server: DnsServer, now: float) -> bool:
        silences, until = self._silent.get(server, (0, 0.0))
        return silences >= _SILENCES and now < until

    def was_silent(self, server: DnsServer, now: float) -> None:
        silences, _ = self._silent.get(server, (0, 0.0))
        self._silent[server] = silences + 1, now + _SHUNNED

    def has_spoken(self, server: DnsServer) -> None:
        self._silent.pop(server, None)


class Forwarder:
    """Asks for all networks; in the loop's thread."""

    def __init__(self, loop: Loop, limits: Limits) -> None:
        self._loop, self._limits = loop, limits
        self._under_way = 0

    def submit(self, asking: Asking, forward: Forward, waiting: Waiting) -> bool:
        """Ask, and deliver what comes of it; False when that will be nothing.

        A guest with too many questions under way is not answered, and asks again, nor is a question that is repeated;
        where a network, or the node, has too many under way, the answer is SERVFAIL.
        """
        pending = asking.pending.get(forward.key)
        if pending is not None and any(waiting.asker == other.asker for other in pending.waiting):
            return False
        if asking.of_guest.get(waiting.guest, 0) >= self._limits.forwards_of_guest:
            asking.traffic.crowded += 1
            return False
        if pending is not None:
            if len(pending.waiting) >= self._limits.waiting_for_forward:
                asking.traffic.crowded += 1
                return False
            pending.waiting.append(waiting)
            _count(asking, waiting.guest, 1)
            return True
        network_full = len(asking.pending) >= self._limits.forwards_of_network
        if network_full or self._under_way >= self._limits.forwards_of_node:
            asking.traffic.crowded += 1
            waiting.deliver(asking.responder.refuse(waiting.query))
            return True
        now = time.monotonic()
        pending = asking.pending[forward.key] = _Pending(forward, asking.schedule(now, forward.servers), [waiting])
        _count(asking, waiting.guest, 1)
        self._under_way += 1
        self._try_next(asking, pending)
        return True

    def drop(self, asking: Asking) -> None:
        """Let go of all that a network has under way, without an answer."""
        for pending in list(asking.pending.values()):
            self._end(asking, pending)

    # --- tries ----------------------------------------------------------------------------------------------------

    def _try_next(self, asking: Asking, pending: _Pending) -> None:
        """Ask the next of the schedule; when no server is left to try or to wait for, fail."""
        while pending.tries < len(pending.schedule):
            server, seconds = pending.schedule[pending.tries]
            pending.tries += 1
            number = pending.tries
            if self._start(asking, pending, server, tcp=False, edns=True):
                when = time.monotonic() + seconds
                self._loop.call_at(when, partial(self._timed_out, asking, pending, server, number))
                return
        if not pending.exchanges:
            self._finish(asking, pending, None)

    def _start(self, asking: Asking, pending: _Pending, server: DnsServer, *, tcp: bool, edns: bool) -> bool:
        asked = ask(pending.forward.query, os.urandom, edns=edns)
        exchange = (TcpExchange if tcp else Exchange)(
            self._loop,
            server,
            asked,
            heard=lambda exchange, message: self._heard(asking, pending, exchange, message),
            failed=lambda exchange, error: self._failed(asking, pending, exchange),
        )
        try:
            exchange.start()
        except OSError:
            asking.was_silent(server, time.monotonic())
            return False
        pending.exchanges.append(exchange)
        return True

    def _timed_out(self, asking: Asking, pending: _Pending, server: DnsServer, number: int) -> None:
        if pending.done or pending.tries != number:
            return
        asking.traffic.unanswered += 1
        asking.was_silent(server, time.monotonic())
        if number < len(pending.schedule):
            self._try_next(asking, pending)
        else:
            self._finish(asking, pending, None)

    def _failed(self, asking: Asking, pending: _Pending, exchange: Exchange) -> None:
        """The socket says that no server is there."""
        if pending.done:
            return
        asking.was_silent(exchange.server, time.monotonic())
        self._instead_of(asking, pending, exchange)

    def _instead_of(self, asking: Asking, pending: _Pending, exchange: Exchange) -> None:
        """An exchange that will give nothing: the next at once, where this was the last that was begun."""
        latest = pending.exchanges[-1:] == [exchange]
        exchange.close()
        if exchange in pending.exchanges:
            pending.exchanges.remove(exchange)
        if latest or not pending.exchanges:
            self._try_next(asking, pending)

    def _heard(self, asking: Asking, pending: _Pending, exchange: Exchange, message: bytes) -> None:
        if pending.done:
            return
        verdict = judge(exchange.asked, message)
        if verdict is Verdict.NOT_OURS:
            asking.traffic.forged += 1
            exchange.wrong += 1
            if exchange.wrong >= _WRONG_MAX or exchange.tcp:
                self._ask_again(asking, pending, exchange, tcp=True, edns=exchange.asked.edns)
            return
        asking.has_spoken(exchange.server)
        if verdict is Verdict.TRUNCATED or verdict is Verdict.OTHER_CASE:
            if exchange.tcp and verdict is Verdict.OTHER_CASE:
                verdict = self._judge_without_case(exchange, message)
            else:
                self._ask_again(asking, pending, exchange, tcp=True, edns=exchange.asked.edns)
                return
        if verdict is Verdict.NO_EDNS:
            self._ask_again(asking, pending, exchange, tcp=exchange.tcp, edns=False)
        elif verdict is Verdict.GOOD:
            entry = asking.responder.take(exchange.asked, message, pending.forward, time.monotonic())
            if entry is None:
                self._instead_of(asking, pending, exchange)
            else:
                self._finish(asking, pending, entry)
        else:
            self._instead_of(asking, pending, exchange)

    @staticmethod
    def _judge_without_case(exchange: Exchange, message: bytes) -> Verdict:
        """Over TCP, a server that does not keep the case of names is believed all the same."""
        size = len(exchange.asked.question)
        return judge(exchange.asked, message[:12] + exchange.asked.question + message[12 + size :])

    def _ask_again(self, asking: Asking, pending: _Pending, exchange: Exchange, *, tcp: bool, edns: bool) -> None:
        """The same server, once more, in another way; unless that was the other way."""
        if exchange.tcp == tcp and exchange.asked.edns == edns:
            self._instead_of(asking, pending, exchange)
            return
        if not self._start(asking, pending, exchange.server, tcp=tcp, edns=edns):
            self._instead_of(asking, pending, exchange)
            return
        exchange.close()
        pending.exchanges.remove(exchange)

    # --- the end --------------------------------------------------------------------------------------------------

    def _finish(self, asking: Asking, pending: _Pending, entry: Entry | None) -> None:
        self._end(asking, pending)
        now = time.monotonic()
        if entry is None:
            entry = asking.responder.fail(pending.forward, now)
        for waiting in pending.waiting:
            waiting.deliver(asking.responder.compose(waiting.query, entry, now))

    def _end(self, asking: Asking, pending: _Pending) -> None:
        pending.done = True
        for exchange in pending.exchanges:
            exchange.close()
        pending.exchanges.clear()
        if asking.pending.get(pending.forward.key) is pending:
            del asking.pending[pending.forward.key]
            self._under_way -= 1
            for waiting in pending.waiting:
                _count(asking, waiting.guest, -1)


def _count(asking: Asking, guest: str, by: int) -> None:
    left = asking.of_guest.get(guest, 0) + by
    if left > 0:
        asking.of_guest[guest] = left
    else:
        asking.of_guest.pop(guest, None)
