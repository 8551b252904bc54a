"""The responder of one network: queries in, answers or questions for others out, intent changes in between.

The fast way: what a query was answered is kept by the octets of the whole query but its id, so the next that is put
alike is answered by one look-up. An answer that rests on a TTL is kept so for the rest of its second.
"""

from threading import Lock

from msgspec import Struct
from msgspec.structs import asdict

from netmend.intent import DnsServer, Network
from netmend.services.dns import names, upstream, wire
from netmend.services.dns.addresses import Region
from netmend.services.dns.cache import Cache, Entry, failure
from netmend.services.dns.domains import Domains
from netmend.services.dns.found import Elsewhere, Found, Nothing
from netmend.services.dns.guests import Guests
from netmend.services.dns.local import Local
from netmend.services.dns.private import PrivateAddresses
from netmend.services.dns.query import Malformed, Query, parse_query
from netmend.services.dns.reply import compose, compose_body, name_at, record
from netmend.services.leases.names import LeasedNames
from netmend.services.shared.port_changes import changed_ports

LOCAL_TTL = 30  # seconds: of the network's own names, and of their absence
REMEMBERED = 4096  # queries with their answers at hand
_HINFO = b"\x07RFC8482\0"  # RFC 8482 section 4.2
_HINFO_TTL = 3789  # section 4.2's example
_RNAME = names.from_text("nobody.invalid")  # RFC 6303 section 3
_TIMES = b"".join(number.to_bytes(4, "big") for number in (3600, 1200, 604_800, LOCAL_TTL))
_FOR_EVER = float("inf")
_NOT_ANSWERED = {wire.AXFR, wire.IXFR, wire.TKEY, wire.TSIG}


class Counters(Struct):
    """Queries by what became of them, those answered from memory not counted again; and forwards that failed."""

    local: int = 0
    cached: int = 0
    forwarded: int = 0
    refused: int = 0
    malformed: int = 0
    failed: int = 0  # SERVFAIL: no server had an answer
    rebinding: int = 0  # answers with private addresses, refused

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


class Forward(Struct, frozen=True):
    """A question that others are to be asked. Queries of one `key` have one answer. `servers` are those of a domain
    that has its own; None: the network's."""

    query: Query
    servers: tuple[DnsServer, ...] | None = None

    @property
    def key(self) -> tuple[bytes, int, int]:
        return self.query.key


class DnsResponder:
    """Answers the queries of one network from its intent, and from what others have said. `update` may be called from
    any thread, all else from one."""

    def __init__(self, network: Network, domains: Domains, leased: LeasedNames | None = None) -> None:
        """`domains` are those of all networks of the node; the node enters this one's. `leased` are the network's
        dynamic leases, which DHCP enters."""
        self.counters = Counters()
        self.cache = Cache()
        self._lock = Lock()
        self._updating = Lock()
        self._domains, self._domains_seen = domains, domains.version
        self._leased = LeasedNames() if leased is None else leased
        self._leased_seen = self._leased.version
        self._serial = 1
        self._remembered: dict[bytes, tuple[bytes, float]] = {}  # by query without id: answer without, and until when
        self._network = network
        self._local = Local(network, domains, self._leased)
        self._configure(network)

    @property
    def network(self) -> Network:
        return self._network

    def remembered(self, message: bytes, now: float) -> bytes | None:
        """The answer to a query over UDP that was put in just these words before; the common way."""
        found = self._remembered.get(message[2:])
        if found is None or now >= found[1] or self._is_stale():
            return None
        return message[:2] + found[0]

    def handle(self, message: bytes, now: float, *, tcp: bool = False) -> bytes | Forward | None:
        """The answer to a message, what to ask others before there is one, or None for silence. Never raises.

        `now` is in seconds of a monotonic clock.
        """
        query = parse_query(message, tcp=tcp)
        if isinstance(query, Malformed):
            self.counters.malformed += 1
            return query.answer
        with self._lock:
            if self._is_stale():
                self._domains_seen, self._leased_seen = self._domains.version, self._leased.version
                self._remembered.clear()
            answer, until = self._answer(query, now)
            if isinstance(answer, Forward):
                return answer
            if until > now and not tcp and len(message) <= wire.PLAIN_SIZE:
                if len(self._remembered) >= REMEMBERED:
                    del self._remembered[next(iter(self._remembered))]
                self._remembered[message[2:]] = answer[2:], until
            return answer

    def take(self, asked: upstream.Asked, answer: bytes, forward: Forward, now: float) -> Entry | None:
        """A server's answer, judged GOOD, as an entry that is kept; None when its records make no sense."""
        private = self._private if forward.servers is None else None  # a domain of its own may well be private
        entry = upstream.read_answer(asked, answer, private, now)
        if entry is not None:
            if entry.error == wire.EDE_BLOCKED:
                self.counters.rebinding += 1
            with self._lock:
                self.cache.put(forward.key, entry)
        return entry

    def fail(self, forward: Forward, now: float) -> Entry:
        """Answer SERVFAIL where no server had an answer, and keep that for a moment (RFC 9520)."""
        self.counters.failed += 1
        entry = failure(now, wire.EDE_NO_REACHABLE_AUTHORITY)
        with self._lock:
            self.cache.put(forward.key, entry)
        return entry

    def compose(self, query: Query, entry: Entry, now: float) -> bytes:
        """The answer to `query` that an entry is."""
        flags = wire.RA | entry.rcode
        return compose_body(query, flags, entry.counts, entry.body_at(entry.age(now)), error=entry.error)

    def refuse(self, query: Query) -> bytes:
        """SERVFAIL, for want of room to ask."""
        return compose(query, wire.RA | wire.SERVFAIL)

    def update(self, network: Network) -> None:
        """Answer from this intent of the same network from now on. Work is in proportion to what changed."""
        with self._updating:
            old = self._network
            removed, added = changed_ports(old.ports, network.ports)
            with self._lock:
                self._network = network
                self._serial += 1
                reconfigured = (network.subnets, network.subnets6, network.dns, network.project_id) != (
                    old.subnets,
                    old.subnets6,
                    old.dns,
                    old.project_id,
                )
                if reconfigured:
                    self._local = Local(network, self._domains, self._leased)
                    self._configure(network)
                    self.cache.clear()
                else:
                    self._local.directory.change(removed, added)
                    self.guests.forget()
                self._remembered.clear()

    def in_own_zone(self, name: bytes, rdtype: int, apex: int) -> Found | None:
        """As `netmend.services.dns.sharing.Neighbour` has it."""
        with self._lock:
            return self._local.in_own_zone(name, rdtype, apex)

    def in_own_subnet(self, name: bytes, rdtype: int, region: Region) -> Found | None:
        """As `netmend.services.dns.sharing.Neighbour` has it."""
        with self._lock:
            return self._local.in_own_subnet(name, rdtype, region)

    def _is_stale(self) -> bool:
        """Whether domains or leases have changed since what is remembered was said."""
        return self._domains_seen != self._domains.version or self._leased_seen != self._leased.version

    # --- with the lock held ---------------------------------------------------------------------------------------

    def _configure(self, network: Network) -> None:
        owners = self._local.directory.owners
        self.guests = Guests(network, owners.__contains__)
        dns = network.dns
        self._forwards = dns is not None and dns.forward
        self._recurses = self._forwards or (dns is not None and bool(dns.forward_domains))
        self._private = None if dns is not None and dns.allow_private else PrivateAddresses(self._local.blocks)

    def _answer(self, query: Query, now: float) -> tuple[bytes | Forward, float]:
        """The answer, and until when it is the same."""
        counters, recursion = self.counters, wire.RA if self._recurses else 0
        if query.type == wire.OPT:
            counters.malformed += 1
            return compose(query, recursion | wire.FORMERR), _FOR_EVER
        if query.type in (wire.MAILA, wire.MAILB):
            return compose(query, recursion | wire.NOTIMP), _FOR_EVER
        if query.rdclass != wire.IN or query.type in _NOT_ANSWERED:
            counters.refused += 1
            return compose(query, recursion | wire.REFUSED, error=wire.EDE_NOT_SUPPORTED), _FOR_EVER
        found = self._local.look_up(query.name, query.type)
        servers = None
        if isinstance(found, Elsewhere):
            servers = found.servers
        elif found is not None:
            counters.local += 1
            until = now + LOCAL_TTL if self._leased else _FOR_EVER  # a lease ends without a change
            if not found.lasts:
                until = now
            return self._compose_found(query, found, recursion), until
        if query.type == wire.ANY:
            return compose(query, recursion, [record(0, wire.HINFO, _HINFO_TTL, _HINFO)]), _FOR_EVER
        if (servers is None and not self._forwards) or not query.flags & wire.RD:
            # Without RD, the cache gives no answer either: it would say what other guests have asked.
            counters.refused += 1
            return compose(query, recursion | wire.REFUSED, error=wire.EDE_PROHIBITED), _FOR_EVER
        entry = self.cache.get(query.key, now)
        if entry is not None:
            counters.cached += 1
            age = entry.age(now)
            until = entry.since + min(age + 1, entry.ttl)
            return self.compose(query, entry, now), until
        counters.forwarded += 1
        return Forward(query, servers), now

    def _compose_found(self, query: Query, found: Found, recursion: int) -> bytes:
        flags = recursion | (wire.AA if found.authoritative else 0)
        data, apex = found.data, found.apex
        if isinstance(data, Nothing):
            if query.type == wire.ANY and data is Nothing.NODATA:
                return compose(query, flags, [record(0, wire.HINFO, _HINFO_TTL, _HINFO)])
            authority = [] if apex is None else [record(apex, wire.SOA, LOCAL_TTL, self._soa(apex))]
            return compose(query, flags | (wire.NXDOMAIN if data is Nothing.NXDOMAIN else 0), (), authority)
        if query.type == wire.SOA:
            data = (self._soa(0),)
        elif query.type == wire.NS:
            data = (name_at(0),)
        return compose(query, flags, [record(0, query.type, LOCAL_TTL, item) for item in data])

    def _soa(self, apex: int) -> bytes:
        return name_at(apex) + _RNAME + self._serial.to_bytes(4, "big") + _TIMES
