"""One network of the server: which guests may connect, how often, and how many are connected."""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address

from msgspec import Struct, field

from netmend.services.metadata import MetadataResponder
from netmend.services.metadata.io.limits import Limits
from netmend.services.metadata.io.request_counts import RequestCounts
from netmend.services.shared.rate_limit import RateLimit

STRANGER = None  # the key of all guests that are no port, together


class Tally(Struct):
    """Connections of all networks together."""

    open: int = 0


class Refused(Struct):
    """Connections and requests that were refused, by reason."""

    too_often: int = 0  # 429
    too_many_open: int = 0  # 503
    not_http: int = 0  # 400, 413, 431
    errors: dict[str, int] = field(default_factory=dict)  # of the sockets: "accept EMFILE"


class Endpoint:
    """One network's listeners, responder and open connections. The server's thread alone uses all but the counters."""

    __slots__ = (
        "_connects", "_open", "_refusals", "_requests", "_tally", "closed", "counts", "in_flight", "limits",
        "listeners", "network_id", "refused", "responder", "total",
    )  # fmt: skip

    def __init__(
        self,
        network_id: str,
        responder: MetadataResponder,
        listeners: tuple[socket.socket, ...],
        limits: Limits,
        tally: Tally,
    ) -> None:
        self.network_id, self.responder, self.listeners, self.limits = network_id, responder, listeners, limits
        self._tally = tally
        self._open: dict[str | None, int] = {}
        self._connects = RateLimit(limits.connection_rate, limits.connection_burst)
        self._requests = RateLimit(limits.guest_rate, limits.guest_burst)
        self._refusals = RateLimit(limits.refusals_rate, limits.refusals_burst)
        self.counts = RequestCounts()
        self.total = 0
        self.refused = Refused()
        self.closed = False
        self.in_flight: asyncio.Semaphore | None = None  # made with the first request to Nova

    def admits(self, source: IPv4Address | IPv6Address, now: float) -> tuple[str | None, int]:
        """The guest that connects, and 0 when it may, else the status to tell it."""
        port = self.responder.knows(source)
        guest = STRANGER if port is None else port.id
        if not self._connects.allow(guest, now):
            self.refused.too_often += 1
            return guest, 429
        if self._is_full(guest):
            self.refused.too_many_open += 1
            return guest, 503
        return guest, 0

    def _is_full(self, guest: str | None) -> bool:
        limits = self.limits
        return (
            self._open.get(guest, 0) >= limits.guest_connections
            or self.total >= limits.network_connections
            or (self._tally.open >= limits.connections and self.total >= limits.spared_connections)
        )

    def admits_request(self, guest: str | None, now: float) -> bool:
        if self._requests.allow(guest, now):
            return True
        self.refused.too_often += 1
        return False

    def has_spent(self, guest: str | None, now: float) -> bool:
        """Whether a request of the guest would get 429."""
        return self._requests.spent(guest, now)

    def may_refuse(self, now: float) -> bool:
        """Whether to go on refusing in words, rather than to hear no guest for a moment."""
        return self._refusals.allow(None, now)

    def connected(self, guest: str | None) -> None:
        self._open[guest] = self._open.get(guest, 0) + 1
        self.total += 1
        self._tally.open += 1

    def disconnected(self, guest: str | None) -> None:
        self._tally.open -= 1
        self.total -= 1
        remaining = self._open[guest] - 1
        if remaining:
            self._open[guest] = remaining
        else:
            del self._open[guest]

    def semaphore(self) -> asyncio.Semaphore:
        if self.in_flight is None:
            self.in_flight = asyncio.Semaphore(self.limits.in_flight)
        return self.in_flight
