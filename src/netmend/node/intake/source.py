"""What the node asks of a source of intent: a file, a store, a control plane."""

import asyncio
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any, Final, Protocol

from netmend.ground.exhaustion import exhausted
from netmend.intent.network import Intent, OvsWiring
from netmend.node.intake.waiting import answering

_SOON: Final = 1.0  # seconds in which a source mostly has its first intent
_FOLLOW_AGAIN: Final = 5.0  # seconds after a source could not be followed, for want of descriptors, memory or threads


class ServerSilent(str):
    """A problem of intent that is none of this host: the control plane does not answer, and guests are served by what
    was last known."""


class RoutedMetadata(Protocol):
    """Metadata of guests behind the routers of another agent; the routers' proxies ask at a Unix socket."""

    @property
    def socket(self) -> Path: ...

    @property
    def mode(self) -> int: ...

    def find(
        self, network_id: str | None, router_id: str | None, address: IPv4Address | IPv6Address
    ) -> tuple[str, str] | None:
        """The ids of the instance and the project that have the address on a network, or on any network of a router;
        None: no instance has it, or more than one. Blocks; raises ConnectionError."""


class Source(Protocol):
    """Where a node's intent comes from. Intents share what did not change between them: the node compares by `is`.

    `netmend.node.intake` has one subclass for each kind of source.
    """

    @property
    def routed_metadata(self) -> RoutedMetadata | None:
        """None: the node leaves it to others."""
        return None

    def uses_switch(self, intent: Intent) -> bool:
        """Whether networks are wired by Open vSwitch: those of `intent`, or those that are still to come."""
        return any(isinstance(network.wiring, OvsWiring) for network in intent.networks.values())

    def first(self) -> Intent:
        """The intent to start with; raises SourceError. May block."""

    def why_waiting(self) -> str | None:
        """While `first` blocks: why, in a sentence; None where it does not know. Called in another thread."""
        return None

    async def follow(self, take: Callable[[Intent], None], problem: Callable[[str | None], None]) -> None:
        """Give newer intents to `take`, and to `problem` why one cannot be used, or None once no such one is left.

        Runs in the node's loop, and calls both there, until it is cancelled.
        """

    def reload(self) -> None:
        """Look again, now: the node got a SIGHUP. Called in the node's loop."""

    def status(self) -> dict[str, Any]:
        """What status says of the source, as JSON: `kind`, and what there is to know beside."""

    def faults(self) -> Sequence[str]:
        """What is wrong with the source on this host, in sentences. That its control plane does not answer is not."""
        return ()

    def served(self, network_id: str) -> None:
        """A network was found or made right, and is answered by the newest intent of it. Comes in any thread, often."""

    def gone(self, network_id: str) -> None:
        """Nothing is left of a network that intent has no more. Comes in any thread."""


async def first_intent(source: Source, path: Path) -> Intent:
    """The intent of `source` to start with; raises SourceError. While it takes its time, whoever asks for status at the
    socket `path` is told why."""
    first = asyncio.create_task(asyncio.to_thread(source.first))
    await asyncio.wait([first], timeout=_SOON)
    if not first.done():
        async with answering(path, source.why_waiting):
            await asyncio.wait([first])
    return first.result()


async def follow_on(source: Source, take: Callable[[Intent], None], problem: Callable[[str | None], None]) -> None:
    """Follow `source`; begin again where that ends because a limit of the process or the host is reached."""
    while True:
        try:
            return await source.follow(take, problem)
        except Exception as error:
            if (limit := exhausted(error)) is None:
                raise
            problem(f"the source cannot be followed: {limit}")
            await asyncio.sleep(_FOLLOW_AGAIN)
            source.reload()
