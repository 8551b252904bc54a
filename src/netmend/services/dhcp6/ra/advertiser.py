"""When to advertise: RFC 4861 section 6.2.4 (by itself) and 6.2.6 (when solicited).

Each advertisement has a time; the owner of a clock asks `due`, and calls `take` then. Guests can make it remember only
so much: beyond PENDING solicitations at once, one advertisement to all answers them.
"""

from ipaddress import IPv6Network
from random import Random
from typing import NamedTuple

from netmend.intent import Network
from netmend.services.dhcp6.ra import wire
from netmend.services.dhcp6.ra.advertisement import (
    INTERVAL,
    ROUTER_LIFETIME,
    advertisements,
    announced,
    in_a_routers_name,
    on_link,
)

INTERVAL_LEAST = INTERVAL / 3  # MinRtrAdvInterval, section 6.2.1
INITIAL_INTERVAL = 16.0  # MAX_INITIAL_RTR_ADVERT_INTERVAL, section 10
INITIAL = 3  # MAX_INITIAL_RTR_ADVERTISEMENTS
DELAY_MOST = 0.5  # MAX_RA_DELAY_TIME
DELAY_BETWEEN = 3.0  # MIN_DELAY_BETWEEN_RAS, of those to all nodes
PENDING = 64  # solicitations that wait for an answer of their own


class Advertisement(NamedTuple):
    """An ICMPv6 message, its checksum zero, to send with hop limit 255."""

    message: bytes
    destination: bytes  # IPv6 address, 16 octets
    mac: bytes | None  # of a host that asked; None when it goes to all nodes
    source: bytes | None = None  # IPv6 address; None: netmend's own link-local one


class Advertiser:
    """The router advertisements of one network. Times are seconds of any monotonic clock."""

    def __init__(self, network: Network, mac: bytes, now: float, routers: frozenset[bytes] = frozenset()) -> None:
        """`mac` is that of the device the advertisements leave by; `routers` are link-local addresses of default
        routers, in whose names too it advertises. The first is due at once."""
        self._network, self._mac, self._routers = network, mac, routers
        self._random = Random(network.id)  # no two networks of a node in step, and always the same
        self._withdrawn: tuple[IPv6Network, ...] = ()
        self._gone: frozenset[bytes] = frozenset()  # routers that were there
        self._messages = self._made()
        self._pending: dict[tuple[bytes, bytes], float] = {}
        self._initial = INITIAL
        self._next = now
        self._last = now - DELAY_BETWEEN  # when one last went to all
        self.sent = self.solicited = 0

    def update(self, network: Network, now: float, routers: frozenset[bytes] = frozenset()) -> None:
        """Advertise this intent of the same network. What is new, hosts hear soon and several times (section 6.2.4)."""
        old, self._network = self._network, network
        same_routers = routers == self._routers
        if network.subnets6 == old.subnets6 and network.mtu == old.mtu and network.dns == old.dns and same_routers:
            return
        # Where netmend advertises nothing any more, a router that speaks for itself is not contradicted.
        self._gone = (self._gone | self._routers) - routers if announced(network) else frozenset()
        self._routers = routers
        gone = set(map(on_link, announced(old))) | set(self._withdrawn)
        gone -= set(map(on_link, announced(network)))
        self._withdrawn = tuple(sorted(gone))
        messages = self._made()
        if messages != self._messages:
            self._messages = messages
            self._initial = INITIAL
            self._next = max(now, self._last + DELAY_BETWEEN)

    def solicit(self, source: bytes, mac: bytes, now: float) -> None:
        """A host has asked; `source` is its address, `mac` that of its frame."""
        self.solicited += 1
        if not self._messages:
            return
        due = now + self._random.uniform(0, DELAY_MOST)
        if source == wire.UNSPECIFIED or (len(self._pending) >= PENDING and (source, mac) not in self._pending):
            self._next = min(self._next, max(due, self._last + DELAY_BETWEEN))
        else:
            self._pending.setdefault((source, mac), due)

    @property
    def due(self) -> float | None:
        """The time of the next advertisement; None when there is none to come."""
        if not self._messages:
            return None
        return min(self._next, *self._pending.values()) if self._pending else self._next

    def take(self, now: float) -> list[Advertisement]:
        """Take the advertisements that are due now."""
        if not self._messages:
            return []
        messages = self._messages
        ready = [host for host, due in self._pending.items() if due <= now]
        if self._next <= now:
            ready = [(wire.ALL_NODES, b"")]
            self._pending.clear()  # they hear it too
            self._after_all(now)
        for host in ready:
            self._pending.pop(host, None)
        self.sent += len(ready) * len(messages)
        return [
            Advertisement(message, destination, mac or None, source)
            for destination, mac in ready
            for source, message in messages
        ]

    def _made(self) -> tuple[tuple[bytes | None, bytes], ...]:
        """All messages, each with its source."""
        network = self._network
        of_routers = [(router, ROUTER_LIFETIME) for router in sorted(self._routers)]
        of_routers += [(router, 0) for router in sorted(self._gone)]
        return (
            *((None, message) for message in advertisements(network, self._mac, self._withdrawn)),
            *((router, in_a_routers_name(network, lifetime)) for router, lifetime in of_routers),
        )

    def _after_all(self, now: float) -> None:
        self._last = now
        delay = self._random.uniform(INTERVAL_LEAST, INTERVAL)
        if self._initial > 1:
            delay = min(delay, INITIAL_INTERVAL)
        self._initial = max(0, self._initial - 1)
        self._next = now + delay
        if not self._initial and (self._withdrawn or self._gone):
            self._withdrawn, self._gone = (), frozenset()
            self._messages = self._made()
