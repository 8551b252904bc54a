"""Waiting until something can be read."""

import math
import select


def readable(*descriptors: int, seconds: float | None = None) -> set[int]:
    """Those that can be read without waiting (poll(2)), once there are any; none when `seconds` are over.

    Not select(2): it knows the first 1,024 descriptors only, and a node of a hundred networks has more."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(None if seconds is None else math.ceil(seconds * 1000))}
