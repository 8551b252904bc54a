"""Domain names in wire form (RFC 1035 section 3.1), the way the core handles them: octets, in lower case.

Octets of lengths are below 64 and letters above, so a whole name is put in lower case at once. `prefix` means labels
without the root's empty one: `web` is `\\x03web`, and a name is prefix and zone joined.
"""

from functools import lru_cache

import dns.exception
import dns.name

from netmend.services.dns import wire

ROOT = b"\0"


class BadName(ValueError):
    """Octets that are no name."""


@lru_cache(maxsize=4096)
def from_text(text: str) -> bytes:
    """The absolute name that `text` means, in lower case; raises ValueError when there is none such."""
    try:
        return dns.name.from_text(text.lower()).to_wire() or ROOT
    except dns.exception.DNSException as error:
        raise BadName(f"{text!r} is no domain name: {error}") from None


def prefix(text: str) -> bytes:
    """`from_text` without the root's label."""
    return from_text(text)[:-1]


def end_of_name(message: bytes, at: int) -> int:
    """The end of the name, without pointers, that starts at `at`; raises BadName."""
    start, size = at, len(message)
    while at < size:
        length = message[at]
        at += 1
        if length == 0:
            if at - start > wire.NAME_MAX:
                raise BadName("longer than 255 octets")
            return at
        if length > wire.LABEL_MAX:
            raise BadName("a pointer, or a label of an unknown kind")
        at += length
    raise BadName("cut off")


def skip_name(message: bytes, at: int) -> int:
    """The end of a name, which may be a pointer (RFC 1035 section 4.1.4), not followed; raises BadName."""
    start, size = at, len(message)
    while at < size:
        length = message[at]
        if length >= 0xC0:
            if at + 2 > size or ((length & 0x3F) << 8 | message[at + 1]) >= start:
                raise BadName("a pointer that does not point back")
            return at + 2
        at += 1
        if length == 0:
            if at - start > wire.NAME_MAX:
                raise BadName("longer than 255 octets")
            return at
        if length > wire.LABEL_MAX:
            raise BadName("a label of an unknown kind")
        at += length
    raise BadName("cut off")


def offsets(name: bytes) -> list[int]:
    """The start of each label of a name, the root's last."""
    found, at = [0], 0
    while name[at]:
        at += name[at] + 1
        found.append(at)
    return found
