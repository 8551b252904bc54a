"""Free addresses as ranges, held against a set of addresses."""

import sqlite3
from ipaddress import IPv4Address

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from netmend.ground.sqlite_file import statements_of
from netmend.sources.store import allocation
from netmend.sources.store.schema import MIGRATIONS

BASE = int(IPv4Address("10.0.0.0"))
NUMBERS = st.integers(0, 40)


def packed(number: int) -> bytes:
    return (BASE + number).to_bytes(4)


class Addresses(RuleBasedStateMachine):
    """Pools are 2-9, 10-15 and 20-30: two that touch, and a gap."""

    POOLS = ((2, 9), (10, 15), (20, 30))

    def __init__(self) -> None:
        super().__init__()
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        for statement in statements_of(MIGRATIONS[0]):
            self.connection.execute(statement)
        self.pools = [(packed(first), packed(last)) for first, last in self.POOLS]
        self.inside = {number for first, last in self.POOLS for number in range(first, last + 1)}
        self.taken: set[int] = set()

    @initialize(taken=st.sets(NUMBERS))
    def lay_out(self, taken: set[int]) -> None:
        self.taken = set(taken)
        allocation.lay_out(self.connection, "s", self.pools, [packed(number) for number in sorted(taken)])

    @rule()
    def next_free(self) -> None:
        found = allocation.next_free(self.connection, "s")
        free = sorted(self.inside - self.taken)
        assert found == (packed(free[0]) if free else None)
        if free:
            self.taken.add(free[0])

    @rule(number=NUMBERS)
    def take(self, number: int) -> None:
        allocation.take(self.connection, "s", packed(number))
        self.taken.add(number)

    @rule(number=NUMBERS)
    def give_back(self, number: int) -> None:
        if number in self.taken:
            allocation.give_back(self.connection, "s", packed(number), self.pools)
            self.taken.discard(number)

    @rule(number=NUMBERS)
    def give_back_twice(self, number: int) -> None:
        """What is free already stays so, once."""
        if number not in self.taken:
            allocation.give_back(self.connection, "s", packed(number), self.pools)

    @invariant()
    def ranges_are_what_is_free(self) -> None:
        rows = self.connection.execute("SELECT first, last FROM free_range ORDER BY first").fetchall()
        found = [number for first, last in rows for number in range(int.from_bytes(first), int.from_bytes(last) + 1)]
        assert found == [BASE + number for number in sorted(self.inside - self.taken)]


TestAddresses = Addresses.TestCase
TestAddresses.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_the_highest_and_the_lowest_address_of_all() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in statements_of(MIGRATIONS[0]):
        connection.execute(statement)
    whole = [(b"\x00" * 4, b"\xff" * 4)]
    allocation.lay_out(connection, "s", whole, [b"\xff" * 4])
    allocation.give_back(connection, "s", b"\xff" * 4, whole)
    assert connection.execute("SELECT first, last FROM free_range").fetchall() == whole
    allocation.take(connection, "s", b"\xff" * 4)
    assert allocation.next_free(connection, "s") == b"\x00" * 4
