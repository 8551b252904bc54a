"""The lease table against a model: clients come and go, ports take addresses, time passes, the process restarts."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.unit.services.dhcp4.guest import NOW, subnet

from netmend.intent import Pool
from netmend.services.leases import table as module
from netmend.services.leases.table import DECLINE_HOLD, OFFER_HOLD, Lease, LeaseState, LeaseTable, SubnetLeases

LEASE_TIME = 300
BASE = subnet(dynamic=True).cidr
ADDRESSES = [int(BASE[last]) for last in range(100, 106)]

clients = st.sampled_from([b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h"])
addresses = st.sampled_from([*ADDRESSES, ADDRESSES[0] - 1])


class LeaseModel(RuleBasedStateMachine):
    """What the model knows: who was promised what until when, which addresses are kept away, which are ports'."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.leased: dict[bytes, tuple[int, float]] = {}
        self.offered: dict[bytes, tuple[int, float]] = {}
        self.declined: dict[int, float] = {}
        self.ports: set[int] = set()
        self.stored: dict[int, Lease] = {}

    @initialize(first=st.integers(0, 2), last=st.integers(3, 5), split=st.booleans())
    def start(self, first: int, last: int, split: bool) -> None:
        ends = [(first, last)] if not split else [(first, first), (first + 2, last)]
        self.pools = tuple(Pool(BASE[100 + low], BASE[100 + high]) for low, high in ends if low <= high)
        self.restart()

    @rule()
    def restart(self) -> None:
        """Only what was handed out for storing survives."""
        self.store()
        table = LeaseTable(self.stored.values())
        intent = subnet(dynamic=True, pools=self.pools, lease_time=LEASE_TIME)
        self.table, self.leases = table, table.of(intent.id)
        self.leases.configure(intent, {int(BASE[1]), int(BASE[2])}, self.ports)
        self.offered.clear()

    def store(self) -> None:
        if hasattr(self, "table"):
            for lease in self.table.take_changes():
                if lease.state == LeaseState.FREE:
                    self.stored.pop(lease.address, None)
                else:
                    self.stored[lease.address] = lease

    # --- the model ---

    def pool(self) -> set[int]:
        return {int(BASE[0]) + n for n in range(256) if any(BASE[n] in pool for pool in self.pools)} - self.ports

    def promised_to_others(self, client: bytes) -> set[int]:
        promises = [*self.leased.items(), *self.offered.items()]
        held = {address for other, (address, until) in promises if other != client and until > self.now}
        return held | {address for address, until in self.declined.items() if until > self.now}

    def check_granted(self, client: bytes, address: int) -> None:
        assert address in self.pool()
        assert address not in self.promised_to_others(client)

    # --- what clients do ---

    @rule(client=clients, requested=st.none() | addresses)
    def discover(self, client: bytes, requested: int | None) -> None:
        for promises in (self.leased, self.offered):
            if promises.get(client, (None,))[0] not in self.pool():
                promises.pop(client, None)  # a port has it now, and the client has just given it up
        lease = self.leases.offer(client, client, requested, self.now)
        if lease is None:
            assert self.pool() <= self.promised_to_others(client), "an address was free"
            return
        self.check_granted(client, lease.address)
        held, until = self.leased.get(client, (None, 0.0))
        if until > self.now:
            assert lease.address == held, "a client's lease was not offered to it again"
        else:
            self.offered[client] = (lease.address, self.now + OFFER_HOLD)
            self.leased.pop(client, None)

    @rule(client=clients, address=addresses)
    def request(self, client: bytes, address: int) -> None:
        lease = self.leases.acquire(client, client, address, self.now)
        if lease is None:
            assert address not in self.pool() or address in self.promised_to_others(client)
            return
        assert lease.address == address
        self.check_granted(client, address)
        self.leased[client] = (address, self.now + LEASE_TIME)
        self.offered.pop(client, None)

    @rule(client=clients)
    def renew(self, client: bytes) -> None:
        address, until = self.leased.get(client, (0, 0.0))
        if until > self.now and address in self.pool():
            self.request(client, address)
            assert self.leased[client] == (address, self.now + LEASE_TIME), "a running lease was not renewed"

    @rule(client=clients)
    def choose_another_server(self, client: bytes) -> None:
        self.leases.withdraw(client)
        self.offered.pop(client, None)

    @rule(client=clients, address=addresses)
    def decline(self, client: bytes, address: int) -> None:
        if self.leases.decline(client, address, self.now):
            assert self.leased.pop(client, (None,))[0] == address or self.offered.pop(client, (None,))[0] == address
            self.offered.pop(client, None)
            self.declined[address] = self.now + DECLINE_HOLD
        else:
            running, until = self.leased.get(client, (None, 0.0))
            assert running != address or until <= self.now

    @rule(client=clients, address=addresses)
    def release(self, client: bytes, address: int) -> None:
        if self.leases.release(client, address, self.now):
            self.leased.pop(client, None)
            self.offered.pop(client, None)

    # --- what happens to the network ---

    @rule(seconds=st.sampled_from([1.0, OFFER_HOLD, LEASE_TIME / 2, LEASE_TIME, DECLINE_HOLD]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(address=st.sampled_from(ADDRESSES))
    def port_takes_or_gives_back(self, address: int) -> None:
        if address in self.ports:
            self.ports.remove(address)
            self.leases.make_available(address)
        else:
            self.ports.add(address)

    @invariant()
    def bindings_agree(self) -> None:
        if not hasattr(self, "leases"):
            return
        bound = list(self.leases)
        assert len({lease.address for lease in bound}) == len(bound)
        owners = [lease.client for lease in bound if lease.state != LeaseState.DECLINED]
        assert len(set(owners)) == len(owners)
        for lease in bound:
            if lease.state != LeaseState.DECLINED:
                assert self.leases.find(lease.client) is lease
        for client, (address, until) in self.leased.items():
            if until > self.now and address in self.pool():
                record = self.leases.find(client)
                assert record is not None
                assert (record.address, record.expires >= until) == (address, True)


LeaseModel.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestLeaseModel: Any = LeaseModel.TestCase


def small(**changes: Any) -> SubnetLeases:
    intent = subnet(dynamic=True, lease_time=LEASE_TIME, **changes)
    leases = LeaseTable().of(intent.id)
    leases.configure(intent, frozenset(), frozenset())
    return leases


def test_offers_alone_never_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest that makes up MACs gets as many offers as fit into the time that one is held, and no more bindings."""
    intent = subnet("10.0.0.0/8", dynamic=True)
    leases = small(cidr=intent.cidr, pools=(Pool(intent.cidr[1000], intent.cidr[-2]),))
    for n in range(3000):
        leases.offer(n.to_bytes(6, "big"), b"", None, NOW + n)
    assert len(list(leases)) <= OFFER_HOLD + 1


def test_bindings_are_bounded_whatever_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CAPACITY", 50)
    intent = subnet("10.0.0.0/8", dynamic=True)
    leases = small(cidr=intent.cidr, pools=(Pool(intent.cidr[1000], intent.cidr[-2]),))
    granted = [leases.acquire(n.to_bytes(6, "big"), b"", int(intent.cidr[1000 + n]), NOW) for n in range(80)]
    assert [lease is not None for lease in granted] == [True] * 50 + [False] * 30
    assert leases.offer(b"new", b"", None, NOW) is None
    assert leases.offer((7).to_bytes(6, "big"), b"", None, NOW) is not None  # on record
    assert leases.offer(b"new", b"", None, NOW + LEASE_TIME) is not None  # takes over an expired one
    assert len(list(leases)) == 50


def test_renewals_do_not_pile_up() -> None:
    leases = small()
    for n in range(10_000):
        leases.acquire(b"a", b"", ADDRESSES[0], NOW + n)
    assert len(leases._leased) < 100
    for n in range(10_000):
        leases.offer(b"b", b"", ADDRESSES[1], NOW + n)
    assert len(leases._held) < 100


def test_a_lease_without_end_stays() -> None:
    intent = subnet(dynamic=True, lease_time=0xFFFFFFFF)
    leases = LeaseTable().of(intent.id)
    leases.configure(intent, frozenset(), frozenset())
    lease = leases.acquire(b"a", b"", ADDRESSES[0], NOW)
    assert lease is not None
    assert lease.expires == float("inf")
    assert leases.acquire(b"b", b"", ADDRESSES[0], NOW + 10 * 365 * 86_400) is None
