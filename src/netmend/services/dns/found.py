"""What a look-up says of a name."""

from collections.abc import Iterable
from enum import Enum, auto

from msgspec import Struct
from msgspec.structs import replace

from netmend.intent import DnsServer


class Nothing(Enum):
    """Reasons to have no record."""

    NODATA = auto()
    NXDOMAIN = auto()


class Found(Struct, frozen=True):
    """Data of the type in question for a name, of which the part from `apex` on is its zone, or why there are
    none. With `apex` None, the answer names no zone (so that no guest remembers the denial). It `lasts` until the
    network changes; else other networks were asked, which change by themselves."""

    data: tuple[bytes, ...] | Nothing
    apex: int | None
    authoritative: bool = True
    lasts: bool = True


class Elsewhere(Struct, frozen=True):
    """The name lies in a domain with servers of its own."""

    servers: tuple[DnsServer, ...]


def together(answers: Iterable[Found]) -> Found | None:
    """What several networks that share one zone say of a name: the data of all, else that some have the name; None
    where there are no answers."""
    result: Found | None = None
    for found in answers:
        if result is None or (isinstance(result.data, Nothing) and found.data is not Nothing.NXDOMAIN):
            result = found
        elif isinstance(result.data, tuple) and isinstance(found.data, tuple):
            result = replace(result, data=tuple(dict.fromkeys((*result.data, *found.data))))
    return None if result is None else replace(result, lasts=False)
