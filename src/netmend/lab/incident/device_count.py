"""How many devices there are on a host at any instant: each change that the kernel tells of, and each look at all."""

from __future__ import annotations

import time

from netmend.kernel import links
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.watch import LinkChanged, LinkWatch

Change = tuple[float, int]
"""When (`time.monotonic`), and how many devices from then on."""


class DeviceCount:
    """Counts the devices of the calling process's network namespace, but for those that are there at the beginning."""

    def __init__(self) -> None:
        """Raises KernelError."""
        self._watch = LinkWatch()
        with RouteSocket() as route:
            self._ignored = {link.index for link in links.dump_links(route)}
        self._alive: set[int] = set()
        self._known: set[int] = set()
        self._changes: list[Change] = [(time.monotonic(), 0)]
        self.lost = False
        """Whether the kernel dropped events, so that an instant may have gone unseen."""

    def fileno(self) -> int:
        return self._watch.fileno()

    def hear(self) -> None:
        """Take what was told since, in order."""
        heard = True
        while heard:
            heard = False
            for event in self._watch.read():
                heard = True
                if event is None:
                    self.lost = True
                elif isinstance(event, LinkChanged) and event.netnsid is None:
                    self._hear(event)

    def _hear(self, event: LinkChanged) -> None:
        if event.link.index in self._ignored:
            return
        (self._alive.discard if event.gone else self._alive.add)(event.link.index)
        self._note()

    def _note(self) -> None:
        if self._changes[-1][1] != len(self._alive):
            self._changes.append((time.monotonic(), len(self._alive)))

    def look(self) -> int:
        """How many there are now, by events and then by a look at them all."""
        self.hear()
        with RouteSocket() as route:
            self._alive = {link.index for link in links.dump_links(route)} - self._ignored
        self._note()
        return len(self._alive)

    def new(self) -> int:
        """How many of those there now appeared since the last call."""
        appeared = self._alive - self._known
        self._known = set(self._alive)
        return len(appeared)

    def take(self) -> list[Change]:
        """The changes since the last call; the first repeats the last of those before."""
        changes, self._changes = self._changes, self._changes[-1:]
        return changes
