"""File descriptors of this process: how many it may have open, and waiting until one can be read."""

import math
import resource
import select


def raise_open_files() -> int:
    """Raise the soft limit of open files to the hard one (getrlimit(2)); returns the limit now in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def readable(*descriptors: int, seconds: float | None = None) -> set[int]:
    """Wait until any of the descriptors can be read, and return those that can (poll(2)); none once `seconds` are over.

    Not select(2): it knows the first 1,024 descriptors only, and a node of a hundred networks has more.
    """
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(None if seconds is None else math.ceil(seconds * 1000))}
