"""Waits for devices that the switch makes, without looking at all the others again and again."""

import time
from collections.abc import Iterable
from typing import Final

from netmend.kernel.descriptors import readable
from netmend.kernel.watch import LinkChanged, LinkWatch

_PATIENCE: Final = 1.0  # seconds without any of them


class AwaitedDevices:
    """Watches, while entered, for devices that appear on the host. Raises KernelError."""

    def __init__(self) -> None:
        self._watch = LinkWatch()

    def __enter__(self) -> "AwaitedDevices":
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.close()

    def wait(self, names: Iterable[str]) -> None:
        """Return once each of these devices has appeared since this object was made, or none has for a second."""
        missing = set(names)
        deadline = time.monotonic() + _PATIENCE
        while missing and (left := deadline - time.monotonic()) > 0:
            readable(self._watch.fileno(), seconds=left)
            for event in self._watch.read():
                if event is None:
                    return  # the kernel dropped some: the caller looks again anyway
                if isinstance(event, LinkChanged) and event.netnsid is None and event.name in missing:
                    missing.discard(event.name)
                    deadline = time.monotonic() + _PATIENCE
