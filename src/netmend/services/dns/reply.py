"""Answers in wire form: header, the question as it was asked, records, OPT; cut to what the client takes."""

from collections.abc import Iterable
from struct import Struct

from netmend.services.dns import wire
from netmend.services.dns.query import Query

_COUNTS = Struct("!HHHHH")  # flags, then the four counts
_RECORD = Struct("!HHHIH")  # pointer to the owner, type, class, TTL, length of the data
_POINTER = 0xC000 | wire.HEADER_SIZE  # to the question's name
_OPT_HEAD = b"\0" + wire.OPT.to_bytes(2, "big") + wire.EDNS_SIZE.to_bytes(2, "big") + b"\0\0"
_OPT = _OPT_HEAD + b"\0\0\0\0"
_OPT_DO = _OPT_HEAD + wire.DO.to_bytes(2, "big") + b"\0\0"


def record(offset: int, rdtype: int, ttl: int, data: bytes) -> bytes:
    """Make a record; its owner is the part of the question's name from `offset` on."""
    return _RECORD.pack(_POINTER + offset, rdtype, wire.IN, ttl, len(data)) + data


def name_at(offset: int) -> bytes:
    """A pointer to the part of the question's name from `offset` on."""
    return (_POINTER + offset).to_bytes(2, "big")


def compose(
    query: Query,
    flags: int,
    answers: Iterable[bytes] = (),
    authority: Iterable[bytes] = (),
    *,
    error: int | None = None,
) -> bytes:
    """The answer: `flags` are AA, RA and the code; `error` is an extended one (RFC 8914)."""
    first, second = list(answers), list(authority)
    body = b"".join(first) + b"".join(second)
    return compose_body(query, flags, (len(first), len(second), 0), body, error=error)


def compose_body(
    query: Query, flags: int, counts: tuple[int, int, int], body: bytes, *, error: int | None = None
) -> bytes:
    """The answer with these octets behind the question; `counts` are of answers, authority and additional records."""
    opt = _opt(query, error)
    flags |= wire.QR | query.flags
    answer = b"".join(
        (
            query.id,
            _COUNTS.pack(flags, 1, counts[0], counts[1], counts[2] + bool(opt)),
            query.question,
            body,
            opt,
        )
    )
    if len(answer) <= query.limit:
        return answer
    # RFC 2181 section 9: what is in a truncated answer is not used, so nothing is.
    return query.id + _COUNTS.pack(flags | wire.TC, 1, 0, 0, bool(opt)) + query.question + opt


def _opt(query: Query, error: int | None) -> bytes:
    if query.edns is None:
        return b""
    plain = _OPT_DO if query.edns.do else _OPT
    if error is None:
        return plain
    option = b"".join(number.to_bytes(2, "big") for number in (wire.EDE_OPTION, 2, error))
    return plain[:-2] + len(option).to_bytes(2, "big") + option
