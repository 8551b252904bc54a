"""What every place where a scenario can happen offers."""

from __future__ import annotations

from typing import Protocol


class Refused(Exception):
    """The engine does not start the container; the text is what it says."""


class EngineMissing(Exception):
    """This machine lacks something the engine needs; the text says what, in one sentence."""


class World(Protocol):
    """A host with containers, as a scenario describes it, for as long as the scenario runs.

    ``where`` is a container's name or ``host``. Steps raise OSError with the errno that the program met.
    """

    def start(self, name: str) -> None:
        """Start a container that is not running, making it first where needed. Raises Refused."""

    def stop(self, name: str) -> None: ...
    def restart(self, name: str) -> None:
        """Raises Refused."""

    def remove(self, name: str) -> None: ...
    def running(self) -> list[str]:
        """Names of running containers, in the order of the scenario."""

    def add(self, where: str, netns: str) -> None:
        """``ip netns add``."""

    def delete(self, where: str, netns: str) -> None:
        """``ip netns delete``."""

    def pin(self, where: str, path: str) -> None:
        """Make a namespace and mount it on a new file, as engines do, without mounting its directory on itself."""

    def probe(self, where: str, path: str) -> str:
        """``ok``, ``einval`` (a file that is no namespace), ``absent``; ``eperm`` where nobody may enter one."""

    def unlink(self, where: str, path: str) -> None: ...
    def mount(self, where: str, source: str | None, path: str, *, recursive: bool) -> None:
        """A bind mount; a tmpfs where there is no source."""

    def umount(self, where: str, path: str, *, lazy: bool) -> None: ...
    def make(self, where: str, path: str, propagation: str) -> None:
        """``mount --make-WORD``."""
