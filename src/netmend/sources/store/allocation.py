"""Addresses of a subnet's allocation pools: the next free one, one in particular, and giving one back.

The free addresses are ranges in an index (`free_range`), so each of these looks at one or two rows, however many
addresses are taken. Addresses are octets here, big-endian: SQLite compares them as numbers.
"""

from collections.abc import Iterable, Sequence
from os import urandom
from sqlite3 import Connection
from uuid import uuid4

MAC_PREFIX = "fa:16:3e"  # Neutron's `base_mac`
MAC_TRIES = 32  # with 65,000 of 2^24 taken, one in 250 fails
Range = tuple[bytes, bytes]  # first and last, inclusive


def next_free(connection: Connection, subnet_id: str) -> bytes | None:
    """The lowest free address of a subnet's pools, which it takes; None when all are taken."""
    query = "SELECT first, last FROM free_range WHERE subnet_id = ? ORDER BY first LIMIT 1"
    found: Range | None = connection.execute(query, (subnet_id,)).fetchone()
    if found is None:
        return None
    _cut(connection, subnet_id, found, found[0])
    return found[0]


def take(connection: Connection, subnet_id: str, address: bytes) -> None:
    """See that `address` is not handed out; it may lie in no pool."""
    found = _at_or_before(connection, subnet_id, address)
    if found is not None and found[1] >= address:
        _cut(connection, subnet_id, found, address)


def give_back(connection: Connection, subnet_id: str, address: bytes, pools: Iterable[Range]) -> None:
    """Let `address` be handed out again, if it lies in a pool."""
    if not any(first <= address <= last for first, last in pools):
        return
    first = last = address
    before = _at_or_before(connection, subnet_id, address)
    if before is not None and before[1] >= address:
        return
    if before is not None and _next(before[1]) == address:
        first = before[0]
    query = "SELECT last FROM free_range WHERE subnet_id = ? AND first = ?"
    above = _next(address)
    after = connection.execute(query, (subnet_id, above)).fetchone() if above is not None else None
    if after is not None:
        last = after[0]
        connection.execute("DELETE FROM free_range WHERE subnet_id = ? AND first = ?", (subnet_id, above))
    connection.execute("REPLACE INTO free_range VALUES (?, ?, ?)", (subnet_id, first, last))


def lay_out(connection: Connection, subnet_id: str, pools: Iterable[Range], taken: Sequence[bytes]) -> None:
    """Make the free ranges anew: `pools` without the addresses `taken`, which are in order."""
    connection.execute("DELETE FROM free_range WHERE subnet_id = ?", (subnet_id,))
    rows: list[tuple[str, bytes, bytes]] = []
    for first, last in pools:
        start: bytes | None = first
        for address in taken:
            if start is None or not start <= address <= last:
                continue
            if start < address:
                rows.append((subnet_id, start, _previous(address)))
            start = _next(address)
        if start is not None and start <= last:
            rows.append((subnet_id, start, last))
    connection.executemany("INSERT INTO free_range VALUES (?, ?, ?)", rows)


def _at_or_before(connection: Connection, subnet_id: str, address: bytes) -> Range | None:
    query = "SELECT first, last FROM free_range WHERE subnet_id = ? AND first <= ? ORDER BY first DESC LIMIT 1"
    found: Range | None = connection.execute(query, (subnet_id, address)).fetchone()
    return found


def _cut(connection: Connection, subnet_id: str, found: Range, address: bytes) -> None:
    """Take `address` out of the free range `found`, which holds it."""
    first, last = found
    if address == first:
        if address == last:
            connection.execute("DELETE FROM free_range WHERE subnet_id = ? AND first = ?", (subnet_id, first))
        else:
            update = "UPDATE free_range SET first = ? WHERE subnet_id = ? AND first = ?"
            connection.execute(update, (_next(address), subnet_id, first))
        return
    update = "UPDATE free_range SET last = ? WHERE subnet_id = ? AND first = ?"
    connection.execute(update, (_previous(address), subnet_id, first))
    if address < last:
        connection.execute("INSERT INTO free_range VALUES (?, ?, ?)", (subnet_id, _next(address), last))


def _next(address: bytes) -> bytes | None:
    """The address above, None above the highest."""
    number = int.from_bytes(address) + 1
    return number.to_bytes(len(address)) if number < 1 << 8 * len(address) else None


def _previous(address: bytes) -> bytes:
    return (int.from_bytes(address) - 1).to_bytes(len(address))


def new_id() -> str:
    return str(uuid4())


def new_mac() -> str:
    return f"{MAC_PREFIX}:{urandom(3).hex(':')}"
