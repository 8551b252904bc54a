"""Dynamic leases, of DHCPv4 and DHCPv6: which client without a fixed IP holds which address of a pool, until when.

Pure bookkeeping: time comes in as `now` (seconds since the epoch, so that leases outlive a restart), and what must
survive comes out of `take_changes`, to be stored before the client learns of it (RFC 2131 section 3.1 step 4).

A binding is *offered* (held for OFFER_HOLD), *leased*, or *declined* (the address is in use by an unknown host; kept
away for DECLINE_HOLD). A client has at most one binding in a subnet, an address at most one at all. A leased binding
that has expired or was released stays on record, so that its client gets the same address again, until the address is
needed: never-used addresses go first, then the one that expired longest ago.

Every operation takes O(log n) amortised, whatever the size of the pool, and the number of bindings is bounded: what
never expires cannot be made by offers alone, and beyond CAPACITY a subnet serves only clients it knows and those that
can take over an expired address. Two heaps order bindings by their end; entries that no longer hold are passed over,
and a heap that is mostly such entries is rebuilt.
"""

from collections import OrderedDict
from collections.abc import Container, Iterable, Iterator
from enum import IntEnum
from heapq import heapify, heappop, heappush
from math import inf

from msgspec import Struct
from msgspec.structs import replace

from netmend.intent import Subnet, Subnet6
from netmend.services.leases.names import LeasedNames

OFFER_HOLD = 30.0  # seconds an offered address waits for its REQUEST
DECLINE_HOLD = 600.0  # seconds a declined address is kept away from everybody
EXHAUSTED_HOLD = 120.0  # seconds a pool counts as exhausted: a client that waits asks again within 64 s (RFC 2131, 4.1)
CAPACITY = 65_536  # bindings per subnet
INFINITE = 0xFFFFFFFF  # a lease time without end: RFC 2131 section 3.3, RFC 8415 section 7.7


class LeaseState(IntEnum):
    FREE = 0  # of a change only: what was stored of the address is to be forgotten
    OFFERED = 1
    LEASED = 2
    DECLINED = 3


class Lease(Struct, frozen=True):
    """One binding. `address` is the address as a number; `client` is what tells its client from others, and `hardware`
    the hardware address that it has shown, which may be empty."""

    subnet_id: str
    address: int
    client: bytes
    hardware: bytes
    state: LeaseState
    expires: float  # seconds since the epoch; infinity for a lease without end


def packed(address: int) -> bytes:
    """An address in wire form: no IPv6 address that is leased is as small a number as one of IPv4."""
    return address.to_bytes(4 if address >> 32 == 0 else 16, "big")


class SubnetLeases:
    """The bindings of one subnet."""

    def __init__(self, subnet_id: str, changes: dict[int, Lease], names: LeasedNames) -> None:
        self._subnet_id = subnet_id
        self._changes = changes
        self._names = names
        self._by_client: dict[bytes, Lease] = {}
        self._by_address: dict[int, Lease] = {}
        self._held: list[tuple[float, int]] = []  # heap of (end, address): offered and declined
        self._leased: list[tuple[float, int]] = []  # heap of (end, address)
        self._free: OrderedDict[int, None] = OrderedDict()  # used before, oldest first
        self._pools: tuple[tuple[int, int], ...] = ()
        self._fresh: Iterator[int] = iter(())  # not yet looked at since `configure`
        self._stored: set[int] = set()  # addresses with a last binding on disk that is not FREE
        self._lease_time = 0.0
        self._taken: Container[int] = ()
        self._infrastructure: Container[int] = ()

    def configure(self, subnet: Subnet | Subnet6, infrastructure: Container[int], taken: Container[int]) -> None:
        """Set the pools and the lease time. Addresses in `infrastructure` and in `taken` (ports' fixed IPs, looked at
        each time) are never handed out; bindings that are no longer allowed lapse when their client next asks."""
        self._pools = tuple((int(pool.first), int(pool.last)) for pool in subnet.pools) if subnet.dynamic else ()
        self._fresh = (address for first, last in self._pools for address in range(first, last + 1))
        self._free.clear()
        self._lease_time = float("inf") if subnet.lease_time == INFINITE else float(subnet.lease_time)
        self._infrastructure, self._taken = infrastructure, taken

    def restore(self, lease: Lease) -> None:
        """Take back a stored binding."""
        self._stored.add(lease.address)
        self._bind(lease)
        if lease.state == LeaseState.LEASED:
            self._names.put(packed(lease.address), lease.hardware, b"", lease.expires)

    def __iter__(self) -> Iterator[Lease]:
        return iter(self._by_address.values())

    def holder(self, address: int, now: float) -> bytes | None:
        """The hardware address of the client that an address is leased to now."""
        lease = self._by_address.get(address)
        return lease.hardware if lease and lease.state == LeaseState.LEASED and lease.expires > now else None

    def allowed(self, address: int) -> bool:
        """Whether an address may be handed out at all."""
        return (
            any(first <= address <= last for first, last in self._pools)
            and address not in self._infrastructure
            and address not in self._taken
        )

    def find(self, client: bytes) -> Lease | None:
        """The client's binding on record, be it expired or no longer allowed."""
        return self._by_client.get(client)

    def offer(self, client: bytes, hardware: bytes, requested: int | None, now: float) -> Lease | None:
        """Hold an address for a client, in the order of RFC 2131 section 4.3.1: the one it has or had, the one it asks
        for, any. None when there is none left."""
        current = self._by_client.get(client)
        if current and not self.allowed(current.address):
            self._unbind(current)
            current = None
        if current:
            if current.state == LeaseState.LEASED and current.expires > now + OFFER_HOLD:
                return current
            address: int | None = current.address
        elif requested is not None and self._available(requested, now):
            address = requested
        else:
            address = self._allocate(now)
        if address is None:
            return None
        return self._bind(Lease(self._subnet_id, address, client, hardware, LeaseState.OFFERED, now + OFFER_HOLD))

    def take_over(self, old: bytes, client: bytes, hardware: bytes) -> None:
        """Give the lease that `old` has to `client`, which is the same guest and has none: a port that was no port, or
        was known by its identifier. Only a lease of the same hardware address is given."""
        lease = self._by_client.get(old)
        if lease is None or lease.state != LeaseState.LEASED or lease.hardware != hardware:
            return
        if client not in self._by_client and old != client:
            self._unbind(lease)
            self._store(self._bind(replace(lease, client=client)))

    def acquire(self, client: bytes, hardware: bytes, address: int, now: float, label: bytes = b"") -> Lease | None:
        """Lease an address to a client that calls itself `label`, or extend its lease. None when the address is
        another's, or not to be had."""
        bound = self._by_address.get(address)
        if not self.allowed(address) or (
            (bound is None or bound.client != client) and not self._available(address, now)
        ):
            return None
        if bound and bound.state == LeaseState.DECLINED and bound.expires > now:
            return None
        lease = Lease(self._subnet_id, address, client, hardware, LeaseState.LEASED, now + self._lease_time)
        return self._store(self._bind(lease), label)

    def withdraw(self, client: bytes) -> None:
        """Forget an offer: the client chose another server (RFC 2131 section 4.3.2)."""
        lease = self._by_client.get(client)
        if lease and lease.state == LeaseState.OFFERED:
            self._unbind(lease)

    def decline(self, client: bytes, address: int, now: float) -> bool:
        """Keep an address away, because its client found it in use. False when it is not this client's."""
        lease = self._by_client.get(client)
        if lease is None or lease.address != address:
            return False
        self._unbind(lease)
        self._store(self._bind(replace(lease, state=LeaseState.DECLINED, expires=now + DECLINE_HOLD)))
        return True

    def release(self, client: bytes, address: int, now: float) -> bool:
        """End a lease; it stays on record for its client. False when it is not this client's."""
        lease = self._by_client.get(client)
        if lease is None or lease.address != address:
            return False
        if lease.expires > now:
            ended = self._bind(replace(lease, expires=now))
            if lease.state == LeaseState.LEASED:
                self._store(ended)
        return True

    def make_available(self, address: int) -> None:
        """Give an address, which was a port's, back to the pool."""
        if self.allowed(address) and address not in self._by_address:
            self._free[address] = None

    # --- bookkeeping ----------------------------------------------------------------------------------------------

    def _available(self, address: int, now: float) -> bool:
        """Whether an address may be given to another client than the one that holds it."""
        if not self.allowed(address):
            return False
        bound = self._by_address.get(address)
        if bound is None:
            return len(self._by_address) < CAPACITY
        return bound.expires <= now

    def _allocate(self, now: float) -> int | None:
        """Any address: one used before and free, a never-used one, the one whose lease ended longest ago."""
        while self._held and self._held[0][0] <= now:
            end, address = heappop(self._held)
            bound = self._by_address.get(address)
            if bound and bound.expires == end and bound.state != LeaseState.LEASED:
                self._unbind(bound)
        if len(self._by_address) < CAPACITY:
            while self._free:
                address, _ = self._free.popitem(last=False)
                if address not in self._by_address and self.allowed(address):
                    return address
            for address in self._fresh:
                if address not in self._by_address and self.allowed(address):
                    return address
        while self._leased and self._leased[0][0] <= now:
            end, address = heappop(self._leased)
            bound = self._by_address.get(address)
            if bound and bound.expires == end and bound.state == LeaseState.LEASED:
                self._unbind(bound)
                if self.allowed(address):
                    self._free.pop(address, None)
                    return address
        return None

    def _bind(self, lease: Lease) -> Lease:
        """Make `lease` the one binding of its address and of its client."""
        if (bound := self._by_address.get(lease.address)) and bound.client != lease.client:
            self._unbind(bound)
        if lease.state != LeaseState.DECLINED:
            if (other := self._by_client.get(lease.client)) and other.address != lease.address:
                self._unbind(other)
            self._by_client[lease.client] = lease
        self._by_address[lease.address] = lease
        self._free.pop(lease.address, None)
        self._push(lease)
        return lease

    def _unbind(self, lease: Lease) -> None:
        del self._by_address[lease.address]
        if self._by_client.get(lease.client) is lease:
            del self._by_client[lease.client]
        self._free[lease.address] = None
        self._names.drop(packed(lease.address))
        if lease.address in self._stored:
            self._stored.discard(lease.address)
            self._changes[lease.address] = replace(lease, state=LeaseState.FREE)

    def _store(self, lease: Lease, label: bytes = b"") -> Lease:
        self._changes[lease.address] = lease
        self._stored.add(lease.address)
        if lease.state == LeaseState.LEASED:
            self._names.put(packed(lease.address), lease.hardware, label, lease.expires)
        else:
            self._names.drop(packed(lease.address))
        return lease

    def _push(self, lease: Lease) -> None:
        leased = lease.state == LeaseState.LEASED
        heap = self._leased if leased else self._held
        heappush(heap, (lease.expires, lease.address))
        if len(heap) > 2 * len(self._by_address) + 64:
            heap[:] = [
                (other.expires, other.address)
                for other in self._by_address.values()
                if (other.state == LeaseState.LEASED) == leased
            ]
            heapify(heap)


class LeaseTable:
    """The dynamic leases of a network, by subnet. Made once from what was stored, then owned by its responder.

    `turned_away` is when a client last got no address of any pool, in seconds since the epoch.
    """

    def __init__(self, stored: Iterable[Lease] = (), names: LeasedNames | None = None) -> None:
        """`names` follows the leases; several tables of one network may share it."""
        self.names = LeasedNames() if names is None else names
        self.turned_away = -inf
        self._changes: dict[int, Lease] = {}  # by address, so bounded; later changes win
        self._subnets: dict[str, SubnetLeases] = {}
        for lease in stored:
            self.of(lease.subnet_id).restore(lease)

    def of(self, subnet_id: str) -> SubnetLeases:
        """The leases of a subnet; made empty when there are none yet."""
        if subnet_id not in self._subnets:
            self._subnets[subnet_id] = SubnetLeases(subnet_id, self._changes, self.names)
        return self._subnets[subnet_id]

    def holder(self, address: int, now: float) -> bytes | None:
        """The hardware address of the client that an address is leased to now, in whichever subnet."""
        holders = (leases.holder(address, now) for leases in self._subnets.values())
        return next((holder for holder in holders if holder is not None), None)

    def keep_only(self, subnet_ids: Container[str]) -> None:
        """Forget subnets that are gone."""
        for key, leases in self._subnets.items():
            if key not in subnet_ids:
                for lease in leases:
                    self.names.drop(packed(lease.address))
        self._subnets = {key: leases for key, leases in self._subnets.items() if key in subnet_ids}

    @property
    def changed(self) -> bool:
        """Whether `take_changes` would give something."""
        return bool(self._changes)

    def take_changes(self) -> list[Lease]:
        """The leases that changed since the last call and must be stored, in no particular order."""
        changes = list(self._changes.values())
        self._changes.clear()
        return changes

    def __iter__(self) -> Iterator[Lease]:
        for leases in self._subnets.values():
            yield from leases
