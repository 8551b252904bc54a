"""A table of ours: read, compared, made anew, and its sets changed."""

import struct
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from netmend.ground.nftables import Chain, Element, Rule, Set, Table
from netmend.kernel.netlink import NLA_F_NESTED, NLM_F_CREATE, nested, parse_attributes, text
from netmend.kernel.nft.encode import be32, encode_elements, encode_expressions, encode_rule, encode_set
from netmend.kernel.nft.socket import NftSocket

NEWTABLE, GETTABLE, DELTABLE = 0, 1, 2  # NFT_MSG_*, linux/netfilter/nf_tables.h
NEWCHAIN, GETCHAIN = 3, 4
NEWRULE, GETRULE = 6, 7
NEWSET, GETSET = 9, 10
NEWSETELEM, GETSETELEM, DELSETELEM = 12, 13, 14
_NLM_F_APPEND: Final = 0x800
_OWNER, _PERSIST = 0x2, 0x4  # NFT_TABLE_F_*
_ACCEPT: Final = 1
_AT_A_TIME: Final = 500  # elements of one message, whose list is to be shorter than 64 KiB
_NETLINK_HEADERS: Final = 20

Change = tuple[int, int, bytes]  # kind, flags, attributes


@dataclass(frozen=True, slots=True)
class TableSeen:
    """What is there: whether sets, chains and rules are those wanted, and the elements."""

    is_right: bool
    elements: frozenset[Element]
    generation: int


def read_table(nft: NftSocket, wanted: Table) -> TableSeen:
    """What is there of the table; raises KernelError."""
    while True:
        generation = nft.generation()
        is_right = _chains_are_right(nft, wanted) and _sets_are_right(nft, wanted) and _rules_are_right(nft, wanted)
        elements = frozenset(_elements(nft, wanted)) if is_right else frozenset()
        if nft.generation() == generation:
            return TableSeen(is_right, elements, generation)


def read_changed(nft: NftSocket, wanted: Table, known: TableSeen | None) -> TableSeen:
    """What is there of the table: `known`, where nobody has changed any rules since. Raises KernelError."""
    if known is not None and nft.generation() == known.generation:
        return known
    return read_table(nft, wanted)


def remake(nft: NftSocket, wanted: Table, elements: Iterable[Element], *, own: bool = False) -> None:
    """Put the table in the place of whatever bears its name, with `elements`, in one transaction; in more where the
    kernel takes no more in one, and then the first elements in the order of `wanted.sets` come first. With `own`, it is
    the socket's, as `adopt` has it. Raises KernelError: EPERM where it is another socket's, EOPNOTSUPP where the kernel
    knows no owners."""
    name = text(1, wanted.name)
    changes = _removal(nft, wanted)
    changes.append((NEWTABLE, NLM_F_CREATE, name + (be32(2, _OWNER | _PERSIST) if own else b"")))
    for number, described in enumerate(wanted.sets, 1):
        changes.append(
            (NEWSET, NLM_F_CREATE, name + text(2, described.name) + be32(10, number) + encode_set(described))
        )
    changes += [(NEWCHAIN, NLM_F_CREATE, name + _encode_chain(chain)) for chain in wanted.chains]
    for chain in wanted.chains:
        head = name + text(2, chain.name)
        changes += [(NEWRULE, NLM_F_CREATE | _NLM_F_APPEND, head + encode_expressions(rule)) for rule in chain.rules]
    order = {described.name: number for number, described in enumerate(wanted.sets)}
    in_order = sorted(elements, key=lambda element: order[element.set])
    _commit(nft, changes, _changes_of(wanted, NEWSETELEM, in_order))


def change_elements(nft: NftSocket, wanted: Table, add: Collection[Element], remove: Collection[Element]) -> None:
    """Add and remove elements of a table that is right, in one transaction if the kernel takes it. Raises
    KernelError."""
    _commit(nft, [], [*_changes_of(wanted, NEWSETELEM, sorted(add)), *_changes_of(wanted, DELSETELEM, sorted(remove))])


def remove_table(nft: NftSocket, wanted: Table) -> None:
    """Raises KernelError."""
    nft.commit(_removal(nft, wanted))


def _removal(nft: NftSocket, wanted: Table) -> list[Change]:
    """What removes the table, be it there or not; one with flags must not be named without them."""
    name = text(1, wanted.name)
    removal: list[Change] = [(DELTABLE, 0, name)]
    return removal if _flags(nft, wanted) else [(NEWTABLE, NLM_F_CREATE, name), *removal]


def adopt(nft: NftSocket, wanted: Table) -> bool:
    """Make the table the socket's, where it was of one that is closed; False where it was not.

    The kernel lets nobody else change or flush it as long as the socket is open (Linux 5.12), and keeps it when that
    is closed (6.9; nft(8), flags owner and persist). Raises KernelError.
    """
    flags = _flags(nft, wanted)
    if flags is None or not flags & _PERSIST or flags & _OWNER:
        return False
    nft.commit([(NEWTABLE, 0, text(1, wanted.name) + be32(2, _OWNER | _PERSIST))])
    return True


def _flags(nft: NftSocket, wanted: Table) -> int | None:
    """The flags of the table of that name; None: there is none."""
    for data in nft.dump(GETTABLE):
        table = parse_attributes(data, 4)
        if _text(table.get(1)) == wanted.name:
            return int.from_bytes(table.get(2, b""), "big")
    return None


def _commit(nft: NftSocket, first: Sequence[Change], rest: Iterable[Change]) -> None:
    batch, size = list(first), sum(_size(change) for change in first)
    for change in rest:
        if size + _size(change) > nft.most and batch:
            nft.commit(batch)
            batch, size = [], 0
        batch.append(change)
        size += _size(change)
    if batch:
        nft.commit(batch)


def _size(change: Change) -> int:
    return len(change[2]) + _NETLINK_HEADERS


def _changes_of(wanted: Table, kind: int, elements: Sequence[Element]) -> Iterator[Change]:
    flags = NLM_F_CREATE if kind == NEWSETELEM else 0
    start = 0
    while start < len(elements):
        end = start
        while end < len(elements) and end - start < _AT_A_TIME and elements[end].set == elements[start].set:
            end += 1
        head = text(1, wanted.name) + text(2, elements[start].set)
        yield kind, flags, head + encode_elements(elements[start:end])
        start = end


def _encode_chain(chain: Chain) -> bytes:
    body = text(3, chain.name)
    if chain.hook is None:
        return body
    hook = nested(4, be32(1, chain.hook), be32(2, chain.priority))
    return body + hook + be32(5, _ACCEPT) + text(7, chain.type)


def _chains_are_right(nft: NftSocket, wanted: Table) -> bool:
    found: dict[str, tuple[int, int, str] | None] = {}  # hook, priority and type
    for data in nft.dump(GETCHAIN):
        chain = parse_attributes(data, 4)
        if _text(chain.get(1)) == wanted.name:
            name, hook = _text(chain.get(3)), parse_attributes(chain[4]) if 4 in chain else {}
            if not hook:
                found[name] = None
                continue
            number, priority = struct.unpack("!Ii", hook[1] + hook[2])
            found[name] = number, priority, _text(chain.get(7))
            if chain.get(5) != struct.pack("!I", _ACCEPT):
                return False
    return found == {
        chain.name: None if chain.hook is None else (chain.hook, chain.priority, chain.type) for chain in wanted.chains
    }


def _sets_are_right(nft: NftSocket, wanted: Table) -> bool:
    found = {}
    for data in nft.dump(GETSET, text(1, wanted.name)):
        described = parse_attributes(data, 4)
        found[_text(described.get(2))] = (described.get(5), described.get(3, bytes(4)), described.get(7))
    return found == {described.name: _shape(described) for described in wanted.sets}


def _shape(described: Set) -> tuple[bytes | None, bytes, bytes | None]:
    attributes = parse_attributes(encode_set(described))
    return attributes.get(5), attributes.get(3, bytes(4)), attributes.get(7)


def _rules_are_right(nft: NftSocket, wanted: Table) -> bool:
    found: dict[str, list[bytes]] = {}
    for data in nft.dump(GETRULE, text(1, wanted.name)):
        rule = parse_attributes(data, 4)
        found.setdefault(_text(rule.get(2)), []).append(rule.get(4, b""))
    for chain in wanted.chains:
        seen = found.get(chain.name, [])
        if len(seen) != len(chain.rules) or not all(map(_is_rule, seen, chain.rules)):
            return False
    return True


def _is_rule(expressions: bytes, rule: Rule) -> bool:
    """Whether the kernel shows this rule: it adds attributes to those it was given."""
    seen = [parse_attributes(item) for item in _list(expressions)]
    wanted = encode_rule(rule)
    return len(seen) == len(wanted) and all(
        _text(expression.get(1)) == name and _holds(expression.get(2, b""), body)
        for expression, (name, body) in zip(seen, wanted, strict=True)
    )


def _holds(seen: bytes, wanted: bytes) -> bool:
    """Whether all attributes `wanted` are `seen`."""
    found, start = parse_attributes(seen), 0
    while start + 4 <= len(wanted):
        length, kind = struct.unpack_from("=HH", wanted, start)
        payload = wanted[start + 4 : start + length]
        given = found.get(kind & 0x3FFF)
        if given is None or not (_holds(given, payload) if kind & NLA_F_NESTED else given == payload):
            return False
        start += (length + 3) & ~3
    return True


def _elements(nft: NftSocket, wanted: Table) -> Iterator[Element]:
    for described in wanted.sets:
        for data in nft.dump(GETSETELEM, text(1, wanted.name) + text(2, described.name)):
            for item in _list(parse_attributes(data, 4).get(3, b"")):
                element = parse_attributes(item)
                end = parse_attributes(element[10])[1] if 10 in element else b""
                held = parse_attributes(element[2])[1] if 2 in element else b""
                yield Element(described.name, parse_attributes(element[1])[1], end, held)


def _list(data: bytes) -> Iterator[bytes]:
    """The payloads of attributes that are all of one kind."""
    start = 0
    while start + 4 <= len(data):
        length = int.from_bytes(data[start : start + 2], "little")
        if length < 4:
            return
        yield data[start + 4 : start + length]
        start += (length + 3) & ~3


def _text(raw: bytes | None) -> str:
    return (raw or b"").rstrip(b"\0").decode(errors="replace")
