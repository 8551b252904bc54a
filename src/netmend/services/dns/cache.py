"""Answers of other servers, kept as long as they allow (RFC 1035 section 7.4, RFC 2308, RFC 2181 section 8)."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from netmend.services.dns import wire

TTL_MAX = 86_400  # seconds; RFC 8767 section 4 has a cap of days
NEGATIVE_TTL_MAX = 10_800  # RFC 2308 section 5
FAILURE_TTL = 5  # RFC 9520 section 3.2: 1 s to 5 min
ENTRIES_MAX = 2048  # of one network
OCTETS_MAX = 512 << 10  # of one network
ENTRY_MAX = 8192  # larger ones are asked for each time
_OVERHEAD = 400  # octets that an entry costs beside its body, about


@dataclass(slots=True)
class Entry:
    """An answer without its header, question and OPT record, at the time `since` (seconds of a monotonic clock).

    `ttls` are the places of its records' TTLs in `body`; `ttl` is the lowest of them.
    """

    rcode: int
    counts: tuple[int, int, int]
    body: bytes
    ttls: tuple[int, ...]
    ttl: int
    since: float
    error: int | None = None  # RFC 8914
    _aged: tuple[int, bytes] = field(default=(0, b""), repr=False)

    def age(self, now: float) -> int:
        """Whole seconds, which the TTLs are less by now."""
        return max(0, int(now - self.since))

    def body_at(self, age: int) -> bytes:
        """The records at this age, with the seconds that are left."""
        if age == 0:
            return self.body
        if self._aged[0] == age:
            return self._aged[1]
        body = bytearray(self.body)
        for at in self.ttls:
            left = int.from_bytes(body[at : at + 4], "big") - age
            body[at : at + 4] = max(0, left).to_bytes(4, "big")
        self._aged = age, bytes(body)
        return self._aged[1]


def failure(now: float, error: int) -> Entry:
    """The answer when no server had one."""
    return Entry(wire.SERVFAIL, (0, 0, 0), b"", (), FAILURE_TTL, now, error)


class Cache:
    """Answers of one network, the oldest of which make room for new ones. Not thread-safe."""

    def __init__(self, entries: int = ENTRIES_MAX, octets: int = OCTETS_MAX) -> None:
        self._entries_max, self._octets_max = entries, octets
        self._entries: dict[Hashable, Entry] = {}
        self.octets = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable, now: float) -> Entry | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now - entry.since >= entry.ttl:
            self._drop(key)
            return None
        return entry

    def put(self, key: Hashable, entry: Entry) -> None:
        """Keep an answer, unless it is not to be kept (TTL 0) or too large."""
        if key in self._entries:
            self._drop(key)
        if entry.ttl <= 0 or len(entry.body) > ENTRY_MAX:
            return
        self._entries[key] = entry
        self.octets += len(entry.body) + _OVERHEAD
        while len(self._entries) > self._entries_max or self.octets > self._octets_max:
            self._drop(next(iter(self._entries)))

    def clear(self) -> None:
        self._entries.clear()
        self.octets = 0

    def _drop(self, key: Hashable) -> None:
        self.octets -= len(self._entries.pop(key).body) + _OVERHEAD
