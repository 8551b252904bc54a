"""The addresses of a security group's ports, at the cost of what changes.

A group may have tens of thousands of ports, which come and go one at a time; a set that is made anew for each of them
would cost milliseconds a port.
"""

from collections.abc import Iterable, Iterator, Set
from ipaddress import IPv4Network, IPv6Network

from netmend.intent.evolving_map import EvolvingMap
from netmend.intent.port import Port
from netmend.intent.security_group import Block


def blocks_of(port: Port) -> list[Block]:
    """All addresses that a member may send from: its fixed IPs and its allowed address pairs."""
    return [
        *(IPv4Network(int(address)) for address in port.fixed_ips),  # of a number: three times as fast
        *(IPv6Network(int(address)) for address in port.fixed_ips6),
        *(pair.block for pair in port.allowed_address_pairs),
    ]


class Members(Set[Block]):
    """An immutable set of blocks, each with the number of ports that have it."""

    __slots__ = ("_count",)

    def __init__(self, blocks: Iterable[Block] = ()) -> None:
        count: dict[Block, int] = {}
        for block in blocks:
            count[block] = count.get(block, 0) + 1
        self._count = EvolvingMap(count)

    def evolve(self, come: Iterable[Block], gone: Iterable[Block]) -> "Members":
        """These with one port more that has each block of `come`, and one less that has each of `gone`."""
        changes: dict[Block, int] = {}
        for blocks, difference in ((come, 1), (gone, -1)):
            for block in blocks:
                before = changes[block] if block in changes else self._count.get(block, 0)
                changes[block] = before + difference
        changed = {block: count or None for block, count in changes.items() if count != self._count.get(block, 0)}
        if not changed:
            return self
        new = Members.__new__(Members)
        new._count = self._count.evolve(changed)
        return new

    def differing(self, other: "Members") -> set[Block] | None:
        """Blocks that one of both may have alone; every such block is among them. None when only a full comparison can
        say."""
        return self._count.differing_keys(other._count)

    def __contains__(self, block: object) -> bool:
        return block in self._count

    def __iter__(self) -> Iterator[Block]:
        return iter(self._count)

    def __len__(self) -> int:
        return len(self._count)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Members):
            if self is other:
                return True
            if len(self) != len(other):
                return False
            if (blocks := self.differing(other)) is not None:
                return all((block in self) == (block in other) for block in blocks)
        return super().__eq__(other)

    def __hash__(self) -> int:
        return self._hash()

    def __repr__(self) -> str:
        return f"Members({sorted(map(str, self))})"
