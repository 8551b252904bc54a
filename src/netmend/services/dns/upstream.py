"""Questions to servers, and the check that a datagram is the answer to one.

A question carries what a forger must guess: a random id, and random case in its name
(draft-vixie-dnsext-dns0x20), beside the source port that the socket has. Answers are read by a walk over the records
that trusts nothing: any octets, no exception. dnspython is asked only to move records, where an OPT record is not last.
"""

from collections.abc import Callable
from enum import Enum, auto

import dns.message
from msgspec import Struct

from netmend.services.dns import wire
from netmend.services.dns.cache import NEGATIVE_TTL_MAX, TTL_MAX, Entry
from netmend.services.dns.names import BadName, skip_name
from netmend.services.dns.private import PrivateAddresses
from netmend.services.dns.query import Query

RECORDS_MAX = 1000  # of an answer; one of 64 KiB has at most some 5,000
_OPT = b"\0\0\x29" + wire.EDNS_SIZE.to_bytes(2, "big")


class Asked(Struct, frozen=True):
    """A question as it was sent; `question` keeps upper and lower case."""

    message: bytes
    question: bytes
    edns: bool


class Verdict(Enum):
    """The meaning of a datagram from the server that was asked."""

    NOT_OURS = auto()  # another id or question: a late answer, or a forged one
    OTHER_CASE = auto()  # a server that does not repeat the name as it was, or a forger with the rest guessed right
    TRUNCATED = auto()
    NO_EDNS = auto()  # the server does not know EDNS: ask without
    USELESS = auto()  # it failed, or refuses, or what it says makes no sense: ask another
    GOOD = auto()


def ask(query: Query, entropy: Callable[[int], bytes], *, edns: bool = True) -> Asked:
    """A new question for a server; `entropy` gives so many random octets."""
    name_size = len(query.name)
    noise = entropy(2 + (name_size + 7) // 8)
    bits = int.from_bytes(noise[2:], "big")
    name = bytearray(query.name)
    for at, octet in enumerate(name):
        if 0x61 <= octet <= 0x7A and bits >> at & 1:
            name[at] = octet - 0x20
    question = bytes(name) + query.question[-wire.QUESTION_TAIL :]
    flags = wire.RD | (query.flags & wire.CD)
    head = noise[:2] + flags.to_bytes(2, "big") + b"\0\1\0\0\0\0"
    if not edns:
        return Asked(head + b"\0\0" + question, question, False)
    do = query.edns is not None and query.edns.do
    return Asked(head + b"\0\1" + question + _OPT + (b"\0\0\x80\0\0\0" if do else bytes(6)), question, True)


def judge(asked: Asked, answer: bytes) -> Verdict:
    """Whether `answer` is one to `asked`, and of use."""
    question, size = asked.question, len(asked.question)
    if len(answer) < wire.HEADER_SIZE or answer[:2] != asked.message[:2]:
        return Verdict.NOT_OURS
    flags = answer[2] << 8 | answer[3]
    if not flags & wire.QR or flags & wire.OPCODE:
        return Verdict.NOT_OURS
    rcode = flags & wire.RCODE
    if answer[4:6] == b"\0\0" and rcode != wire.NOERROR:  # errors may come without the question
        return Verdict.NO_EDNS if asked.edns and rcode in (wire.FORMERR, wire.NOTIMP) else Verdict.USELESS
    if answer[4:6] != b"\0\1":
        return Verdict.NOT_OURS
    said = answer[wire.HEADER_SIZE : wire.HEADER_SIZE + size]
    if said != question:
        return Verdict.OTHER_CASE if said.lower() == question.lower() else Verdict.NOT_OURS
    if flags & wire.TC:
        return Verdict.TRUNCATED
    if rcode in (wire.NOERROR, wire.NXDOMAIN):
        return Verdict.GOOD
    if asked.edns and rcode in (wire.FORMERR, wire.NOTIMP):
        return Verdict.NO_EDNS
    return Verdict.USELESS


def read_answer(asked: Asked, answer: bytes, private: PrivateAddresses | None, now: float) -> Entry | None:
    """A GOOD answer as an entry; None when its records make no sense. With `private`, one that gives such an address is
    replaced by a refusal."""
    try:
        return _read(asked, answer, private, now)
    except _OptInside:
        moved = _with_opt_last(answer)
        try:
            return None if moved is None or not _same_question(asked, moved) else _read(asked, moved, private, now)
        except (BadName, _OptInside):
            return None
    except BadName:
        return None


class _OptInside(Exception):
    """The OPT record has records behind it."""


def _read(asked: Asked, answer: bytes, private: PrivateAddresses | None, now: float) -> Entry:
    start = wire.HEADER_SIZE + len(asked.question)
    counts = [answer[at] << 8 | answer[at + 1] for at in (6, 8, 10)]
    if sum(counts) > RECORDS_MAX:
        raise BadName("too many records")
    rcode = answer[3] & wire.RCODE
    at, end = start, len(answer)
    ttls: list[int] = []
    ttl = TTL_MAX
    soa_ttl: int | None = None
    soa_at = 0
    for section, count in enumerate(counts):
        for number in range(count):
            name_at = at
            at = skip_name(answer, at)
            if at + 10 > len(answer):
                raise BadName("cut off")
            rdtype = answer[at] << 8 | answer[at + 1]
            data_at = at + 10
            after = data_at + (answer[at + 8] << 8 | answer[at + 9])
            if after > len(answer):
                raise BadName("cut off")
            if rdtype == wire.OPT:
                if section != 2 or answer[name_at]:
                    raise BadName("an OPT record where none belongs")
                if number != count - 1:
                    raise _OptInside
                if answer[at + 4]:  # the upper bits of an extended code, which no plain answer has
                    raise BadName("an extended error")
                end, counts[2] = name_at, count - 1
            else:
                value = int.from_bytes(answer[at + 4 : at + 8], "big")
                value = 0 if value >> 31 else value  # RFC 2181 section 8
                ttl = min(ttl, value)
                ttls.append(at + 4 - start)
                if private is not None and private.given_by(rdtype, answer[data_at:after]):
                    return Entry(wire.REFUSED, (0, 0, 0), b"", (), max(1, ttl), now, wire.EDE_BLOCKED)
                if rdtype == wire.SOA and section == 1 and after - data_at >= 22:
                    soa_ttl, soa_at = min(value, int.from_bytes(answer[after - 4 : after], "big")), at + 4
            at = after
    if at != len(answer):
        raise BadName("octets behind the end")
    body = bytearray(answer[start:end])
    for place in ttls:
        if body[place] & 0x80:
            body[place : place + 4] = bytes(4)
    if soa_ttl is not None:  # RFC 2308 section 5; also behind aliases that lead nowhere
        ttl = min(ttl, soa_ttl, NEGATIVE_TTL_MAX)
        body[soa_at - start : soa_at - start + 4] = ttl.to_bytes(4, "big")
    elif rcode == wire.NXDOMAIN or not counts[0]:
        ttl = 0
    return Entry(rcode, (counts[0], counts[1], counts[2]), bytes(body), tuple(ttls), ttl, now)


def _same_question(asked: Asked, answer: bytes) -> bool:
    return answer[wire.HEADER_SIZE :].startswith(asked.question)


def _with_opt_last(answer: bytes) -> bytes | None:
    try:
        message = dns.message.from_wire(answer)
        message.use_edns(False)
        return message.to_wire(want_shuffle=False)
    except Exception:  # what dnspython raises for octets that are no message is many
        return None
