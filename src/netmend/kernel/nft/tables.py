"""A table of ours: read, compared, made anew, and its sets changed."""

import errno
import struct
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from netmend.ground.nftables import Chain, Element, Rule, Set, Table, key_of
from netmend.kernel.errors import KernelError
from netmend.kernel.netlink import NLA_F_NESTED, NLM_F_CREATE, nested, parse_attributes, text
from netmend.kernel.nft.encode import be32, encode_elements, encode_expressions, encode_rule, encode_set
from netmend.kernel.nft.socket import NftSocket

NEWTABLE, GETTABLE, DELTABLE = 0, 1, 2  # NFT_MSG_*, linux/netfilter/nf_tables.h
NEWCHAIN, GETCHAIN, DELCHAIN = 3, 4, 5
NEWRULE, GETRULE, DELRULE = 6, 7, 8
NEWSET, GETSET = 9, 10
NEWSETELEM, GETSETELEM, DELSETELEM = 12, 13, 14
_NLM_F_APPEND: Final = 0x800
_OWNER, _PERSIST = 0x2, 0x4  # NFT_TABLE_F_*
_ACCEPT: Final = 1
_GOTO: Final = struct.pack("!i", -4)
_DATA_VERDICT: Final = struct.pack("!I", 0xFFFFFF00)
_AT_A_TIME: Final = 500  # elements of one message, whose list is to be shorter than 64 KiB
_NETLINK_HEADERS: Final = 20
_KNOWS_NO_OWNERS: Final = {errno.EOPNOTSUPP, errno.EINVAL}
_NOT_KNOWN: Final = {errno.ENOENT, errno.EOPNOTSUPP, errno.EPROTO, errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT}

Change = tuple[int, int, bytes]  # kind, flags, attributes


class TableSeen(Struct, frozen=True):
    """What is there: whether sets, chains and rules are those wanted, and the elements. `others` is the number of
    transactions of others that the socket told by then (`NftSocket.others`)."""

    is_right: bool
    elements: frozenset[Element]
    others: int


def read_table(nft: NftSocket, wanted: Table) -> TableSeen:
    """What is there of the table; raises KernelError."""
    while True:
        others = nft.others()
        is_right = _chains_are_right(nft, wanted) and _sets_are_right(nft, wanted) and _rules_are_right(nft, wanted)
        elements = frozenset(_elements(nft, wanted)) if is_right else frozenset()
        if nft.others() == others:
            return TableSeen(is_right, elements, others)


def read_changed(nft: NftSocket, wanted: Table, known: TableSeen | None) -> TableSeen:
    """What is there of the table: `known`, where nobody else has changed any rules since. Raises KernelError."""
    if known is not None and nft.others() == known.others:
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
    changes += [change for chain in wanted.chains for change in _rules_of(wanted, chain)]
    order = {described.name: number for number, described in enumerate(wanted.sets)}
    in_order = sorted(elements, key=lambda element: order[element.set])
    _commit(nft, changes, _changes_of(wanted, NEWSETELEM, in_order))


def remake_own(nft: NftSocket, wanted: Table, elements: Collection[Element]) -> bool:
    """The same with `own`, where the kernel knows owners, else without; returns whether it does. Raises KernelError."""
    try:
        remake(nft, wanted, elements, own=True)
    except KernelError as error:
        if error.code not in _KNOWS_NO_OWNERS:
            raise
        remake(nft, wanted, elements)
        return False
    return True


def change_elements(nft: NftSocket, wanted: Table, add: Collection[Element], remove: Collection[Element]) -> None:
    """Add and remove elements of a table that is right, in one transaction if the kernel takes it, else what is new
    first. Ranges go before those that come in their place, in the same transaction: the kernel takes none that overlaps
    another. Raises KernelError."""
    ranged = {described.name: _before_last(described) for described in wanted.sets if described.ranges}
    changed = sorted({*add, *remove})
    single = [one for one in changed if one.set not in ranged]
    ranges = [one for one in changed if one.set in ranged]
    units = [[change] for change in _changes_of(wanted, NEWSETELEM, [one for one in single if one in add])]
    for _, found in groupby(ranges, lambda one: (one.set, one.key[: ranged[one.set]])):
        near = list(found)
        gone = _changes_of(wanted, DELSETELEM, [one for one in near if one in remove])
        units.append([*gone, *_changes_of(wanted, NEWSETELEM, [one for one in near if one in add])])
    units += [[change] for change in _changes_of(wanted, DELSETELEM, [one for one in single if one in remove])]
    _commit_units(nft, [], units)


def _before_last(described: Set) -> int:
    """Octets of a key before its last field, in which it may be a range."""
    return len(key_of(*(bytes(field.length) for field in described.fields[:-1])))


def change_table(
    nft: NftSocket, before: Table, after: Table, add: Collection[Element], remove: Collection[Element]
) -> None:
    """Make the table `after` of `before`, which differs in chains without a hook, and add and remove elements, in one
    transaction. Where the kernel takes no more in one, chains that are new come first, which nothing leads to yet, and
    no chain and no key is ever without what it held or is to hold. Raises KernelError."""
    known = {chain.name: chain for chain in before.chains}
    wanted = {chain.name for chain in after.chains}
    new = [chain for chain in after.chains if chain.name not in known]
    name = text(1, after.name)
    made = [(NEWCHAIN, NLM_F_CREATE, name + _encode_chain(chain)) for chain in new]
    made += [change for chain in new for change in _rules_of(after, chain)]
    swapped: list[Change] = []
    for chain in after.chains:
        if chain.name in known and known[chain.name].rules != chain.rules:
            swapped += [(DELRULE, 0, name + text(2, chain.name)), *_rules_of(after, chain)]
    unwanted = [chain.name for chain in reversed(before.chains) if chain.name not in wanted]
    gone = [(DELCHAIN, 0, name + text(3, chain)) for chain in unwanted]  # each before those that it leads to
    rest = [*_by_keys(after, add, remove), gone]
    if sum(_size(change) for change in (*made, *swapped, *_flat(rest))) <= nft.most:
        nft.commit([*made, *swapped, *_flat(rest)])
        return
    _commit(nft, [], made)
    _commit_units(nft, swapped, rest)


def is_taken(nft: NftSocket, table: Table) -> bool:
    """Whether the kernel takes such a table; none is left. Raises KernelError where something else is wrong than that
    it does not know what the table has."""
    name = text(1, table.name)
    changes: list[Change] = [(NEWTABLE, NLM_F_CREATE, name)]
    changes += [(NEWCHAIN, NLM_F_CREATE, name + _encode_chain(chain)) for chain in table.chains]
    changes += [change for chain in table.chains for change in _rules_of(table, chain)]
    try:
        nft.commit([*changes, (DELTABLE, 0, name)])
    except KernelError as error:
        if error.code in _NOT_KNOWN:
            return False
        raise
    return True


def has_table(nft: NftSocket, wanted: Table) -> bool:
    """Whether there is a table of that name, whatever is in it. Raises KernelError."""
    return _flags(nft, wanted) is not None


def read_set(nft: NftSocket, wanted: Table, name: str) -> frozenset[Element]:
    """The elements of one set, whatever else is there; none where there is no such set. Raises KernelError."""
    only = replace(wanted, sets=tuple(described for described in wanted.sets if described.name == name))
    return frozenset(_elements(nft, only))


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
    _commit_units(nft, first, ([change] for change in rest))


def _commit_units(nft: NftSocket, first: Sequence[Change], rest: Iterable[Sequence[Change]]) -> None:
    """In as few transactions as the kernel takes; what is in one unit is in one of them."""
    batch, size = list(first), sum(map(_size, first))
    for unit in rest:
        more = sum(map(_size, unit))
        if batch and size + more > nft.most:
            nft.commit(batch)
            batch, size = [], 0
        batch += unit
        size += more
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
        name = elements[start].set
        verdicts = any(described.verdicts and described.name == name for described in wanted.sets)
        yield (
            kind,
            flags,
            text(1, wanted.name) + text(2, name) + encode_elements(elements[start:end], verdicts=verdicts),
        )
        start = end


def _rules_of(wanted: Table, chain: Chain) -> Iterator[Change]:
    head = text(1, wanted.name) + text(2, chain.name)
    for rule in chain.rules:
        yield NEWRULE, NLM_F_CREATE | _NLM_F_APPEND, head + encode_expressions(rule)


def _by_keys(wanted: Table, add: Collection[Element], remove: Collection[Element]) -> Iterator[list[Change]]:
    """What removes and adds elements, in parts that each are to be done at once: those of a key are in one part."""
    doomed, made = sorted(remove), sorted(add)
    while doomed or made:
        # As far as the first of both ends; a map's key may be in both, with what it held and what it is to hold.
        last = min((found[:_AT_A_TIME][-1][:2] for found in (doomed, made) if found), default=("", b""))
        parts = [_up_to(found, last) for found in (doomed, made)]
        yield [*_changes_of(wanted, DELSETELEM, parts[0]), *_changes_of(wanted, NEWSETELEM, parts[1])]
        doomed, made = doomed[len(parts[0]) :], made[len(parts[1]) :]


def _flat(parts: Iterable[Sequence[Change]]) -> list[Change]:
    return [change for part in parts for change in part]


def _up_to(elements: Sequence[Element], last: tuple[str, bytes]) -> Sequence[Element]:
    return elements[: bisect_right(elements, last, key=lambda element: element[:2])]


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
        found[_text(described.get(2))] = _of_set(described)
    return found == {described.name: _shape(described) for described in wanted.sets}


def _shape(described: Set) -> tuple[bytes | None, bytes, bytes | None]:
    return _of_set(parse_attributes(encode_set(described)))


def _of_set(attributes: Mapping[int, bytes]) -> tuple[bytes | None, bytes, bytes | None]:
    """The length of the key, the flags, and the type of what a map holds or, where that is no verdict, its length."""
    is_of_verdicts = attributes.get(6, b"") == _DATA_VERDICT
    return attributes.get(5), attributes.get(3, bytes(4)), attributes.get(6 if is_of_verdicts else 7)


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
                held = _held(parse_attributes(element[2])) if 2 in element else b""
                yield Element(described.name, parse_attributes(element[1])[1], end, held)


def _held(data: Mapping[int, bytes]) -> bytes:
    """What a map holds under a key: of a verdict to go on with a chain, its name; of any other, no name."""
    if 2 not in data:
        return data[1]
    verdict = parse_attributes(data[2])
    return (verdict.get(2, b"") if verdict.get(1) == _GOTO else b"").rstrip(b"\0")


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
