"""Options as code, length, value: RFC 8415 section 21.1."""

from collections.abc import Iterator
from struct import Struct

_HEAD = Struct("!HH")


def encode(code: int, payload: bytes) -> bytes:
    return _HEAD.pack(code, len(payload)) + payload


def walk(data: bytes, at: int = 0) -> Iterator[tuple[int, bytes]]:
    """Code and value of each option of data[at:]. Raises ValueError at one that runs over the end."""
    size, unpack = len(data), _HEAD.unpack_from
    while at < size:
        if at + 4 > size:
            raise ValueError("an option without a length")
        code, length = unpack(data, at)
        at += 4
        if at + length > size:
            raise ValueError("an option runs over the end")
        yield code, data[at : at + length]
        at += length
