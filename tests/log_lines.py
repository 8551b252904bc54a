"""Lines of the log that a block writes, before they are rendered."""

from collections.abc import Iterator
from contextlib import contextmanager

from netmend.ground import log
from netmend.ground.log import Line


@contextmanager
def captured() -> Iterator[list[Line]]:
    """The lines that are logged in the block, in order; none goes elsewhere."""
    before = log._write, log._render, log._now
    lines: list[Line] = []

    def keep(line: Line) -> str:
        lines.append(line)
        return ""

    log.configure(lambda _: None, keep)
    try:
        yield lines
    finally:
        log.configure(*before)
