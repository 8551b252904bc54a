"""One query, parsed; or the answer that it gets for its form alone. Total: any octets, no exception."""

from typing import NamedTuple

from msgspec import Struct

from netmend.services.dns import wire
from netmend.services.dns.names import BadName, end_of_name, skip_name

_EMPTY_COUNTS = bytes(8)


class Edns(NamedTuple):
    """The contents of a query's OPT record (RFC 6891 section 6.1): `size` in octets."""

    size: int
    do: bool


class Query(Struct, frozen=True):
    """A question and how it was put. `question` is as sent, name, type and class; `name` is in lower case."""

    id: bytes
    flags: int  # RD and CD
    question: bytes
    name: bytes
    type: int
    rdclass: int
    edns: Edns | None
    tcp: bool

    @property
    def limit(self) -> int:
        """Octets that an answer may have."""
        if self.tcp:
            return wire.MESSAGE_MAX
        if self.edns is None:
            return wire.PLAIN_SIZE
        return min(max(self.edns.size, wire.PLAIN_SIZE), wire.EDNS_SIZE)

    @property
    def key(self) -> tuple[bytes, int, int]:
        """The key of kept answers: name, type, and whether DNSSEC's records, or unchecked ones, are asked for."""
        do = self.edns is not None and self.edns.do
        return self.name, self.type, (self.flags & wire.CD) | do


class Malformed(Struct, frozen=True):
    """A message that is answered with an error for its form, or, when `answer` is None, with silence."""

    answer: bytes | None


_SILENCE = Malformed(None)


def _error(message: bytes, rcode: int) -> Malformed:
    """An error without a question in it: what could not be read is not repeated."""
    flags = wire.QR | (message[2] << 8 & (wire.OPCODE | wire.RD)) | rcode
    return Malformed(message[:2] + flags.to_bytes(2, "big") + _EMPTY_COUNTS)


def parse_query(message: bytes, *, tcp: bool = False) -> Query | Malformed:
    """A query for one name.

    Silence for what is too short to have a header and for answers (an answer to one could go on for ever); NOTIMP for
    operations other than QUERY; FORMERR for any number of questions but one (RFC 9619), for records where none belong,
    for a name that is none or compressed, for two OPT records (RFC 6891 section 6.1.1) and for octets behind the end.
    """
    if len(message) < wire.HEADER_SIZE:
        return _SILENCE
    flags = message[2] << 8 | message[3]
    if flags & wire.QR:
        return _SILENCE
    if flags & wire.OPCODE:
        return _error(message, wire.NOTIMP)
    if message[4:10] != b"\0\1\0\0\0\0":
        return _error(message, wire.FORMERR)
    additional = message[10] << 8 | message[11]
    try:
        end = end_of_name(message, wire.HEADER_SIZE)
        if end + wire.QUESTION_TAIL > len(message):
            raise BadName("cut off")
        edns, version = _read_additional(message, end + wire.QUESTION_TAIL, additional)
    except BadName:
        return _error(message, wire.FORMERR)
    question = message[wire.HEADER_SIZE : end + wire.QUESTION_TAIL]
    query = Query(
        message[:2],
        flags & (wire.RD | wire.CD),
        question,
        question[: -wire.QUESTION_TAIL].lower(),
        question[-4] << 8 | question[-3],
        question[-2] << 8 | question[-1],
        edns,
        tcp,
    )
    if version:
        return Malformed(_bad_version(query))
    return query


def _read_additional(message: bytes, at: int, count: int) -> tuple[Edns | None, int]:
    """The OPT record among `count` records, and the version that it is of; raises BadName when they are malformed."""
    edns: Edns | None = None
    version = 0
    for _ in range(count):  # each takes octets, so this ends with the message
        start = at
        at = skip_name(message, at)
        if at + 10 > len(message):
            raise BadName("cut off")
        rdtype = message[at] << 8 | message[at + 1]
        if rdtype == wire.OPT:
            if edns is not None or message[start]:
                raise BadName("a second OPT record, or one with a name")
            do = bool(message[at + 6] << 8 & wire.DO)
            edns, version = Edns(message[at + 2] << 8 | message[at + 3], do), message[at + 5]
            _check_options(message, at + 10, message[at + 8] << 8 | message[at + 9])
        at += 10 + (message[at + 8] << 8 | message[at + 9])
    if at != len(message):
        raise BadName("octets behind the end, or cut off")
    return edns, version


def _check_options(message: bytes, at: int, size: int) -> None:
    end = at + size
    if end > len(message):
        raise BadName("cut off")
    while at < end:
        if at + 4 > end:
            raise BadName("an option without its length")
        at += 4 + (message[at + 2] << 8 | message[at + 3])
    if at != end:
        raise BadName("an option that is longer than its record")


def _bad_version(query: Query) -> bytes:
    """RFC 6891 section 6.1.3: tell the version that is spoken."""
    flags = wire.QR | query.flags | (wire.BADVERS & wire.RCODE)
    opt = b"\0\0\x29" + wire.EDNS_SIZE.to_bytes(2, "big") + bytes((wire.BADVERS >> 4, 0, 0, 0, 0, 0))
    return query.id + flags.to_bytes(2, "big") + b"\0\1\0\0\0\0\0\1" + query.question + opt
