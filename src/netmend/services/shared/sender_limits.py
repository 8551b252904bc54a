"""Limits of what a guest may ask, by the MAC of its datagrams, applied before anything is parsed."""

from collections.abc import Callable

from msgspec import Struct

from netmend.services.shared.counters import SocketCounters
from netmend.services.shared.rate_limit import RateLimit

TURN = 16  # datagrams read from a socket before the next has its turn


class Limits(Struct, frozen=True):
    """Rates are datagrams a second; a burst is what may come at once.

    A DHCP client sends some ten datagrams when it boots and is silent for hours then.
    """

    port_rate: float = 50.0
    port_burst: int = 100
    strangers_rate: float = 200.0  # all MACs of a network that are no port's, together
    strangers_burst: int = 400
    turn: int = TURN  # datagrams read from a socket before the next has its turn


class SenderLimits:
    """The buckets of one network: one for each port, and one for all strangers."""

    __slots__ = ("_counters", "_knows", "_ports", "_strangers")

    def __init__(self, limits: Limits, knows: Callable[[bytes], bool], counters: SocketCounters) -> None:
        """`knows` tells whether a MAC is a port's; what is refused is counted in `counters`."""
        self._knows, self._counters = knows, counters
        self._ports = RateLimit(limits.port_rate, limits.port_burst)
        self._strangers = RateLimit(limits.strangers_rate, limits.strangers_burst)

    def allow(self, mac: bytes, now: float) -> bool:
        """Whether the sender may be heard now (seconds of any monotonic clock)."""
        if self._knows(mac):
            if self._ports.allow(mac, now):
                return True
            self._counters.limited_ports += 1
        else:
            if self._strangers.allow(None, now):
                return True
            self._counters.limited_strangers += 1
        return False
